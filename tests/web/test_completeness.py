"""What hints that an export is not all there was is said in plain words where it is delivered."""

from __future__ import annotations

import pytest

from evidence.archive.read import describe_series
from tests.web.test_wizard import text_of


def line(day: str, words: str = "words", who: str = "Ana") -> str:
    return f"{day}/2024, 08:00 - {who}: {words}\n"


def pages(actor, series) -> list[str]:
    return [
        text_of(actor.client.get(address))
        for address in (
            f"/acquisitions/{series.acquisition.public_id}/", f"/conversations/{series.public_id}/",
        )
    ]  # fmt: skip


def test_attachments_that_were_left_out_are_counted(alice, stored):
    chat = line("13/01", "<Media omitted>") + line("14/01", "<Media omitted>", "Bo") + line("15/01")
    series = stored(alice, chat)
    assert describe_series(series).missing_media == 2
    for page in pages(alice, series):
        assert "2 attachments are named but not included in the export." in page


def test_long_silences_are_named_with_where_they_end(alice, stored):
    series = stored(alice, line("13/01") + line("14/01", who="Bo") + line("20/02") + line("21/02"))
    (silence,) = describe_series(series).silences
    assert (silence.ends, silence.days) == (3, 37)
    for page in pages(alice, series):
        assert "no message between 2024-01-14 and 2024-02-20 (37 days)" in page
        assert f'href="/conversations/{series.public_id}/?from=3#m3"' in page


def test_only_the_longest_silences_are_named_in_their_order(alice, stored):
    days = ["01/01", "09/01", "01/03", "10/03", "01/06", "20/06"]
    series = stored(
        alice, "".join(line(day, who="Bo" if n % 2 else "Ana") for n, day in enumerate(days))
    )
    assert [one.ends for one in describe_series(series).silences] == [3, 5, 6]


@pytest.mark.parametrize(
    "days", [("13/01", "14/01", "20/01"), ("13/01",), ("20/02", "13/01", "21/02")]
)
def test_a_week_without_a_word_or_time_that_runs_backwards_is_no_silence(alice, stored, days):
    series = stored(alice, "".join(line(day) for day in days) + line(days[-1], who="Bo"))
    facts = describe_series(series)
    assert (facts.silences, facts.missing_media) == ((), 0)
    for page in pages(alice, series):
        assert "Is this all there was?" not in page


def test_a_series_stored_before_there_were_hints_opens_without_them(alice, stored, monkeypatch):
    monkeypatch.setattr("evidence.ingest.completeness.Completeness.facts", lambda _self: {})
    series = stored(alice, line("13/01", "<Media omitted>") + line("20/02", who="Bo"))
    facts = describe_series(series)
    assert (facts.silences, facts.missing_media) == ((), 0)
    assert all("Is this all there was?" not in page for page in pages(alice, series))
