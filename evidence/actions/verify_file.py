"""Judge a file anybody gave us, against what this deployment trusts."""

from __future__ import annotations

from pathlib import Path

from evidence.gateways.current import current
from evidence.verify.limited import Bounds
from evidence.verify.offline import Report
from evidence.verify.pool import shared_pool

LABEL_OF_ROOTS = "configured"


def verify_file(*, path: Path, name: str, receipt: bytes | None = None) -> Report:
    """Return the report on the file at ``path``; nothing is kept and nothing is logged.

    The file is judged by one of a few warm processes, limited and without network. On a
    development deployment its own development root counts, and every report then says so.
    """
    gateways = current()
    return shared_pool().judge(
        path, name, roots=gateways.roots, trust=LABEL_OF_ROOTS, receipt=receipt, bounds=Bounds()
    )
