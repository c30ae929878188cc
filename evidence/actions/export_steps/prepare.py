"""Phase 1: write what the bundle discloses, with its proofs, and log ``export.prepared``.

What is written are the bytes that were sealed; that they still give the sealed leaves is checked with
everything else in phase 6, before anything is issued. ``state.json`` notes what later phases need.
Run again it writes the same bytes; the log entry is made once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from django.db import transaction

from evidence import custody
from evidence.actions import workspace
from evidence.actions.export_steps.laid import Keeping
from evidence.actions.export_steps.parts import Part, parts_of
from evidence.actions.export_steps.pictures import (
    Pictures,
    Placed,
    copy_pictures,
    stated_pictures,
)
from evidence.actions.export_steps.siblings import compare
from evidence.actions.request_export import ExportOptions, StatedParty, export_request
from evidence.archive.read import describe_acquisition, leaf_hashes, messages
from evidence.errors import Corrupt
from evidence.formats import bundle, canonical, message, proofs, ranges, series_head
from evidence.formats.manifest import selection_digest
from evidence.models import Export, Job
from evidence.seal import disclose, prove
from evidence.values import Actor, Message, Subject

_SCREEN_STEP = 2_000


def run(job: Job, at: datetime) -> None:
    """Prepare ``job``'s export. Raises Corrupt when stored evidence does not fit its seal."""
    export = job.export
    parts = parts_of(export)
    folder = workspace.folder(export)
    bag = workspace.fresh(folder / "bag")
    job.total_units = sum(len(part.chosen) for part in parts)
    job.done_units = 0
    _write_messages(job, parts, bag / "data" / "messages.jsonl")
    workspace.write(bag / "data" / "proofs.json", proofs.dumps([_proof(part) for part in parts]))
    with Keeping(bag) as keeping:
        for part in parts:
            _keep_attachments(part, keeping)
        originals = _keep_originals(parts, keeping)
        kept = keeping.lines()
    options, actor = export_request(export)
    pictures = Pictures(export, options)
    copy_pictures(parts, pictures, bag)
    state: dict[str, Any] = {
        "created": _utc(export.created_at),
        "heads": {part.series.public_id: _head(part) for part in parts},
        "siblings": {
            part.series.public_id: [one.statement() for one in compare(part)] for part in parts
        },
        "originals": originals,
        "participants": {
            part.series.public_id: _participants(part, options, actor, pictures) for part in parts
        },
        "checks": [["check_bytes", "passed"], ["check_log", "passed"]],
    }
    written = [_hash_line(bag, path) for path in bag.rglob("*") if path.is_file()]
    state["hashes"] = sorted([*written, *kept], key=lambda line: PurePosixPath(line["path"]))
    workspace.write_json(folder / "state.json", state)
    _log(export, parts, at)


