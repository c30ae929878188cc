"""``manage.py bench``: what the service costs, part by part. A part is a line in ``PARTS``."""

from __future__ import annotations

import json
import platform
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence.management import (
    bench_api,
    bench_pages,
    bench_pipeline,
    bench_push,
    bench_renderer,
    bench_verify,
)
from evidence.management.operator import OperatorCommand

SIZES = (1_000, 10_000, 100_000)
FULL_SIZE, PHOTOS = 1_000_000, 1_000
API_SIZE = 10_000
"""Stored messages behind the API."""
BESIDE = 10_000
"""Messages the renderer and its peers draw side by side."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the person asked for. photos: how many to export; 0 leaves that part out."""

    full: bool
    sizes: list[int]
    photos: int
    beside: int
    divide: int
    """How many times fewer messages and photos than said, to see a full run end."""


Part = Callable[[Asked], Iterator[str]]
PARTS: dict[str, tuple[str, Part]] = {
    "renderer": (
        "the renderer beside its peers, the same transcript",
        lambda asked: bench_renderer.lines(asked.beside, full=asked.full, divide=asked.divide),
    ),
    "pipeline": (
        "acquire, export, verify and convert, stage by stage",
        lambda asked: bench_pipeline.lines(asked.sizes),
    ),
    "photos": (
        "the same for twelve-megapixel photos; in a full run, or with --photos",
        lambda asked: bench_pipeline.photo_lines(asked.photos) if asked.photos else iter(()),
    ),
    "pages": (
        "what each page costs where so many messages are stored",
        lambda asked: bench_pages.lines(max(asked.sizes)),
    ),
    "api": (
        "requests per second of eight clients: a page of messages, a selection, a state",
        lambda asked: bench_api.lines((FULL_SIZE if asked.full else API_SIZE) // asked.divide),
    ),
    "push": (
        "batches pushed by one sender to one server, stored, sealed and logged",
        lambda asked: bench_push.lines(-(-bench_push.MESSAGES // asked.divide)),
    ),
    "verdicts": (
        "files judged by a warm engine",
        lambda _asked: bench_verify.lines(),
    ),
}
"""Name → what it measures, and the function that yields printed lines as they are found."""


class Command(OperatorCommand):
    help = "Measure the service part by part; prints tables. Uses its own folder var/bench."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only", nargs="+", action="extend", choices=PARTS, metavar="PART",
            help="; ".join(f"{name}: {what}" for name, (what, _) in PARTS.items()),
        )  # fmt: skip
        parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
        parser.add_argument(
            "--full", action="store_true",
            help=f"also {FULL_SIZE:,} messages and {PHOTOS:,} twelve-megapixel photos",
        )  # fmt: skip
        parser.add_argument("--photos", type=int, default=0, help="photos to export besides")
        parser.add_argument("--beside", type=int, default=BESIDE, help="messages of the renderers")
        parser.add_argument(
            "--divide", type=int, default=1, metavar="N",
            help="measure an Nth of every size: shows that a full run ends, measures nothing",
        )  # fmt: skip
        parser.add_argument("--export", help="(one stage, used by the bench itself)")
        parser.add_argument("--push-account", action="store_true", help="(likewise)")
        parser.add_argument("--out", type=Path)
        parser.add_argument("--api", help="(one stage, used by the bench itself)")
        parser.add_argument("--tokens", type=int, default=1)
        parser.add_argument("--pages", type=int, help="(the same, for the part about pages)")

    def handle(self, *args: object, **options: Any) -> None:
        if options["export"]:
            found = bench_pipeline.export_measured(options["export"], options["out"])
            self.stdout.write(json.dumps(found))
            return
        if options["pages"]:
            self.stdout.write(bench_pages.as_json(options["pages"]))
            return
        if options["api"]:
            self.stdout.write(json.dumps(bench_api.prepared(options["api"], options["tokens"])))
            return
        if options["push_account"]:
            self.stdout.write(json.dumps(bench_push.account()))
            return
        divide = max(1, options["divide"])
        sizes = [*options["sizes"], *([FULL_SIZE] if options["full"] else [])]
        photos = options["photos"] or (PHOTOS if options["full"] else 0)
        asked = Asked(
            full=options["full"],
            sizes=[-(-size // divide) for size in sizes],
            photos=-(-photos // divide),
            beside=-(-options["beside"] // divide),
            divide=divide,
        )
        self._say(
            f"Python {platform.python_version()}, {platform.machine()}, "
            f"{settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"
        )
        started = time.monotonic()
        for name in options["only"] or PARTS:
            self._measure(name, asked)
        self._say(f"\nall parts: {time.monotonic() - started:.0f} s")

    def _measure(self, name: str, asked: Asked) -> None:
        """Print the lines of a part as they come, under its name; nothing for one left out."""
        what, part = PARTS[name]
        started, told = time.monotonic(), False
        for line in part(asked):
            if not told:
                self._say(f"\n{name}: {what}")
                told = True
            self._say(line)
        if told:
            self._say(f"({name}: {time.monotonic() - started:.0f} s)")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
