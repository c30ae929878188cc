"""The process that judges strangers' files: reads requests, forks a confined child for each.

Run by path with ``python -I``, so it puts the source tree on its own import path. It loads the
engine once and leaves the network namespace. For every line of JSON on its standard input it forks
a child that limits itself in time, memory and files, refuses sockets and processes from then on,
judges (or draws, or shrinks) the one file and answers one line; a child that dies or dallies becomes ``{"died": why}``.
So nothing of one file is left when the next one comes, and no answer waits for Python to start.
"""

from __future__ import annotations

import base64
import contextlib
import ctypes
import json
import logging
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
AF_UNIX = 1
MAX_ANSWER_BYTES = 16_000_000
_REFUSED = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "ftplib.",
    "ctypes.dlopen",
)


def main() -> int:
    """Serve requests until standard input ends."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    logging.disable(logging.CRITICAL)
    from evidence.verify import engine, pdf, pictures, thumbnails  # noqa: F401  # once, for every child

    pdf.load()
    pictures.load()
    thumbnails.load()
    leave_network()
    answers = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(answers, "wb", buffering=0) as out:
        out.write(b'{"ready": true}\n')
        for line in sys.stdin.buffer:
            out.write(_serve(json.loads(line), line))
    return 0


def _serve(request: dict[str, Any], line: bytes) -> bytes:
    """Return one line: the report a confined child makes, or why there is none."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _child(line, theirs)
    os.close(theirs)
    try:
        answer = _read(ours, time.monotonic() + request["wall_seconds"])
    finally:
        os.close(ours)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if answer is None:
        return b'{"died": "time"}\n'
    if not answer.endswith(b"\n"):
        is_clean = os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        return b'{"died": "silent"}\n' if is_clean else b'{"died": "limits"}\n'
    return answer


def _read(source: int, deadline: float) -> bytes | None:
    """Return everything the child says; None when it takes too long or says too much."""
    parts: list[bytes] = []
    size = 0
    while True:
        ready, _, _ = select.select([source], [], [], max(0.0, deadline - time.monotonic()))
        if not ready or size > MAX_ANSWER_BYTES:
            return None
        part = os.read(source, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)


def _child(line: bytes, out: int) -> None:
    """Judge the one file and leave; never returns."""
    status = 1
    try:
        request = json.loads(line)
        confine(request)
        answer = _answer(request)
        with os.fdopen(out, "wb") as stream:
            stream.write(answer.encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _answer(request: dict[str, Any]) -> str:
    if "picture" in request:
        return _shrink(request)
    return _draw(request) if "draw" in request else _judge(request)


def _judge(request: dict[str, Any]) -> str:
    from evidence.verify import engine, offline

    report = engine.verify(
        request["path"],
        trust=offline.trust_of(
            [base64.b64decode(root) for root in request["roots"]], request["trust"]
        ),
        limits=offline.Limits(max_bytes=request["file_bytes"], max_members=request["entries"]),
        receipt=base64.b64decode(request["receipt"]) if request["receipt"] else None,
        processes=1,
    )
    return json.dumps(report.to_dict() | {"marks": [mark.to_dict() for mark in report.marks]})


def _draw(request: dict[str, Any]) -> str:
    from evidence.verify import pictures

    wish = pictures.Wish(tuple(request["draw"]), request["at_most"])
    drawn = pictures.draw(Path(request["path"]).read_bytes(), wish)
    return json.dumps(drawn.to_dict() if drawn else {"died": "undrawable"})


def _shrink(request: dict[str, Any]) -> str:
    from evidence.verify import thumbnails

    data = base64.b64decode(request["picture"])
    made = thumbnails.make(data, request["edge"], request["pixels"])
    return json.dumps(made.to_dict() if made else {"died": "too large"})


def confine(request: dict[str, Any]) -> None:
    """Give up what judging a file does not need; there is no way back."""
    for kind, limit in (
        (resource.RLIMIT_AS, request["memory_bytes"]),
        (resource.RLIMIT_CPU, request["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (limit, limit))
    sys.addaudithook(_refuse)


def leave_network() -> bool:
    """Move to an empty network namespace; return False where the system does not allow it."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        return bool(
            libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0
        )
    except (OSError, AttributeError):
        return False


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.__new__" and arguments[1] == AF_UNIX:
        return  # the two ends with which an event loop wakes itself; connecting is refused below
    if event.startswith(_REFUSED):
        raise PermissionError(f"{event} is not allowed here")


if __name__ == "__main__":
    sys.exit(main())
