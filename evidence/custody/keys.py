"""Which keys may sign checkpoints of an epoch, and how the log passes from one key to the next.

Entry ``key.rotated`` has as details
    {"new":vkey,"old":vkey,"signatures":{"new":hex,"old":hex}}
both raw Ed25519 signatures over
    "truethread/log-key-rotation/v1" 0x00 canonical({"new":vkey,"old":vkey,"origin":text}).
Checkpoints of a size up to the entry's index are signed by the old key, later ones by the new.
"""

from __future__ import annotations

from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence.custody.payloads import open_entry
from evidence.formats import canonical, shape
from evidence.formats import checkpoint as formats
from evidence.formats.custody import read_entry
from evidence.models import CustodyEntry, LogEpoch
from evidence.values import Json

_ROTATION_TAG = b"truethread/log-key-rotation/v1\0"


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the 64-byte ``signature`` over ``message`` is by the 32-byte key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def rotation_statement(origin: str, old: str, new: str) -> bytes:
    """Return the bytes both keys sign when the log passes from ``old`` to ``new`` (vkeys)."""
    return _ROTATION_TAG + canonical.dumps({"origin": origin, "old": old, "new": new})


def rotation_details(
    origin: str,
    old: formats.VerifierKey,
    new: formats.VerifierKey,
    sign_old: formats.Sign,
    sign_new: formats.Sign,
) -> dict[str, Json]:
    """Return the details of a ``key.rotated`` entry, signed by both keys."""
    statement = rotation_statement(origin, str(old), str(new))
    signatures: dict[str, Json] = {
        "old": sign_old(statement).hex(),
        "new": sign_new(statement).hex(),
    }
    return {"old": str(old), "new": str(new), "signatures": signatures}


def read_rotation(origin: str, details: Json) -> tuple[str, str]:
    """Return (old, new) vkeys of a ``key.rotated`` entry; ValueError unless both keys signed it."""
    found = shape.mapping(details, ("old", "new", "signatures"))
    signatures = shape.mapping(found["signatures"], ("old", "new"))
    old, new = formats.read_vkey(found["old"]), formats.read_vkey(found["new"])
    statement = rotation_statement(origin, str(old), str(new))
    for key, signature in ((old, signatures["old"]), (new, signatures["new"])):
        if not verify_ed25519(key.public_key, shape.unhex(signature, 64), statement):
            raise ValueError(f"the rotation is not signed by {key}")
    return str(old), str(new)


def signed_by_log(epoch: LogEpoch, checkpoint: formats.Checkpoint) -> bool:
    """Return whether the key that was the epoch's at this size signed ``checkpoint``."""
    return formats.verify_log(checkpoint, key_at(epoch, checkpoint.size), verify_ed25519)


def key_since(epoch: LogEpoch) -> datetime:
    """Return since when the epoch's present key signs: its last rotation, or its opening."""
    rotated = CustodyEntry.objects.filter(epoch=epoch, event="key.rotated").order_by("-place")
    since: datetime | None = rotated.values_list("occurred_at", flat=True).first()
    return since or epoch.opened_at


def key_at(epoch: LogEpoch, size: int) -> formats.VerifierKey:
    """Return the key that signs checkpoints of ``size``: the old one of the next rotation."""
    rotated = (
        CustodyEntry.objects.filter(epoch=epoch, event="key.rotated", place__gte=size)
        .order_by("place")
        .first()
    )
    if rotated is None:
        return formats.read_vkey(epoch.vkey)
    _, value = open_entry(epoch, rotated.place, bytes(rotated.payload))
    old, _ = read_rotation(epoch.origin, dict(read_entry(value).details))
    return formats.read_vkey(old)
