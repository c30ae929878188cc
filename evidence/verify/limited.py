"""Judge a stranger's file in a process of its own: limited in time, memory and files, no network.

The child reads one JSON request from its standard input and answers one report. Whatever happens to
it (killed by a limit, crashed, silent), the caller gets a report: ``limits_exceeded`` or
``unreadable``, never an exception and never "intact".
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.verify.offline.report import Finding, Report, failed, make_report

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one file may cost."""

    file_bytes: int | None = 50_000_000
    unpacked_bytes: int | None = 200_000_000
    entries: int = 1_000
    cpu_seconds: int = 20
    wall_seconds: int = 40
    memory_bytes: int = 1 << 30


def verify_limited(
    path: Path,
    name: str,
    *,
    roots: Sequence[bytes],
    trust: str = "configured",
    receipt: bytes | None = None,
    bounds: Bounds | None = None,
) -> Report:
    """Return the report on the file at ``path``, called ``name`` in it. Total over all bytes.

    roots: DER certificates that count; trust: their label. OSError of an unreadable path is the
    caller's.
    """
    within = bounds or Bounds()
    size = path.stat().st_size
    if within.file_bytes is not None and size > within.file_bytes:
        return _too_large(name, f"The file has more than {within.file_bytes} bytes.")
    request = {
        "path": str(path),
        "roots": [base64.b64encode(root).decode() for root in roots],
        "trust": trust,
        "receipt": None if receipt is None else base64.b64encode(receipt).decode(),
        "file_bytes": within.file_bytes,
        "entries": within.entries,
        "cpu_seconds": within.cpu_seconds,
        "memory_bytes": within.memory_bytes,
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own worker, no shell, nothing of the file in it
            [sys.executable, "-I", str(WORKER)],
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=within.wall_seconds,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        return _too_large(name, f"The file was not judged within {within.wall_seconds} seconds.")
    if done.returncode != 0:
        return _too_large(name, "Judging the file needed more time or memory than is allowed.")
    try:
        return _report(json.loads(done.stdout), name)
    except (ValueError, KeyError, TypeError):
        return make_report(
            name, "other", [failed("recognised", "The file could not be judged.")],
            required=frozenset({"recognised"}),
        )  # fmt: skip


def _too_large(name: str, detail: str) -> Report:
    return make_report(name, "other", [failed("limits", detail)], required=frozenset({"limits"}))


def _report(value: dict[str, Any], name: str) -> Report:
    findings = tuple(
        Finding(f["check"], f["outcome"], f["required"], f["detail"], f.get("where", ""))
        for f in value["findings"]
    )
    return Report(
        file=name,
        kind=value["kind"],
        indication=value["indication"],
        reason=value["reason"],
        trust=value["trust"],
        findings=findings,
        seconds=value["seconds"],
    )
