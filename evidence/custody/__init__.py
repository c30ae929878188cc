"""The custody log: an append-only, publicly checkable record of everything done to evidence.

``append`` is the one door, used by ``actions`` alone, inside the transaction of the act;
``sequence_pending`` gives queued events their places; ``cut_checkpoint`` and ``stamp_checkpoint``
fix what the log says; the rest reads, proves and checks. What a database cannot promise against
its own operator is held outside: in the head file, in bundles, in stamped checkpoints.

    act + append ─commit→ queue ─sequencer→ entries, chains, tree nodes → checkpoint → stamp → entry
"""

from evidence.custody.checkpoints import checkpoint_is_due, cut_checkpoint, stamp_checkpoint
from evidence.custody.epochs import current_epoch
from evidence.custody.head import head_mismatch, mismatch, refuse_broken_log
from evidence.custody.keys import key_since
from evidence.custody.queue import append
from evidence.custody.reading import (
    Logged,
    consistency,
    entries_about,
    entries_of,
    entry,
    entry_of_event,
    inclusion,
    inclusions,
    sealing_of,
    stamped_checkpoint_over,
)
from evidence.custody.recheck import recheck
from evidence.custody.sequencer import log_size, sequence_pending
from evidence.custody.witnesses import witness_names

__all__ = [
    "Logged", "append", "checkpoint_is_due", "consistency", "current_epoch", "cut_checkpoint",
    "entries_about", "entries_of", "entry", "entry_of_event", "head_mismatch", "inclusion",
    "inclusions", "key_since", "log_size", "mismatch",
    "recheck", "refuse_broken_log", "sealing_of", "sequence_pending", "stamp_checkpoint", "stamped_checkpoint_over",
    "witness_names",
]  # fmt: skip
