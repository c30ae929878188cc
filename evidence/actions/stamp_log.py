"""Cut a checkpoint of the custody log and have it stamped."""

from __future__ import annotations

import logging
from datetime import datetime

from evidence import custody
from evidence.errors import EvidenceError
from evidence.gateways.current import current
from evidence.models import Checkpoint, Stamp

logger = logging.getLogger(__name__)


def stamp_log(at: datetime) -> tuple[Checkpoint, Stamp]:
    """Sequence what waits, cut a checkpoint over the whole log and return it with its token.

    Witnesses are asked for their cosignatures first: the token covers them.
    A checkpoint of the same size that has a token already is returned as it is. Raises
    StampUnavailable when no authority gave a token; the checkpoint then waits for the next try.
    """
    custody.sequence_pending()
    checkpoint = custody.cut_checkpoint(at, current().witnesses)
    stamp = checkpoint.stamps.order_by("pk").first()
    if stamp is None:
        stamp = custody.stamp_checkpoint(checkpoint, current().stamper, at)
        custody.sequence_pending()
    return checkpoint, stamp


def stamp_if_possible(at: datetime) -> bool:
    """Stamp the log; return False, with a line in the log file, when no authority answers.

    What waits stays "stamp pending" and is covered by the next stamp.
    """
    try:
        stamp_log(at)
    except EvidenceError as error:
        logger.warning("the custody log could not be stamped: %s", error)
        return False
    return True
