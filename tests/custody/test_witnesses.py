"""Witnesses: one that is honest, and every way one can lie, be wrong or be silent."""

from __future__ import annotations

import logging
import threading

import pytest
from django.test import Client

from evidence import custody
from evidence.checks import witnesses_are_named
from evidence.custody import checkpoints, tree
from evidence.custody.head import read_head
from evidence.formats import checkpoint as notes
from evidence.formats import witness as formats
from evidence.formats.checkpoint import VerifierKey
from evidence.gateways.current import current
from evidence.gateways.witnesses import Witness, Witnesses, read_witnesses
from evidence.verify.offline import ed25519
from tests.custody.witness import ReferenceWitness, serving
from tests.patience import PATIENCE

pytestmark = pytest.mark.django_db


@pytest.fixture
def witness(clock):
    return ReferenceWitness(lambda: current().log_key.public, lambda: clock.now().timestamp())


@pytest.fixture
def asked(witness):
    """What the service asks: the reference witness, over HTTP."""
    with serving(witness) as url:
        yield Witnesses((Witness(witness.key, url),), seconds=PATIENCE)


@pytest.fixture
def cut(log_event, now):
    """Add an entry and cut a checkpoint; return the note."""

    def make(witnesses: Witnesses | None = None) -> notes.Checkpoint:
        log_event()
        return notes.read(bytes(custody.cut_checkpoint(now, witnesses).note))

    return make


def seconds_of(note: notes.Checkpoint, key: VerifierKey) -> int | None:
    return notes.verify_witness(note, key, ed25519.verify)


def test_a_witness_cosigns_what_is_stored_published_and_stamped(asked, witness, cut, now, stamper):
    note = cut(asked)

    assert seconds_of(note, witness.key) == int(now.timestamp())
    stored = bytes(custody.cut_checkpoint(now).note)
    assert notes.read(stored) == note
    assert custody.witness_names(stored) == ["witness.example/w1"]
    assert (read_head(), Client().get("/log/checkpoint").content) == (stored, stored)
    custody.stamp_checkpoint(custody.cut_checkpoint(now), stamper, now)
    custody.sequence_pending()
    assert custody.recheck().problems == []


def test_the_next_question_begins_where_the_witness_stands(asked, witness, cut):
    for _ in range(4):
        assert seconds_of(cut(asked), witness.key)
    assert witness.asked == [0, 2, 3, 4]


def test_a_witness_that_knows_an_older_tree_is_asked_again_from_there(asked, witness, cut):
    first = cut(asked)
    for _ in range(3):
        cut()
    witness.seen[first.origin] = (1, tree.root(custody.current_epoch(), 1))

    note = cut(asked)

    assert witness.asked[-2:] == [first.size, 1]
    assert seconds_of(note, witness.key)


def test_a_witness_whose_answer_was_lost_cosigns_the_same_tree_again(
    asked, witness, cut, log_event, now
):
    first = cut(asked)
    log_event()
    custody.sequence_pending()
    witness.seen[first.origin] = (3, tree.root(custody.current_epoch(), 3))

    note = notes.read(bytes(custody.cut_checkpoint(now, asked).note))

    assert (note.size, witness.asked) == (3, [0, 2, 3])
    assert seconds_of(note, witness.key)


def test_a_witness_that_saw_more_than_there_is_names_a_restored_backup(asked, witness, cut, caplog):
    first = cut(asked)
    witness.seen[first.origin] = (99, bytes(32))

    with caplog.at_level(logging.ERROR, logger="evidence"):
        note = cut(asked)

    assert seconds_of(note, witness.key) is None
    assert "SAW ANOTHER LOG: 99 entries" in caplog.text


def test_a_witness_that_saw_another_tree_does_not_cosign_this_one(asked, witness, cut):
    first = cut(asked)
    witness.seen[first.origin] = (first.size, bytes(32))

    assert seconds_of(cut(asked), witness.key) is None


class Lying(ReferenceWitness):
    """Answers whatever ``lie`` says instead of its cosignature."""

    def cosign(self, text: bytes) -> bytes:
        return self.lie(self, text, super().cosign(text))


def other_text(liar, text, line):
    return ReferenceWitness.cosign(liar, text.replace(b"\n2\n", b"\n3\n"))


def other_key(liar, text, line):
    return ReferenceWitness(liar.log_key, liar.now, liar.name).cosign(text)


def good_and_bad(liar, text, line):
    return line + other_text(liar, text, line)


def from_the_future(liar, text, line):
    ahead = ReferenceWitness(liar.log_key, lambda: liar.now() + 3600, liar.name, liar.private)
    return ahead.cosign(text)


