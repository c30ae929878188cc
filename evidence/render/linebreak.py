"""Where a line may end: the pair rules of UAX #14, Chinese and Japanese prohibitions included.

Rules that look further than one pair are kept where chat text needs them: spaces (LB7, LB14, LB18),
quotation marks beside ideographs (LB19a) and numbers (LB25, pairwise). Combining marks and emoji
sequences never reach a boundary, because the caller asks only between grapheme clusters.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import regex

_CLASSES = (
    "AL", "ID", "SP", "NU", "CL", "CP", "OP", "EX", "IS", "SY", "NS", "CJ", "QU", "GL", "BA", "HY",
    "BB", "B2", "IN", "PR", "PO", "HL", "H2", "H3", "JL", "JV", "JT", "CB", "WJ", "ZW", "ZWJ", "CM",
    "EB", "EM", "RI", "BK", "CR", "LF", "NL", "SA", "AI", "XX", "SG", "AK", "AP", "AS", "VF", "VI",
    "HH",
)  # fmt: skip


def _known(name: str) -> str | None:
    try:
        regex.compile(rf"\p{{Line_Break={name}}}")
    except regex.error:
        return None
    return name


_TESTS = [(name, regex.compile(rf"\p{{Line_Break={name}}}")) for name in _CLASSES if _known(name)]
_RESOLVED = {
    "AI": "AL", "XX": "AL", "SG": "AL", "SA": "AL", "CJ": "NS", "CM": "AL", "ZWJ": "AL", "HH": "HY",
    "AK": "AL", "AP": "AL", "AS": "AL", "VF": "AL", "VI": "AL", "EB": "ID", "EM": "ID",
}  # fmt: skip
_HANGUL = frozenset(("H2", "H3", "JL", "JV", "JT"))
_WIDE = frozenset(("ID", "NS", "CL", "OP", "EX", "H2", "H3", "JL", "JV", "JT"))
_NEVER_BEFORE = frozenset(("CL", "CP", "EX", "IS", "SY", "NS", "BA", "HY", "GL", "WJ", "ZW", "IN"))
_LETTERS = frozenset(("AL", "HL", "NU"))
_NUMBER_PAIRS = frozenset(
    [(a, "NU") for a in ("NU", "SY", "IS", "HY", "PR", "PO", "OP")]
    + [("NU", b) for b in ("PO", "PR", "NU", "SY", "IS")]
    + [(a, b) for a in ("CL", "CP") for b in ("PO", "PR")]
    + [(a, "OP") for a in ("PO", "PR")]
)


@lru_cache(8192)
def line_break_class(character: str) -> str:
    """Return the resolved Line_Break class (rule LB1, Japanese small kana as non-starters)."""
    found = next((name for name, test in _TESTS if test.match(character)), "AL")
    if found == "AI" and unicodedata.east_asian_width(character) == "W":
        return "ID"
    return _RESOLVED.get(found, found)


@lru_cache(65536)
def may_break(before: str, after: str) -> bool:
    """Return whether a line may end between two adjacent characters (never before a space)."""
    a, b = line_break_class(before), line_break_class(after)
    if b == "SP" or a in ("WJ", "GL", "OP") or b in ("WJ", "ZW"):
        return False
    if a in ("SP", "ZW"):
        return b not in ("CL", "CP", "EX", "IS", "SY")
    if b in _NEVER_BEFORE:
        return False
    return _between(before, after, a, b)


def _between(before: str, after: str, a: str, b: str) -> bool:
    if a == "QU" or b == "QU":
        return _beside_quote(before, after, a, b)
    if (a, b) in _NUMBER_PAIRS or (a == "BB") or (a == b == "B2"):
        return False
    if a in _LETTERS and b in _LETTERS:
        return False
    if (a in ("PR", "PO") and b in ("AL", "HL")) or (a in ("AL", "HL") and b in ("PR", "PO")):
        return False
    if (a == "PR" and b in ("ID", *_HANGUL)) or (a in ("ID", *_HANGUL) and b == "PO"):
        return False
    if a == "IS" and b in ("AL", "HL"):
        return False
    if a in _LETTERS and b == "OP":
        return unicodedata.east_asian_width(after) in "FWH"
    if a == "CP" and b in _LETTERS:
        return unicodedata.east_asian_width(before) in "FWH"
    return not (a == b == "RI") and not _one_syllable(a, b)


def _beside_quote(before: str, after: str, a: str, b: str) -> bool:
    """Rule LB19a: break outside a quotation mark between ideographs, never inside it."""
    if b == "QU" and unicodedata.category(after) == "Pi":
        return a in _WIDE and a != "OP"
    if a == "QU" and unicodedata.category(before) == "Pf":
        return b in _WIDE and b not in _NEVER_BEFORE
    return False


def _one_syllable(a: str, b: str) -> bool:
    """Rule LB26: conjoining jamo of one syllable stay together."""
    return (
        (a == "JL" and b in ("JL", "JV", "H2", "H3"))
        or (a in ("JV", "H2") and b in ("JV", "JT"))
        or (a in ("JT", "H3") and b == "JT")
    )
