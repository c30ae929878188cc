"""The log outlives a loss and its own keys, and says so."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import transaction

from evidence import custody
from evidence.custody.checks import custody_log_is_whole
from evidence.custody.head import head_path, keep_head, read_head
from evidence.custody.recovery import open_epoch_after_loss, rotate_key
from evidence.errors import LogRefused
from evidence.formats import checkpoint as notes
from evidence.gateways.current import current
from evidence.gateways.keys import FileLogKey
from evidence.models import CustodyPending, LogEpoch
from evidence.values import Actor

pytestmark = pytest.mark.django_db
OPERATOR = Actor("operator", "root")


@pytest.fixture
def restored_from_an_old_backup(log_event, now):
    """The head file knows six entries, the database holds three."""
    log_event()
    log_event()
    point = transaction.savepoint()
    for _ in range(3):
        log_event()
    custody.cut_checkpoint(now)
    transaction.savepoint_rollback(point)
    custody.sequence_pending()


def test_the_last_checkpoint_is_kept_outside_the_database(log_event, now):
    log_event()
    checkpoint = custody.cut_checkpoint(now)
    assert json.loads(head_path().read_bytes())["note"].encode() == bytes(checkpoint.note)


def test_the_kept_checkpoint_never_moves_back(log_event, now):
    first = bytes(custody.cut_checkpoint(now).note)
    log_event()
    second = bytes(custody.cut_checkpoint(now).note)
    keep_head(first)
    assert read_head() == second


def test_an_unreadable_head_file_stops_the_log(log_event, now):
    custody.cut_checkpoint(now)
    head_path().write_text("{}")
    with pytest.raises(LogRefused, match="head_unreadable"):
        custody.refuse_broken_log()


def test_start_up_refuses_a_database_restored_from_an_old_backup(restored_from_an_old_backup):
    with pytest.raises(LogRefused, match="log_smaller: 3 entries, 6 were published"):
        custody.refuse_broken_log()
    assert [error.id for error in custody_log_is_whole(None, ["default"])] == ["evidence.E101"]


def test_a_whole_log_passes_the_system_check(log_event, now):
    log_event()
    custody.cut_checkpoint(now)
    assert custody_log_is_whole(None, ["default"]) == []


def test_recovery_opens_an_epoch_that_names_checkpoint_and_loss(
    restored_from_an_old_backup, log_event, now
):
    lost = read_head().decode()
    CustodyPending.objects.all().delete()
    log_event(event_id="waiting when the new epoch opens")

    epoch = open_epoch_after_loss(loss="Disk failed; backup of 9:00 restored.", at=now)

    first = custody.entry(0).entry
    assert (epoch.number, first.event, first.log) == (2, "epoch.opened", epoch.origin)
    assert first.details["after"] == {
        "checkpoint": lost,
        "origin": epoch.origin[:-1] + "1",
        "entries": 3,
        "loss": "Disk failed; backup of 9:00 restored.",
    }
    assert custody.entry_of_event("waiting when the new epoch opens").place == 1
    checkpoint = custody.cut_checkpoint(now)
    assert read_head() == bytes(checkpoint.note)
    custody.refuse_broken_log()
    assert custody.recheck().problems == []


def test_a_whole_log_opens_no_new_epoch(log_event, now):
    custody.cut_checkpoint(now)
    with pytest.raises(ValueError, match="needs a loss"):
        open_epoch_after_loss(loss="none", at=now)
    with pytest.raises(CommandError, match="nothing is lost"):
        call_command("open_log_epoch", "--loss", "none")


def test_a_key_rotates_by_an_entry_signed_with_both(log_event, now, monkeypatch):
    log_event()
    before = custody.cut_checkpoint(now)
    fresh = FileLogKey(Ed25519PrivateKey.generate())
    rotate_key(fresh, actor=OPERATOR, at=now)
    with pytest.raises(LogRefused, match="log key"):
        custody.cut_checkpoint(now)

    monkeypatch.setattr(
        type(current().log_key), "sign", lambda self, data: fresh._private.sign(data)
    )
    monkeypatch.setattr(current().log_key, "public", fresh.public)
    after = custody.cut_checkpoint(now)

    assert custody.mismatch(bytes(before.note)) is None
    assert custody.mismatch(bytes(after.note)) is None
    assert custody.recheck().problems == []


def test_a_key_that_was_exchanged_without_an_entry_is_named(log_event, now):
    log_event()
    custody.cut_checkpoint(now)
    epoch = custody.current_epoch()
    stranger = notes.VerifierKey(epoch.origin, bytes(32))
    LogEpoch.objects.update(vkey=str(stranger))
    assert custody.recheck().problems[0].code == "checkpoint_signature"
