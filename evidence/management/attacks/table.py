"""All honest, forged and doubtful files in one list, each with what a verifier must say."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evidence.management.attacks import (
    bundles,
    doubtful,
    forged,
    honest,
    keys,
    own,
    paper,
    placed,
    subtle,
)
from evidence.management.attacks.entries import stamped
from evidence.management.attacks.honest import Maker
from evidence.verify.offline import Trust, trust_of
from evidence.verify.offline.bundle_tokens import read_pem

INTACT, ALTERED, REFUSED = "intact", "altered", "refused"
INTACT_REASONS = ("ok", "incomplete", "signer_not_trusted", "development_trust")
"""Reasons whose words, on the page and on the command line, begin with "intact"."""


@dataclass(frozen=True)
class Sample:
    """One file. expected: ``intact`` (honest), ``altered`` (forged), ``refused`` (anything but a pass).

    reasons: which a refusal may give; empty: any.
    """

    name: str
    data: bytes
    expected: str
    trust: Trust
    at: datetime
    reasons: tuple[str, ...] = ()
    ending: str = ".pdf"


def word_of(indication: str, reason: str) -> str:
    """Return the one word a verdict comes down to."""
    if indication == "TOTAL_PASSED":
        return INTACT
    if reason in INTACT_REASONS:
        return INTACT
    return reason


def is_right(sample: Sample, indication: str, reason: str) -> bool:
    """Tell whether a verdict on ``sample`` is the one it must get."""
    if sample.expected == INTACT:
        return word_of(indication, reason) == INTACT
    if sample.expected == ALTERED:
        return reason == "altered" and indication == "TOTAL_FAILED"
    return indication != "TOTAL_PASSED" and (not sample.reasons or reason in sample.reasons)


def bases(maker: Maker) -> dict[str, bytes]:
    """Return the honest third-party files the attacks are tried on."""
    plain = paper.plain()
    return {
        "approval": maker.sign(plain),
        "B-LTA": maker.archived(plain),
        "certified P=1": maker.archived(plain, certify=honest.P1),
        "certified P=2": maker.sign(plain, certify=honest.P2),
        "certified P=3": maker.sign(plain, certify=honest.P3),
        "streams": maker.archived(paper.packed(paper.plain(3))),
    }


def all_samples(now: datetime, *, is_quick: bool = False) -> Iterator[Sample]:
    """Yield every sample. is_quick: forge two kinds of files instead of all."""
    maker = Maker(keys.make_pki(now))
    trust = trust_of([maker.pki.root.der])
    soon = now + timedelta(minutes=1)
    yield from own.samples(now)
    yield from _bundles()
    for name, data in honest.make_all(maker).items():
        at = now + timedelta(days=10) if "renewed" in name else soon
        yield Sample(f"honest: {name}", data, INTACT, trust, at)
    chosen = bases(maker)
    if is_quick:
        chosen = {name: chosen[name] for name in ("approval", "certified P=2")}
    for base, data in chosen.items():
        for name, attack in _attacks(base).items():
            yield Sample(f"{base}: {name}", attack(data, maker), ALTERED, trust, soon)
    yield from _shadows(maker, trust, soon)
    for name, (data, roots, reasons) in doubtful.signers(now).items():
        yield Sample(f"doubtful: {name}", data, REFUSED, roots, soon, tuple(reasons.split(",")))
    yield from _odd(maker, trust, soon)


def _bundles() -> Iterator[Sample]:
    """Yield good and tampered bundles of a deployment made for them."""
    with tempfile.TemporaryDirectory() as name:
        made = bundles.deploy(Path(name))
        trust = trust_of(read_pem(made.root.read_bytes()))
        soon = datetime.now(UTC) + timedelta(minutes=1)
        for title, path in (("whole", made.bundle), ("excerpt", made.excerpt)):
            yield Sample(
                f"honest: bundle, {title}", path.read_bytes(), INTACT, trust, soon, (), ".zip"
            )
        for title, data in bundles.tampered(made):
            yield Sample(f"bundle: {title}", data, ALTERED, trust, soon, (), ".zip")


def _attacks(base: str) -> dict[str, forged.Attack]:
    more = forged.CERTIFIED if base in ("certified P=2", "certified P=3") else {}
    return {**forged.GENERAL, **subtle.SUBTLE, **more}


def _shadows(maker: Maker, trust: Trust, at: datetime) -> Iterator[Sample]:
    form = maker.sign(paper.form())
    filled = honest.filled(form, "amount", "9000")
    spare = maker.sign(paper.with_spare(paper.plain(1)))
    swapped = forged.shadow_hide_and_replace(spare, maker)
    for name, data in (
        ("field filled though nobody allowed it", filled),
        ("hide and replace", swapped),
        ("hide and replace, then stamped", maker.stamp(swapped, field="Fresh", with_store=False)),
        ("attributes reordered", doubtful.reordered(maker.sign(paper.plain()), maker)),
    ):
        yield Sample(f"shadow: {name}", data, ALTERED, trust, at)
    visible = maker.archived(paper.plain(1), visible=(50, 50, 150, 90))
    for name, attack in placed.VISIBLE.items():
        for title, data in (
            (name, attack(visible, maker)),
            (f"{name}, then stamped", stamped(attack)(visible, maker)),
        ):
            yield Sample(f"visible: {title}", data, ALTERED, trust, at)
    yield Sample("honest: spare object signed along", spare, INTACT, trust, at)
    for name, pdf in doubtful.two_documents().items():
        signed = maker.archived(pdf)
        yield Sample(f"doubtful: {name}", signed, REFUSED, trust, at, ("unreadable",))
    yield Sample(
        "doubtful: length not DER", doubtful.lengthened(maker.sign(paper.plain()), maker),
        REFUSED, trust, at, ("unreadable", "altered"),
    )  # fmt: skip


def _odd(maker: Maker, trust: Trust, at: datetime) -> Iterator[Sample]:
    for name, (data, reasons) in doubtful.bombs().items():
        yield Sample(f"bomb: {name}", data, REFUSED, trust, at, tuple(reasons.split(",")))
    many = doubtful.many_signatures(maker)
    yield Sample("bomb: 17 signatures", many, REFUSED, trust, at, ("limits_exceeded",))
    for name, (data, reasons) in doubtful.others(maker).items():
        ending = ".zip" if name.startswith("ZIP") else ".pdf"
        yield Sample(f"other: {name}", data, REFUSED, trust, at, tuple(reasons.split(",")), ending)
