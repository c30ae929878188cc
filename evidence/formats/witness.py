"""What log and witness say to each other: C2SP tlog-witness, ``add-checkpoint``. Version 1.

The log POSTs to ``<witness address>/add-checkpoint``
    old <size>
    <base64 of one 32-byte hash>         a line each, at most 63
                                         (empty line)
    <the checkpoint, a signed note>
size: entries the witness has seen of this log, 0 for none; the hashes are the consistency proof from
there to the checkpoint (RFC 6962 section 2.1.2), none when the size is 0 or the checkpoint's own.

The witness answers
    200  one or more signature lines, cosignature/v1 (``checkpoint``)
    409  ``text/x.tlog.size``: the size it has seen and a line feed; the log asks again from there
    400, 403, 404, 422  it does not understand, know or believe the log

Worked example: the request in C2SP tlog-witness begins with ``old 20852014`` and carries four hashes.
Broken examples: ``old 007``; a 64th hash; an answer without a line feed at its end.

Source: C2SP tlog-witness v0.0.1, tlog-cosignature v1.0.1.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence

from . import checkpoint
from .checkpoint import Checkpoint, Signature, VerifierKey, Verify

MAX_PROOF = 63
SIZE_TYPE = "text/x.tlog.size"
_SIZE = re.compile(rb"(?:0|[1-9][0-9]{0,15})\n\Z")


def request(old_size: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Return the body that asks a witness to cosign ``note``.

    old_size: what the witness has seen. proof: consistency from there, hashes of 32 bytes.
    """
    if len(proof) > MAX_PROOF or any(len(one) != 32 for one in proof):
        raise ValueError("not a consistency proof a witness takes")
    lines = [f"old {old_size}", *(base64.b64encode(one).decode() for one in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def read_size(body: bytes) -> int:
    """Return the size in the answer 409; ValueError for anything else."""
    if not _SIZE.match(body):
        raise ValueError("the witness states no size")
    return int(body)


def read_cosignature(
    note: bytes, body: bytes, key: VerifierKey, verify: Verify
) -> tuple[Signature, int]:
    """Return the cosignature by ``key`` in the answer 200, and its POSIX seconds.

    Lines of other keys are left aside. ValueError when the answer is not lines of signatures, has
    none by ``key``, or one by ``key`` that is wrong.
    """
    answered = checkpoint.read(note + body)
    before = len(checkpoint.read(note).signatures)
    lines = [one for one in answered.signatures[before:] if _is_by(one, key)]
    times = [_seconds(answered, line, key, verify) for line in lines]
    if not lines:
        raise ValueError("no cosignature by the witness that was asked")
    return lines[0], times[0]


def _is_by(line: Signature, key: VerifierKey) -> bool:
    return (line.name, line.key_id) == (key.name, key.key_id)


def _seconds(answered: Checkpoint, line: Signature, key: VerifierKey, verify: Verify) -> int:
    alone = checkpoint.read(checkpoint.join_note(answered.text, [line]))
    seconds = checkpoint.verify_witness(alone, key, verify)
    if seconds is None or seconds >= 2**63:
        raise ValueError("the cosignature is wrong")
    return seconds
