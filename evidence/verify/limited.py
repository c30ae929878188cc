"""Judge one stranger's file in a process of its own: limited in time, memory, files; no network.

The process is ``worker``; ``pool`` keeps some of them warm, ``verify_limited`` starts one for a
single file. Whatever happens to it (killed by a limit, crashed, silent), the caller gets a report:
``limits_exceeded`` or ``unreadable``, never an exception and never "intact".
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence.verify.offline.marks import marks_from
from evidence.verify.offline.report import Finding, Report, failed, make_report
from evidence.verify.pictures import Drawn, Wish, drawn_of
from evidence.verify.thumbnails import MAX_PIXELS, Thumbnail, thumbnail_of

WORKER = Path(__file__).with_name("worker.py")
START_SECONDS = 60
"""What starting a worker may take beyond judging the file; a busy machine is slow at that."""


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
    refusal = too_large(path, name, within)
    if refusal is not None:
        return refusal
    started = time.perf_counter()
    request = request_line(path, roots=roots, trust=trust, receipt=receipt, bounds=within)
    try:
        done = subprocess.run(  # noqa: S603 - our own worker, no shell, nothing of the file in it
            command(),
            input=request,
            capture_output=True,
            timeout=within.wall_seconds + START_SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        return report_of(b'{"died": "time"}', name, within)
    answer = done.stdout.splitlines()[-1] if done.stdout.count(b"\n") > 1 else b""
    return report_of(answer, name, within, seconds=time.perf_counter() - started)


def command() -> list[str]:
    """Return the command that starts a worker."""
    return [sys.executable, "-I", str(WORKER)]


def too_large(path: Path, name: str, bounds: Bounds) -> Report | None:
    """Return the refusal of a file that has too many bytes to begin with, None otherwise."""
    if bounds.file_bytes is None or path.stat().st_size <= bounds.file_bytes:
        return None
    return _limits(name, f"The file has more than {bounds.file_bytes} bytes.")


def request_line(
    path: Path, *, roots: Sequence[bytes], trust: str, receipt: bytes | None, bounds: Bounds
) -> bytes:
    """Return the one line of JSON a worker reads."""
    request = _request(path, bounds) | {
        "roots": [base64.b64encode(root).decode() for root in roots],
        "trust": trust,
        "receipt": None if receipt is None else base64.b64encode(receipt).decode(),
    }
    return json.dumps(request).encode() + b"\n"


def drawing_line(path: Path, wish: Wish, bounds: Bounds) -> bytes:
    """Return the one line that asks a worker for pictures instead of a report."""
    request = _request(path, bounds) | {"draw": list(wish.named), "at_most": wish.at_most}
    return json.dumps(request).encode() + b"\n"


def shrinking_line(data: bytes, edge: int, bounds: Bounds) -> bytes:
    """Return the one line that asks a worker for a small copy of a picture.

    The picture itself stands in it: what is stored encrypted is not written down for this.
    """
    picture = base64.b64encode(data).decode()
    request = _costs(bounds) | {"picture": picture, "edge": edge, "pixels": MAX_PIXELS}
    return json.dumps(request).encode() + b"\n"


def _request(path: Path, bounds: Bounds) -> dict[str, Any]:
    return {"path": str(path.absolute())} | _costs(bounds)


def _costs(bounds: Bounds) -> dict[str, Any]:
    return {
        "file_bytes": bounds.file_bytes,
        "unpacked_bytes": bounds.unpacked_bytes,
        "entries": bounds.entries,
        "cpu_seconds": bounds.cpu_seconds,
        "wall_seconds": bounds.wall_seconds,
        "memory_bytes": bounds.memory_bytes,
    }


def drawn_in(answer: bytes) -> Drawn | None:
    """Return the pictures in a worker's answer, None when there are none. Total."""
    try:
        return drawn_of(json.loads(answer))
    except (ValueError, KeyError, TypeError):
        return None


def thumbnail_in(answer: bytes) -> Thumbnail | None:
    """Return the small picture in a worker's answer, None when there is none. Total."""
    try:
        return thumbnail_of(json.loads(answer))
    except (ValueError, KeyError, TypeError):
        return None


def report_of(answer: bytes, name: str, bounds: Bounds, *, seconds: float | None = None) -> Report:
    """Return the report in a worker's answer, or what its absence means. Total."""
    try:
        value = json.loads(answer)
        if "died" not in value:
            return _report(value, name, seconds)
        died = value["died"]
    except (ValueError, KeyError, TypeError):
        died = "silent"
    if died == "time":
        return _limits(name, f"The file was not judged within {bounds.wall_seconds} seconds.")
    if died == "limits":
        return _limits(name, "Judging the file needed more time or memory than is allowed.")
    finding = failed("readable", "The file could not be judged.")
    return make_report(name, "other", [finding], required=frozenset({"readable"}))


def _limits(name: str, detail: str) -> Report:
    return make_report(name, "other", [failed("limits", detail)], required=frozenset({"limits"}))


def _report(value: dict[str, Any], name: str, seconds: float | None) -> Report:
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
        seconds=value["seconds"] if seconds is None else seconds,
        marks=marks_from(value.get("marks", ())),
    )
