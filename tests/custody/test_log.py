"""From an act to its provable place in the log."""

from __future__ import annotations

import pytest
from django.db import transaction

from evidence import custody
from evidence.custody import tree
from evidence.custody.epochs import current_epoch
from evidence.errors import NotFound
from evidence.formats import checkpoint as formats
from evidence.formats import merkle
from evidence.models import CustodyEntry, CustodyPending, LogNode
from evidence.values import Actor, Subject

pytestmark = pytest.mark.django_db
SERIES = Subject("series", "5e" * 16)
MATTER = Subject("matter", "3a" * 16)


def test_an_event_waits_in_the_queue_until_it_is_sequenced(log_event):
    log_event(event_id="act")
    with pytest.raises(NotFound):
        custody.entry_of_event("act")

    assert custody.sequence_pending() == 2  # with the one that opens the epoch
    assert custody.entry_of_event("act").place == 1
    assert not CustodyPending.objects.exists()


def test_the_first_event_opens_the_epoch(log_event, settings):
    log_event()
    custody.sequence_pending()
    first = custody.entry(0).entry
    assert (first.event, first.log) == ("epoch.opened", settings.TRUETHREAD_LOG_ORIGIN + "/1")


def test_an_entry_says_who_what_when_where_why(log_event, now):
    log_event(
        event_id="act", event="original.downloaded", details={"bytes": 7},
        purpose="disclosure", authority="order 12/2026", at=now,
    )  # fmt: skip
    custody.sequence_pending()
    entry = custody.entry_of_event("act").entry
    assert (entry.event, entry.details, entry.time) == (
        "original.downloaded", {"bytes": 7}, "2026-03-14T09:26:53Z",
    )  # fmt: skip
    assert (entry.actor.name, entry.address) == ("Alice 愛麗絲", "192.0.2.7")
    assert (entry.purpose, entry.authority) == ("disclosure", "order 12/2026")


def test_names_are_not_readable_in_any_row(log_event):
    log_event(actor=Actor("person", "zebrafish", "zebrafish"), details={"note": "zebrafish"})
    queued = b"".join(bytes(row.payload) for row in CustodyPending.objects.all())
    custody.sequence_pending()
    logged = b"".join(bytes(row.payload) for row in CustodyEntry.objects.all())
    assert b"zebrafish" not in queued + logged


def test_the_same_event_id_adds_nothing_before_and_after_sequencing(log_event):
    log_event(event_id="act")
    log_event(event_id="act", details={"again": True})
    custody.sequence_pending()
    log_event(event_id="act", details={"again": True})
    assert custody.sequence_pending() == 0
    assert custody.entry_of_event("act").entry.details == {"ranges": "1-20"}


@pytest.mark.parametrize("wrong", [
    {"event": "conversation.peeked"},
    {"event_id": ""},
    {"event_id": "x" * 65},
    {"actor": Actor("robot", "r2")},
    {"subjects": [SERIES, SERIES]},
    {"subjects": [Subject("potato", "5e" * 16)]},
    {"subjects": [Subject("series", "5e" * 17)]},
    {"details": {"pages": 1.5}},
    {"details": {"wtf8": "61"}},
])  # fmt: skip
def test_what_could_not_become_an_entry_is_refused_before_it_is_queued(log_event, wrong):
    with pytest.raises(ValueError):  # noqa: PT011  the message is for developers
        log_event(**wrong)
    assert not CustodyPending.objects.exists()


def test_a_naive_time_is_refused(log_event, now):
    with pytest.raises(ValueError, match="aware"):
        log_event(at=now.replace(tzinfo=None))


def test_each_subject_has_a_gap_free_chain_of_digests(log_event):
    log_event(subjects=[SERIES])
    log_event(subjects=[MATTER, SERIES])
    custody.sequence_pending()
    log_event(subjects=[SERIES])
    custody.sequence_pending()

    chain = list(custody.entries_of("series", SERIES.id))
    links = [next(s for s in one.entry.subjects if s.kind == "series") for one in chain]
    assert [link.number for link in links] == [1, 2, 3]
    assert [link.previous for link in links] == [None, chain[0].digest, chain[1].digest]
    assert [one.place for one in custody.entries_of("series", SERIES.id, up_to=2)] == [1, 2]
    assert [one.place for one in custody.entries_of("matter", MATTER.id)] == [2]


