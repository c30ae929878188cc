"""What can be clicked to withhold is whole: families, flags, skin tones and accents are one piece."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from evidence.formats.message import segments
from evidence.formats.ranges import sequences
from evidence.front.clusters import LONGEST_CLUSTER, clickable

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


@pytest.mark.parametrize(
    ("body", "pieces"),
    [
        (f"ok {FAMILY}!", ["ok", " ", FAMILY, "!"]),
        ("\U0001f44d\U0001f3fd\U0001f44d", ["\U0001f44d\U0001f3fd", "\U0001f44d"]),
        ("\U0001f1e8\U0001f1f3\U0001f1e9\U0001f1ea",
         ["\U0001f1e8\U0001f1f3", "\U0001f1e9\U0001f1ea"]),
        ("1\ufe0f\u20e3 12", ["1\ufe0f\u20e3", " ", "12"]),
        ("cafe\u0301 x", ["cafe\u0301", " ", "x"]),
        ("\u0e01\u0e33", ["\u0e01\u0e33"]), ("收到", ["收", "到"]), ("a\r\nb", ["a", "\r\n", "b"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_character_as_people_see_it_is_one_piece(body, pieces):
    assert [text for _, text in clickable(body)] == pieces


@given(
    st.text(alphabet=st.sampled_from(FAMILY + "ab1 \u0301\U0001f3fd\U0001f1e8\r\n收"), max_size=40)
)
def test_pieces_are_the_segments_in_order_and_cut_no_cluster(body):
    found = list(clickable(body))

    assert "".join(text for _, text in found) == body
    numbers = [at for ranges, _ in found for at in sequences(ranges)]
    assert numbers == list(range(1, len(segments(body)) + 1))
    cuts, offset = {match.start() for match in regex.finditer(r"\X", body)}, 0
    for _, text in found:
        assert offset in cuts
        offset += len(text)


def test_a_tower_of_accents_is_cut_somewhere():
    found = list(clickable("a" + "\u0301" * 1_000))

    assert max(len(ranges) for ranges, _ in found) == LONGEST_CLUSTER
