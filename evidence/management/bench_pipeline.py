"""The part of ``manage.py bench`` about the main job: acquire, export, verify, convert, at each size."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from evidence.actions.advance import ENDED, STEPS, advance
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.management import benchmark
from evidence.management.operator import operator
from evidence.models import Job, Matter, Series
from evidence.select import Choice
from evidence.verify import engine
from evidence.verify.offline import trust_of
from evidence.verify.offline.bundle_tokens import read_pem

HEAD = f"{'messages':>9} {'stage':<22} {'seconds':>8} {'msgs/s':>9} {'peak MB':>8}"
CONVERTED_AT = 100_000
"""From this size on the bundle is also written in the formats whose rate matters."""
CONVERTED = {"rsmf": "RSMF", "dat": "DAT, OPT, TEXT"}


def lines(sizes: list[int]) -> Iterator[str]:
    """Yield one printed line per stage for a made-up chat of each size in messages."""
    yield HEAD
    for size in sizes:
        yield from _measured(size, "chat.txt", benchmark.write_chat)


def photo_lines(photos: int) -> Iterator[str]:
    """Yield the same for a chat of ``photos`` twelve-megapixel photos and nothing else."""
    yield f"{photos:,} photos of twelve megapixels:"
    yield HEAD
    yield from _measured(photos, "chat.zip", benchmark.write_photo_chat)


def _measured(size: int, name: str, write: Callable[[Path, int], None]) -> Iterator[str]:
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench"
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
    yield _row(size, "acquire", stored.seconds, stored.peak_mb)
    series = stored.answer["conversations"][0]["id"]
    export = benchmark.run(["bench", "--export", series, "--out", str(folder / "out")], folder)
    yield _row(size, "export", export.seconds, export.peak_mb)
    for phase, seconds in export.answer["phases"].items():
        yield _row(size, f"  {phase}", seconds, None)
    bundle = Path(export.answer["zip"])
    yield from _verified(size, folder, bundle)
    if CONVERTED_AT <= size:
        yield from _converted(size, folder, bundle)
    yield (
        f"{'':>9} bundle {bundle.stat().st_size / 1e6:.1f} MB, "
        f"{export.answer['pages']:,} pages in {export.answer['volumes']} PDF"
    )
    shutil.rmtree(folder, ignore_errors=True)


def _verified(size: int, folder: Path, bundle: Path) -> Iterator[str]:
    pyz = folder / "verify.pyz"
    with zipfile.ZipFile(bundle) as archive:
        pyz.write_bytes(archive.read("verify.pyz"))
    verified = benchmark.run_verifier(pyz, folder / "pki" / "root.pem", bundle)
    if verified.answer["indication"] != "TOTAL_PASSED":
        raise RuntimeError(f"the bundle does not verify: {verified.answer['reason']}")
    yield _row(size, "verify.pyz (cold)", verified.seconds, verified.peak_mb)
    trust = trust_of(read_pem((folder / "pki" / "root.pem").read_bytes()))
    taken = [engine.verify(bundle, trust=trust).seconds for _ in range(2)]
    yield _row(size, "verify (warm)", taken[-1], None)


def _converted(size: int, folder: Path, bundle: Path) -> Iterator[str]:
    """Yield what each format costs: the command as called, which verifies the bundle first."""
    for format, name in CONVERTED.items():
        out = folder / format
        made = benchmark.run(
            ["convert", str(bundle), "--format", format, "--out", str(out), "--json"], folder
        )
        yield _row(size, name, made.seconds, made.peak_mb)
        shutil.rmtree(out)


def _row(size: int, stage: str, seconds: float, peak: float | None) -> str:
    memory = f"{peak:8.0f}" if peak is not None else ""
    rate = size / max(seconds, 0.005)
    return f"{size:>9,} {stage:<22} {seconds:8.2f} {rate:9,.0f} {memory}"


def export_measured(series_id: str, out: Path) -> dict[str, Any]:
    """Export one whole series and return what each phase cost; run by the bench in a child."""
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
