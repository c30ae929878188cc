"""Build ``verify.pyz`` from the sources: the same sources give the same bytes, anywhere.

The archive is a plain ZIP of readable source files, written in the canonical form of
``formats.bundle``, which Python runs as it is (PEP 441). It holds ``evidence/formats``,
``evidence/verify/offline``, the two modules both stand on, and a ``__main__``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

from ...formats import bundle

_MAIN = b'''"""TrueThread verifier: python3 verify.pyz --help"""

import sys

if sys.version_info < (3, 10):
    sys.exit("verify.pyz needs Python 3.10 or later.")

from evidence.verify.offline.cli import main

sys.exit(main(sys.argv[1:]))
'''
_FILES = ("errors.py", "values.py", "verify/__init__.py")
_FOLDERS = ("formats", "verify/offline")


def build(out_path: str | Path) -> None:
    """Write ``verify.pyz`` to ``out_path``, replacing what is there."""
    Path(out_path).write_bytes(build_bytes())


def build_bytes() -> bytes:
    """Return the bytes of ``verify.pyz``."""
    sources = {"__main__.py": _MAIN, "evidence/__init__.py": b""}
    room = Path(__file__).resolve().parents[2]
    for name in _FILES:
        sources[f"evidence/{name}"] = (room / name).read_bytes()
    for folder in _FOLDERS:
        for path in sorted((room / folder).glob("*.py")):
            sources[f"evidence/{folder}/{path.name}"] = path.read_bytes()
    out = io.BytesIO()
    bundle.write_zip(out, {name: (len(data), _reader(data)) for name, data in sources.items()})
    return out.getvalue()


def _reader(data: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([data])
