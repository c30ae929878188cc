"""The demonstration: the shipped samples, from export file to verified bundle, and an altered twin."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from django.conf import settings

from evidence import samples
from evidence.actions.acquire_file import acquire_file
from evidence.actions.advance import run_to_end
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.actions.stamp_log import stamp_log
from evidence.errors import EvidenceError
from evidence.formats import bundle
from evidence.gateways.current import current
from evidence.ingest import Answers
from evidence.management.operator import operator, organisation_called
from evidence.models import Export, Job, Organisation, Series
from evidence.select import Choice, Redaction
from evidence.values import Actor

GOOD = "sample-bundle.zip"
ALTERED = "sample-bundle-altered.zip"
FALSIFIED = (b"48,000", b"84,000")
"""What the altered twin says instead."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """What was made. altered: the same bundle with one amount changed in a message."""

    good: Path
    altered: Path
    receipt: Path
    sources: list[Path]
    messages: int


def demo_folder() -> Path:
    """Return where demonstration files lie: ``demo`` in the folder of generated files."""
    return Path(settings.TRUETHREAD_VAR_DIR) / "demo"


def demonstrate(folder: Path, *, language: str = "en") -> Demonstration:
    """Take the samples in, export them into ``folder`` and return the files.

    Raises EvidenceError when a step fails; nothing half-made is left under the named files.
    """
    sources = samples.build(folder / "source")
    organisation = organisation_called(samples.OWNER)
    actor = operator()
    series = [_acquired(organisation, actor, path) for path in sources]
    stamp_log(current().clock.now())
    export = _exported(organisation, actor, series, language)
    facts = deliver(export=export, folder=folder, actor=actor, at=current().clock.now())
    good = folder / GOOD
    shutil.copyfile(facts["zip"], good)
    receipt = folder / f"{GOOD}.receipt.json"
    shutil.copyfile(facts["receipt"], receipt)
    altered = folder / ALTERED
    write_altered(good, altered)
    Path(facts["zip"]).unlink()
    Path(facts["receipt"]).unlink()
    return Demonstration(good, altered, receipt, sources, facts["messages"])


def _acquired(organisation: Organisation, actor: Actor, path: Path) -> Series:
    answers = Answers(
        timezone=samples.TIMEZONE if path.name == samples.WECHAT else None, owner=samples.OWNER
    )
    result = acquire_file(
        organisation=organisation,
        actor=actor,
        path=path,
        name=path.name,
        answers=answers,
        at=current().clock.now(),
    )
    if result.acquisition is None:
        raise EvidenceError(f"{path.name} asks questions", code="sample_not_read")
    return Series.objects.get(acquisition=result.acquisition)


def _exported(
    organisation: Organisation, actor: Actor, series: list[Series], language: str
) -> Export:
    now = current().clock.now()
    matter = open_matter(
        organisation=organisation,
        actor=actor,
        name="Lin Yue v. Omar Haddad" if language == "en" else "林月诉奥马尔·哈达德",
        number="DEMO-2026-001",
        purpose="Private loan of CNY 48,000" if language == "en" else "民间借贷 48,000 元",
        authority="The account holder's own records"
        if language == "en"
        else "账号持有人本人的记录",
        at=now,
    )
    reason = "Private, no bearing on the loan" if language == "en" else "私人内容，与借款无关"
    choices = [
        (one, Choice(redactions={10: Redaction(("body",), reason)} if number == 0 else {}))
        for number, one in enumerate(series)
    ]
    selection = freeze_selection(
        organisation=organisation, actor=actor, matter=matter, choices=choices, at=now
    )
    options = ExportOptions(
        language=language,
        jurisdiction="cn" if language == "zh" else None,
        requester=samples.OWNER,
        purpose="Private loan of CNY 48,000" if language == "en" else "民间借贷 48,000 元",
    )
    export = request_export(selection=selection, actor=actor, options=options, at=now)
    job = run_to_end(export.job.pk)
    if job.phase != Job.Phase.READY:
        raise EvidenceError(f"job {job.public_id}", code=job.error_code or "export_failed")
    export.refresh_from_db()
    return export


def write_altered(good: Path, altered: Path) -> None:
    """Write the bundle ``good`` with one amount changed in its messages, otherwise well made."""
    with good.open("rb") as file:
        members = {}
        for member in bundle.read_zip(file, good.stat().st_size):
            data = b"".join(bundle.content(file, member))
            if member.name == bundle.MESSAGES:
                data = data.replace(*FALSIFIED)
            members[member.name] = data
    with altered.open("wb") as out:
        bundle.write_zip(
            out, {name: (len(data), partial(_once, data)) for name, data in members.items()}
        )


def _once(data: bytes) -> Iterator[bytes]:
    yield data


def python() -> str:
    """Return how to call this Python in a printed command."""
    return Path(sys.executable).name
