"""``manage.py bench``: what the main job costs, stage by stage, in processes of their own."""

from __future__ import annotations

import json
import platform
import shutil
import time
import zipfile
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from evidence.actions.advance import ENDED, STEPS, advance
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.management import bench_verify, benchmark
from evidence.management.operator import operator
from evidence.models import Job, Matter, Series
from evidence.render import bench as render_bench
from evidence.select import Choice

SIZES = (1_000, 10_000, 100_000)
FULL_SIZE, PHOTOS = 1_000_000, 1_000
BESIDE = 10_000
"""Messages the renderer and its peers draw side by side."""


class Command(BaseCommand):
    help = (
        "Measure acquire, export and verify, then the renderer beside its peers; prints tables. "
        "Uses its own folder var/bench."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
        parser.add_argument(
            "--full", action="store_true",
            help=f"also {FULL_SIZE:,} messages and {PHOTOS:,} twelve-megapixel photos",
        )  # fmt: skip
        parser.add_argument("--photos", type=int, default=0, help="photos to export besides")
        parser.add_argument("--beside", type=int, default=BESIDE, help="messages; 0 leaves it out")
        parser.add_argument("--export", help="(one stage, used by the bench itself)")
        parser.add_argument("--out", type=Path)

    def handle(self, *args: object, **options: Any) -> None:
        if options["export"]:
            self.stdout.write(json.dumps(_export(options["export"], options["out"])))
            return
        folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench"
        self._say(
            f"Python {platform.python_version()}, {platform.machine()}, "
            f"{settings.DATABASES['default']['ENGINE'].rpartition('.')[2]}"
        )
        if options["beside"]:
            self._beside(options["beside"], full=options["full"])
        self._say(f"{'messages':>9} {'stage':<22} {'seconds':>8} {'msgs/s':>9} {'peak MB':>8}")
        for size in [*options["sizes"], *([FULL_SIZE] if options["full"] else [])]:
            self._measure(size, folder, "chat.txt", benchmark.write_chat)
        photos = options["photos"] or (PHOTOS if options["full"] else 0)
        if photos:
            self._say(f"{photos:,} photos of twelve megapixels:")
            self._measure(photos, folder, "chat.zip", benchmark.write_photo_chat)
        shutil.rmtree(folder, ignore_errors=True)
        self._say("Verdicts, warm:")
        for line in bench_verify.lines():
            self._say(line)

    def _beside(self, size: int, *, full: bool) -> None:
        """Render the same transcript with each engine, each in a process of its own."""
        fonts = Path(settings.TRUETHREAD_VAR_DIR) / "fonts"
        self._say(
            f"{'messages':>9} {'renderer':<22} {'seconds':>8} {'msgs/s':>9} {'peak MB':>8} "
            f"{'pages':>7} {'MB':>7}"
        )
        for engine in render_bench.ENGINES:
            self._engine(fonts, engine, size)
        slow = ", ".join(
            f"{engine} a {share}th of the messages" for engine, share in render_bench.SLOW.items()
        )
        self._say(f"{'':>9} ({slow}: all of them would take minutes)")
        if full:
            for more in (100_000, FULL_SIZE):
                self._engine(fonts, "ours", more)
            self._say(f"{PHOTOS:,} photos of twelve megapixels, in their rows and in the annex:")
            self._engine(fonts, "photos", PHOTOS)
        self._say("")

    def _engine(self, fonts: Path, engine: str, size: int) -> None:
        for found in render_bench.compare(size, fonts, [engine]):
            name = "TrueThread" if engine in ("ours", "photos") else engine
            if "error" in found:
                self._say(f"{size:>9,} {name:<22} not measured: {found['error']}")
                continue
            self._say(
                f"{found['messages']:>9,} {name:<22} {found['seconds']:8.2f} "
                f"{found['messages_per_second']:9,} {found['peak_mb']:8} {found['pages']:7,} "
                f"{found['bytes'] / 1e6:7.1f}"
            )

    def _measure(
        self, size: int, folder: Path, name: str, write: Callable[[Path, int], None]
    ) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "fonts").symlink_to(Path(settings.TRUETHREAD_VAR_DIR) / "fonts")
        benchmark.run(["migrate", "--verbosity", "0"], folder)
        chat = folder / name
        write(chat, size)
        stored = benchmark.run(
            ["acquire", str(chat), "--timezone", "Europe/Berlin", "--date-order", "dmy", "--json"],
            folder,
        )
        self._row(size, "acquire", stored.seconds, stored.peak_mb)
        series = stored.answer["conversations"][0]["id"]
        out = folder / "out"
        export = benchmark.run(["bench", "--export", series, "--out", str(out)], folder)
        self._row(size, "export", export.seconds, export.peak_mb)
        for phase, seconds in export.answer["phases"].items():
            self._row(size, f"  {phase}", seconds, None)
        bundle = Path(export.answer["zip"])
        pyz = folder / "verify.pyz"
        with zipfile.ZipFile(bundle) as archive:
            pyz.write_bytes(archive.read("verify.pyz"))
        verified = benchmark.run_verifier(pyz, folder / "pki" / "root.pem", bundle)
        if verified.answer["indication"] != "TOTAL_PASSED":
            raise RuntimeError(f"the bundle does not verify: {verified.answer['reason']}")
        self._row(size, "verify.pyz (cold)", verified.seconds, verified.peak_mb)
        self._say(
            f"{'':>9} bundle {bundle.stat().st_size / 1e6:.1f} MB, "
            f"{export.answer['pages']:,} pages in {export.answer['volumes']} PDF"
        )

    def _row(self, size: int, stage: str, seconds: float, peak: float | None) -> None:
        memory = f"{peak:8.0f}" if peak is not None else ""
        rate = size / max(seconds, 0.005)
        self._say(f"{size:>9,} {stage:<22} {seconds:8.2f} {rate:9,.0f} {memory}")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _export(series_id: str, out: Path) -> dict[str, Any]:
    """Export one whole series and return what each phase cost; one child of the bench."""
    series = Series.objects.select_related("organisation").get(public_id=series_id)
    actor, now = operator(), timezone.now()
    matter = open_matter(
        organisation=series.organisation, actor=actor, name="Bench", purpose="", at=now
    )
    started = time.perf_counter()
    selection = freeze_selection(
        organisation=series.organisation,
        actor=actor,
        matter=matter,
        choices=[(series, Choice())],
        at=now,
    )
    phases = {"freezing": time.perf_counter() - started}
    export = request_export(selection=selection, actor=actor, options=ExportOptions(), at=now)
    job = export.job
    while job.phase not in ENDED:
        phase, started = job.phase, time.perf_counter()
        job, _ = advance(job.pk, at=timezone.now())
        phases[phase] = time.perf_counter() - started
    if job.phase != Job.Phase.READY:
        raise RuntimeError(f"the export failed: {job.error_code}")
    export.refresh_from_db()
    answer = deliver(export=export, folder=out, actor=actor, at=timezone.now())
    pdfs = [one for one in answer["artifacts"] if one["kind"] == "pdf"]
    return {
        "phases": {name: phases[name] for name in ("freezing", *STEPS)},
        "zip": answer["zip"],
        "volumes": len(pdfs),
        "pages": Matter.objects.get(pk=matter.pk).next_bates - 1,
    }
