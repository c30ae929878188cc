"""The process of ``beside``: reads one request from standard input, answers one line, and ends.

Run by path with ``python -I``, so it puts the source tree on its own import path.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path


def main() -> int:
    """Judge the one bundle; 0 when the answer is whole."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from evidence.verify import engine, offline

    request = json.load(sys.stdin)
    roots = [base64.b64decode(root) for root in request["roots"]]
    report = engine.verify(request["path"], trust=offline.trust_of(roots, request["trust"]))
    marks = [mark.to_dict() for mark in report.marks]
    sys.stdout.write(json.dumps(report.to_dict() | {"marks": marks}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
