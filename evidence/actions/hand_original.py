"""Give people back what they delivered: the original bytes, and the receipt of its seal."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

from django.db import transaction

from evidence import custody
from evidence.archive.blobs import open_blob
from evidence.errors import NotFound
from evidence.formats import canonical
from evidence.models import Acquisition
from evidence.values import Actor, Json, Subject

SEAL_RECEIPT = "truethread/seal-receipt/v1"


@contextmanager
def hand_original(*, acquisition: Acquisition, actor: Actor, at: datetime) -> Iterator[BinaryIO]:
    """Log that ``actor`` takes the original file and open it. The caller has checked access.

    Raises NotFound when the original was erased.
    """
    if acquisition.original is None:
        raise NotFound("the original was erased")
    with open_blob(acquisition.original) as stream:
        with transaction.atomic():
            custody.append(
                event_id=f"original.downloaded:{acquisition.public_id[:16]}:{secrets.token_hex(8)}",
                event="original.downloaded",
                actor=actor,
                subjects=[Subject("acquisition", acquisition.public_id)],
                details={},
                at=at,
            )
        custody.sequence_pending()
        yield stream


def seal_receipt(acquisition: Acquisition) -> bytes:
    """Return what proves, without us, that the delivery was received by a certain time.

    The entry with its salt, its proof of inclusion, the signed checkpoint and the time-stamp over
    it. Raises NotFound while no time-stamp stands over the entry yet.
    """
    logged = next(custody.entries_of("acquisition", acquisition.public_id, 1), None)
    checkpoint = custody.stamped_checkpoint_over(logged) if logged else None
    stamp = checkpoint.stamps.order_by("gen_time").first() if checkpoint else None
    if logged is None or checkpoint is None or stamp is None:
        raise NotFound("not stamped yet")
    proof = custody.inclusion(logged.place, checkpoint.size, logged.epoch)
    inclusion: list[Json] = [one.hex() for one in proof]
    certificates: list[Json] = [str(one) for one in stamp.certificates]
    crls: list[Json] = [str(one) for one in stamp.crls]
    receipt: dict[str, Json] = {
        "format": SEAL_RECEIPT,
        "acquisition": acquisition.public_id,
        "entry": logged.entry.value(),
        "salt": logged.salt.hex(),
        "inclusion": inclusion,
        "checkpoint": bytes(checkpoint.note).decode(),
        "token": base64.b64encode(bytes(stamp.token)).decode(),
        "certificates": certificates,
        "crls": crls,
    }
    return canonical.dumps(receipt)
