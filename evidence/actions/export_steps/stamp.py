"""Phase 2: have the log stamped, and write the custody record the bundle carries.

No token, no bundle: when no authority answers, the export fails by name and can be asked for again.
"""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from evidence import custody
from evidence.actions import workspace
from evidence.actions.export_steps.laid import files_of
from evidence.actions.export_steps.parts import Part, parts_of
from evidence.actions.stamp_log import stamp_log
from evidence.errors import LogRefused
from evidence.formats import checkpoint as note_format
from evidence.formats import custody as entry_format
from evidence.formats.manifest import PREPARED_CHECKPOINT, PREPARED_TOKEN, EarlierStamp
from evidence.gateways.current import current
from evidence.models import Checkpoint, Export, Job, Stamp

Chain = tuple[str, str]


def run(job: Job, at: datetime) -> None:
    """Stamp the log and note chains and proofs.

    Raises StampUnavailable without a token, LogRefused when the log was recovered from a loss since
    the export was prepared: it has to be asked for again.
    """
    export = job.export
    checkpoint, stamp = stamp_log(at)
    epoch = checkpoint.epoch
    prepared = custody.entry_of_event(f"export.prepared:{export.public_id}")
    if prepared.epoch != epoch:
        raise LogRefused("prepared in a former log", code="log_recovered")
    parts = parts_of(export)
    folder = workspace.folder(export)
    bag = folder / "bag"
    state = workspace.read_json(folder / "state.json")
    workspace.keep_only(bag, {line["path"] for line in state["hashes"]})
    _write_stamp(bag, PREPARED_CHECKPOINT, PREPARED_TOKEN, checkpoint, stamp)
    state["prepared_index"] = prepared.place
    state["head_entries"] = {
        part.series.public_id: custody.sealing_of(
            part.series.public_id, epoch, state["heads"][part.series.public_id]["digest"]
        ).place
        for part in parts
    }
    state["earlier"], state["sealed_stamps"], earlier_stamps = _earlier_stamps(
        bag, parts, state, checkpoint
    )
    state["custody"] = _write_custody(bag, export, parts, checkpoint)
    state["received_by"] = _received_by(state["custody"])
    state |= {
        "origin": checkpoint.epoch.origin,
        "vkey": checkpoint.epoch.vkey,
        "authority": authority_name(stamp),
        "stamps": {"stamp": _material(stamp)} | earlier_stamps,
        "checkpoint": {
            "size": checkpoint.size,
            "root": bytes(checkpoint.root).hex(),
            "stamped": stamp.gen_time.isoformat(),
            "witnesses": custody.witness_names(bytes(checkpoint.note)),
        },
    }
    _write_log_key(bag, checkpoint)
    state["laid_down"] = sorted(files_of(bag))
    workspace.write_json(folder / "state.json", state)


def authority_name(stamp: Stamp) -> str:
    """Return the subject of the authority's certificate, as people read it."""
    leaf = x509.load_der_x509_certificate(base64.b64decode(stamp.certificates[0]))
    return leaf.subject.rfc4514_string()


def _write_stamp(bag: Path, note: str, token: str, checkpoint: Checkpoint, stamp: Stamp) -> None:
    workspace.write(bag / note, bytes(checkpoint.note))
    workspace.write(bag / token, bytes(stamp.token))


def _earlier_stamps(
    bag: Path, parts: list[Part], state: dict[str, Any], prepared: Checkpoint
) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """Write, per series, the first stamped checkpoint that covers its seal: since when it stood.

    Return what the manifest says of them, per series the time, and what is needed to judge the
    tokens, by the name of the files it goes to.
    """
    found: dict[int, Stamp] = {}
    by_series: dict[str, Any] = {}
    for part in parts:
        place = state["head_entries"][part.series.public_id]
        stamp = (
            Stamp.objects.filter(checkpoint__epoch=prepared.epoch, checkpoint__size__gt=place)
            .order_by("checkpoint__size", "pk")
            .first()
        )
        if stamp is None:
            raise RuntimeError("the prepared checkpoint was stamped, and yet no stamp is found")
        by_series[part.series.public_id] = {"time": stamp.gen_time.isoformat()}
        if stamp.checkpoint.size < prepared.size:
            found[stamp.checkpoint.size] = stamp
    earlier = []
    for size, stamp in sorted(found.items()):
        proof = custody.consistency(size, prepared.size)
        named = EarlierStamp(size, tuple(proof))
        _write_stamp(bag, named.checkpoint, named.token, stamp.checkpoint, stamp)
        earlier.append({"size": size, "consistency": [one.hex() for one in proof]})
    material = {f"stamp-{size:010d}": _material(stamp) for size, stamp in sorted(found.items())}
    return earlier, by_series, material


def _material(stamp: Stamp) -> dict[str, Any]:
    return {"certificates": stamp.certificates, "crls": stamp.crls}


def _write_custody(
    bag: Path, export: Export, parts: list[Part], checkpoint: Checkpoint
) -> list[dict[str, Any]]:
    """Write ``data/custody.jsonl``: every chain the bundle needs, up to the prepared entry.

    An entry is disclosed when everything it is about belongs to this bundle; of the others
    (another bundle of the same matter, say) only the digest is.
    """
    chains: set[Chain] = {("bundle", export.public_id), ("matter", export.matter.public_id)}
    for part in parts:
        chains |= {
            ("series", part.series.public_id),
            ("acquisition", part.series.acquisition.public_id),
        }
    found: dict[int, custody.Logged] = {}
    for kind, identifier in chains:
        for logged in custody.entries_of(kind, identifier, epoch=checkpoint.epoch):
            if logged.place < checkpoint.size:
                found[logged.place] = logged
    proofs = custody.inclusions(sorted(found), checkpoint.size, checkpoint.epoch)
    lines: list[bytes] = []
    told: list[dict[str, Any]] = []
    for (place, logged), inclusion in zip(sorted(found.items()), proofs, strict=True):
        subjects = logged.entry.subjects
        if {subject.key for subject in subjects} <= chains:
            lines.append(entry_format.disclosed_line(logged.entry, logged.salt, inclusion))
            told.append({"entry": logged.entry.value(), "digest": logged.digest.hex()})
            continue
        named = [subject for subject in subjects if subject.key in chains]
        lines.append(entry_format.undisclosed_line(place, logged.digest, named, inclusion))
        told.append({"index": place, "digest": logged.digest.hex()})
    workspace.write(bag / "data" / "custody.jsonl", b"".join(line + b"\n" for line in lines))
    return told


def _received_by(lines: list[dict[str, Any]]) -> dict[str, str]:
    """Return acquisition → who delivered it, from the disclosed entries."""
    return {
        subject["id"]: line["entry"]["actor"]["name"] or line["entry"]["actor"]["id"]
        for line in lines
        if line.get("entry", {}).get("event") == "acquisition.received"
        for subject in line["entry"]["subjects"]
        if subject["kind"] == "acquisition"
    }


def _write_log_key(bag: Path, checkpoint: Checkpoint) -> None:
    """Let the seal key vouch for the log key."""
    key = note_format.read_vkey(checkpoint.epoch.vkey)
    since = custody.key_since(checkpoint.epoch).replace(microsecond=0).isoformat()
    data = note_format.log_key_bytes(key, since.replace("+00:00", "Z"))
    workspace.write(bag / "data" / "certificates" / "log-key.json", data)
    signature = current().seal_key.sign_raw(data)
    workspace.write(bag / "data" / "certificates" / "log-key.sig", signature)
