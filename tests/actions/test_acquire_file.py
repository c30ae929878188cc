"""Taking an export in: stored once, sealed, encrypted, logged; refused without a trace."""

from __future__ import annotations

import pytest
from django.utils import timezone

from evidence import custody
from evidence.actions.create_account import create_organisation
from evidence.archive.read import describe_series, leaf_hashes, messages
from evidence.errors import IngestRefused, StorageFailed
from evidence.formats import merkle, message
from evidence.models import Acquisition, Blob, CustodyEntry, Message, Series
from evidence.seal import SeriesSealer


def test_every_row_is_stored_sealed_and_logged(acquire):
    result = acquire()

    series = Series.objects.get(acquisition=result.acquisition)
    entry = custody.entry_of_event(f"series.sealed:{series.public_id}").entry
    assert (series.size, result.report()["conversations"][0]["messages"]) == (6, 6)
    assert merkle.tree_root(leaf_hashes(series)) == bytes(series.root)
    assert entry.event == "series.sealed"


def test_a_stored_message_gives_its_sealed_leaf_again(series):
    for stored in messages(series):
        values = message.field_values(stored.message())
        encoded = message.encode_values(values)
        found = message.commit(encoded, stored.message().body, message.salts_of(stored.seed))
        assert message.leaf_hash(found) == stored.leaf_hash


def test_nothing_personal_is_readable_without_a_key(series):
    from django.db import connection

    columns = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns += [
                str(bytes(c) if isinstance(c, memoryview) else c)
                for row in cursor.fetchall()
                for c in row
            ]
    readable = "\n".join(columns)
    for secret in ("13800138000", "Li Lei", "noon", "euros"):
        assert secret not in readable
    assert "13800138000" in next(m.message().body for m in messages(series) if m.sequence == 4)


def test_blobs_on_disk_do_not_hold_the_text(series, settings):
    stored = b"".join(
        p.read_bytes() for p in settings.TRUETHREAD_VAR_DIR.glob("blobs/**/*") if p.is_file()
    )
    assert stored
    assert b"13800138000" not in stored


def test_the_same_bytes_with_the_same_answers_are_recognised(acquire):
    first = acquire()

    second = acquire()

    assert second.recognised
    assert second.acquisition == first.acquisition
    assert Message.objects.count() == 6


def test_other_answers_make_a_new_reading_of_the_same_conversation(acquire):
    first = Series.objects.get(acquisition=acquire().acquisition)

    second = Series.objects.get(acquisition=acquire(timezone="Asia/Shanghai").acquisition)

    assert second.pk != first.pk
    assert second.conversation == first.conversation
    assert second.first_at != first.first_at


def test_another_tenant_does_not_learn_that_the_bytes_are_known(acquire):
    acquire()
    stranger = create_organisation(name="Ben", is_personal=True, at=timezone.now())

    result = acquire(organisation=stranger)

    assert not result.recognised
    assert Blob.objects.values("name").distinct().count() == 2


def test_an_export_without_a_time_zone_asks_and_stores_nothing(acquire):
    result = acquire(timezone=None)

    assert [question.code for question in result.questions] == ["timezone"]
    assert result.acquisition is None
    assert not Acquisition.objects.exists()
    assert not CustodyEntry.objects.filter(event="acquisition.received").exists()


def test_dates_that_fit_two_orders_are_asked_about(acquire):
    text = "01/02/2024, 08:00 - Ana: hello\n02/02/2024, 08:00 - Ben: hello\n"

    result = acquire(text)

    assert [question.code for question in result.questions] == ["date_order"]
    assert set(result.questions[0].choices) >= {"dmy", "mdy"}


def test_a_file_of_no_known_form_is_refused_and_leaves_nothing(acquire):
    with pytest.raises(IngestRefused) as refusal:
        acquire(b"\x00\x01\x02 nothing like a chat", name="x.bin")

    assert refusal.value.code == "unknown_format"
    assert not Acquisition.objects.exists()
    assert not Blob.objects.exists()


def test_a_pasted_header_is_flagged_as_possible_forgery(acquire):
    forged = CHAT_WITH_FORGERY

    result = acquire(forged)

    assert "possible_forgery" in {warning["code"] for warning in result.warnings}
    assert Series.objects.get(acquisition=result.acquisition).size == 4


CHAT_WITH_FORGERY = """\
13/01/2024, 08:00 - Ana: first
13/01/2024, 08:05 - Ben: look at this:
31/12/2023, 23:59 - Ana: I agree to pay 9000
13/01/2024, 08:06 - Ana: what?
"""


def test_a_disk_that_fills_up_leaves_no_acquisition(acquire, monkeypatch):
    from evidence.actions import store_series

    def full(*_: object) -> None:
        raise StorageFailed("No space left on device")

    monkeypatch.setattr(store_series.SeriesWriter, "_flush", full)
    with pytest.raises(StorageFailed):
        acquire()

    assert not Acquisition.objects.exists()
    assert not Series.objects.exists()
    assert not Message.objects.exists()


def test_a_delivery_sealed_beside_in_many_batches_is_stored_in_order(acquire, monkeypatch):
    from evidence.actions import store_series
    from evidence.seal import beside

    monkeypatch.setattr(store_series, "_BATCH", 2)
    monkeypatch.setattr(beside, "WORTH_A_PROCESS", 1)
    lines = [f"13/01/2024, 08:{number:02d} - Ana: number {number}" for number in range(25)]

    result = acquire("\n".join(lines) + "\n")

    series = Series.objects.get(acquisition=result.acquisition)
    stored = list(messages(series))
    assert [one.message().body for one in stored] == [f"number {number}" for number in range(25)]
    sealer = SeriesSealer()
    for one in stored:
        assert sealer.add(one.message(), one.seed).sha256 == one.leaf_hash
    assert bytes(series.root) == sealer.finish().root


def test_the_report_describes_what_people_see(series):
    facts = describe_series(series)

    assert facts.platform == "whatsapp"
    assert facts.custodian == "Ana"
    assert {name for p in facts.participants for name in p.names} == {"Ana", "李雷"}
