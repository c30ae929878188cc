"""The part of ``manage.py bench`` about verification: files made here, judged, forgotten."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

from django.utils import timezone

from evidence.management import bench_page
from evidence.management.attacks import forged, hostile, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.own import sealed
from evidence.verify import bench
from evidence.verify.pool import Pool

PAGES = (10, 500, 2_000)


def lines() -> Iterator[str]:
    """Yield one printed line per measurement; takes about two minutes."""
    now = timezone.now().replace(microsecond=0)
    pool = Pool(1)
    yield f"{'file':<28} {'engine s':>9} {'pool s':>8}  verdict"
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            yield from _own(folder, now, pool)
            yield from _others(folder, now, pool)
    finally:
        pool.close()


def _own(folder: Path, now: datetime, pool: Pool) -> Iterator[str]:
    for pages in PAGES:
        place = folder / str(pages)
        place.mkdir()
        signed, authorities = sealed(place, now, pages=pages)
        yield _line(f"our PDF, {pages:,} pages", signed, [authorities.root.der], pool)


def _others(folder: Path, now: datetime, pool: Pool) -> Iterator[str]:
    maker = Maker(keys.make_pki(now))
    roots = [maker.pki.root.der]
    for pages in PAGES:
        path = folder / f"foreign-{pages}.pdf"
        path.write_bytes(maker.archived(paper.plain(pages)))
        yield _line(f"another's PDF, {pages:,} pages", path, roots, pool)
    small = folder / f"foreign-{PAGES[0]}.pdf"
    forgery = folder / "forged.pdf"
    forgery.write_bytes(forged.isa(small.read_bytes(), maker))
    yield f"{'answers of the pool, 8 clients':<34} {bench.answers_per_second(small, roots):8.1f} /s"
    own = folder / str(PAGES[0]) / "sealed.pdf"
    for what, path in (
        ("our PDF", own),
        ("another's PDF", small),
        ("a forged PDF, drawn", forgery),
    ):
        rate = bench_page.answers_per_second(folder / f"served {what}", path)
        yield f"{f'pages answered, 8 clients, {what}':<46} {rate:6.1f} /s"
    yield from _worst(folder, maker)


def _worst(folder: Path, maker: Maker) -> Iterator[str]:
    """Yield which hostile files cost most, each judged by a child under the limits of the page."""
    paths = []
    for name, (data, ending) in hostile.files(maker).items():
        paths.append(folder / f"{name}{ending}")
        paths[-1].write_bytes(data)
    costs = bench.costs(paths, [maker.pki.root.der])
    slow, large = bench.worst(costs)
    typical = median(one.cpu_seconds for one in costs)
    yield f"{len(costs)} hostile files, half of them under {typical:.2f} s CPU of the child that judges"
    yield f"worst hostile file in time: {slow.name}, {slow.cpu_seconds:.2f} s CPU, {slow.reason}"
    yield f"worst hostile file in memory: {large.name}, {large.peak_mb:.0f} MB, {large.reason}"


def _line(name: str, path: Path, roots: Sequence[bytes], pool: Pool) -> str:
    cost = bench.measure(name, path, roots)
    waited = bench.pooled(path, roots, pool)
    return f"{cost.name:<28} {cost.seconds:>9.3f} {waited:>8.3f}  {cost.indication}"
