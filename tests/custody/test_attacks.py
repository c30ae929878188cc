"""What an operator can do who holds the database, the keys and no scruples, and what finds it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import call_command
from django.db import connection

from evidence import custody
from evidence.custody import queue, tree
from evidence.custody.epochs import current_epoch
from evidence.custody.payloads import open_entry, seal_entry
from evidence.errors import ClockDisagrees, LogRefused, StampUnavailable
from evidence.formats import checkpoint as notes
from evidence.formats import custody as formats
from evidence.formats.merkle import verify_consistency
from evidence.models import Checkpoint, CustodyEntry, LogEpoch

pytestmark = pytest.mark.django_db
SERIES = "5e" * 16
LOG_TABLES = (
    "evidence_stamp", "evidence_checkpoint", "custody_node", "custody_subject", "custody_entry",
)  # fmt: skip


@pytest.fixture
def operator(guards_down) -> Callable[..., None]:
    """Run SQL with the triggers dropped, and put them back as if nothing had been."""

    def execute(statement: str, *values: object) -> None:
        with guards_down(), connection.cursor() as cursor:
            cursor.execute(statement, values)

    return execute


@pytest.fixture
def empty(operator) -> Callable[..., None]:
    """Delete every row of these tables."""

    def delete(*tables: str) -> None:
        for table in tables:
            operator(f"DELETE FROM {table}")

    return delete


@pytest.fixture
def published(log_event, now, stamper) -> Checkpoint:
    """A log of five acts with a stamped checkpoint over six entries, and the stamp's own entry."""
    for number in range(5):
        log_event(event_id=f"act-{number}", details={"number": number})
    checkpoint = custody.cut_checkpoint(now)
    custody.stamp_checkpoint(checkpoint, stamper, now)
    custody.sequence_pending()
    return checkpoint


@pytest.fixture
def rewritten_history(published, empty, log_event, now, var_dir) -> Checkpoint:
    """Everything thrown away and told anew without act 3: entries, tree, checkpoint, head file."""
    empty(*LOG_TABLES, "evidence_logepoch")
    (var_dir / "log-head.json").unlink()
    for number in (0, 1, 2, 4, 5, 6, 7):
        log_event(event_id=f"act-{number}", details={"number": number})
    return custody.cut_checkpoint(now)


def codes() -> list[str]:
    return [problem.code for problem in custody.recheck().problems]


def first() -> tuple[str, str]:
    problem = custody.recheck().problems[0]
    return problem.code, problem.where.rpartition("#")[2]


def edited(place: int, **changed: object) -> tuple[bytes, bytes]:
    """Return payload and digest of the entry at ``place``, changed and encrypted with our key."""
    epoch = current_epoch()
    row = CustodyEntry.objects.get(place=place)
    salt, value = open_entry(epoch, place, bytes(row.payload))
    entry = replace(formats.read_entry(value), **changed)
    return seal_entry(epoch, place, salt, entry), entry.digest(salt)


def test_an_untouched_log_holds(published):
    report = custody.recheck()
    assert (report.problems, report.entries, report.checkpoints, report.stamps) == ([], 7, 1, 1)
    assert report.nodes == 7 - (7).bit_count()


def test_ciphertext_that_was_changed_is_named(published, operator):
    operator("UPDATE custody_entry SET payload = %s WHERE place = 3", b"\x01" + bytes(60))
    assert first() == ("entry_unreadable", "3")


def test_an_entry_edited_with_our_own_key_is_named(published, operator):
    payload, _ = edited(3, details={"number": 99})
    operator("UPDATE custody_entry SET payload = %s WHERE place = 3", payload)
    assert first() == ("entry_altered", "3")


def test_an_entry_edited_and_hashed_again_breaks_tree_and_chain(published, operator):
    payload, digest = edited(3, details={"number": 99})
    operator("UPDATE custody_entry SET payload = %s, digest = %s WHERE place = 3", payload, digest)
    assert first() == ("node_differs", "3")
    assert {"chain_broken", "checkpoint_root"} <= set(codes())


