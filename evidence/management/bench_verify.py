"""The part of ``manage.py bench`` about verification: files made here, judged, forgotten."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.utils import timezone

from evidence.management.attacks import doubtful, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.own import sealed
from evidence.verify import bench

PAGES = (10, 500, 2_000)


def lines() -> Iterator[str]:
    """Yield one printed line per measurement; takes about a minute."""
    now = timezone.now().replace(microsecond=0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for pages in PAGES:
            place = folder / str(pages)
            place.mkdir()
            signed, authorities = sealed(place, now, pages=pages)
            cost = bench.measure(f"our PDF, {pages:,} pages", signed, [authorities.root.der])
            yield _line(cost)
        maker = Maker(keys.make_pki(now))
        roots = [maker.pki.root.der]
        for pages in PAGES:
            path = folder / f"foreign-{pages}.pdf"
            path.write_bytes(maker.archived(paper.plain(pages)))
            yield _line(bench.measure(f"another's PDF, {pages:,} pages", path, roots))
        small = folder / f"foreign-{PAGES[0]}.pdf"
        yield f"{'answers of the pool, 8 clients':<34} {bench.answers_per_second(small, roots):8.1f} /s"
        hostile = []
        for number, (data, _) in enumerate(doubtful.bombs().values()):
            hostile.append(folder / f"bomb-{number}.pdf")
            hostile[-1].write_bytes(data)
        yield _line(bench.worst(hostile, roots), "worst hostile file: ")


def _line(cost: bench.Cost, before: str = "") -> str:
    return f"{before + cost.name:<34} {cost.seconds:8.3f} s  {cost.indication}"
