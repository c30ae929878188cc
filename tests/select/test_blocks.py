"""Choosing by blocks gives exactly what the rows say, whatever order times came in."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from evidence.actions.complete_blocks import complete_blocks, incomplete_series
from evidence.actions.create_account import create_organisation
from evidence.formats.ranges import of
from evidence.models import Acquisition, Conversation, Message, MessageBlock, Series
from evidence.select import Choice, blocks, freeze_part
from evidence.select.blocks import BlockMaker, add_blocks
from evidence.tasks import work

START = datetime(2024, 1, 1, tzinfo=UTC)
BLOCK = 300
SIZE = 3 * BLOCK + 77
KEPT = ("number", "timed", "senders", "first_at", "last_at")
PEOPLE = {f"p{n}": [f"Name {n % 3}"] for n in range(1, 400)}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", BLOCK)


def _stored(people: int, disorder: int) -> Series:
    now = timezone.now()
    organisation = create_organisation(name="Ana", is_personal=True, at=now)
    acquisition = Acquisition.objects.create(
        organisation=organisation, created_at=now, fingerprint=b"f" * 32, payload=b""
    )
    conversation = Conversation.objects.create(
        organisation=organisation, identity_key=b"i" * 32, payload=b"", created_at=now
    )
    series = Series.objects.create(
        organisation=organisation, acquisition=acquisition, conversation=conversation, place=1,
        wrapped_key=b"", size=SIZE, sealed_at=now,
    )  # fmt: skip
    chance = random.Random(people + disorder)  # noqa: S311 - the same rows every time
    Message.objects.bulk_create(
        Message(
            series=series, sequence=n, kind="text", participant=chance.randrange(people + 1),
            leaf_hash=b"l" * 32, payload=b"",
            occurred_at=None if chance.random() < disorder / 1e5
            else START + timedelta(minutes=n + chance.randrange(-disorder, disorder + 1)),
        )
        for n in range(1, SIZE + 1)
    )  # fmt: skip
    add_blocks(series, SIZE)
    return series


def _expected(series: Series, start, end, participants):
    return of(
        number
        for number, at, sender in series.messages.values_list(
            "sequence", "occurred_at", "participant"
        )
        if number <= series.size
        and (start is None or (at is not None and at >= start))
        and (end is None or (at is not None and at < end))
        and (participants is None or sender in participants)
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("people", "disorder"), [(2, 0), (3, 90), (380, 900)])
def test_blocks_choose_what_the_rows_say(people, disorder):
    series = _stored(people, disorder)
    assert series.blocks.count() == 3
    later = START + timedelta(minutes=BLOCK // 2)
    end = START + timedelta(minutes=2 * BLOCK + 5)
    names = {"Name 1": {n for n in range(1, 400) if n % 3 == 1}, "p2": {2}, None: None}
    for size in (SIZE, BLOCK + 9, BLOCK):
        series.size = size  # a series that grew since
        for start, stop in ((None, None), (later, None), (None, end), (later, end)):
            for name, numbers in names.items():
                choice = Choice(period_from=start, period_to=stop, participant=name)
                expected = _expected(series, start, stop, numbers)
                if expected.spans:
                    assert freeze_part(series, choice, PEOPLE).chosen == expected


@pytest.mark.django_db
def test_a_choice_costs_two_queries_with_blocks_and_without():
    series = _stored(2, 0)
    choice = Choice(period_from=START + timedelta(minutes=5), participant="p1")
    counts = []
    for kept in (3, 2, 0):
        series.blocks.filter(number__gte=kept).delete()
        with CaptureQueriesContext(connection) as queries:
            found = freeze_part(series, choice, PEOPLE).chosen
        counts.append((len(queries), found))

    assert counts == [(2, counts[0][1])] * 3


@pytest.mark.django_db
def test_blocks_of_a_growing_series_are_added_when_they_are_full():
    series = _stored(2, 0)
    MessageBlock.objects.filter(series=series).delete()
    for size, full in ((BLOCK - 1, 0), (BLOCK, 1), (BLOCK + 1, 1), (3 * BLOCK, 3), (SIZE, 3)):
        add_blocks(series, size)
        assert [one.number for one in series.blocks.order_by("number")] == list(range(full))


@pytest.mark.django_db
def test_blocks_made_while_storing_are_those_made_from_the_rows():
    series = _stored(people=300, disorder=20_000)
    from_rows = list(series.blocks.order_by("number").values(*KEPT))
    assert len(from_rows) == SIZE // BLOCK
    series.blocks.all().delete()

    maker = BlockMaker(series)
    rows = series.messages.order_by("sequence").values_list("participant", "occurred_at")
    for sender, at in rows:
        maker.take(sender, at)
    maker.write()

    assert list(series.blocks.order_by("number").values(*KEPT)) == from_rows


@pytest.mark.django_db
def test_a_series_stored_before_there_were_blocks_gets_them_piece_by_piece(monkeypatch):
    monkeypatch.setattr("evidence.actions.complete_blocks.AT_ONCE", 2)
    series = _stored(people=3, disorder=20_000)
    at_once = list(series.blocks.order_by("number").values(*KEPT))
    assert incomplete_series() == []
    series.blocks.all().delete()

    for kept, more in ((2, True), (3, True), (3, False)):
        assert incomplete_series() == ([series.pk] if more else [])
        assert complete_blocks(series.pk) is more
        assert series.blocks.count() == kept
    assert list(series.blocks.order_by("number").values(*KEPT)) == at_once


@pytest.mark.django_db
def test_a_series_that_was_erased_gets_no_blocks():
    series = _stored(2, 0)
    series.blocks.all().delete()
    found = incomplete_series()
    Series.objects.filter(pk=series.pk).update(erased_at=timezone.now())
    assert (found, incomplete_series()) == ([series.pk], [])
    assert not complete_blocks(series.pk)
    assert not series.blocks.exists()


@pytest.mark.django_db
def test_a_worker_with_nothing_else_to_do_completes_what_is_missing(monkeypatch):
    monkeypatch.setattr("evidence.tasks.close_old_connections", lambda: None)
    series = _stored(2, 0)
    series.blocks.all().delete()
    work(threading.Event(), once=True)
    assert series.blocks.count() == SIZE // BLOCK
