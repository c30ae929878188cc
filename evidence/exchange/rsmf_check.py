"""Check RSMF files: what the schema asks, and what it cannot see.

An **error** is what makes a review platform refuse a file or lose something; a **warning** what the
vendor's own validator warns of. Codes, stable:
    unreadable            no mail, no archive or no JSON
    header_missing        a header RSMF requires is not there
    header_disagrees      version, counts or dates in the headers are not those of the manifest
    attachment_count      the mail has not exactly one attachment
    archive_name          the attachment is not called rsmf.zip
    archive_unsafe        the archive holds folders, doubles, names no disk takes, or more than is read
    manifest_missing      no rsmf_manifest.json at the root of the archive
    schema                a property is missing, of a wrong type or has a value outside its list
    naive_timestamp       a time without offset (warning)
    unknown_property      a property the schema does not define (warning)
    duplicate_id          two participants, conversations or events with one id
    unknown_participant   an id of a participant that is not defined (warning)
    unknown_conversation  an id of a conversation that is not defined
    unknown_parent        a parent that is no event of the same conversation
    parent_circle         events that are each other's parents
    missing_file          an attachment, avatar or icon that is not in the archive
    orphan_file           a file in the archive that nothing names (warning)
    damaged_file          a file in the archive whose bytes do not have its checksum
    size_disagrees        an attachment that has another size than its event says
    too_many_events       more than 10,000 events (warning)

A manifest alone (``.json``) or an archive alone (``.zip``) is checked as far as it goes.
Source: the vendor's schemas 1.0.0 and 2.0.0 and the messages of its validator.
"""

from __future__ import annotations

import email
import email.policy
import io
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Literal

from evidence.exchange.rsmf_schema import ROOT_1_0, ROOT_2_0, violations

MAX_EVENTS = 10_000
MAX_MANIFEST = 1 << 30
MAX_FILES = 4 << 30
"""Bytes of all files together that are read."""
MANIFEST = "rsmf_manifest.json"
ARCHIVE = "rsmf.zip"
Level = Literal["error", "warning"]
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?\Z", re.IGNORECASE)
_NO_NAME = re.compile(r'[\x00-\x1f<>:"/\\|?*]|[. ]\Z')
_LONGEST_NAME = 255
"""Bytes of a name that common file systems take."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing found. where: header, JSON path or file name it was found at."""

    code: str
    level: Level
    where: str
    sentence: str


def check_rsmf(name: str, data: bytes) -> list[Problem]:
    """Return what is wrong with an RSMF file, its archive or its manifest; never raises.

    name: file name; ``.json`` and ``.zip`` say which part of an RSMF file it is.
    """
    try:
        return list(_check(name, data))
    except (ValueError, RecursionError, zipfile.BadZipFile, NotImplementedError, OSError) as error:
        return [Problem("unreadable", "error", name, f"The file cannot be read: {error}.")]
    except Exception as error:
        return [Problem("unreadable", "error", name, f"The file cannot be read: {error!r}.")]


def _check(name: str, data: bytes) -> Iterator[Problem]:
    suffix = Path(name).suffix.lower()
    if suffix == ".json":
        yield from check_manifest(_json(data))
    elif suffix == ".zip":
        yield from _check_archive(data, None)
    else:
        yield from _check_mail(data)


# --- the mail -----------------------------------------------------------------------------------


def _check_mail(data: bytes) -> Iterator[Problem]:
    mail = email.message_from_bytes(data, policy=email.policy.default)
    if "X-RSMF-Version" not in mail:
        yield Problem("header_missing", "error", "X-RSMF-Version", "The header is not there.")
    attachments = list(mail.iter_attachments()) if mail.is_multipart() else []
    if len(attachments) != 1:
        sentence = f"The mail has {len(attachments)} attachments, not one."
        yield Problem("attachment_count", "error", "", sentence)
    archive = next((one for one in attachments if one.get_filename() == ARCHIVE), None)
    if archive is None and attachments:
        yield Problem("archive_name", "error", "", "No attachment is called rsmf.zip.")
    chosen = archive or next(iter(attachments), None)
    if chosen is not None:
        content = chosen.get_payload(decode=True)
        yield from _check_archive(content if isinstance(content, bytes) else b"", mail)


