"""Errors of the house: one tree, each class with a stable code and a sentence safe to show.

Expected trouble is an ``EvidenceError``; a mistake of our own is a ``ValueError`` or
``RuntimeError``. Nothing here knows HTTP: ``api/errors.py`` maps codes to numbers.
A code never changes its meaning once released; sentences may be improved and are translated
where they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class EvidenceError(Exception):
    """Trouble a caller can name to a person.

    code: stable, lower case, safe to match on.
    sentence: English, safe to show, without personal data; translated at the surface.
    detail: for the log and for developers; never shown to strangers.
    """

    code = "evidence_error"
    sentence = "Something went wrong with this evidence."

    def __init__(self, detail: str = "", *, code: str | None = None, where: str = "") -> None:
        super().__init__(detail or self.sentence)
        if code is not None:
            self.code = code
        self.detail = detail
        self.where = where


class IngestRefused(EvidenceError):
    """The delivered bytes cannot be taken in; the fault is in the file, nothing was stored."""

    code = "unreadable_export"
    sentence = "This file could not be read as a chat export. Nothing was stored."


class NotFound(EvidenceError):
    """The object does not exist, or not for the person asking: the two look alike."""

    code = "not_found"
    sentence = "There is nothing here under this address."


class InvalidSelection(EvidenceError):
    """The choice of messages cannot be frozen as asked; the caller's fault."""

    code = "invalid_selection"
    sentence = "This choice of messages is not possible."


class StampUnavailable(EvidenceError):
    """No listed time-stamp authority gave an acceptable token; nothing was issued."""

    code = "stamp_unavailable"
    sentence = "No time-stamp could be obtained. Nothing was issued; try again later."


class SigningFailed(EvidenceError):
    """The signing key or its certificates could not be used; nothing was issued."""

    code = "signing_failed"
    sentence = "The document could not be signed. Nothing was issued."


class StorageFailed(EvidenceError):
    """The disk or blob store refused; nothing was issued."""

    code = "storage_failed"
    sentence = "The evidence could not be written to storage. Nothing was issued."


class Corrupt(EvidenceError):
    """Stored bytes do not fit their recorded hash or cannot be decrypted."""

    code = "stored_bytes_corrupt"
    sentence = "Stored evidence does not match its recorded hash. It was not used."


class SelfVerificationFailed(EvidenceError):
    """A finished bundle did not pass our own check; it was not released."""

    code = "self_verification_failed"
    sentence = "The finished bundle did not pass its own check, so it was not released."


class AppendOnly(RuntimeError):
    """Our own code tried to change or delete a custody entry: a mistake, not an expected case."""


class ClockDisagrees(EvidenceError):
    """Our clock and the time-stamp authority's are too far apart to put an act in its place."""

    code = "clock_disagrees"
    sentence = "The server's clock does not agree with the time-stamps. Nothing was recorded."


class LogRefused(EvidenceError):
    """The custody log is smaller than, or inconsistent with, a checkpoint published before."""

    code = "log_inconsistent"
    sentence = "The custody log does not continue the one published before. It was not extended."


class NotAllowed(EvidenceError):
    """The person may look here, but their role does not let them change anything."""

    code = "not_allowed"
    sentence = "Your role in this organisation lets you read, not change."


class BusyNow(EvidenceError):
    """Too many people ask at the same time; trying again later helps."""

    code = "too_many_requests"
    sentence = "Many files are being checked right now. Please try again in a minute."


class FileTooLarge(EvidenceError):
    """What was sent is larger than this address takes; the caller's fault."""

    code = "file_too_large"
    sentence = "This file is larger than this page takes."


class LengthMissing(EvidenceError):
    """A body came without its length, so nothing was read of it; the caller's fault."""

    code = "length_required"
    sentence = "What was sent came without its length and was not read."


class NotErasable(EvidenceError):
    """Something keeps this conversation from being erased now; nothing was deleted."""

    code = "hold_covers_conversation"
    sentence = (
        "A legal hold or an unfinished export keeps this conversation from being erased. "
        "Nothing was deleted."
    )


class InvalidMembership(EvidenceError):
    """Members and invitations cannot be changed like this; the caller's fault."""

    code = "last_owner"
    sentence = "An organisation keeps at least one owner. Make somebody else an owner first."


class InvalidMatter(EvidenceError):
    """A matter cannot be stated like this; the caller's fault, nothing was changed."""

    code = "matter_name_used"
    sentence = "There is a matter of that name already."


class PushRefused(EvidenceError):
    """A pushed batch, or what belongs to it, was not taken; the sender's fault. Nothing was stored.

    facts: what the sender needs to go on, safe to show to it.
    """

    code = "batch_refused"
    sentence = "This batch was not taken. Nothing of it was stored."

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        where: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail, code=code, where=where)
        self.facts = dict(facts or {})