def _write_messages(job: Job, parts: list[Part], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for part in parts:
            for number, line in enumerate(_lines(part), start=1):
                file.write(line)
                if number % _SCREEN_STEP == 0:
                    _progress(job, _SCREEN_STEP)


def _progress(job: Job, units: int) -> None:
    job.done_units += units
    Job.objects.filter(pk=job.pk).update(done_units=job.done_units)


def _lines(part: Part) -> Iterator[bytes]:
    """Yield the line of every chosen message, from the bytes that were sealed."""
    series = part.series
    for stored in part.messages():
        withheld = part.withheld.get(stored.sequence)
        if withheld is None:
            yield message.whole_line_of(series.public_id, stored.fields, stored.seed) + b"\n"
        else:
            yield disclose(
                series.public_id,
                stored.message(),
                stored.seed,
                withheld,
                sm3=series.sm3_root is not None,
            )


def _proof(part: Part) -> proofs.SeriesProof:
    """Return the pruned tree; the whole tree is rebuilt and must give the sealed root."""
    series = part.series
    head = series_head.read(canonical.loads(bytes(series.head)))
    twin = list(leaf_hashes(series, sm3=True)) if series.sm3_root is not None else None
    try:
        return prove(head, part.chosen, list(leaf_hashes(series)), twin)
    except ValueError as error:
        raise Corrupt(str(error), where=series.public_id) from error


def _head(part: Part) -> dict[str, Any]:
    value = canonical.loads(bytes(part.series.head))
    return {"value": value, "digest": series_head.read(value).digest().hex()}


def _participants(
    part: Part, options: ExportOptions, actor: Actor, pictures: Pictures
) -> list[dict[str, Any]]:
    """Return who speaks in what is disclosed, as the manifest lists them."""
    by = options.requester or actor.name or actor.id
    series = part.series.public_id
    return [
        {
            "key": one.key,
            "names": list(one.names),
            "platform_id": one.platform_id,
            "details": dict(one.details),
            "is_owner": one.is_owner,
            **_stated_identity(options.party(series, one.key), by, pictures.of(series, one.key)),
        }
        for one in part.named()
    ]


def _stated_identity(party: StatedParty | None, by: str, pictures: list[Placed]) -> dict[str, Any]:
    if party is None:
        return {}
    stated = {"basis": party.basis or None, "by": by, "name": party.name}
    return {"stated": stated | stated_pictures(pictures)}


def _keep_attachments(part: Part, keeping: Keeping) -> None:
    """Take in the disclosed attachments; each must still be what its message committed to."""
    if not part.attachments:
        return
    wanted = ranges.of(sorted({sequence for sequence, _ in part.attachments}))
    for stored in messages(part.series, wanted):
        if part.shows_attachments(stored.sequence):
            _keep_attachments_of(part, stored.message(), keeping)


def _keep_attachments_of(part: Part, value: Message, keeping: Keeping) -> None:
    for place, attachment in enumerate(value.attachments):
        row = part.attachments.get((value.sequence, place))
        if row is None or row.blob is None or not isinstance(attachment, dict):
            continue
        keeping.take(
            part.attachment_path(value.sequence, place, str(attachment["name"])),
            row.blob,
            str(attachment["sha256"]),
            Corrupt(
                "an attachment does not fit its sealed hash",
                where=f"{part.series.public_id}:{value.sequence}",
            ),
        )


def _keep_originals(parts: list[Part], keeping: Keeping) -> dict[str, Any]:
    """Take in each original of which everything is disclosed; return their facts by acquisition."""
    found: dict[str, Any] = {}
    for part in parts:
        acquisition = part.series.acquisition
        mine = [one for one in parts if one.series.acquisition_id == acquisition.pk]
        whole = all(one.wholly_disclosed for one in mine)
        if acquisition.original is None or not whole:
            continue
        if acquisition.series.count() != len(mine) or acquisition.public_id in found:
            continue
        report = describe_acquisition(acquisition)
        path = bundle.original_path(acquisition.public_id, report["name"])
        keeping.take(
            path,
            acquisition.original,
            report["sha256"],
            Corrupt("an original does not fit its hash", where=acquisition.public_id),
        )
        found[acquisition.public_id] = {
            "name": report["name"],
            "size": report["size"],
            "sha256": report["sha256"],
            "owner": report["answers"]["owner"],
            "seed": report["seed"],
            "path": path,
        }
    return found


def _hash_line(bag: Path, path: Path) -> dict[str, Any]:
    name = str(path.relative_to(bag))
    return {"path": name, "sha256": _sha256(path), "size": path.stat().st_size}


def _sha256(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _acquisitions(parts: list[Part]) -> list[str]:
    return list(dict.fromkeys(part.series.acquisition.public_id for part in parts))


def _log(export: Export, parts: list[Part], at: datetime) -> None:
    options, actor = export_request(export)
    with transaction.atomic():
        custody.append(
            event_id=f"export.prepared:{export.public_id}",
            event="export.prepared",
            actor=actor,
            subjects=[
                Subject("bundle", export.public_id),
                Subject("matter", export.matter.public_id),
                *(Subject("series", part.series.public_id) for part in parts),
                *(Subject("acquisition", one) for one in _acquisitions(parts)),
            ],
            details={"selection": selection_digest([part.stated for part in parts]).hex()},
            purpose=options.purpose or None,
            authority=options.authority or None,
            at=at,
        )
