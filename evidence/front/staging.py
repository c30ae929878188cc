"""An upload that waits for answers: encrypted on disk, its key wrapped and kept with the session.

Nothing of it is stored evidence yet. What nobody comes back for is removed after a day.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from evidence.archive.keys import tenant_key
from evidence.errors import NotFound
from evidence.front.files import incoming_folder
from evidence.gateways import crypt
from evidence.models import Organisation
from evidence.models.ids import opaque_id

KEPT_SECONDS = 24 * 3600
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to put to the person, with what the file itself says about it.

    code: "timezone", "date_order" or "owner".
    """

    code: str
    choices: tuple[str, ...]
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """An upload that waits: its file name and what is asked."""

    id: str
    name: str
    format: str
    size: int
    asked: tuple[Asked, ...]


def stage(
    organisation: Organisation, path: Path, *, name: str, format: str, asked: tuple[Asked, ...]
) -> tuple[Waiting, str]:
    """Encrypt ``path`` aside; return what waits and the ticket with which it is found again.

    The ticket holds the file's key and the questions, sealed under the tenant key: without it the
    bytes on disk cannot be read.
    """
    _sweep()
    waiting = Waiting(opaque_id(), name, format, path.stat().st_size, asked)
    key = crypt.new_key()
    with path.open("rb") as source, _file(waiting.id).open("xb") as target:
        pieces = iter(lambda: source.read(_PIECE), b"")
        for sealed in crypt.seal_stream(key, pieces, _bound(organisation, waiting.id)):
            target.write(sealed)
    note = json.dumps({"key": key.hex(), "waiting": asdict(waiting)}).encode()
    ticket = crypt.seal_bytes(tenant_key(organisation), note, _bound(organisation, waiting.id))
    return waiting, ticket.hex()


def waiting(organisation: Organisation, public_id: str, ticket: str) -> Waiting:
    """Return what the ticket is for. Raises NotFound when it or its file is gone."""
    return _opened(organisation, public_id, ticket)[0]


@contextmanager
def fetched(organisation: Organisation, public_id: str, ticket: str) -> Iterator[Path]:
    """Give the staged bytes as a plain file, which is removed again at the end."""
    _, key = _opened(organisation, public_id, ticket)
    path = incoming_folder() / f"plain-{opaque_id()}"
    try:
        with _file(public_id).open("rb") as source, path.open("xb") as target:
            for piece in crypt.open_stream(key, source, _bound(organisation, public_id)):
                target.write(piece)
        yield path
    finally:
        path.unlink(missing_ok=True)


def discard(public_id: str) -> None:
    """Remove the staged bytes; nothing happens if they are gone."""
    _file(public_id).unlink(missing_ok=True)


def _opened(organisation: Organisation, public_id: str, ticket: str) -> tuple[Waiting, bytes]:
    if not _file(public_id).is_file():
        raise NotFound("the upload is gone")
    bound = _bound(organisation, public_id)
    note = json.loads(crypt.open_bytes(tenant_key(organisation), bytes.fromhex(ticket), bound))
    facts = note["waiting"]
    asked = tuple(
        Asked(one["code"], tuple(one["choices"]), tuple(one["examples"])) for one in facts["asked"]
    )
    return Waiting(**{**facts, "asked": asked}), bytes.fromhex(note["key"])


def _file(public_id: str) -> Path:
    return incoming_folder() / f"{public_id}.sealed"


def _bound(organisation: Organisation, public_id: str) -> bytes:
    return crypt.aad(organisation.public_id, public_id, "upload", 1)


def _sweep() -> None:
    oldest = time.time() - KEPT_SECONDS
    for file in incoming_folder().iterdir():
        try:
            if file.stat().st_mtime < oldest:
                file.unlink()
        except FileNotFoundError:
            continue
