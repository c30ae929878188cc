"""Random damage to a good file: never an exception, never a pass; seeds are fixed."""

from __future__ import annotations

import random
import re

import pytest

from evidence.verify.offline.pdf import report_pdf

REGIONS = ("base", "certified", "seal contents", "store", "stamp contents", "stamp end")
PER_REGION = 250


def regions(pdf):
    """Return the byte ranges the mutants are spread over; hex digits, not padding, in the gaps."""
    ends = [found.end() for found in re.finditer(rb"%%EOF\n", pdf)]
    gaps = [found.span(1) for found in re.finditer(rb"/Contents (<3[0-9a-f]+>)", pdf)]
    assert len(ends) == 3
    assert len(gaps) == 2
    seal, stamp = gaps
    return {
        "base": (0, ends[0]),
        "certified": (ends[0], seal[0]),
        "seal contents": (seal[0], seal[1]),
        "store": (ends[1], stamp[0]),
        "stamp contents": (stamp[0], stamp[1]),
        "stamp end": (stamp[1], ends[2]),
    }


def mutate(pdf, span, dice):
    """Flip a bit, set, insert, delete, double or swap a byte or a few inside ``span``."""
    start, end = span
    place = dice.randrange(start, end)
    if pdf[place : place + 64] == b"0" * 64 and dice.random() < 0.9:
        place = start + dice.randrange(min(8000, end - start))
    kind = dice.randrange(6)
    if kind == 0:
        return pdf[:place] + bytes((pdf[place] ^ 1 << dice.randrange(8),)) + pdf[place + 1 :]
    if kind == 1:
        return pdf[:place] + bytes((dice.randrange(256),)) + pdf[place + 1 :]
    if kind == 2:
        return pdf[:place] + bytes((dice.choice(b"0123456789abcdef \n/<>%"),)) + pdf[place:]
    length = dice.randrange(1, 9)
    if kind == 3:
        return pdf[:place] + pdf[place + length :]
    if kind == 4:
        return pdf[: place + length] + pdf[place:]
    return pdf[:place] + pdf[place : place + length][::-1] + pdf[place + length :]


@pytest.mark.parametrize("region", REGIONS)
def test_no_mutant_passes(region, good, pki, kit):
    dice = random.Random(f"offline {region}")  # noqa: S311  # reproducible damage, no secret
    span = regions(good)[region]
    seen = 0
    while seen < PER_REGION:
        mutant = mutate(good, span, dice)
        if mutant == good:
            continue
        seen += 1
        report = report_pdf(mutant, pki.trust, kit.NOW)
        assert not report.passed, mutant
        assert report.reason == "altered", (region, seen, report)


def test_every_single_byte_of_the_stamp_dictionary_counts(good, pki, kit):
    start, end = regions(good)["stamp end"]
    for place in range(start, end):
        mutant = good[:place] + bytes((good[place] ^ 1,)) + good[place + 1 :]
        assert not report_pdf(mutant, pki.trust, kit.NOW).passed


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_no_cut_off_file_passes(share, good, pki, kit):
    assert not report_pdf(good[: int(len(good) * share)], pki.trust, kit.NOW).passed


def test_random_bytes_behind_a_pdf_header_get_a_verdict(pki, kit):
    dice = random.Random(7)  # noqa: S311  # reproducible damage, no secret
    pieces = [b"%PDF-1.7\n", b"(TrueThreadSeal)", b"/ByteRange [0 9 20 30]", b"xref\n0 1\n",
              b"trailer\n<<", b">>", b"startxref\n9\n%%EOF\n", b"1 0 obj\n", b"endobj\n",
              b"<" * 40, b"[" * 40, b"(" * 40, b"\\", b"stream\n", b"/Length 9", b"/Prev 9",
              b"9" * 30, b"/Root 1 0 R", b"0000000009 00000 n \n"]  # fmt: skip
    for _ in range(1500):
        data = b"%PDF-1.7\n" + b"".join(dice.choices(pieces, k=dice.randrange(1, 25)))
        assert not report_pdf(data, pki.trust, kit.NOW).passed
