"""Make the formats of review platforms from issued bundles, and keep them beside the bundle.

Only the bundle is read, as anyone who holds it could do (``manage.py convert``), so nothing that it
withholds can come in. The sealed format is not touched: what is made has a hash of its own and
stands in no receipt.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import file_digest
from io import BufferedRandom
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db.models import F

from evidence.actions.deliver import released
from evidence.archive.blobs import open_blob, store_blob
from evidence.errors import Corrupt, EvidenceError, InvalidSelection, StorageFailed
from evidence.exchange import FORMATS, convert, from_bundle
from evidence.models import Artifact, Conversion, Export

logger = logging.getLogger(__name__)

ALONE = {"case": "jsonld", "csv": "csv"}
"""Formats that are one file; the others are many and handed out as a ZIP."""
MOST_ATTEMPTS = 3
CLAIM = timedelta(minutes=15)
_EPOCH = (1980, 1, 1, 0, 0, 0)


def request_conversion(*, export: Export, format: str, at: datetime, zone: str = "") -> Conversion:
    """Return the conversion of ``export`` into ``format``, asked for now if it was not before.

    zone: IANA zone, "" for the default. One that failed is tried again. Raises InvalidSelection for a
    format or zone that is not offered. The caller has checked access.
    """
    if format not in FORMATS:
        raise InvalidSelection(f"not a format: {format!r}", code="invalid_option")
    if zone and not _is_zone(zone):
        raise InvalidSelection(f"not a zone: {zone!r}", code="unknown_timezone")
    asked, _made = Conversion.objects.get_or_create(
        export=export, format=format, zone=zone, defaults={"free_at": at, "created_at": at}
    )
    if asked.state == Conversion.State.FAILED:
        asked.state, asked.error_code, asked.attempts, asked.free_at = "waiting", "", 0, at
        asked.save(update_fields=["state", "error_code", "attempts", "free_at"])
    return asked


def request_conversions(*, export: Export, formats: Sequence[str], at: datetime) -> None:
    """Ask for several formats; they are made once the bundle is issued."""
    for format in formats:
        request_conversion(export=export, format=format, at=at)


def waiting_conversions(at: datetime) -> list[int]:
    """Return the conversions of issued bundles that nobody works on, oldest first."""
    waiting = Conversion.objects.filter(
        state=Conversion.State.WAITING, export__issued_at__isnull=False, free_at__lte=at
    )
    return list(waiting.order_by("pk").values_list("pk", flat=True))


def make_conversion(conversion_id: int, at: datetime) -> bool:
    """Make one conversion that waits; return whether this call ended it.

    Expected trouble ends it as ``failed`` with the error's code; the bundle is not affected. What a
    killed worker left is made again, three times at most.
    """
    waiting = Conversion.objects.filter(pk=conversion_id, state=Conversion.State.WAITING)
    if not waiting.filter(free_at__lte=at).update(free_at=at + CLAIM, attempts=F("attempts") + 1):
        return False
    asked = Conversion.objects.select_related("export__organisation").get(pk=conversion_id)
    if asked.attempts > MOST_ATTEMPTS:
        waiting.update(state=Conversion.State.FAILED, error_code="server_error")
        return True
    try:
        _make(asked, at)
    except EvidenceError as error:
        logger.warning("%s of %s failed: %s", asked.format, asked.export.public_id, error.code)
        waiting.update(state=Conversion.State.FAILED, error_code=error.code)
    return True


def _make(asked: Conversion, at: datetime) -> None:
    root = Path(settings.TRUETHREAD_VAR_DIR) / "uploads"
    try:
        with tempfile.TemporaryDirectory(prefix="convert-", dir=root) as name:
            folder = Path(name)
            with (folder / "bundle.zip").open("w+b") as bundle:
                _copy_bundle(asked.export, bundle)
                exchange = from_bundle(bundle, pages=asked.format == "dat")
            convert(exchange, asked.format, folder / "out", zone=asked.zone or None)
            file = _one_file(folder / "out", folder / "out.zip", asked.format)
            with file.open("rb") as stream:
                digest, size = file_digest(stream, "sha256").digest(), stream.tell()
                stream.seek(0)
                blob = store_blob(asked.export.organisation, stream, at=at)
    except OSError as error:
        raise StorageFailed(str(error)) from error
    Conversion.objects.filter(pk=asked.pk, state=Conversion.State.WAITING).update(
        state=Conversion.State.READY, name=_name(asked), size=size, sha256=digest, blob=blob
    )


def _copy_bundle(export: Export, target: BufferedRandom) -> None:
    """Copy the issued ZIP out of the store; Corrupt when it is not the one that was issued."""
    artifact = next(one for one in released(export) if one.kind == Artifact.Kind.ZIP)
    with open_blob(artifact.blob) as source:
        shutil.copyfileobj(source, target, 1 << 20)
    target.seek(0)
    if file_digest(target, "sha256").digest() != bytes(artifact.sha256):
        raise Corrupt("the stored bundle is not the issued one")


def _one_file(folder: Path, archive: Path, format: str) -> Path:
    """Return the only file of ``folder``, or all of them as one ZIP, sorted and dated 1980."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if format in ALONE:
        return files[0]
    with zipfile.ZipFile(archive, "w") as target:
        for path in files:
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with path.open("rb") as source, target.open(info, "w", force_zip64=True) as member:
                shutil.copyfileobj(source, member, 1 << 20)
    return archive


def _name(asked: Conversion) -> str:
    zone = f".{asked.zone.replace('/', '-')}" if asked.zone else ""
    end = ALONE.get(asked.format, "zip")
    kind = "" if asked.format == "csv" else f".{asked.format}"
    return f"truethread-{asked.export.public_id}{kind}{zone}.{end}"


def _is_zone(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        return False
    return True
