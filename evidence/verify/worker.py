"""The child of ``limited``: limits itself first, then reads the file. Standard library only.

Run by path with ``python -I``, so it puts the source tree on its own import path. After the limits
stand, an audit hook refuses sockets and other processes for the rest of its life; where the system
allows it, the process also leaves the network namespace.
"""

from __future__ import annotations

import base64
import ctypes
import json
import resource
import sys
from pathlib import Path
from typing import Any

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
_REFUSED = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "ftplib.",
)


def main() -> int:
    """Answer the one request on standard input."""
    request = json.loads(sys.stdin.buffer.read())
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from evidence.verify import offline

    confine(request)
    report = offline.verify(
        request["path"],
        trust=offline.trust_of(
            [base64.b64decode(root) for root in request["roots"]], request["trust"]
        ),
        limits=offline.Limits(max_bytes=request["file_bytes"], max_members=request["entries"]),
        receipt=base64.b64decode(request["receipt"]) if request["receipt"] else None,
        processes=1,
    )
    sys.stdout.write(report.to_json())
    return 0


def confine(request: dict[str, Any]) -> None:
    """Give up what judging a file does not need; there is no way back."""
    leave_network()
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
    if event.startswith(_REFUSED):
        raise PermissionError(f"{event} is not allowed here")


if __name__ == "__main__":
    sys.exit(main())
