"""Phase 7: log ``export.issued``, have it stamped, write the receipt, release the files.

Run again after a kill it goes on with the same ZIP: what was logged is what is released.
"""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from django.db import transaction

from evidence import custody
from evidence.actions import workspace
from evidence.actions.export_steps.pack import zip_name
from evidence.actions.request_export import export_request
from evidence.actions.stamp_log import stamp_log
from evidence.archive.blobs import receive_blob, store_blob
from evidence.errors import LogRefused, SelfVerificationFailed
from evidence.formats import receipt
from evidence.formats.bundle import read_zip
from evidence.formats.receipt import IssuedFile
from evidence.models import Artifact, Blob, Export, Job
from evidence.values import Subject


def run(job: Job, at: datetime) -> None:
    """Issue ``job``'s bundle once. Raises StampUnavailable when the issue cannot be stamped: the
    job then fails, and no receipt and no file is released."""
    export = job.export
    folder = workspace.folder(export)
    zip_path = folder / zip_name(export)
    pdf_paths = sorted((folder / "bag" / "data").glob("evidence*.pdf"))
    with ThreadPoolExecutor(1, "hashing") as pool, zip_path.open("rb") as file:
        hashed = [pool.submit(_issued, path, f"data/{path.name}") for path in pdf_paths]
        # Hashed and sealed for the store in one reading; kept once it is logged and stamped.
        with receive_blob(export.organisation, file) as received:
            zip_file = IssuedFile(zip_path.name, received.size, received.sha256)
            _require_packed(folder, zip_file)
            pdfs = tuple(one.result() for one in hashed)
            _log(export, zip_file, pdfs, at)
            custody.sequence_pending()
            _require_same(export, zip_file)
            data = _receipt(export, zip_file, pdfs, folder, at)
            receipt_path = folder / f"{zip_path.name}.receipt.json"
            workspace.write(receipt_path, data)
            begins = {one.name: one.offset for one in read_zip(file, zip_file.size)}
            _release(export, received.keep(at), zip_file, receipt_path, pdfs, begins, at)


def _issued(path: Path, name: str) -> IssuedFile:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return IssuedFile(name, path.stat().st_size, digest.digest())


def _log(export: Export, zip_file: IssuedFile, pdfs: tuple[IssuedFile, ...], at: datetime) -> None:
    options, actor = export_request(export)
    with transaction.atomic():
        custody.append(
            event_id=f"export.issued:{export.public_id}",
            event="export.issued",
            actor=actor,
            subjects=[
                Subject("bundle", export.public_id),
                Subject("matter", export.matter.public_id),
                *(
                    Subject("series", one.public_id)
                    for one in export.selection.series.order_by("pk")
                ),
            ],
            details=receipt.issued_details(zip_file, pdfs),
            purpose=options.purpose or None,
            authority=options.authority or None,
            at=at,
        )


def _require_packed(folder: Path, zip_file: IssuedFile) -> None:
    """Refuse a ZIP whose bytes changed since it was packed; what was packed is what was checked."""
    packed = workspace.read_json(folder / "state.json").get("packed")
    if packed is not None and packed != zip_file.sha256.hex():
        raise SelfVerificationFailed("the ZIP changed after it was packed", where="zip")


def _require_same(export: Export, zip_file: IssuedFile) -> None:
    entry = custody.entry_of_event(f"export.issued:{export.public_id}").entry
    logged = entry.details["zip"]
    if not isinstance(logged, dict) or logged["sha256"] != zip_file.sha256.hex():
        raise SelfVerificationFailed("another ZIP was logged as issued", where="zip")


def _receipt(
    export: Export,
    zip_file: IssuedFile,
    pdfs: tuple[IssuedFile, ...],
    folder: Path,
    at: datetime,
) -> bytes:
    checkpoint, stamp = stamp_log(at)
    state = workspace.read_json(folder / "state.json")
    prepared = state["checkpoint"]["size"]
    logged = custody.entry_of_event(f"export.issued:{export.public_id}")
    if state["origin"] != logged.entry.log or logged.epoch != checkpoint.epoch:
        raise LogRefused("prepared in a former log", code="log_recovered")
    return receipt.dumps(
        receipt.Receipt(
            bundle=export.public_id,
            zip=zip_file,
            pdfs=pdfs,
            entry=logged.entry,
            salt=logged.salt,
            inclusion=tuple(custody.inclusion(logged.place, checkpoint.size)),
            consistency=tuple(custody.consistency(prepared, checkpoint.size)),
            checkpoint=bytes(checkpoint.note),
            token=bytes(stamp.token),
            certificates=tuple(base64.b64decode(one) for one in stamp.certificates),
            crls=tuple(base64.b64decode(one) for one in stamp.crls),
        )
    )


def _release(
    export: Export,
    whole: Blob,
    zip_file: IssuedFile,
    receipt_path: Path,
    pdfs: tuple[IssuedFile, ...],
    begins: dict[str, int],
    at: datetime,
) -> None:
    """Release the files for download. ``begins``: where each member's bytes begin in the ZIP.

    The PDFs are stored as what they are, members of the ZIP, and handed out from there.
    """
    receipt_file = _issued(receipt_path, receipt_path.name)
    with receipt_path.open("rb") as file:
        beside = store_blob(export.organisation, file, at=at, sha256=receipt_file.sha256)
    stored = [
        (Artifact.Kind.ZIP, zip_file, whole, 0),
        (Artifact.Kind.RECEIPT, receipt_file, beside, 0),
        *((Artifact.Kind.PDF, pdf, whole, begins[pdf.path]) for pdf in pdfs),
    ]
    with transaction.atomic():
        for kind, facts, blob, begin in stored:
            Artifact.objects.update_or_create(
                export=export,
                name=Path(facts.path).name,
                defaults={
                    "kind": kind,
                    "size": facts.size,
                    "sha256": facts.sha256,
                    "blob": blob,
                    "begins": begin,
                },
            )
        export.issued_at = at
        export.zip_sha256 = zip_file.sha256
        export.save(update_fields=["issued_at", "zip_sha256"])
