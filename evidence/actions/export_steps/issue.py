"""Phase 7: log ``export.issued``, have it stamped, write the receipt, release the files.

Run again after a kill it goes on with the same ZIP: what was logged is what is released.
"""

from __future__ import annotations

import base64
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from django.db import transaction

from evidence import custody
from evidence.actions import workspace
from evidence.actions.export_steps.pack import zip_name
from evidence.actions.request_export import export_request
from evidence.actions.stamp_log import stamp_log
from evidence.archive.blobs import store_blob
from evidence.errors import LogRefused, SelfVerificationFailed
from evidence.formats import receipt
from evidence.formats.receipt import IssuedFile
from evidence.models import Artifact, Export, Job
from evidence.values import Subject


def run(job: Job, at: datetime) -> None:
    """Issue ``job``'s bundle once. Raises StampUnavailable when the issue cannot be stamped: the
    job then fails, and no receipt and no file is released."""
    export = job.export
    folder = workspace.folder(export)
    zip_path = folder / zip_name(export)
    zip_file = _issued(zip_path, zip_path.name)
    pdfs = tuple(
        _issued(path, f"data/{path.name}")
        for path in sorted((folder / "bag" / "data").glob("evidence*.pdf"))
    )
    _log(export, zip_file, pdfs, at)
    custody.sequence_pending()
    _require_same(export, zip_file)
    data = _receipt(export, zip_file, pdfs, folder, at)
    receipt_path = folder / f"{zip_path.name}.receipt.json"
    workspace.write(receipt_path, data)
    _release(export, zip_path, receipt_path, pdfs, folder, at)


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
    zip_path: Path,
    receipt_path: Path,
    pdfs: tuple[IssuedFile, ...],
    folder: Path,
    at: datetime,
) -> None:
    files = [(Artifact.Kind.ZIP, zip_path), (Artifact.Kind.RECEIPT, receipt_path)]
    files += [(Artifact.Kind.PDF, folder / "bag" / pdf.path) for pdf in pdfs]
    stored = []
    for kind, path in files:
        facts = _issued(path, path.name)
        with path.open("rb") as file:
            blob = store_blob(export.organisation, file, at=at)
        stored.append((kind, facts, blob))
    with transaction.atomic():
        for kind, facts, blob in stored:
            Artifact.objects.update_or_create(
                export=export,
                name=facts.path,
                defaults={"kind": kind, "size": facts.size, "sha256": facts.sha256, "blob": blob},
            )
        export.issued_at = at
        export.zip_sha256 = next(f.sha256 for kind, f, _ in stored if kind == Artifact.Kind.ZIP)
        export.save(update_fields=["issued_at", "zip_sha256"])
