"""The process that seals messages beside the one that reads and stores them; run by path.

Takes batches on standard input and answers each on standard output, in order, until the input ends:
a batch is ``(sm3, [(field values, seed), …])``, its answer one ``(leaf hash, SM3 leaf hash, fields)``
for each, both written by ``marshal``. It knows no key and keeps nothing. A value without a canonical
form ends it with a traceback; the parent then meets the same value itself.
"""

from __future__ import annotations

import marshal
import sys
from pathlib import Path


def main() -> None:
    """Do what the module says."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from evidence.seal.sealing import seal_values

    taken, given = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            sm3, batch = marshal.load(taken)  # noqa: S302 - our parent alone writes to this pipe
        except EOFError:
            return
        leaves = [seal_values(values, seed, sm3=sm3) for values, seed in batch]
        marshal.dump([(leaf.sha256, leaf.sm3, leaf.fields) for leaf in leaves], given)
        given.flush()


if __name__ == "__main__":
    main()
