"""Bytes that can be read from any position on, as a file."""

from __future__ import annotations

import io


class Seekable(io.RawIOBase):
    """A read-only file of ``size`` bytes; those who derive from it say what is read.

    ``readinto`` reads at ``position`` and moves it on.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self.position = 0

    def readable(self) -> bool:
        """Reading is all it is for."""
        return True

    def seekable(self) -> bool:
        """Any position can be reached."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position and return it; beyond the end nothing is read. Raises ValueError for
        one before the start, the caller's fault."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if start + offset < 0:
            raise ValueError("negative position")
        self.position = start + offset
        return self.position
