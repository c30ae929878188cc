from __future__ import annotations

import pytest

from evidence.render.linebreak import may_break


@pytest.mark.parametrize(
    ("before", "after"),
    [("中", "，"), ("中", "。"), ("（", "中"), ("「", "日"), ("日", "」"), ("カ", "ー"), ("き", "っ"),
     ("a", "b"), ("1", "2"), ("1", ","), (",", "5"), ("$", "5"), ("5", "%"), ("a", " "), ("中", "！"),
     ("中", "”"), ("“", "中"), ("a", "\u00a0"), ("가", ".")],
)  # fmt: skip
def test_a_line_never_ends_here(before: str, after: str):
    assert not may_break(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [("中", "文"), (" ", "a"), ("a", "中"), ("中", "a"), ("-", "a"), ("。", "中"), ("中", "“"),
     ("”", "中"), ("」", "日"), ("中", "（"), ("！", "中")],
)  # fmt: skip
def test_a_line_may_end_here(before: str, after: str):
    assert may_break(before, after)