def _check_headers(mail: EmailMessage, manifest: dict[str, Any], files: int) -> Iterator[Problem]:
    events = [one for one in _list(manifest, "events") if isinstance(one, dict)]
    expected = {
        "X-RSMF-Version": str(manifest.get("version")),
        "X-RSMF-EventCount": str(len(events)),
        "X-RSMF-AttachmentCount": str(files),
        "X-RSMF-EventCollectionID": manifest.get("eventcollectionid"),
    }
    for name, value in expected.items():
        found = mail.get(name)
        if found is not None and value is not None and str(found).strip() != value:
            yield _disagrees(name, str(found), value)
    times = sorted(found for one in events if (found := _moment(one.get("timestamp"))))
    for name, time in (("X-RSMF-BeginDate", times[:1]), ("X-RSMF-EndDate", times[-1:])):
        found = mail.get(name)
        if found is not None and time and _moment(str(found).strip()) != time[0]:
            yield _disagrees(name, str(found), time[0].isoformat())


def _disagrees(name: str, found: str, value: str) -> Problem:
    sentence = f"The header says {found[:60]}, the manifest {value}."
    return Problem("header_disagrees", "error", name, sentence)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


# --- the archive --------------------------------------------------------------------------------


def _check_archive(data: bytes, mail: EmailMessage | None) -> Iterator[Problem]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        names = [one.filename for one in infos]
        yield from _check_names(names)
        if MANIFEST not in names:
            sentence = "The archive has no rsmf_manifest.json at its root."
            yield Problem("manifest_missing", "error", ARCHIVE, sentence)
            return
        if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST:
            sentence = "The manifest is larger than this checker reads."
            yield Problem("archive_unsafe", "error", MANIFEST, sentence)
            return
        manifest = _json(archive.read(MANIFEST))
        if sum(one.file_size for one in infos) > MAX_FILES:
            sentence = "The files are larger than this checker reads."
            yield Problem("archive_unsafe", "error", ARCHIVE, sentence)
        else:
            yield from _check_contents(archive, infos)
    yield from check_manifest(manifest)
    if isinstance(manifest, dict):
        others = set(names) - {MANIFEST}
        yield from _check_files(manifest, others)
        yield from _check_sizes(manifest, {one.filename: one.file_size for one in infos})
        if mail is not None:
            yield from _check_headers(mail, manifest, len(others & _attached(manifest)))


def _check_names(names: list[str]) -> Iterator[Problem]:
    """Yield the names that unpacking would lose, put elsewhere, or let take another's place."""
    for name, count in Counter(one.lower() for one in names).items():
        if count > 1:
            sentence = "The archive holds this name more than once, but for capitals."
            yield Problem("archive_unsafe", "error", name[:200], sentence)
    for name in names:
        if (
            _NO_NAME.search(name)
            or _RESERVED.match(name)
            or len(name.encode("utf-8", "replace")) > _LONGEST_NAME
        ):
            sentence = "The archive holds a folder, or a name that no disk takes."
            yield Problem("archive_unsafe", "error", name[:200], sentence)


