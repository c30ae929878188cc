"""A pushed conversation grows exactly by what was pushed, and every fault has its own name."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest

from evidence import custody
from evidence.actions.erase_conversation import erase_conversation
from evidence.actions.open_push_stream import add_push_key, store_push_attachment
from evidence.actions.take_batch import take_batch
from evidence.archive.pushed import gaps_of, stream_state
from evidence.archive.read import describe_series, leaf_hashes, messages
from evidence.errors import PushRefused
from evidence.formats import canonical, merkle, push, series_head
from evidence.models import Blob, Message, PushBatch, PushRefusal, Series
from evidence.values import Actor
from tests.pushing import OTHER_KEY, Provider, line, lines

CLOUD = Actor("client", "c" * 32, "Cloud")


@pytest.fixture
def stream(alice, streamed):
    """A stream with four messages in two batches, and its provider."""
    return streamed(alice)


@pytest.fixture
def begun(alice, pushed):
    return pushed(alice, 3, 2)


@pytest.fixture
def refusal(now):
    """Push what must be refused; give the error, having seen that nothing changed."""

    def refuse(stream, data: bytes) -> PushRefused:
        before = _standing(stream)
        with pytest.raises(PushRefused) as caught:
            take_batch(stream=stream, data=data, actor=CLOUD, at=now)
        assert _standing(stream) == before
        assert PushRefusal.objects.filter(stream=stream).latest("pk").code == caught.value.code
        return caught.value

    return refuse


def _standing(stream):
    stream.refresh_from_db()
    series = Series.objects.get(pk=stream.series_id)
    rows = Message.objects.filter(series=series).count()
    batches = PushBatch.objects.filter(stream=stream).count()
    blobs = Blob.objects.count()
    return stream.batch_count, bytes(stream.payload), bytes(series.head), rows, batches, blobs


def _bodies(stream):
    series = Series.objects.select_related("organisation").get(pk=stream.series_id)
    return [one.message().body for one in messages(series)]


def test_batches_add_their_messages_in_order_to_one_tree(begun):
    stream, _ = begun
    series = Series.objects.get(pk=stream.series_id)
    head = series_head.read(canonical.loads(bytes(series.head)))
    assert [body[:10] for body in _bodies(stream)] == [f"Message {n}:" for n in range(1, 6)]
    assert (series.size, head.size, head.members) == (5, 5, 2)
    assert head.root == merkle.tree_root(leaf_hashes(series))
    people = describe_series(series).participants
    assert [(p.key, p.platform_id, p.message_count, p.is_owner) for p in people] == [
        ("p1", "u-ana", 3, True), ("p2", "u-li", 2, False),
    ]  # fmt: skip


def test_every_head_is_logged_with_the_proof_that_it_extends_the_one_before(begun):
    stream, _ = begun
    series = Series.objects.get(pk=stream.series_id)
    logged = [one.entry for one in custody.entries_of("series", series.public_id)]
    assert [entry.event for entry in logged] == ["series.sealed"] * 2
    first, second = (entry.details for entry in logged)
    heads = [
        series_head.read(canonical.loads(bytes(one.head)))
        for one in PushBatch.objects.filter(stream=stream).order_by("number")
    ]
    assert [first["head"], second["head"]] == [head.digest().hex() for head in heads]
    grown = second["grown_from"]
    proof = [bytes.fromhex(one) for one in grown["consistency"]]
    assert merkle.verify_consistency(3, 5, heads[0].root, heads[1].root, proof)


def test_the_same_batch_again_changes_nothing_and_gets_the_same_answer(begun, now):
    stream, provider = begun
    data = provider.batch(lines(6, 7))
    first = take_batch(stream=stream, data=data, actor=CLOUD, at=now)
    before = _standing(stream)
    again = take_batch(stream=stream, data=data, actor=CLOUD, at=now)
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert replace(again, is_repeated=False) == first
    assert _standing(stream) == before


def test_a_batch_ahead_of_its_turn_is_out_of_order(begun, refusal):
    stream, provider = begun
    provider.batch(lines(6, 7))
    provider.accepted()
    error = refusal(stream, provider.batch(lines(8, 9)))
    assert error.code == "batch_out_of_order"
    assert error.facts["expected"]["number"] == 3
    assert error.facts["expected"]["cursor"] == 5


def test_messages_delivered_before_overlap(begun, refusal):
    stream, provider = begun
    data = provider.batch(lines(5, 6), cursor=push.Positions(4, 6))
    assert refusal(stream, data).code == "batch_overlaps"


def test_a_hole_that_nobody_declared_is_missing_messages(begun, refusal):
    stream, provider = begun
    data = provider.batch(lines(8, 9), cursor=push.Positions(7, 9))
    assert refusal(stream, data).code == "messages_missing"


def test_another_batch_under_a_number_already_taken_conflicts(begun, refusal):
    stream, provider = begun
    provider.number = 2
    assert refusal(stream, provider.batch(lines(4, 5))).code == "batch_conflicts"


def test_a_batch_that_follows_another_history_breaks_the_chain(begun, refusal):
    stream, provider = begun
    data = provider.batch(lines(6, 7), previous=bytes(32))
    assert refusal(stream, data).code == "batch_chain_broken"


@pytest.mark.parametrize("forge", ["other key", "unknown kid", "altered envelope", "no signature"])
def test_a_batch_not_signed_by_a_registered_key_is_forged(begun, refusal, forge):
    stream, provider = begun
    messages_ = lines(6, 7)
    data = provider.batch(messages_)
    if forge == "other key":
        data = Provider(stream.public_id, OTHER_KEY).signed(provider.last, messages_)
    elif forge == "unknown kid":
        data = Provider(stream.public_id, kid="k9").signed(provider.last, messages_)
    elif forge == "altered envelope":
        data = data.replace(b'"time":"2026', b'"time":"2025', 1)
    else:
        first, _, rest = data.split(b"\n", 2)
        data = b"\n".join((first, b"", rest))
    assert refusal(stream, data).code == "batch_forged"


def test_a_message_changed_on_the_way_makes_the_batch_malformed(begun, refusal):
    stream, provider = begun
    data = provider.batch(lines(6, 7)).replace(b"Message 6", b"Message 9")
    assert refusal(stream, data).code == "batch_malformed"


@pytest.mark.parametrize("bad", [
    line(6, kind="unparsed"), line(6, kind="recalled"), line(6, sequence=1),
    line(6, time_raw="2026-03-14 09:00"), line(6, time_raw="2026-02-30T09:00:00Z"),
    line(6, sender={"id": "", "name": "x"}), b'{"kind": "text"}', b"7",
    line(6, kind="system", system={"template": "push_gap", "values": {}}),
])  # fmt: skip
def test_a_line_that_is_no_message_refuses_its_batch_whole_and_by_line(begun, refusal, bad):
    stream, provider = begun
    error = refusal(stream, provider.batch([line(5), bad]))
    assert error.code == "batch_malformed"
    assert error.where.startswith("line 4") or "no such time" in error.where


def test_a_batch_made_for_another_stream_is_foreign(begun, refusal):
    stream, provider = begun
    data = provider.batch(lines(6, 7), conversation="c-78")
    assert refusal(stream, data).code == "batch_foreign"


def test_a_declared_gap_is_a_row_of_its_own_and_stays_on_record(begun, now):
    stream, provider = begun
    gap = push.Gap(5, 9, "retention")
    take_batch(stream=stream, data=provider.batch(lines(10, 11), gap=gap), actor=CLOUD, at=now)
    series = Series.objects.select_related("organisation", "acquisition").get(pk=stream.series_id)
    note = [one.message() for one in messages(series)][5]
    assert (note.kind, note.system["template"]) == ("system", "push_gap")
    assert note.system["values"] == {"after": "5", "up_to": "9", "reason": "retention"}
    assert series.size == 8
    (noted,) = gaps_of(series)
    assert (noted.first, noted.last, noted.row, noted.is_open) == (5, 9, 6, True)


def test_what_fills_a_gap_later_is_new_rows_and_the_gap_stays_recorded(begun, refusal, now):
    stream, provider = begun
    gap = push.Gap(5, 9, "outage")
    take_batch(stream=stream, data=provider.batch(lines(10, 11), gap=gap), actor=CLOUD, at=now)
    provider.accepted()
    fills, inside = push.Positions(5, 9), push.Positions(5, 7)
    late = provider.batch(lines(6, 7), fills=fills, cursor=inside)
    take_batch(stream=stream, data=late, actor=CLOUD, at=now)
    provider.accepted()
    again = provider.batch(lines(6, 6), fills=fills, cursor=push.Positions(6, 7))
    assert refusal(stream, again).code == "batch_overlaps"
    elsewhere = provider.batch(lines(2, 2), fills=push.Positions(1, 3), cursor=push.Positions(1, 2))
    assert refusal(stream, elsewhere).code == "gap_unknown"

    state = stream_state(stream)
    (noted,) = state.gaps
    assert (noted.filled, noted.is_open, state.cursor) == ([[5, 7, 4]], True, 11)
    shown = _bodies(stream)
    assert [b and b[:9] for b in shown[5:]] == [
        None, "Message 1", "Message 1", None, "Message 6", "Message 7",
    ]  # fmt: skip


def test_an_edit_and_a_recall_are_new_rows_that_name_the_old_one(begun, now):
    stream, provider = begun
    edit = line(6, body="Message 4, mended", edit_of="m-4")
    deletion = {"by": "u-ana", "time_raw": None}
    recall = line(7, kind="recalled", body=None, recall_of="m-5", deletion=deletion)
    take_batch(stream=stream, data=provider.batch([edit, recall]), actor=CLOUD, at=now)
    series = Series.objects.select_related("organisation").get(pk=stream.series_id)
    rows = [one.message() for one in messages(series)]
    assert rows[3].body.startswith("Message 4:")
    assert (rows[5].body, rows[5].details) == ("Message 4, mended", {"edit_of": "m-4"})
    assert (rows[6].kind, rows[6].details) == ("recalled", {"recall_of": "m-5"})


def test_an_attachment_must_be_handed_over_before_its_batch(begun, refusal, now):
    stream, provider = begun
    data = b"a photo"
    digest = hashlib.sha256(data).hexdigest()
    file = {"kind": "image", "media_type": "image/png", "name": "p.png", "sha256": digest,
            "size": len(data)}  # fmt: skip
    batch = provider.batch([line(6, kind="image", attachments=[file])])
    error = refusal(stream, batch)
    assert (error.code, error.facts["missing"]) == ("attachment_missing", [digest])
    store_push_attachment(
        stream=stream, sha256=digest, data=io.BytesIO(data), size=len(data), at=now
    )
    take_batch(stream=stream, data=batch, actor=CLOUD, at=now)
    series = Series.objects.get(pk=stream.series_id)
    (stored,) = series.attachments.all()
    assert (stored.sequence, stored.place, stored.blob is not None) == (6, 0, True)


def test_a_retired_key_signs_nothing_new_and_its_successor_does(begun, refusal, now):
    stream, provider = begun
    add_push_key(stream=stream, key=OTHER_KEY, kid="k2", retire="k1", actor=CLOUD, at=now)
    messages_ = lines(6, 7)
    assert refusal(stream, provider.batch(messages_)).code == "batch_forged"
    data = Provider(stream.public_id, OTHER_KEY, "k2").signed(provider.last, messages_)
    assert take_batch(stream=stream, data=data, actor=CLOUD, at=now).last == 7


def test_an_erased_stream_takes_nothing_more_and_keeps_no_batch(begun, refusal, now):
    stream, provider = begun
    conversation = Series.objects.get(pk=stream.series_id).conversation
    erase_conversation(conversation=conversation, actor=CLOUD, reason="asked", at=now)
    assert not PushBatch.objects.filter(blob__isnull=False).exists()
    assert not Blob.objects.exists()
    assert refusal(stream, provider.batch(lines(6, 7))).code in ("stream_closed", "batch_foreign")


def _recheck():
    from evidence.verify import offline

    return custody.recheck(messages, trust=offline.NOTHING)
