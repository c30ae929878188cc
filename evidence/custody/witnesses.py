"""Have others confirm that they are shown the same log: cosignatures under a checkpoint.

Asked before a checkpoint is stored and stamped, so that note, stamp, bundle and ``/log/`` all hold
the same bytes. A witness that is silent, slow, wrong or of another opinion is named in the log file
and done without: an export never waits longer than the time set for all of them, and never fails.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC

from evidence.custody import tree
from evidence.custody.keys import verify_ed25519
from evidence.formats import checkpoint as notes
from evidence.formats import witness as formats
from evidence.formats.checkpoint import Signature, VerifierKey
from evidence.formats.custody import CLOCK_TOLERANCE
from evidence.gateways.current import current
from evidence.gateways.http import Reply
from evidence.gateways.witnesses import Witness, Witnesses
from evidence.models import Checkpoint, LogEpoch

logger = logging.getLogger(__name__)

_REMEMBERED = 50
"""Checkpoints looked back through for the last one a witness cosigned; it tells us otherwise."""


def cosigned(epoch: LogEpoch, note: bytes, witnesses: Witnesses) -> bytes:
    """Return ``note`` with the cosignatures that came in time, in the order of the settings.

    note: signed by the log, whose entries are all committed. Outside transactions: asks the network.
    """
    published, deadline = notes.read(note), time.monotonic() + witnesses.seconds
    sizes = {one: _last_size(epoch, published.size, one.key) for one in witnesses.known}
    lines: dict[Witness, Signature] = {}
    for is_last in (False, True):
        questions = {
            witness: formats.request(old, tree.consistency(epoch, old, published.size), note)
            for witness, old in sizes.items()
        }
        replies = witnesses.ask(questions, deadline) if questions else {}
        asked, sizes = sizes, {}
        for witness, reply in replies.items():
            if reply.status == 409 and not is_last:
                sizes |= _other_size(witness, reply, asked[witness], published.size)
            elif line := _line(witness, reply, note):
                lines[witness] = line
    found = [lines[witness] for witness in witnesses.known if witness in lines]
    return notes.join_note(published.text, [*published.signatures, *found])


def witness_names(note: bytes) -> list[str]:
    """Return the names of those who cosigned ``note``, a checkpoint as we stored it."""
    found = notes.read(note)
    return [line.name for line in found.signatures if line.name != found.origin]


def _last_size(epoch: LogEpoch, size: int, key: VerifierKey) -> int:
    """Return the size of the last checkpoint that ``key`` cosigned as far as we know, or 0."""
    rows = Checkpoint.objects.filter(epoch=epoch, size__lt=size).order_by("-size")
    for at, note in rows.values_list("size", "note")[:_REMEMBERED]:
        if notes.verify_witness(notes.read(bytes(note)), key, verify_ed25519) is not None:
            return int(at)
    return 0


def _other_size(witness: Witness, reply: Reply, asked: int, size: int) -> dict[Witness, int]:
    """Return from where to ask the witness again; nothing when it has seen another log than ours."""
    try:
        seen = formats.read_size(reply.body)
    except ValueError as error:
        logger.warning("witness %s: %s", witness.key.name, error)
        return {}
    if seen > size or seen == asked:
        logger.error(
            "WITNESS %s SAW ANOTHER LOG: %d entries, where this log has %d. Was an old backup restored?",
            witness.key.name, seen, size,
        )  # fmt: skip
        return {}
    return {witness: seen}


def _line(witness: Witness, reply: Reply, note: bytes) -> Signature | None:
    """Return the verified cosignature in an answer, None with a line in the log file for others."""
    try:
        if reply.status != 200:
            raise ValueError(f"answered {reply.status}")
        line, seconds = formats.read_cosignature(note, reply.body, witness.key, verify_ed25519)
        _refuse_another_time(seconds)
    except ValueError as error:
        logger.warning("witness %s did not cosign: %s", witness.key.name, error)
        return None
    return line


def _refuse_another_time(seconds: int) -> None:
    """Raise ValueError when the witness dates its cosignature far from our own time."""
    now = current().clock.now().astimezone(UTC)
    if abs(seconds - int(now.timestamp())) > CLOCK_TOLERANCE.total_seconds():
        raise ValueError(f"dated {seconds}, now is {now.isoformat()}")