def test_tree_rows_made_to_fit_an_edited_entry_break_the_checkpoint(published, operator):
    payload, digest = edited(5, details={"number": 99})
    operator("UPDATE custody_entry SET payload = %s, digest = %s WHERE place = 5", payload, digest)
    operator("DELETE FROM custody_node WHERE level = 1 AND place = 2")
    leaves = CustodyEntry.objects.order_by("place").values_list("digest", flat=True)[4:6]
    growth = tree.Growth(0, ())
    nodes = [node for leaf in leaves for node in growth.append(bytes(leaf))]
    operator(
        "INSERT INTO custody_node (epoch_id, level, place, hash) VALUES (%s, 1, 2, %s)",
        current_epoch().pk, nodes[0][1],
    )  # fmt: skip
    assert "checkpoint_root" in codes()
    assert "node_differs" not in codes()


def test_a_column_that_says_something_else_than_its_entry_is_named(published, operator):
    operator("UPDATE custody_entry SET event = 'matter.opened' WHERE place = 2")
    assert first() == ("entry_columns_differ", "2")


def test_two_entries_that_changed_places_are_named(published, operator):
    for old, new in ((2, 900), (4, 2), (900, 4)):
        operator("UPDATE custody_entry SET place = %s WHERE place = %s", new, old)
    assert first() == ("entry_unreadable", "2")


def test_two_entries_that_changed_places_and_were_encrypted_again_are_named(published, operator):
    epoch = current_epoch()
    stored = {row.place: row for row in CustodyEntry.objects.filter(place__in=(2, 4))}
    for old, new in ((2, 4), (4, 2)):
        salt, value = open_entry(epoch, old, bytes(stored[old].payload))
        payload = seal_entry(epoch, new, salt, formats.read_entry(value))
        operator(
            "UPDATE custody_entry SET payload = %s, digest = %s WHERE place = %s",
            payload, bytes(stored[old].digest), new,
        )  # fmt: skip
    assert first() == ("entry_misplaced", "2")


def test_an_entry_deleted_from_the_middle_is_missed(published, operator):
    operator("DELETE FROM custody_subject WHERE number = 2 AND subject_id = %s", SERIES)
    operator("DELETE FROM custody_entry WHERE place = 2")
    assert first() == ("entry_missing", "2")


def test_deleted_last_entries_are_missed_by_the_checkpoint_over_them(published, operator):
    operator("DELETE FROM custody_subject WHERE entry_id IN "
             "(SELECT id FROM custody_entry WHERE place >= 4)")  # fmt: skip
    operator("DELETE FROM custody_entry WHERE place >= 4")
    operator("DELETE FROM custody_node WHERE (level, place) IN ((1, 2), (2, 1))")
    assert first()[0] == "checkpoint_beyond"
    assert {"token_unlogged", "log_smaller"} <= set(codes())


def test_deleted_last_entries_and_checkpoints_are_missed_by_the_head_file(
    published, operator, empty, now
):
    empty("evidence_stamp", "evidence_checkpoint")
    operator("DELETE FROM custody_subject WHERE entry_id IN "
             "(SELECT id FROM custody_entry WHERE place >= 4)")  # fmt: skip
    operator("DELETE FROM custody_entry WHERE place >= 4")
    operator("DELETE FROM custody_node WHERE (level, place) IN ((1, 2), (2, 1))")
    assert codes() == ["log_smaller"]
    with pytest.raises(LogRefused, match="log_smaller"):
        custody.refuse_broken_log()
    with pytest.raises(LogRefused):
        custody.cut_checkpoint(now)


def test_a_chain_row_that_was_removed_or_invented_is_named(published, operator):
    operator("DELETE FROM custody_subject WHERE number = 2 AND subject_id = %s", SERIES)
    assert first() == ("chain_rows_differ", "2")


@pytest.mark.parametrize(("attack", "code"), [
    ("UPDATE custody_node SET hash = %s WHERE level = 2", "node_differs"),
    ("DELETE FROM custody_node WHERE level = 2 AND hash <> %s", "node_missing"),
    ("INSERT INTO custody_node (epoch_id, level, place, hash) "
     "SELECT id, 7, 7, %s FROM evidence_logepoch", "node_extra"),
])  # fmt: skip
def test_tree_rows_that_do_not_follow_from_the_entries_are_named(published, operator, attack, code):
    operator(attack, bytes(32))
    assert codes()[0] == code


