"""Byte ranges of signatures, judged by raw bytes alone: digests, and what damage leaves over."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator

from . import cms, pdf_grammar, tst
from .pdf_reader import Buffer
from .report import Finding, failed, not_checked, passed

MAX_RANGES = 64
_CHUNK = 8 * 1024 * 1024
_RANGE = re.compile(
    rb"/ByteRange\s*\[\s*0{1,10}\s{1,8}(\d{1,12})\s{1,8}(\d{1,12})\s{1,8}(\d{1,12})\s{0,200}\]"
)


class RangeHasher:
    """Digests of ``[0, before, after, length]`` ranges; shared beginnings are hashed once."""

    def __init__(self, data: Buffer) -> None:
        self._view = memoryview(data)
        self._states: dict[str, list[tuple[int, hashlib._Hash]]] = {}

    def digest(self, name: str, byte_range: tuple[int, int, int, int]) -> bytes:
        """Return the digest of the two stretches; ask in ascending order for speed."""
        _, before, after, length = byte_range
        state = self._prefix(name, before)
        self._feed(state, after, after + length)
        return state.digest()

    def whole(self) -> str:
        return self._prefix("sha256", len(self._view)).hexdigest()

    def _prefix(self, name: str, end: int) -> hashlib._Hash:
        """Return a state that has taken in everything up to ``end``; it is the caller's."""
        states = self._states.setdefault(name, [(0, hashlib.new(name))])
        position, state = max((one for one in states if one[0] <= end), key=lambda one: one[0])
        state = state.copy()
        self._feed(state, position, end)
        states.append((end, state.copy()))
        return state

    def _feed(self, state: hashlib._Hash, start: int, end: int) -> None:
        for position in range(start, end, _CHUNK):
            state.update(self._view[position : min(position + _CHUNK, end)])

    def release(self) -> None:
        self._view.release()


def find_ranges(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Yield ``before, after, length`` of everything in the file that reads as a /ByteRange."""
    position = data.find(b"/ByteRange")
    for _ in range(MAX_RANGES):
        if position < 0:
            return
        found = _RANGE.match(data, position)
        if found is not None:
            before, after, length = (int(number) for number in found.groups())
            if 0 < before < after and 0 < length <= len(data) - after:
                yield before, after, length
        position = data.find(b"/ByteRange", position + 1)


def raw_integrity(
    data: Buffer,
    hasher: RangeHasher,
    stretch: tuple[int, int, int],
    *,
    is_ours: bool,
    where: str = "",
) -> Finding:
    """Judge a signature by its raw bytes alone, where the file cannot be read or is not ours.

    In somebody else's file only a wrong digest counts as altered: other producers have other
    habits, and what this strict reader cannot read is not thereby broken.
    """
    before, after, length = stretch
    digits = bytes(data[before + 1 : min(after, before + 2 + pdf_grammar.MAX_CONTENTS_DIGITS) - 1])
    try:
        signed = cms.parse(pdf_grammar.read_padded(digits if is_ours else digits.lower()))
        broken = _raw_problems(
            signed, lambda name: hasher.digest(name, (0, before, after, length)), cades=is_ours
        )
    except (ValueError, IndexError, KeyError) as error:
        if is_ours:
            return failed("integrity", f"The signature cannot be read: {error}.", where)
        return not_checked("integrity", "The signature is of a kind not judged offline.")
    if cms.WRONG_DIGEST in broken or (is_ours and broken):
        return failed("integrity", f"Altered: {'; '.join(broken)}.", where)
    if broken:
        return not_checked("integrity", "The signature is of a kind not judged offline.")
    return passed("integrity", "The bytes this signature covers are intact.", where)


def _raw_problems(
    signed: cms.SignedData, digest: Callable[[str], bytes], *, cades: bool
) -> tuple[str, ...]:
    content = signed.content
    if content is None:
        return cms.check(signed, digest, [], cades=cades).broken
    info = tst.parse_info(content)
    own = cms.check(signed, lambda name: hashlib.new(name, content).digest(), [], cades=False)
    if info.digest is not None and digest(info.digest) != info.imprint:
        return (cms.WRONG_DIGEST, *own.broken)
    return own.broken
