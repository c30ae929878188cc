"""The part of ``manage.py bench`` about the renderer: the same transcript beside its peers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence.render import bench

MORE_SIZES = (100_000, 1_000_000)
PHOTOS = 1_000


def lines(size: int, *, full: bool, divide: int = 1) -> Iterator[str]:
    """Yield one printed line per engine, each in a process of its own; ``full`` adds large ones.

    divide: how many times fewer messages and photos the large ones have.
    """
    yield (
        f"{'messages':>9} {'renderer':<22} {'seconds':>8} {'CPU s':>8} {'msgs/s':>9} {'peak MB':>8} "
        f"{'pages':>7} {'MB':>7}"
    )
    rates: dict[str, float] = {}
    for engine in bench.ENGINES:
        yield from _engine(engine, size, rates)
    own = rates.get("ours")
    beside = [
        f"{own / rate:.1f} times {engine}" for engine, rate in rates.items() if engine != "ours"
    ] if own else []  # fmt: skip
    if beside:
        yield f"{'':>9} TrueThread in this run: {', '.join(beside)}"
    slow = ", ".join(
        f"{engine} a {share}th of the messages" for engine, share in bench.SLOW.items()
    )
    yield f"{'':>9} ({slow}: all of them would take minutes)"
    if full:
        for more in MORE_SIZES:
            yield from _engine("ours", more // divide, {})
        photos = PHOTOS // divide
        yield f"{photos:,} photos of twelve megapixels, in their rows and in the annex:"
        yield from _engine("photos", photos, {})


def _engine(engine: str, size: int, rates: dict[str, float]) -> Iterator[str]:
    fonts = Path(settings.TRUETHREAD_VAR_DIR) / "fonts"
    name = "TrueThread" if engine in ("ours", "photos") else engine
    for found in bench.compare(size, fonts, [engine]):
        if "error" in found:
            yield f"{size:>9,} {name:<22} not measured: {found['error']}"
            continue
        rates[engine] = found["messages_per_second"] or 1
        yield _row(name, found)


def _row(name: str, found: dict[str, Any]) -> str:
    return (
        f"{found['messages']:>9,} {name:<22} {found['seconds']:8.2f} "
        f"{found['cpu_seconds']:8.2f} {found['messages_per_second']:9,} {found['peak_mb']:8} {found['pages']:7,} "
        f"{found['bytes'] / 1e6:7.1f}"
    )
