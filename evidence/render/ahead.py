"""Pictures decoded ahead on two threads, while the rows before them are drawn.

Pillow lets go of the interpreter while it decodes, so two threads use two cores. Files are loaded
in the thread that draws, because loading may touch the database; only decoding is handed out.
Pictures are embedded in the order of the rows whatever thread ends first: equal exhibits stay
equal byte for byte.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple, TypeVar

from evidence.render.images import Picture

T = TypeVar("T")
THREADS, IN_FLIGHT, THINGS_AHEAD = 2, 4, 64


class Wanted(NamedTuple):
    """A picture that will be drawn. ``key`` names equal bytes; ``load`` returns them."""

    key: str
    load: Callable[[], bytes]


class PicturesAhead:
    """Decodes what is announced and hands each picture out once; a few at a time, to spare memory."""

    def __init__(self, decode: Callable[[bytes], Picture]) -> None:
        self._decode = decode
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[str, Future[Picture]] = {}

    def over(self, things: Iterable[T], wanted: Callable[[T], Iterable[Wanted]]) -> Iterator[T]:
        """Yield ``things`` as they are; the pictures of the next ones are already being decoded."""
        source, waiting = iter(things), deque[T]()
        more = True
        while more or waiting:
            while more and len(waiting) < THINGS_AHEAD and len(self._begun) < IN_FLIGHT:
                try:
                    thing = next(source)
                except StopIteration:
                    more = False
                    break
                waiting.append(thing)
                for one in wanted(thing):
                    self._begin(one)
            if waiting:
                yield waiting.popleft()
            elif more:
                self._begun.clear()

    def _begin(self, one: Wanted) -> None:
        if one.key in self._begun or len(self._begun) >= IN_FLIGHT:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, "pictures")
        self._begun[one.key] = self._pool.submit(partial(self._decode, one.load()))

    def picture(self, one: Wanted) -> Picture:
        """Return the picture, from ahead or decoded now; raises PictureFailed."""
        begun = self._begun.pop(one.key, None)
        return begun.result() if begun is not None else self._decode(one.load())

    def close(self) -> None:
        """End the threads; pictures not handed out are given up."""
        self._begun.clear()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