def _check_contents(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> Iterator[Problem]:
    for info in infos:
        try:
            with archive.open(info) as member:
                while member.read(1 << 20):
                    pass
        except (zipfile.BadZipFile, EOFError, zlib.error, RuntimeError) as error:
            yield Problem("damaged_file", "error", info.filename[:200], f"Not readable: {error}.")


def _check_sizes(manifest: dict[str, Any], sizes: dict[str, int]) -> Iterator[Problem]:
    for number, event in enumerate(_objects(manifest, "events")):
        for one in _objects(event, "attachments"):
            stated, there = one.get("size"), sizes.get(str(one.get("id")))
            if there is not None and isinstance(stated, int) and stated != there:
                sentence = f"The file has {there} bytes, not {stated}."
                yield Problem("size_disagrees", "error", f"events[{number}].attachments", sentence)


def _check_files(manifest: dict[str, Any], there: set[str]) -> Iterator[Problem]:
    named = _attached(manifest)
    named |= {one["avatar"] for one in _objects(manifest, "participants") if _has(one, "avatar")}
    named |= {one["icon"] for one in _objects(manifest, "conversations") if _has(one, "icon")}
    for name in sorted(named - there):
        yield Problem("missing_file", "error", name[:200], "The archive has no such file.")
    for name in sorted(there - named):
        yield Problem("orphan_file", "warning", name[:200], "Nothing in the manifest names it.")


def _attached(manifest: dict[str, Any]) -> set[str]:
    return {
        one["id"]
        for event in _objects(manifest, "events")
        for one in _objects(event, "attachments")
        if _has(one, "id")
    }


def _has(value: dict[str, Any], name: str) -> bool:
    return isinstance(value.get(name), str)


# --- the manifest -------------------------------------------------------------------------------


def check_manifest(manifest: Any) -> Iterator[Problem]:
    """Yield what is wrong with a manifest, read as JSON."""
    old = isinstance(manifest, dict) and str(manifest.get("version")).startswith("1.")
    for code, where, sentence in violations(manifest, ROOT_1_0 if old else ROOT_2_0):
        level: Level = "error" if code == "schema" else "warning"
        yield Problem(code, level, where, sentence)
    if isinstance(manifest, dict):
        yield from _check_references(manifest)


def _check_references(manifest: dict[str, Any]) -> Iterator[Problem]:
    for name in ("participants", "conversations", "events"):
        yield from _check_ids(manifest, name)
    people = {one["id"] for one in _objects(manifest, "participants") if _has(one, "id")}
    conversations = {one["id"] for one in _objects(manifest, "conversations") if _has(one, "id")}
    for where, key in _named_people(manifest):
        if isinstance(key, str) and key not in people:
            sentence = f"No participant has the id {key[:60]!r}."
            yield Problem("unknown_participant", "warning", where, sentence)
    events = _objects(manifest, "events")
    placed = {(one.get("conversation"), one["id"]) for one in events if _has(one, "id")}
    for number, event in enumerate(events):
        conversation, parent = event.get("conversation"), event.get("parent")
        if isinstance(conversation, str) and conversation not in conversations:
            sentence = f"No conversation has the id {conversation[:60]!r}."
            where = f"events[{number}].conversation"
            yield Problem("unknown_conversation", "error", where, sentence)
        if parent is not None and (conversation, parent) not in placed:
            sentence = "The parent is no event of the same conversation in this file."
            yield Problem("unknown_parent", "error", f"events[{number}].parent", sentence)
    yield from _check_circles(events)
    if len(events) > MAX_EVENTS:
        sentence = f"The manifest has {len(events)} events, more than {MAX_EVENTS}."
        yield Problem("too_many_events", "warning", "events", sentence)


def _check_circles(events: list[dict[str, Any]]) -> Iterator[Problem]:
    """Yield one problem for each circle of parents."""
    above = {
        (one.get("conversation"), one["id"]): (one.get("conversation"), one["parent"])
        for one in events
        if _has(one, "id") and _has(one, "parent")
    }
    judged = set[tuple[object, str]]()
    for start in above:
        chain = dict[tuple[object, str], None]()
        at: tuple[object, str] | None = start
        while at is not None and at not in judged and at not in chain:
            chain[at] = None
            at = above.get(at)
        if at is not None and at in chain:
            sentence = "This event is its own parent, or that of its parents."
            yield Problem("parent_circle", "error", str(at[1])[:200], sentence)
        judged.update(chain)


def _check_ids(manifest: dict[str, Any], name: str) -> Iterator[Problem]:
    seen = set[tuple[object, str]]()
    for number, one in enumerate(_objects(manifest, name)):
        if _has(one, "id"):
            key = (one.get("conversation") if name == "events" else None, one["id"])
            if key in seen:
                sentence = f"The id {one['id'][:60]!r} is used twice."
                yield Problem("duplicate_id", "error", f"{name}[{number}].id", sentence)
            seen.add(key)


def _named_people(manifest: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for number, one in enumerate(_objects(manifest, "conversations")):
        where = f"conversations[{number}]"
        for place, key in enumerate(_list(one, "participants")):
            yield f"{where}.participants[{place}]", key
        yield f"{where}.custodian", one.get("custodian")
    for number, one in enumerate(_objects(manifest, "events")):
        where = f"events[{number}]"
        yield f"{where}.participant", one.get("participant")
        for reaction in _objects(one, "reactions"):
            for key in _list(reaction, "participants"):
                yield f"{where}.reactions", key
        for name in ("edits", "read_receipts"):
            for item in _objects(one, name):
                yield f"{where}.{name}", item.get("participant")


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [one for one in _list(value, name) if isinstance(one, dict)]


def _json(data: bytes) -> Any:
    return json.loads(data.decode("utf-8-sig"))
