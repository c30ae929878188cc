"""Hand a released bundle over: to a folder on this host, or as a stream to a person."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction

from evidence import custody
from evidence.actions.request_export import selection_parts
from evidence.archive.blobs import open_artifact, open_blob
from evidence.errors import NotFound, StorageFailed
from evidence.models import Artifact, Conversion, Export
from evidence.values import Actor, Subject


def deliver(*, export: Export, folder: Path, actor: Actor, at: datetime) -> dict[str, Any]:
    """Copy ZIP and receipt of an issued export into ``folder`` and return what was delivered.

    Each file is whole or absent. Raises StorageFailed when the folder cannot be written; the
    bundle stays issued, and the same request delivers it again.
    """
    paths = {}
    for artifact in released(export):
        if artifact.kind == Artifact.Kind.PDF:
            continue
        paths[artifact.kind] = folder / artifact.name
        _copy(artifact, paths[artifact.kind])
    log_download(export=export, names=[path.name for path in paths.values()], actor=actor, at=at)
    return described(export) | {
        "zip": str(paths[Artifact.Kind.ZIP]),
        "receipt": str(paths[Artifact.Kind.RECEIPT]),
    }


def described(export: Export) -> dict[str, Any]:
    """Return the facts of an issued export, as command line and API give them."""
    parts = selection_parts(export.selection)
    return {
        "bundle": export.public_id,
        "sha256": bytes(export.zip_sha256 or b"").hex(),
        "issued": export.issued_at.isoformat().replace("+00:00", "Z") if export.issued_at else None,
        "messages": export.selection.disclosed_count,
        "of": export.selection.row_count,
        "contiguous": export.selection.gap_count == 0,
        "gaps": export.selection.gap_count,
        "withheld": sum(len(part["withheld"]) for part in parts),
        "artifacts": [
            {
                "name": artifact.name,
                "kind": artifact.kind,
                "size": artifact.size,
                "sha256": bytes(artifact.sha256).hex(),
            }
            for artifact in released(export)
        ],
    }


def released(export: Export) -> list[Artifact]:
    """Return the released files: ZIP, receipt, PDFs. Empty until the bundle is issued."""
    if export.issued_at is None:
        return []
    order = {kind: place for place, kind in enumerate(("zip", "receipt", "pdf"))}
    found = export.artifacts.select_related("blob__organisation")
    return sorted(found, key=lambda artifact: (order[artifact.kind], artifact.name))


@contextmanager
def download(*, artifact: Artifact, actor: Actor, at: datetime) -> Iterator[BinaryIO]:
    """Log that ``actor`` takes ``artifact`` and open it. The caller has checked access."""
    log_download(export=artifact.export, names=[artifact.name], actor=actor, at=at)
    with open_artifact(artifact) as stream:
        yield stream


@contextmanager
def download_conversion(
    *, conversion: Conversion, actor: Actor, at: datetime
) -> Iterator[BinaryIO]:
    """Log that ``actor`` takes a file made from the bundle, and open it. The caller has checked
    access. Raises NotFound while it is not made."""
    if conversion.blob is None:
        raise NotFound("not made yet")
    log_download(export=conversion.export, names=[conversion.name], actor=actor, at=at)
    with open_blob(conversion.blob) as stream:
        yield stream


def log_download(*, export: Export, names: list[str], actor: Actor, at: datetime) -> None:
    """Log that ``actor`` got the files ``names`` of ``export``, and mark it handed over."""
    with transaction.atomic():
        if export.delivered_at is None:
            export.delivered_at = at
            export.save(update_fields=["delivered_at"])
        custody.append(
            event_id=f"bundle.downloaded:{export.public_id}:{secrets.token_hex(4)}",
            event="bundle.downloaded",
            actor=actor,
            subjects=[
                Subject("bundle", export.public_id),
                Subject("matter", export.matter.public_id),
            ],
            details={"files": list(names)},
            at=at,
        )
    custody.sequence_pending()


def _copy(artifact: Artifact, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_artifact(artifact) as source, temporary.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFailed(str(error)) from error