def test_a_checkpoint_signed_by_another_key_is_named(published, operator):
    epoch, stranger = current_epoch(), Ed25519PrivateKey.generate()
    key = notes.VerifierKey(epoch.origin, stranger.public_key().public_bytes_raw())
    text = notes.checkpoint_text(epoch.origin, published.size, bytes(published.root))
    operator("UPDATE evidence_checkpoint SET note = %s", notes.sign_note(text, key, stranger.sign))
    assert codes()[0] == "checkpoint_signature"


def test_a_token_over_something_else_is_named(published, operator, stamper):
    other = stamper.stamp(secrets.token_bytes(32))
    operator("UPDATE evidence_stamp SET token = %s", other.token)
    assert codes() == ["token_invalid", "token_unlogged"]


def test_a_token_dated_otherwise_in_its_row_is_named(published, operator, now):
    operator("UPDATE evidence_stamp SET gen_time = %s", now + timedelta(seconds=1))
    assert codes() == ["token_time"]


def test_missing_triggers_are_named(published, guards_down):
    with guards_down():
        assert set(codes()) == {"guard_missing"}


# Time


def test_an_act_dated_before_the_last_token_is_refused(published, log_event, now):
    with pytest.raises(ClockDisagrees):
        log_event(at=now - timedelta(hours=1, seconds=1))
    log_event(at=now - timedelta(minutes=59))


def test_an_act_that_was_backdated_all_the_same_is_named(published, log_event, now, monkeypatch):
    monkeypatch.setattr(queue, "_refuse_a_time_too_early", lambda at: None)
    log_event(at=now - timedelta(days=30))
    custody.sequence_pending()
    assert first() == ("time_outside_bracket", "7")


def test_a_token_older_than_an_act_it_covers_is_not_taken(log_event, now, stamper):
    log_event(at=now + timedelta(minutes=6))
    with pytest.raises(StampUnavailable) as refusal:
        custody.stamp_checkpoint(custody.cut_checkpoint(now), stamper, now)
    assert refusal.value.code == "clock_disagrees"


# History rewritten by the operator


def test_a_history_rewritten_consistently_holds_in_itself(rewritten_history):
    assert custody.recheck().problems == []


def test_a_history_rewritten_by_the_operator_is_convicted_by_a_bundle(published, request):
    """The checkpoint a bundle carries away is all it takes."""
    in_an_old_bundle = bytes(published.note)
    request.getfixturevalue("rewritten_history")

    assert custody.mismatch(in_an_old_bundle).code == "log_inconsistent"
    report = custody.recheck(outside=[in_an_old_bundle])
    assert [problem.where for problem in report.problems] == ["outside checkpoint 1"]


def test_no_proof_makes_a_rewritten_history_consistent_with_an_old_bundle(published, request):
    new = request.getfixturevalue("rewritten_history")
    proof = custody.consistency(published.size, new.size)
    assert not verify_consistency(
        published.size, new.size, bytes(published.root), bytes(new.root), proof
    )


def test_a_history_rewritten_under_another_key_is_convicted_too(published, request):
    request.getfixturevalue("rewritten_history")
    LogEpoch.objects.update(vkey=str(notes.VerifierKey(current_epoch().origin, bytes(32))))
    assert custody.mismatch(bytes(published.note)).code == "checkpoint_not_ours"


def test_a_bundle_of_a_deployment_that_was_emptied_convicts_it(published, empty):
    note = bytes(published.note)
    empty(*LOG_TABLES, "evidence_logepoch")
    assert custody.mismatch(note).code == "epoch_missing"
    assert codes() == ["epoch_missing"]


# The command


def test_the_command_ends_with_1_and_names_the_first_misfit(published, operator, capsys):
    operator("UPDATE custody_entry SET event = 'matter.opened' WHERE place = 2")
    with pytest.raises(SystemExit) as end:
        call_command("recheck_custody", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert (end.value.code, answer["holds"]) == (1, False)
    assert answer["first"]["where"] == f"{current_epoch().origin}#2"


def test_the_command_takes_a_published_checkpoint(published, tmp_path, capsys):
    note = tmp_path / "prepared.txt"
    note.write_bytes(bytes(published.note))
    call_command("recheck_custody", "--against", str(note))
    assert "Everything that was checked fits." in capsys.readouterr().out
