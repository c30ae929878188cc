"""Many small files, written by a second process while the next ones are made.

A load file has a text file for each message; making files is the system's work, more of it than
all of ours. Run by path (``python -I small_files.py``) this module is that second process: it takes
``marshal`` lists of ``(path, data)`` on its input and writes them until the input ends. It ends with 0,
or prints the number of the error that stopped it and ends with 1.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

BATCH = 1_000
"""Files kept until they are handed over; fewer than that are written here, without a process."""


class SmallFiles:
    """Takes files; when the ``with`` ends well, all of them are written.

    Raises OSError when one could not be, at the latest when the ``with`` ends.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[str, bytes]] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SmallFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._process
        if kind is not None:
            if process is not None:
                process.kill()
                process.communicate()
        elif process is None:
            _write(self._waiting)
        else:
            self._hand_over(process)
            self._end(process)

    def add(self, path: str, data: bytes) -> None:
        """Write ``data`` to ``path``, now or before the ``with`` ends; its folder is there."""
        self._waiting.append((path, data))
        if len(self._waiting) >= BATCH:
            if self._process is None:
                self._process = subprocess.Popen(  # noqa: S603 - this Python and this file
                    [sys.executable, "-I", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            self._hand_over(self._process)

    def _hand_over(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101 - said for the type checker
        waiting, self._waiting = self._waiting, []
        try:
            marshal.dump(waiting, process.stdin)
        except BrokenPipeError:
            self._end(process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        said, _ = process.communicate()
        if process.returncode != 0:
            number = int(said) if said.strip().isdigit() else 0
            raise OSError(number, os.strerror(number) if number else "files could not be written")


def _write(files: list[tuple[str, bytes]]) -> None:
    for path, data in files:
        Path(path).write_bytes(data)


def _main() -> int:
    while True:
        try:
            files = marshal.load(sys.stdin.buffer)  # noqa: S302 - our parent alone writes to this pipe
        except EOFError:
            return 0
        try:
            _write(files)
        except OSError as error:
            print(error.errno or 0)  # noqa: T201 - read by the parent
            return 1


if __name__ == "__main__":
    raise SystemExit(_main())
