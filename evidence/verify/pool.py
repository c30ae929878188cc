"""A few warm workers for strangers' files, shared by the threads of one process.

``judge`` borrows an idle worker, hands it one request and reads one report. A worker that ends,
falls silent or has served long enough is replaced; where none can be started, the file is judged
by a process of its own (``limited``). A process that was forked starts workers of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import select
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from evidence.verify.limited import (
    START_SECONDS,
    Bounds,
    command,
    drawing_line,
    drawn_in,
    report_of,
    request_line,
    shrinking_line,
    thumbnail_in,
    too_large,
    verify_limited,
)
from evidence.verify.offline import Report
from evidence.verify.pictures import Drawn, Wish
from evidence.verify.thumbnails import MAX_BYTES, Thumbnail

FILES_PER_WORKER = 500
"""Files after which a worker is replaced: whatever leaks, leaks little."""
MAX_LINE_BYTES = 16_000_000
DRAWING = Bounds(cpu_seconds=8, wall_seconds=15)
"""What drawing the pages of one file may cost, beyond judging it."""
SHRINKING = Bounds(cpu_seconds=5, wall_seconds=10)
"""What making one small picture may cost."""

_alive: set[Worker] = set()


class WorkerLost(Exception):
    """The worker ended or fell silent; the file may be at fault or not."""


class Worker:
    """One child process; used by one thread at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own worker, no shell
            command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            bufsize=0,
        )
        self.served = 0
        self._is_ready = False
        _alive.add(self)

    def ask(self, request: bytes, seconds: float) -> bytes:
        """Return the answer to one request; raises WorkerLost without one in time."""
        try:
            if not self._is_ready:
                self._line(START_SECONDS)
                self._is_ready = True
            self.served += 1
            self._say(request)
            return self._line(seconds)
        except OSError as error:
            raise WorkerLost(str(error)) from error

    def _say(self, request: bytes) -> None:
        """Write all of the request: an unbuffered pipe may take less at once."""
        left = memoryview(request)
        while left:
            left = left[_pipe(self._process.stdin).write(left) or 0 :]

    def _line(self, seconds: float) -> bytes:
        source, deadline = _pipe(self._process.stdout), time.monotonic() + seconds
        found = bytearray()
        while not found.endswith(b"\n"):
            ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(source.fileno(), 1 << 16) if ready else b""
            if not part or len(found) > MAX_LINE_BYTES:
                raise WorkerLost("no answer")
            found += part
        return bytes(found)

    def close(self) -> None:
        """End the process, whatever it is doing."""
        _alive.discard(self)
        self._process.kill()
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()
        _pipe(self._process.stdout).close()
        self._process.wait()

    def forget(self) -> None:
        """Close the pipes of a worker of the process we were forked from; let it live."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(pipe).close()
        self._process.returncode = 0


class Pool:
    """At most ``size`` workers, started when first needed; others wait for their turn."""

    def __init__(self, size: int = 2) -> None:
        self._places: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(size):
            self._places.put(None)
        self._size = size

    def warm(self) -> None:
        """Start the workers without waiting for them."""
        taken = [self._places.get() for _ in range(self._size)]
        for worker in taken:
            self._places.put(worker or _started())

    def judge(
        self,
        path: Path,
        name: str,
        *,
        roots: Sequence[bytes],
        trust: str = "configured",
        receipt: bytes | None = None,
        bounds: Bounds | None = None,
    ) -> Report:
        """Return what ``verify_limited`` would, without paying for a start each time."""
        within = bounds or Bounds()
        refusal = too_large(path, name, within)
        if refusal is not None:
            return refusal
        request = request_line(path, roots=roots, trust=trust, receipt=receipt, bounds=within)
        worker = self._places.get()
        try:
            worker = worker or _started()
            if worker is None:
                return verify_limited(
                    path, name, roots=roots, trust=trust, receipt=receipt, bounds=within
                )
            started = time.perf_counter()
            answer = worker.ask(request, within.wall_seconds + 5)
            return report_of(answer, name, within, seconds=time.perf_counter() - started)
        except WorkerLost:
            worker = _end(worker)
            return verify_limited(
                path, name, roots=roots, trust=trust, receipt=receipt, bounds=within
            )
        except BaseException:
            worker = _end(worker)
            raise
        finally:
            if worker is not None and worker.served >= FILES_PER_WORKER:
                worker = _end(worker)
            self._places.put(worker)

    def draw(self, path: Path, wish: Wish, *, bounds: Bounds = DRAWING) -> Drawn | None:
        """Return pages before and after, drawn by a worker; None when they could not be."""
        answer = self._drawing(drawing_line(path, wish, bounds), bounds)
        return None if answer is None else drawn_in(answer)

    def shrink(self, data: bytes, edge: int, *, bounds: Bounds = SHRINKING) -> Thumbnail | None:
        """Return a small copy of the picture ``data``, drawn anew by a worker.

        None when it is no picture we draw, too large, or could not be drawn within bounds.
        """
        if not data or len(data) > MAX_BYTES:
            return None
        answer = self._drawing(shrinking_line(data, edge, bounds), bounds)
        return None if answer is None else thumbnail_in(answer)

    def _drawing(self, request: bytes, bounds: Bounds) -> bytes | None:
        """Return what a worker answers; None where there is none or it was lost over this."""
        worker = self._places.get()
        try:
            worker = worker or _started()
            if worker is None:
                return None
            return worker.ask(request, bounds.wall_seconds + 5)
        except WorkerLost:
            worker = _end(worker)
            return None
        except BaseException:
            worker = _end(worker)
            raise
        finally:
            if worker is not None and worker.served >= FILES_PER_WORKER:
                worker = _end(worker)
            self._places.put(worker)

    def close(self) -> None:
        """End all idle workers; the pool can be used again and starts new ones."""
        for _ in range(self._size):
            worker = self._places.get()
            if worker is not None:
                worker.close()
        for _ in range(self._size):
            self._places.put(None)


def _started() -> Worker | None:
    try:
        return Worker()
    except OSError:
        return None


def _end(worker: Worker | None) -> Worker | None:
    """End a worker and return what stands in its place: nothing yet."""
    if worker is not None:
        worker.close()
    return None


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("a worker without pipes")
    return pipe


_lock = threading.Lock()
_shared: list[Pool] = []


def shared_pool() -> Pool:
    """Return the pool of this process, made at the first call."""
    with _lock:
        if not _shared:
            _shared.append(Pool())
        return _shared[0]


def _forget_after_fork() -> None:
    """Leave the workers of the parent alone: a forked process starts its own."""
    global _lock
    _lock = threading.Lock()
    _shared.clear()
    for worker in _alive:
        worker.forget()
    _alive.clear()


@atexit.register
def _close_at_exit() -> None:
    for pool in _shared:
        pool.close()


os.register_at_fork(after_in_child=_forget_after_fork)
