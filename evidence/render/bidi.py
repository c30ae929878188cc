"""Unicode Bidirectional Algorithm, the part that has no explicit controls.

Explicit embeddings, overrides and isolates never reach this module: the renderer draws them as
visible marks, so that nothing can be reordered in disguise. What is left of UAX #9 is P2 to P3,
W1 to W7, N0 to N2, I1 to I2, L1 and L2 over one paragraph.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import regex

_RIGHT_TO_LEFT = regex.compile(r"[\p{Bidi_Class=R}\p{Bidi_Class=AL}\p{Bidi_Class=AN}]")
_STRONG = frozenset(("L", "R", "AL"))
_NEUTRAL = frozenset(("B", "S", "WS", "ON"))
_EXPLICIT = frozenset(("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"))


def needs_bidi(text: str) -> bool:
    """Return whether ``text`` holds any right-to-left character or Arabic number."""
    return _RIGHT_TO_LEFT.search(text) is not None


@lru_cache(4096)
def bidi_class(character: str) -> str:
    """Return the Bidi_Class; controls and unassigned characters count as neutral or left."""
    found = unicodedata.bidirectional(character)
    if found in _EXPLICIT:
        return "ON"
    return found or "L"


def paragraph_level(text: str) -> int:
    """Return 1 when the first strong character runs right to left (rules P2 and P3), else 0."""
    for character in text:
        found = bidi_class(character)
        if found in _STRONG:
            return 0 if found == "L" else 1
    return 0


def levels(text: str, base: int) -> list[int]:
    """Return the embedding level of each code point of one paragraph, before rule L1."""
    original = [bidi_class(character) for character in text]
    types = _weak(original, "R" if base else "L")
    _brackets(text, types, base)
    _neutrals(types, base)
    return [_implicit(kind, base) for kind in types]


def _implicit(kind: str, base: int) -> int:
    if base % 2 == 0:
        return base + {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
    return base + (1 if kind in ("L", "EN", "AN") else 0)


def _weak(original: Sequence[str], edge: str) -> list[str]:
    types = list(original)
    previous = edge
    for i, kind in enumerate(types):  # W1
        if kind == "NSM":
            types[i] = previous
        previous = types[i]
    strong = edge
    for i, kind in enumerate(types):  # W2, W3
        if kind in _STRONG:
            strong = kind
        elif kind == "EN" and strong == "AL":
            types[i] = "AN"
    types = ["R" if kind == "AL" else kind for kind in types]
    for i in range(1, len(types) - 1):  # W4
        before, kind, after = types[i - 1 : i + 2]
        if before == after and (
            (kind == "ES" and before == "EN") or (kind == "CS" and before in ("EN", "AN"))
        ):
            types[i] = before
    _terminators(types)
    types = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in types]  # W6
    strong = edge
    for i, kind in enumerate(types):  # W7
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            types[i] = "L"
    return types


def _terminators(types: list[str]) -> None:
    """Rule W5: a run of European terminators beside a European number joins it."""
    i = 0
    while i < len(types):
        if types[i] != "ET":
            i += 1
            continue
        end = i
        while end < len(types) and types[end] == "ET":
            end += 1
        if (i > 0 and types[i - 1] == "EN") or (end < len(types) and types[end] == "EN"):
            types[i:end] = ["EN"] * (end - i)
        i = end


def _direction(kind: str) -> str:
    if kind == "L":
        return "L"
    return "R" if kind in ("R", "EN", "AN") else ""


def _brackets(text: str, types: list[str], base: int) -> None:
    """Rule N0: a bracket pair takes the direction of what it encloses or of its context."""
    own = "R" if base else "L"
    for opening, closing in _pairs(text, types):
        inside = {_direction(kind) for kind in types[opening + 1 : closing]} - {""}
        if own in inside:
            chosen = own
        elif inside:
            before = next((d for k in reversed(types[:opening]) if (d := _direction(k))), own)
            other = inside.pop()
            chosen = other if before == other else own
        else:
            continue
        for place in (opening, closing):
            types[place] = chosen
            _carry_marks(text, types, place, chosen)


def _carry_marks(text: str, types: list[str], place: int, chosen: str) -> None:
    following = place + 1
    while following < len(text) and bidi_class(text[following]) == "NSM":
        types[following] = chosen
        following += 1


def _pairs(text: str, types: Sequence[str]) -> list[tuple[int, int]]:
    stack: list[tuple[str, int]] = []
    found: list[tuple[int, int]] = []
    for i, character in enumerate(text):
        if types[i] != "ON":
            continue
        partner = closing_bracket(character)
        if partner:
            if len(stack) == 63:
                return sorted(found)
            stack.append((partner, i))
            continue
        wanted = {"\u232a": "\u3009"}.get(character, character)
        for depth in range(len(stack) - 1, -1, -1):
            if stack[depth][0] == wanted:
                found.append((stack[depth][1], i))
                del stack[depth:]
                break
    return sorted(found)


@lru_cache(4096)
def closing_bracket(character: str) -> str:
    """Return the bracket that closes ``character``, or "". Canonical equivalents count as one."""
    if character in _FAR_BRACKETS:
        return _FAR_BRACKETS[character]
    if unicodedata.category(character) != "Ps" or not unicodedata.mirrored(character):
        return ""
    partner = chr(ord(character) + 1)
    return partner if unicodedata.category(partner) == "Pe" else ""


_FAR_BRACKETS = {
    "[": "]", "{": "}", "\u2329": "\u3009", "\u298d": "\u2990", "\u298f": "\u298e",
    "\uff3b": "\uff3d", "\uff5b": "\uff5d", "\u207d": "\u207e", "\u208d": "\u208e",
}  # fmt: skip


def _neutrals(types: list[str], base: int) -> None:
    """Rules N1 and N2."""
    own = "R" if base else "L"
    i = 0
    while i < len(types):
        if types[i] not in _NEUTRAL:
            i += 1
            continue
        end = i
        while end < len(types) and types[end] in _NEUTRAL:
            end += 1
        before = _direction(types[i - 1]) if i else own
        after = _direction(types[end]) if end < len(types) else own
        types[i:end] = [before if before == after else own] * (end - i)
        i = end


def visual_order(line_levels: Sequence[int]) -> list[int]:
    """Return the logical indices of one line in visual order, left to right (rule L2)."""
    order = list(range(len(line_levels)))
    if not any(line_levels):
        return order
    odd = [level for level in line_levels if level % 2]
    for level in range(max(line_levels), (min(odd) if odd else 1) - 1, -1):
        i = 0
        while i < len(order):
            if line_levels[order[i]] < level:
                i += 1
                continue
            end = i
            while end < len(order) and line_levels[order[end]] >= level:
                end += 1
            order[i:end] = reversed(order[i:end])
            i = end
    return order
