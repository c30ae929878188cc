"""Batches that arrive at the same time, over connections that really run side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from evidence.actions.take_batch import Taken, take_batch
from evidence.errors import PushRefused
from evidence.models import Message, PushBatch, PushStream
from evidence.values import Actor
from tests.patience import PATIENCE
from tests.pushing import lines

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("postgresql")]
CLOUD = Actor("client", "c" * 32)


def at_once(stream, datas, now) -> list[Taken | str]:
    ready = Barrier(len(datas))

    def one(data: bytes) -> Taken | str:
        mine = PushStream.objects.select_related("organisation").get(pk=stream.pk)
        ready.wait(PATIENCE)
        try:
            return take_batch(stream=mine, data=data, actor=CLOUD, at=now)
        except PushRefused as refused:
            return refused.code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(datas)) as threads:
        return list(threads.map(one, datas))


def test_two_batches_at_once_for_one_place_leave_one(alice, pushed, now):
    stream, provider = pushed(alice, 3)
    answers = at_once(stream, [provider.batch(lines(4, 5)), provider.batch(lines(4, 6))], now)
    assert sorted(isinstance(one, Taken) for one in answers) == [False, True]
    assert "batch_conflicts" in answers
    (taken,) = [one for one in answers if isinstance(one, Taken)]
    assert Message.objects.filter(series=stream.series_id).count() == taken.size
    assert PushBatch.objects.filter(stream=stream).count() == 2


def test_one_batch_sent_six_times_at_once_is_taken_once(alice, pushed, now):
    stream, provider = pushed(alice, 3)
    answers = at_once(stream, [provider.batch(lines(4, 8))] * 6, now)
    assert sorted(one.is_repeated for one in answers) == [False] + [True] * 5
    assert {(one.first, one.last) for one in answers} == {(4, 8)}
    assert Message.objects.filter(series=stream.series_id).count() == 8
