"""Judge a file anybody gave us, against what this deployment trusts."""

from __future__ import annotations

from pathlib import Path

from evidence.gateways.current import current
from evidence.verify.limited import Bounds
from evidence.verify.offline import Report
from evidence.verify.pictures import Pair, noted, wish_of
from evidence.verify.pool import shared_pool

LABEL_OF_ROOTS = "configured"


def verify_file(*, path: Path, name: str, receipt: bytes | None = None) -> Report:
    """Return the report on the file at ``path``; nothing is kept and nothing is logged.

    The file is judged by one of a few warm processes, limited and without network. On a
    development deployment its own development root counts, and every report then says so.
    """
    return verify_and_draw(path=path, name=name, receipt=receipt)[0]


def verify_and_draw(
    *, path: Path, name: str, receipt: bytes | None = None
) -> tuple[Report, tuple[Pair, ...]]:
    """Return the report as ``verify_file`` does, and pictures of pages that changed after signing."""
    gateways, pool = current(), shared_pool()
    report = pool.judge(
        path, name, roots=gateways.roots, trust=LABEL_OF_ROOTS, receipt=receipt, bounds=Bounds()
    )
    wish = wish_of(report)
    if wish is None:
        return report, ()
    drawn = pool.draw(path, wish)
    return noted(report, wish, drawn), drawn.pairs if drawn else ()
