"""Random damage to third-party files: no exception, nothing intact; seeds are kept here."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evidence.management.attacks.table import INTACT_REASONS

SEEDS = {"approval": 71, "B-LTA": 72, "certified P=2": 73, "streams": 74}
PER_BASE, PER_SWEEP = 60, 400
KEPT = (
    ("B-LTA", 72, 26), ("B-LTA", 72, 330), ("approval", 71, 165),
)  # fmt: skip
"""Base, seed and number of mutants that once were called intact: certificates inside the last
container, which no digest covers."""


def mutate(pdf, dice):
    """Flip a bit, set, insert, delete, double or turn round a byte or a few."""
    place = dice.randrange(len(pdf))
    while pdf[place : place + 64] == b"0" * 64 and dice.random() < 0.95:
        place = dice.randrange(len(pdf))
    kind, length = dice.randrange(6), dice.randrange(1, 9)
    if kind == 0:
        return pdf[:place] + bytes((pdf[place] ^ 1 << dice.randrange(8),)) + pdf[place + 1 :]
    if kind == 1:
        return pdf[:place] + bytes((dice.randrange(256),)) + pdf[place + 1 :]
    if kind == 2:
        return pdf[:place] + bytes((dice.choice(b"0123456789abcdef \n/<>%"),)) + pdf[place:]
    if kind == 3:
        return pdf[:place] + pdf[place + length :]
    if kind == 4:
        return pdf[: place + length] + pdf[place:]
    return pdf[:place] + pdf[place : place + length][::-1] + pdf[place + length :]


def check(base, count, pdf, verdict, seed):
    dice = random.Random(f"{base} {seed}")  # noqa: S311  # reproducible damage, no secret
    for number in range(count):
        mutant = mutate(pdf, dice)
        if mutant != pdf:
            report = verdict(mutant)
            assert report.indication != "TOTAL_PASSED", (base, seed, number)
            assert report.reason not in INTACT_REASONS, (base, seed, number, report.reason)


@pytest.mark.parametrize("base", SEEDS)
def test_no_mutant_is_called_intact(base, bases, verdict):
    check(base, PER_BASE, bases[base], verdict, SEEDS[base])


@pytest.mark.sweep
@pytest.mark.parametrize("base", SEEDS)
def test_no_mutant_of_thousands_is_called_intact(base, bases, verdict):
    check(base, PER_SWEEP, bases[base], verdict, f"sweep {SEEDS[base]}")


@pytest.mark.parametrize("base", ["approval", "B-LTA"])
def test_every_part_of_the_last_container_counts(base, bases, verdict, kit):
    """Flip one hexadecimal digit here and there, all along the part no digest covers."""
    from evidence.management.attacks.update import ranges

    pdf = bases[base]
    start = ranges(pdf)[-1][1] + 1
    end = start + len(pdf[start:].partition(b"000000000000000000000000")[0])
    for place in range(start, end, 61):
        digit = b"0123456789ABCDEF" if pdf[start:end].isupper() else b"0123456789abcdef"
        other = digit[(digit.lower().index(pdf[place : place + 1].lower()) + 1) % 16]
        mutant = pdf[:place] + bytes((other,)) + pdf[place + 1 :]
        report = verdict(mutant)
        assert report.reason not in INTACT_REASONS, place


PIECES = (
    b"%PDF-1.7\n", b"1 0 obj\n", b"endobj\n", b"xref\n0 1\n", b"0000000009 00000 n \n", b"trailer\n<<",
    b">>", b"startxref\n9\n%%EOF\n", b"/Root 1 0 R", b"/ByteRange [0 9 20 30]", b"/Contents <30>",
    b"/Type /Catalog", b"/AcroForm << /Fields [1 0 R] >>", b"/FT /Sig", b"/V 1 0 R", b"stream\n",
    b"endstream\n", b"/Length 9", b"/Prev 9", b"[" * 40, b"(" * 40, b"<" * 40, b"9" * 30, b"\\",
    b"/Type /XRef /W [1 2 1] /Size 3", b"/Encrypt 1 0 R", b"/Kids [1 0 R]",
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.sampled_from(PIECES), max_size=30))
@example(parts=[])
def test_any_bytes_behind_a_pdf_header_get_a_verdict(parts, verdict):
    report = verdict(b"%PDF-1.7\n" + b"".join(parts))

    assert report.indication != "TOTAL_PASSED"
    assert report.reason not in INTACT_REASONS


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("base", SEEDS)
def test_no_file_cut_off_is_called_intact_in_full(base, share, bases, verdict):
    assert verdict(bases[base][: int(len(bases[base]) * share)]).indication != "TOTAL_PASSED"
