"""Write a verification report as a document and seal it with our own key and time-stamps."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from django.conf import settings

from evidence.actions.export_steps.render import fonts
from evidence.gateways.current import Gateways, current
from evidence.render.flow import Flow
from evidence.render.sheet import geometry
from evidence.render.text import TextStyle
from evidence.render.volume import BatesLabel, Metadata, Volume, Wording
from evidence.sign.pdf import sign_pdf

_BATES = "REPORT"


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the report: a heading, paragraphs, then label and value side by side."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """A report in words, ready to be set. identifier: the SHA-256 of the file it is about."""

    language: Literal["en", "zh"]
    title: str
    headline: str
    explanation: str
    identifier: str
    page_of: str
    development_mark: str
    development_words: str
    parts: tuple[Part, ...]


def signed_report(*, report: WrittenReport, at: datetime) -> bytes:
    """Return the report as a certified, time-stamped PDF; nothing of it is kept.

    Raises SigningFailed, StampUnavailable or StorageFailed.
    """
    gateways = current()
    incoming = Path(settings.TRUETHREAD_VAR_DIR) / "incoming"
    incoming.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=incoming, prefix="report-") as name:
        unsigned, signed = Path(name) / "unsigned.pdf", Path(name) / "signed.pdf"
        _draw(report, unsigned, gateways, at)
        sign_pdf(
            unsigned,
            signed,
            signer=gateways.seal_key,
            stamper=gateways.stamper,
            reason=f"TrueThread verification report on {report.identifier}",
            at=at,
        )
        return signed.read_bytes()


def _draw(report: WrittenReport, path: Path, gateways: Gateways, at: datetime) -> None:
    is_development = gateways.trust == "development"
    volume = Volume(
        path,
        library=fonts(),
        sheet=geometry("A4"),
        wording=Wording(
            report.page_of, report.identifier, report.development_words if is_development else ""
        ),
        bates_prefix=_BATES,
        forms="zh-Hans",
        cjk_first=report.language == "zh",
        watermark=report.development_mark if is_development else "",
    )
    try:
        volume.header_left = settings.TRUETHREAD_DEPLOYMENT_NAME
        _write(report, Flow(volume))
        volume.close()
    except BaseException:
        volume.discard()
        raise
    about = Metadata(
        BatesLabel(_BATES, 3), report.title, settings.TRUETHREAD_DEPLOYMENT_NAME, "TrueThread",
        f"report/{report.identifier}", "zh-CN" if report.language == "zh" else "en", at,
    )  # fmt: skip
    volume.finish(bates_first=1, number=1, of=1, embedded={}, about=about)


def _write(report: WrittenReport, flow: Flow) -> None:
    flow.chapter(report.title)
    flow.paragraph(report.headline, TextStyle(15, bold=True))
    flow.paragraph(report.explanation, TextStyle(9.5))
    flow.volume.skip(8)
    for part in report.parts:
        if part.heading:
            flow.subheading(part.heading)
        for paragraph in part.paragraphs:
            flow.paragraph(paragraph, TextStyle(9))
            flow.volume.skip(2)
        flow.facts(part.facts)
