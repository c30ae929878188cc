"""``recheck`` re-derives the seal of every stored series and holds it against the log."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from evidence import custody
from evidence.actions.acquire_file import acquire_file
from evidence.archive.read import messages
from evidence.gateways.current import current
from evidence.ingest import Answers
from evidence.models import Message, Series
from evidence.values import Actor, Subject

pytestmark = pytest.mark.django_db
ACTOR = Actor("person", "a" * 32)
CHAT = """\
[14.03.26, 09:20:01] Ana: Guten Morgen 早上好
[14.03.26, 09:21:44] Ben: I agree to pay 500
[14.03.26, 09:22:10] Ana: 👍🏽
[14.03.26, 09:25:00] Ben: tomorrow
"""


@pytest.fixture
def series(alice, tmp_path, now) -> Series:
    chat = tmp_path / "chat.txt"
    chat.write_text(CHAT, encoding="utf-8")
    result = acquire_file(
        organisation=alice.organisation, actor=ACTOR, path=chat, name="WhatsApp Chat.txt",
        answers=Answers(timezone="Europe/Berlin", date_order="dmy"), at=now,
    )  # fmt: skip
    assert result.acquisition is not None, result
    current.cache_clear()
    return Series.objects.get()


def found() -> list[tuple[str, str]]:
    problems = custody.recheck(messages).problems
    return [(problem.code, problem.where.rpartition(":")[2]) for problem in problems]


def sql(statement: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def log(event: str, series: Series, **details: str) -> None:
    with transaction.atomic():
        custody.append(
            event_id=event, event=event, actor=ACTOR, at=series.sealed_at,
            subjects=[Subject("series", series.public_id)], details=details,
        )  # fmt: skip
    custody.sequence_pending()


def test_an_untouched_series_holds_to_the_last_field(series):
    report = custody.recheck(messages)
    assert (report.problems, report.series, report.messages) == ([], 1, series.size)


def test_without_a_reader_the_report_says_that_seals_were_left_out(series):
    assert custody.recheck().not_checked == [
        "log-head.json: no checkpoint is kept outside the database", "seals of series",
    ]  # fmt: skip


def test_a_payload_that_was_changed_is_named(series):
    sql("UPDATE evidence_message SET payload = %s WHERE sequence = 2", b"\x01" + bytes(80))
    assert found() == [("message_unreadable", "2")]


def test_two_payloads_that_changed_places_are_named(series):
    first, second = Message.objects.order_by("sequence")[:2]
    sql("UPDATE evidence_message SET payload = %s WHERE id = %s", bytes(second.payload), first.pk)
    assert found() == [("message_unreadable", "1")]


def test_a_leaf_hash_that_does_not_follow_from_the_content_is_named(series):
    sql("UPDATE evidence_message SET leaf_hash = %s WHERE sequence = 3", bytes(32))
    assert found() == [("message_altered", "3")]


def test_a_message_that_vanished_is_named(series):
    sql("DELETE FROM evidence_message WHERE sequence = 2")
    assert found()[0][0] == "message_unreadable"


def test_a_message_emptied_without_an_entry_is_named(series):
    sql("UPDATE evidence_message SET payload = %s WHERE sequence = 2", b"")
    assert found() == [("message_gone", "2")]


def test_a_message_erased_beside_its_entry_holds(series):
    sql("UPDATE evidence_message SET payload = %s WHERE sequence = 2", b"")
    log("conversation.erased", series)
    report = custody.recheck(messages)
    assert (report.problems, report.erased) == ([], 1)


def test_a_head_that_was_never_sealed_is_named(series):
    sql("UPDATE evidence_series SET head = %s", bytes(series.head).replace(b'"dmy"', b'"mdy"'))
    assert found()[0][0] == "head_differs"


def test_a_series_sealed_twice_is_held_to_its_last_seal(series):
    log("series.sealed", series, head="00" * 32)
    assert found()[0][0] == "head_differs"


def test_a_series_that_disappeared_from_the_store_is_named(series):
    for table in ("message", "attachment", "series"):
        sql(f"DELETE FROM evidence_{table}")
    assert found()[0][0] == "series_missing"