@pytest.mark.parametrize("batch", [1, 2, 7, 500])
def test_the_tree_is_the_one_of_the_standard_at_every_size(log_event, batch):
    for _ in range(20):
        log_event()
    while custody.sequence_pending(batch):
        pass
    epoch = current_epoch()
    digests = [bytes(row.digest) for row in CustodyEntry.objects.order_by("place")]
    reference = merkle.Tree(merkle.leaf_hash(digest) for digest in digests)

    assert len(digests) == 21
    for size in range(22):
        assert tree.root(epoch, size) == reference.root(size)
        for place in range(size):
            assert custody.inclusion(place, size) == reference.inclusion_proof(place, size)
        for old in range(size + 1):
            assert custody.consistency(old, size) == reference.consistency_proof(old, size)


def test_a_proof_in_a_large_log_costs_a_few_rows(log_of, django_assert_max_num_queries):
    log_of(600)
    assert LogNode.objects.count() == 600 - (600).bit_count()
    with django_assert_max_num_queries(3):
        assert len(custody.inclusion(300, 600)) <= 10


def test_many_proofs_cost_hardly_more_queries_than_one(log_of, django_assert_max_num_queries):
    log_of(300)
    single = [custody.inclusion(place, 290) for place in range(0, 290, 3)]
    with django_assert_max_num_queries(4):
        assert custody.inclusions(range(0, 290, 3), 290) == single


def test_a_limit_leaves_the_rest_in_the_queue(log_event):
    for _ in range(5):
        log_event()
    assert custody.sequence_pending(4) == 4
    assert CustodyPending.objects.count() == 2


def test_a_checkpoint_is_a_signed_note_over_everything_queued_so_far(log_event, now):
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    note = formats.read(bytes(checkpoint.note))
    assert (note.size, note.root) == (2, tree.root(current_epoch(), 2))
    assert custody.mismatch(bytes(checkpoint.note)) is None


def test_one_size_has_one_checkpoint(log_event, now):
    log_event()
    first = custody.cut_checkpoint(now)
    assert custody.cut_checkpoint(now).pk == first.pk


def test_a_checkpoint_of_nothing_opens_the_log(now):
    assert custody.cut_checkpoint(now).size == 1


def test_a_token_is_kept_and_becomes_an_entry_of_its_own(log_event, now, stamper):
    log_event(event_id="act")
    checkpoint = custody.cut_checkpoint(now)
    assert custody.stamped_checkpoint_over(custody.entry_of_event("act")) is None

    stamp = custody.stamp_checkpoint(checkpoint, stamper, now)
    custody.sequence_pending()

    assert custody.stamped_checkpoint_over(custody.entry_of_event("act")) == checkpoint
    last = custody.entry(2).entry
    assert (last.event, last.details["size"]) == ("checkpoint.stamped", 2)
    assert stamp.certificates
    assert stamp.crls


def test_stamping_twice_keeps_one_token(log_event, now, stamper):
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    first = custody.stamp_checkpoint(checkpoint, stamper, now)
    assert custody.stamp_checkpoint(checkpoint, stamper, now).pk == first.pk
    assert custody.sequence_pending() == 1


def test_a_log_that_only_logged_its_own_stamp_is_not_stamped_again(log_event, now, stamper):
    log_event()
    custody.sequence_pending()
    assert custody.checkpoint_is_due()
    custody.stamp_checkpoint(custody.cut_checkpoint(now), stamper, now)
    custody.sequence_pending()
    assert not custody.checkpoint_is_due()
    log_event()
    custody.sequence_pending()
    assert custody.checkpoint_is_due()


def test_an_event_of_a_rolled_back_act_is_gone(log_event):
    log_event()
    custody.sequence_pending()
    with transaction.atomic():
        log_event(event_id="undone")
        transaction.set_rollback(True)
    assert custody.sequence_pending() == 0