LIES = {
    "signature over another tree": other_text,
    "signature by another key": other_key,
    "a good and a bad line": good_and_bad,
    "dated in an hour": from_the_future,
    "nothing": lambda liar, text, line: b"",
    "no line end": lambda liar, text, line: line[:-1],
    "a checkpoint of its own": lambda liar, text, line: text + b"\n" + line,
    "garbage": lambda liar, text, line: b"\xff\x00" * 50,
    "more than is read": lambda liar, text, line: line * 500,
    "too many lines": lambda liar, text, line: line * 20,
    "the line twice, cut": lambda liar, text, line: line + line[:-9] + b"\n",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lying_witness_adds_nothing(lie, cut, clock):
    liar = Lying(lambda: current().log_key.public, lambda: clock.now().timestamp())
    liar.lie = lie
    with serving(liar) as url:
        note = cut(Witnesses((Witness(liar.key, url),), seconds=PATIENCE))

    assert [line.name for line in note.signatures] == [note.origin]


def test_lines_of_unknown_keys_are_left_aside(cut, clock, witness):
    liar = Lying(witness.log_key, witness.now, private=witness.private)
    liar.lie = lambda liar, text, line: other_key(liar, text, line) + line
    with serving(liar) as url:
        note = cut(Witnesses((Witness(liar.key, url),), seconds=PATIENCE))

    assert len(note.signatures) == 2
    assert seconds_of(note, liar.key)


def answering(status: str, kind: str, body: bytes):
    def serve(environ, start):
        environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return serve


@pytest.mark.parametrize(
    "answer",
    [
        ("404 Not Found", "text/plain", b""),
        ("500 Internal Server Error", "text/html", b"<h1>oops"),
        ("302 Found", "text/plain", b""),
        ("409 Conflict", "text/x.tlog.size", b"-1\n"),
        ("409 Conflict", "text/x.tlog.size", b"1"),
        ("409 Conflict", "text/x.tlog.size", b"0\n"),
        ("409 Conflict", "text/x.tlog.size", b"1\n"),
        ("409 Conflict", "text/x.tlog.size", b"99999999999999999999\n"),
        ("409 Conflict", "text/plain", b""),
    ],
)
def test_a_witness_that_refuses_is_done_without(witness, cut, answer):
    with serving(answering(*answer)) as url:
        note = cut(Witnesses((Witness(witness.key, url),), seconds=PATIENCE))

    assert len(note.signatures) == 1


def test_a_silent_witness_costs_no_more_than_its_time_and_no_other_cosignature(witness, cut):
    given_up, waited_for = threading.Event(), threading.Event()

    def silent(environ, start):
        if not given_up.wait(PATIENCE):
            waited_for.set()
        return answering("200 OK", "text/plain", b"")(environ, start)

    other = ReferenceWitness(witness.log_key, witness.now, "witness.example/w2")
    with serving(silent) as slow, serving(other) as quick:
        note = cut(Witnesses((Witness(witness.key, slow), Witness(other.key, quick)), seconds=2.0))
        given_up.set()

    assert not waited_for.is_set()
    assert [line.name for line in note.signatures[1:]] == ["witness.example/w2"]


def test_a_witness_that_is_not_there_is_done_without(witness, cut):
    note = cut(Witnesses((Witness(witness.key, "http://127.0.0.1:9/w"),), seconds=PATIENCE))
    assert len(note.signatures) == 1


def test_what_a_witness_is_told_stands_in_the_head_file_before(asked, witness, cut, monkeypatch):
    kept = []
    tell = witness.add_checkpoint
    monkeypatch.setattr(
        witness, "add_checkpoint", lambda body: (kept.append(read_head()), tell(body))[1]
    )
    note = cut(asked)
    assert notes.read(kept[0]).root == note.root


def test_no_witness_is_asked_inside_a_transaction(asked, log_event, now, monkeypatch):
    def refuse() -> None:
        raise RuntimeError("inside")

    log_event()
    monkeypatch.setattr(checkpoints, "_refuse_inside_a_transaction", refuse)
    with pytest.raises(RuntimeError, match="inside"):
        custody.cut_checkpoint(now, asked)


def test_the_request_is_that_of_the_specification():
    body = formats.request(20852014, [bytes(32)], b"note\n")
    assert body == b"old 20852014\n" + b"A" * 43 + b"=\n\nnote\n"
    with pytest.raises(ValueError, match="proof"):
        formats.request(1, [bytes(32)] * 64, b"")


@pytest.mark.parametrize(
    ("keys", "urls"),
    [
        (["{key}"], []),
        ([], ["http://w.example"]),
        (["nonsense"], ["http://w.example"]),
        (["{log}"], ["http://w.example"]),
        (["{key}", "{key}"], ["http://a.example", "http://b.example"]),
    ],
)
def test_witnesses_that_cannot_be_asked_stop_the_start(settings, witness, keys, urls):
    log = VerifierKey("log.example", bytes(32))
    settings.TRUETHREAD_WITNESSES = [one.format(key=witness.key, log=log) for one in keys]
    settings.TRUETHREAD_WITNESS_URLS = urls
    assert [error.id for error in witnesses_are_named(None)] == ["evidence.E010"]


def test_the_witnesses_of_the_settings_are_asked(settings, witness):
    settings.TRUETHREAD_WITNESSES = [str(witness.key)]
    settings.TRUETHREAD_WITNESS_URLS = ["https://w.example/prefix/"]
    assert witnesses_are_named(None) == []
    assert current().witnesses.known == read_witnesses(
        [str(witness.key)], ["https://w.example/prefix"]
    )
