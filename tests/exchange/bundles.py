"""Bundles made from rows, unsigned: this room reads what is disclosed and judges nothing.

``tests/bundle`` makes signed ones; a test here that needs a verdict takes its ``world``.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evidence.formats import bundle, manifest, merkle, message, ranges
from evidence.formats.message import Withheld
from evidence.formats.series_head import Original, SeriesHead
from evidence.seal import disclose
from evidence.values import Message, Ranges

BUNDLE, MATTER, ACQUISITION, CONVERSATION = (digit * 32 for digit in "bcde")


@dataclass
class Conversation:
    """One series of a test. disclosed: sequences that are chosen, all when blank."""

    rows: Sequence[Message]
    disclosed: str = ""
    withheld: Mapping[int, list[str]] = field(default_factory=dict)
    title: str = "Ana"
    platform: str = "whatsapp"
    zone: str | None = "UTC"
    participants: Sequence[dict[str, Any]] = ()
    files: Mapping[tuple[int, int], bytes] = field(default_factory=dict)


@dataclass
class Rsmf:
    """One RSMF file, taken apart by the mail and ZIP readers of Python."""

    headers: dict[str, str]
    manifest: dict[str, Any]
    files: dict[str, bytes]
    text: str
    data: bytes

    def events(self, *, context: bool = False) -> list[dict[str, Any]]:
        """Its messages: without gaps, and without context unless asked for."""
        return [
            one
            for one in self.manifest["events"]
            if custom(one).get("disclosure") != "gap" and (context or "context" not in custom(one))
        ]


def custom(value: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in value.get("custom", [])}


def row(sequence: int, body: str | None = "hello", **fields: Any) -> Message:
    """A message of Ana's at 09:00 UTC plus its sequence in seconds, unless told otherwise."""
    values: dict[str, Any] = {
        "kind": "text",
        "source": {"file": "chat.txt", "offset": 60 * sequence, "length": 60},
        "source_text": f"source of {sequence}",
        "time_raw": f"raw {sequence}",
        "time": at(f"2024-03-01T09:{sequence // 60 % 60:02d}:{sequence % 60:02d}Z"),
        "sender": {"key": "p1", "name": "Ana", "id": None},
        "direction": "in",
    }
    return Message(sequence=sequence, body=body, **{**values, **fields})


def at(utc: str) -> dict[str, Any]:
    return {
        "utc": utc,
        "offset": "+00:00",
        "zone": None,
        "basis": "epoch",
        "precision": "second",
        "ambiguous": False,
    }


def attachment(name: str, data: bytes | None) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "image",
        "media_type": "image/png",
        "declared_size": None,
        "duration": None,
        "included": data is not None,
        "member": name,
        "size": None if data is None else len(data),
        "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
    }


def seed(series: str, sequence: int) -> bytes:
    return hashlib.sha256(f"{series} {sequence}".encode()).digest()


def write_bundle(
    path: Path, conversations: Sequence[Conversation], pdf: bytes = b"%PDF", pages: int = 1
) -> Path:
    parts: dict[str, bytes] = {bundle.CUSTODY: b"", bundle.MASTER: pdf}
    infos, chosen, lines = [], [], b""
    for number, one in enumerate(conversations, start=1):
        series = f"{number:032x}"
        shown = ranges.parse(one.disclosed) if one.disclosed else Ranges(((1, len(one.rows)),))
        hidden = {
            sequence: Withheld.parse(items, "privilege").closed()
            for sequence, items in one.withheld.items()
        }
        for sequence in ranges.sequences(shown):
            message_row = one.rows[sequence - 1]
            lines += disclose(series, message_row, seed(series, sequence), hidden.get(sequence))
        for (sequence, place), data in one.files.items():
            name = str(one.rows[sequence - 1].attachments[place - 1]["name"])  # type: ignore[index,call-overload]
            parts[bundle.attachment_path(series, sequence, place, name)] = data
        leaves = [_leaf(one_row, seed(series, one_row.sequence)) for one_row in one.rows]
        infos.append(
            manifest.SeriesInfo(
                _head(series, leaves, one.zone),
                0,
                one.title,
                one.platform,
                "Ana",
                participants=list(one.participants),
            )
        )
        chosen.append(
            manifest.Part(
                series=series,
                rule="chosen by hand",
                n_rows=len(one.rows),
                disclosed=shown,
                withheld={key: item.items() for key, item in hidden.items()},
                reasons=dict.fromkeys(hidden, "privilege"),
            )
        )
    parts[bundle.MESSAGES] = lines
    parts[bundle.MANIFEST] = manifest.dumps(_manifest(infos, chosen, pages))
    with path.open("wb") as out:
        bundle.write_zip(
            out,
            {name: (len(data), lambda data=data: iter([data])) for name, data in parts.items()},
        )
    return path


def _leaf(one: Message, its_seed: bytes) -> bytes:
    values = message.field_values(one)
    encoded = message.encode_values(values)
    return message.leaf_hash(message.commit(encoded, one.body, message.salts_of(its_seed)))


def _head(series: str, leaves: list[bytes], zone: str | None) -> SeriesHead:
    return SeriesHead(
        series=series,
        acquisition=ACQUISITION,
        conversation=CONVERSATION,
        size=len(leaves),
        root=merkle.tree_root(leaves),
        sm3_root=None,
        parser_name="whatsapp",
        parser_version="1",
        timezone=zone,
        date_order=None,
        original=Original("chat.txt", None, b"\1" * 32, 4).commitment(b"\5" * 32),
        members=1,
        first_utc=None,
        last_utc=None,
    )


def _manifest(infos: list[Any], chosen: list[Any], pages: int) -> manifest.Manifest:
    return manifest.Manifest(
        bundle=BUNDLE,
        created="2026-03-14T09:26:53Z",
        deployment_name="Example Chambers",
        deployment_origin="https://evidence.example",
        deployment_trust="development",
        language="en",
        jurisdiction=None,
        matter=manifest.Matter(id=MATTER, name="A v. B"),
        series=tuple(infos),
        siblings=(),
        parts=tuple(chosen),
        log_origin="evidence.example/log/1",
        log_vkey="unused",
        prepared_index=0,
        volumes=(manifest.Volume(bundle.MASTER, pages, 1, pages),),
        stated={},
        files=(),
    )


def read_rsmf(path: Path) -> Rsmf:
    data = path.read_bytes()
    mail = email.message_from_bytes(data, policy=email.policy.default)
    body = mail.get_body(("plain",))
    [part] = list(mail.iter_attachments())
    with zipfile.ZipFile(io.BytesIO(part.get_payload(decode=True))) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    value = json.loads(members.pop("rsmf_manifest.json"))
    headers = {name: str(text) for name, text in mail.items()}
    assert body is not None
    return Rsmf(headers, value, members, body.get_payload(decode=True).decode(), data)
