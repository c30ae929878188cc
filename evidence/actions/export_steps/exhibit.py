"""Build what the renderer draws from what is stored, stated and logged."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import Any

from django.conf import settings

from evidence.actions.export_steps import wording
from evidence.actions.export_steps.parts import Part
from evidence.actions.export_steps.pictures import Pictures
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import ExportOptions
from evidence.archive.blobs import open_blob
from evidence.archive.read import StoredMessage, describe_acquisition
from evidence.formats import message as message_format
from evidence.formats.message import FIELDS, Withheld
from evidence.formats.ranges import sequences
from evidence.gateways.current import Gateways
from evidence.models import Blob, Export
from evidence.render import exhibit as e
from evidence.values import Actor, Message

_EMPTY: dict[str, Any] = {
    name: [] if name in ("edits", "reactions", "receipts", "attachments", "warnings") else None
    for name in FIELDS
}
SOFTWARE_VERSION = "1.0"
SOFTWARE = (
    "Django", "reportlab", "pyHanko", "cryptography", "uharfbuzz", "Pillow",
)  # fmt: skip


def build(
    export: Export,
    parts: list[Part],
    options: ExportOptions,
    actor: Actor,
    state: dict[str, Any],
    gateways: Gateways,
    first_bates: int,
) -> e.Exhibit:
    """Return the exhibit of ``export``; ``state`` holds what earlier phases noted."""
    words = wording.of(options.language)
    pictures = Pictures(export, options)
    matter = describe_matter(export.matter)
    requester = options.requester or actor.name or actor.id
    return e.Exhibit(
        bundle_id=export.public_id,
        language="zh" if options.language == "zh" else "en",
        created=datetime.fromisoformat(state["created"]),
        deployment=e.Deployment(
            name=settings.TRUETHREAD_DEPLOYMENT_NAME,
            origin=state["origin"],
            trust="development" if gateways.trust == "development" else "configured",
            log_vkey=state["vkey"],
            version=SOFTWARE_VERSION,
        ),
        matter=e.Matter(
            name=matter["name"],
            number=matter["number"],
            purpose=options.purpose or matter["purpose"],
            authority=options.authority or matter["authority"],
            requester=requester,
            custodian=", ".join(dict.fromkeys(part.facts.custodian for part in parts)),
            object_of_proof=options.object_of_proof,
        ),
        stamp=e.StampAuthority(
            name=gateways.stamp_authority,
            operator=wording.subject_name(state["authority"]),
            independent=gateways.stamp_is_independent,
        ),
        transcripts=tuple(
            _transcript(part, state, words, options, requester, pictures) for part in parts
        ),
        selection_digest=bytes(export.selection.digest).hex(),
        verification_url=f"{settings.TRUETHREAD_PUBLIC_URL}/verify/?bundle={export.public_id}",
        acquisitions=_acquisitions(parts, state, words, requester),
        custody=tuple(_custody_line(line, words) for line in state["custody"]),
        log=e.LogState(
            size=state["checkpoint"]["size"],
            root=state["checkpoint"]["root"],
            stamped=datetime.fromisoformat(state["checkpoint"]["stamped"]),
            witnesses=tuple(state["checkpoint"]["witnesses"]),
        ),
        hashes=tuple(
            e.HashLine(name=line["path"], sha256=line["sha256"], size=line["size"])
            for line in state["hashes"]
        ),
        statements=_statements(options, parts, requester, words),
        environment=environment(),
        checks=tuple((words[code], words[outcome]) for code, outcome in state["checks"]),
        bates=e.Bates(first=first_bates),
        paper="Letter" if options.paper == "Letter" else "A4",
        style="conversation" if options.style == "conversation" else "record",
        jurisdiction=_jurisdiction(options.jurisdiction),
        original_carrier=options.original_carrier,
        privacy=options.privacy,
        neutrality=settings.TRUETHREAD_NEUTRALITY_ZH
        if options.language == "zh"
        else settings.TRUETHREAD_NEUTRALITY,
    )


def _jurisdiction(code: str | None) -> e.Jurisdiction | None:
    known: dict[str | None, e.Jurisdiction] = {"cn": "cn", "us": "us", "eu": "eu"}
    return known.get(code)


def environment() -> tuple[tuple[str, str], ...]:
    """Return the software that reads, seals, renders and signs, as (name, version)."""
    return (("Python", platform.python_version()), *((name, version(name)) for name in SOFTWARE))


def _transcript(
    part: Part, state: dict[str, Any], words: dict[str, str], options: ExportOptions, requester: str,
    pictures: Pictures,
) -> e.Transcript:  # fmt: skip
    facts = part.facts
    first, last = part.chosen.spans[0][0], part.chosen.spans[-1][1]
    whole = sum(1 for w in part.withheld.values() if w.items() == ("*",))
    return e.Transcript(
        series=part.series.public_id,
        title=facts.title or "",
        platform=wording.platform(facts.platform),
        rows=partial(rows, part),
        size=part.series.size,
        span=(first, last),
        shown=len(part.chosen) - whole,
        withheld=whole,
        partly=len(part.withheld) - whole,
        gaps=len(part.chosen.spans) - 1,
        omitted=last - first + 1 - len(part.chosen),
        rule=wording.rule(part.stored["rule"], words),
        acquisition=facts.acquisition,
        custodian=facts.custodian,
        zone=facts.timezone or "",
        zone_stated_by=requester if facts.timezone else "",
        first_time=facts.first_at,
        last_time=facts.last_at,
        root=bytes(part.series.root or b"").hex(),
        sm3_root=bytes(part.series.sm3_root or b"").hex(),
        head_digest=state["heads"][part.series.public_id]["digest"],
        parties=_parties(part, words, options, requester, pictures),
        siblings=tuple(
            e.Sibling(
                series=one["series"],
                description=words["sibling"].format(
                    sealed=one["sealed_at"], parser=one["parser"], size=one["size"]
                ),
                same=one["same"],
                different=one["different"],
                missing=one["missing"],
                extra=one["extra"],
            )
            for one in state["siblings"][part.series.public_id]
        ),
        reasons=tuple(dict.fromkeys(w.reason for w in part.withheld.values() if w.reason)),
    )


def _parties(
    part: Part, words: dict[str, str], options: ExportOptions, requester: str, pictures: Pictures
) -> tuple[e.Party, ...]:
    return tuple(
        e.Party(
            participant=participant,
            basis=words["basis"],
            stated_identity=_identity(part, participant.key, words, options, requester),
            pictures=tuple(
                one.drawn() for one in pictures.of(part.series.public_id, participant.key)
            ),
        )
        for participant in part.named()
    )


def _identity(
    part: Part, key: str, words: dict[str, str], options: ExportOptions, requester: str
) -> e.Statement | None:
    stated = options.party(part.series.public_id, key)
    if stated is None or not stated.name:
        return None
    basis = words[f"known_{stated.basis}"] if stated.basis else ""
    value = words["identity_known"].format(stated.name, basis) if basis else stated.name
    return e.Statement(what=words["identity"], value=value, by=requester)


def _acquisitions(
    parts: list[Part], state: dict[str, Any], words: dict[str, str], requester: str
) -> tuple[e.Acquisition, ...]:
    found: dict[str, e.Acquisition] = {}
    for part in parts:
        acquisition = part.series.acquisition
        report = describe_acquisition(acquisition)
        original = state["originals"].get(acquisition.public_id)
        stamped = state["sealed_stamps"].get(part.series.public_id)
        answers = tuple(
            e.Statement(what=words[what], value=report["answers"][what], by=requester)
            for what in ("timezone", "date_order", "owner")
            if report["answers"].get(what)
        )
        series = tuple(
            one.series.public_id for one in parts if one.series.acquisition == acquisition
        )
        found[acquisition.public_id] = e.Acquisition(
            id=acquisition.public_id,
            received=acquisition.created_at,
            received_by=state["received_by"].get(acquisition.public_id, ""),
            method=words["method_upload"],
            format=words.get(f"format_{acquisition.format}", acquisition.format),
            parser=acquisition.parser_version,
            original_name=original["name"] if original else "",
            original_size=original["size"] if original else None,
            original_sha256=original["sha256"] if original else "",
            original_in_bundle=bool(original),
            answers=answers,
            warnings=tuple(wording.warning(w["code"], words) for w in part.facts.warnings[:40]),
            series=series,
            stamped=datetime.fromisoformat(stamped["time"]) if stamped else None,
            steps=_steps(part, stamped, words),
        )
    return tuple(found.values())


def _steps(part: Part, stamped: dict[str, Any] | None, words: dict[str, str]) -> tuple[str, ...]:
    """Return what was done with a delivery, in order; every step is one the store can show."""
    acquisition = part.series.acquisition
    at = part.facts.sealed_at
    sealed = at.strftime("%Y-%m-%d %H:%M:%S") if at else "?"
    steps = [
        words["step_stored"],
        words["step_read"].format(parser=acquisition.parser_version, unparsed=part.facts.unparsed),
        words["step_sealed"].format(size=part.series.size, time=sealed),
        words["step_logged"],
    ]
    if stamped:
        steps.append(words["step_stamped"])
    return tuple(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _statements(
    options: ExportOptions, parts: list[Part], requester: str, words: dict[str, str]
) -> tuple[e.Statement, ...]:
    """Return what was stated for this export and nobody checked."""
    stated = [
        ("stated_requester", requester),
        ("stated_purpose", options.purpose),
        ("stated_authority", options.authority),
        *(("stated_custodian", name) for name in dict.fromkeys(p.facts.custodian for p in parts)),
    ]
    return tuple(
        e.Statement(what=words[what], value=value, by=requester) for what, value in stated if value
    )


def _custody_line(line: dict[str, Any], words: dict[str, str]) -> e.CustodyLine:
    entry = line.get("entry")
    if entry is None:
        return e.CustodyLine(index=line["index"], digest=line["digest"])
    actor = entry["actor"]
    return e.CustodyLine(
        index=entry["index"],
        time=datetime.fromisoformat(entry["time"].replace("Z", "+00:00")),
        event=entry["event"],
        actor=words["actor"].format(
            name=actor["name"] or actor["id"], kind=words[f"actor_{actor['kind']}"]
        ),
        where=entry["where"]["address"] or entry["where"]["host"],
        why=entry["why"]["purpose"] or "",
        subjects=tuple(
            words["subject"].format(
                kind=words[f"subject_{s['kind']}"], id=s["id"][:8], number=s["number"]
            )
            for s in entry["subjects"]
        ),
        digest=line["digest"],
    )


def rows(part: Part) -> Iterator[e.Row]:
    """Yield the rows of one transcript: chosen messages in order, a gap row for each gap."""
    spans = iter(part.chosen.spans)
    _, end = next(spans)
    for stored in part.messages():
        if stored.sequence > end:
            first, last = end + 1, stored.sequence - 1
            yield e.Row("gap", first=first, last=last, count=last - first + 1)
            _, end = next(spans)
        yield _row(part, stored, stored.message())


def _row(part: Part, stored: StoredMessage, message: Message) -> e.Row:
    withheld = part.withheld.get(stored.sequence)
    leaf = stored.leaf_hash.hex()
    if withheld is None:
        return e.Row("whole", message=message, leaf=leaf, files=_files(part, message))
    if withheld.items() == ("*",):
        bare = Message(**{**_EMPTY, "sequence": stored.sequence, "kind": "other", "source": {}})
        return e.Row("withheld", message=bare, leaf=leaf, reason=withheld.reason)
    shown = {
        name: _EMPTY[name] if name in withheld.fields else getattr(message, name) for name in FIELDS
    }
    shown["kind"] = message.kind if "kind" not in withheld.fields else "other"
    if withheld.segments.spans:
        shown["body"] = None
    return e.Row(
        "partly",
        message=Message(**shown),
        leaf=leaf,
        withheld=withheld.fields,
        body=_pieces(message.body or "", withheld) if withheld.segments.spans else None,
        reason=withheld.reason,
        files=_files(part, message) if "attachments" not in withheld.fields else (),
    )


def _pieces(body: str, withheld: Withheld) -> tuple[str | e.Redacted, ...]:
    hidden = set(sequences(withheld.segments))
    pieces: list[str | e.Redacted] = []
    for number, text in enumerate(message_format.segments(body), start=1):
        last = pieces[-1] if pieces else None
        if number in hidden:
            if isinstance(last, e.Redacted):
                pieces[-1] = e.Redacted(segments=last.segments + 1)
            else:
                pieces.append(e.Redacted(segments=1))
        elif isinstance(last, str):
            pieces[-1] = last + text
        else:
            pieces.append(text)
    return tuple(pieces)


def _files(part: Part, message: Message) -> tuple[e.AttachmentFile, ...]:
    files = []
    for place, attachment in enumerate(message.attachments):
        stored = part.attachments.get((message.sequence, place))
        if stored is None or stored.blob is None or not isinstance(attachment, dict):
            files.append(e.AttachmentFile())
            continue
        path = part.attachment_path(message.sequence, place, str(attachment["name"]))
        files.append(e.AttachmentFile(load=partial(_load, stored.blob), path=path))
    return tuple(files)


def _load(blob: Blob) -> bytes:
    with open_blob(blob) as stream:
        return stream.read()
