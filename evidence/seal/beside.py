"""Seal batches of messages in a second process, so that reading and storing go on meanwhile.

Sealing is half the work of taking a conversation in. The result does not depend on where it is
computed: small deliveries are sealed here without starting anything, and where the second process
cannot be started or dies, sealing goes on here, which is slower and said in the program's log.
"""

from __future__ import annotations

import logging
import marshal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

from evidence.formats import message
from evidence.seal.sealing import Leaf, seal_values
from evidence.values import Json, Message

WORTH_A_PROCESS = 500
"""Batches of fewer messages are sealed here until a process runs: starting one takes a while."""

_log = logging.getLogger(__name__)
_Pairs = list[tuple[tuple[Json, ...], bytes]]


class LeafMaker:
    """Makes leaves in batches; ``with`` ends the process it may have started."""

    def __init__(self, *, sm3: bool = False) -> None:
        self._sm3 = sm3
        self._process: subprocess.Popen[bytes] | None = None
        self._gave_up = False
        # One thread: it writes a batch and reads its answer before it takes the next one, so that
        # neither process ever waits for the other to read.
        self._thread = ThreadPoolExecutor(1, "sealing")

    def __enter__(self) -> LeafMaker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._stop()

    def ask(self, batch: Sequence[tuple[Message, bytes]]) -> Future[list[Leaf]]:
        """Return the leaves to come of ``(message, seed)`` pairs, in their order.

        The future raises ValueError for a value without a canonical form: our own mistake.
        """
        pairs = [(message.field_values(row), seed) for row, seed in batch]
        if self._process is None and len(pairs) < WORTH_A_PROCESS:
            found = Future[list[Leaf]]()
            found.set_result(self._here(pairs))
            return found
        return self._thread.submit(self._beside, pairs)

    def _here(self, pairs: _Pairs) -> list[Leaf]:
        return [seal_values(values, seed, sm3=self._sm3) for values, seed in pairs]

    def _beside(self, pairs: _Pairs) -> list[Leaf]:
        if not self._gave_up:
            try:
                return self._exchange(pairs)
            except (OSError, EOFError, ValueError, TypeError) as error:
                _log.warning("sealing goes on without a second process: %s", error)
                self._gave_up = True
                self._stop()
        return self._here(pairs)

    def _exchange(self, pairs: _Pairs) -> list[Leaf]:
        if self._process is None:
            worker = Path(__file__).with_name("worker.py")
            self._process = subprocess.Popen(  # noqa: S603 - this Python and our own file
                [sys.executable, "-I", str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        given, taken = self._process.stdin, self._process.stdout
        if given is None or taken is None:
            raise OSError("the process has no pipes")
        marshal.dump((self._sm3, pairs), given)
        given.flush()
        leaves = [Leaf(*found) for found in marshal.load(taken)]  # noqa: S302 - our own child
        if len(leaves) != len(pairs):
            raise EOFError("the process answered for other messages")
        return leaves

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
