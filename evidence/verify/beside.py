"""A large bundle of our own, judged in a process without threads, which may use every core.

Messages are read in forked processes, and forking is safe only where no other thread runs. A worker of
the service has threads, so it would read 100,000 messages on one core. The report does not depend on
where it is made: small bundles are judged here, and where the process cannot be started or dies the
bundle is judged here too, which is slower and said in the program's log.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from evidence.verify import engine, offline
from evidence.verify.limited import Bounds, report_of

WORTH_A_PROCESS = 8 << 20
"""Bundles of fewer bytes are judged here: starting a process takes longer than it saves."""
WORKER = Path(__file__).with_name("beside_worker.py")

_log = logging.getLogger(__name__)


def verify(path: Path, *, roots: Sequence[bytes], trust: str = "configured") -> offline.Report:
    """Return the report of ``engine.verify`` on the bundle at ``path``, without limits.

    roots: DER certificates that count; trust: their label. OSError of an unreadable path is the
    caller's; nothing else is raised.
    """
    has_threads = threading.active_count() > 1 and (os.cpu_count() or 1) > 1
    if has_threads and path.stat().st_size >= WORTH_A_PROCESS:
        answer = _ask(path, roots, trust)
        if answer is not None:
            return report_of(answer, str(path), Bounds())
    return engine.verify(path, trust=offline.trust_of(roots, trust))


def _ask(path: Path, roots: Sequence[bytes], trust: str) -> bytes | None:
    """Return the line the process answered, None when it did not."""
    request = {
        "path": str(path.absolute()),
        "roots": [base64.b64encode(root).decode() for root in roots],
        "trust": trust,
    }
    try:
        done = subprocess.run(  # noqa: S603  # our own file, no shell, nothing of the bundle in it
            [sys.executable, "-I", str(WORKER)],
            input=json.dumps(request).encode(),
            capture_output=True,
            check=False,
        )
    except OSError as error:
        _log.warning("verification goes on without a second process: %s", error)
        return None
    if done.returncode != 0:
        _log.warning("verification goes on without a second process: it ended %d", done.returncode)
        return None
    return done.stdout
