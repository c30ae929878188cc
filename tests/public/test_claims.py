"""What a verification page says of an excerpt, in the number it has."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.utils import translation

from evidence.public.facts import SeriesFacts
from evidence.public.report import claims


class Known:
    """The series of a bundle, as the page and the report read them."""

    def __init__(self, **counts: int) -> None:
        whole = {"rows": 9, "chosen": 9, "first": 1, "last": 9, "gaps": 0, "withheld": 0}
        self.series = (SeriesFacts(**{**whole, **counts}, stored_by=None),)


def said(**counts: int) -> set[str]:
    """Return the claim as the page and as the kept report print it: one and the same."""
    known = Known(**counts)
    page = render_to_string("public/_claims.html", {"known": known})
    claim = " ".join(page.split("<p>")[1].split("</p>")[0].split())
    return {claim.replace("。 ", "。"), " ".join(claims(known)).replace("。 ", "。")}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "Nothing is withheld. The excerpt is contiguous."),
        ({"withheld": 1}, "1 of its messages is withheld, in whole or in part."),
        ({"withheld": 2}, "2 of its messages are withheld, in whole or in part."),
        ({"rows": 1, "last": 1}, "The source held 1 row as delivered."),
    ],
)
def test_page_and_report_count_as_one_says_it(counts: dict[str, int], sentence: str):
    with translation.override("en"):
        (claim,) = said(**counts)

    assert sentence in claim


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"withheld": 0}, "来源交付时共 9 条。本摘录位于第 1 至第 9 条。没有遮盖任何内容。"),
        ({"withheld": 1}, "其中 1 条被全部或部分遮盖。"),
    ],
)
def test_the_claim_reads_as_chinese(counts: dict[str, int], sentence: str):
    with translation.override("zh-hans"):
        (claim,) = said(**counts)

    assert sentence in claim
