"""Words for codes: what people read, in the language of the page.

Codes are stable and for machines; sentences may be improved. A code without words of its own
gets those of its family, never an empty line.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from evidence.errors import EvidenceError

Words = Mapping[str, Promise]

ERRORS: Words = {
    # Files that cannot be taken in
    "empty_file": _("This file is empty."),
    "file_too_large": _("This file is larger than this page takes."),
    "unknown_format": _(
        "This is none of the chat exports we can read: WhatsApp, Telegram, WeChat or QQ. "
        "Nothing was stored."
    ),
    "no_messages": _("This export holds no messages. Nothing was stored."),
    "several_chats_in_archive": _(
        "This archive holds more than one chat. Please upload each chat on its own."
    ),
    "unknown_timezone": _("This is not a time zone we know."),
    "unknown_date_order": _("This is not an order of day, month and year."),
    "date_order_impossible": _(
        "Dates in this file do not fit that order of day, month and year. Please choose another."
    ),
    "answers_missing": _("Please answer the questions first."),
    "file_changed": _("The file changed while it was being read. Please upload it again."),
    "not_in_archive": _("A file that the archive lists is not in it."),
    "zip_damaged": _("This archive is damaged and cannot be opened."),
    "zip_encrypted": _("This archive is protected by a password. Please upload it unprotected."),
    "zip_nested_archive": _("This archive holds another archive. Please unpack it first."),
    "zip_too_large": _("Unpacked, this archive would be larger than we take."),
    "zip_too_many_entries": _("This archive holds more files than we take."),
    "zip_ratio": _("This archive unpacks to far more than it should. It was not opened."),
    "zip_overlapping_entries": _("This archive was built to deceive. It was not opened."),
    "zip_lying_size": _("This archive states false sizes. It was not opened."),
    "zip_path_outside": _("This archive names a place outside of itself. It was not opened."),
    "zip_symlink": _("This archive holds links to other files. It was not opened."),
    "zip_bad_name": _("A file name in this archive cannot be read. It was not opened."),
    "zip_duplicate_name": _("Two files in this archive have the same name. It was not opened."),
    "zip_unsupported_method": _("This archive is packed in a way we do not read."),
    "wrong_offset": _("This piece of the file does not follow the one before it."),
    "too_many_uploads": _(
        "Too many files are on their way. Please finish or remove some of them first."
    ),
    "cancelled": _("This was cancelled. Nothing was stored."),
    # Choices that cannot be made
    "search_busy": _("Other searches are under way. Please try again in a moment."),
    "too_scattered": _(
        "These are too many separate stretches to be kept as numbers. Please choose by period, or "
        "extend the choice so that it is contiguous."
    ),
    "nothing_selected": _("No message fits this choice."),
    "series_twice": _("The same conversation was chosen twice."),
    "unknown_conversation": _("There is no such conversation."),
    "conversation_erased": _("This conversation was erased."),
    "message_erased": _("One of the chosen messages was erased."),
    "unknown_participant": _("There is no participant of that name in this conversation."),
    "party_twice": _("Two people are stated to be behind one account."),
    "message_out_of_range": _("This conversation has no message of that number."),
    "redaction_outside_selection": _("A message can be withheld only if it is chosen."),
    "invalid_context": _("The number of neighbouring messages cannot be negative."),
    "invalid_range": _("Please write numbers like this: 12-90, 101"),
    "invalid_redaction": _("This cannot be withheld as written."),
    "invalid_time": _("Please write times like this: 2026-01-31 or 2026-01-31T18:30"),
    "invalid_option": _("One of the options is not offered."),
    "picture_refused": _(
        "This is not a JPEG, PNG or WebP picture that can be drawn. It was not added."
    ),
    "picture_too_large": _("This picture is too large. It was not added."),
    "too_many_pictures": _("There are as many pictures as there can be. It was not added."),
    "export_unfinished": _(
        "A bundle of this conversation is being made. Please try again when it is done."
    ),
    # Pushed batches
    "batch_malformed": _("This is not a batch in the documented form. Nothing of it was stored."),
    "batch_forged": _(
        "The signature is not by a key registered for this stream. Nothing was stored."
    ),
    "batch_foreign": _("This batch was made for another stream. Nothing was stored."),
    "batch_out_of_order": _(
        "Earlier batches have not arrived yet. Please send the expected one first."
    ),
    "batch_conflicts": _("Another batch of this number was accepted before."),
    "batch_chain_broken": _("This batch does not follow the last one that was accepted."),
    "batch_overlaps": _("This batch delivers again what has been delivered before."),
    "messages_missing": _(
        "Messages before this batch are missing. Please send them, or declare the gap."
    ),
    "gap_unknown": _("No gap was declared at the place this batch wants to fill."),
    "attachment_missing": _("Attachments of this batch have not been handed over yet."),
    "attachment_differs": _("These bytes do not have the SHA-256 in the address."),
    "push_key_invalid": _("This is not a public key of Ed25519 or P-256 that can be added."),
    "stream_exists": _("There is a stream for this conversation already."),
    "stream_closed": _("This conversation was erased, so nothing more is taken in for it."),
    # Bundles
    "not_issued": _("This bundle was never issued."),
    "cannot_supersede": _("Only a later bundle of the same matter can take its place."),
    "stored_bytes_missing": _("Stored evidence is missing. Nothing was issued."),
    "given_up": _(
        "This was tried several times and stopped each time. It can be tried again by hand."
    ),
    # Requests
    "rate_limited": _("Too many requests from your network. Please try again in a minute."),
    "invalid_request": _("The request is not in the form this address expects."),
    "questions_open": _("The file leaves questions open that must be answered first."),
    "not_authenticated": _("Please state who you are: this address needs a token."),
    "method_not_allowed": _("This address does not take that kind of request."),
    "unsupported_media_type": _("The request is in a format this address does not read."),
    "length_required": _(
        "What was sent came without its length and was not read. Please send it with the header "
        "Content-Length."
    ),
    "precondition_failed": _("There is another version of this than the one you asked for."),
    "not_acceptable": _("The answer cannot be given in the format that was asked for."),
    "engine_unavailable": _("Files cannot be checked here at the moment. Nothing was kept."),
    "insufficient_scope": _("This client was not given the right to do that."),
    "idempotency_key_missing": _(
        "This request creates something, so it needs the header Idempotency-Key."
    ),
    "idempotency_key_invalid": _(
        "The header Idempotency-Key must be 1 to 200 printable ASCII characters."
    ),
    "idempotency_key_reused": _("This Idempotency-Key was used before for another request."),
    "idempotency_in_progress": _(
        "The first request with this Idempotency-Key is still being worked on."
    ),
    "client_rate_limited": _(
        "This client asks too often. Please wait as long as Retry-After says."
    ),
    "not_retryable": _("Only an export that failed or was cancelled can be tried again."),
    "matter_name_taken": _("There is a matter of that name which you do not work on."),
    "webhook_url_invalid": _("This is not an address that webhooks can be sent to."),
    "webhook_url_not_https": _("Webhooks are sent to https addresses only."),
    "webhook_address_refused": _(
        "Webhooks are sent to public addresses only, never into a private network."
    ),
    "webhook_disabled": _("This webhook is disabled. Please enable it first."),
    "too_many_webhooks": _("This organisation has as many webhooks as it can have."),
    "unknown_secret": _("This is not a former secret of this webhook."),
    "matter_missing": _("Please state the matter this is delivered for."),
    "matter_name_used": _("There is a matter of that name already."),
    # Organisations
    "member_already": _("Somebody with this address belongs to the organisation already."),
    "too_many_invitations": _("Too many invitations are open. Please take some back first."),
    "invitation_of_others": _(
        "This invitation was sent to another e-mail address. Please sign in with the account of "
        "that address."
    ),
    "server_error": _("Something went wrong on our side. It has been noted."),
}

WARNINGS: Words = {
    "possible_forgery": _(
        "A line inside a message looks like the start of another message and breaks the order of "
        "time. Anyone in a chat can paste such a line, so look at this one closely."
    ),
    "header_like_line": _("A line inside a message looks like the start of another message."),
    "time_backwards": _("The time runs backwards here."),
    "ambiguous_local_time": _("The clocks were changed here, so this local time occurred twice."),
    "nonexistent_local_time": _("The clocks were changed here, so this local time never was."),
    "member_not_referenced": _("No message mentions this file of the export."),
    "owner_not_found": _("The name you gave as your own does not appear in this conversation."),
    "unparsed_rows": _("Some passages fit no known form. They are kept and shown as they stand."),
    "account_data_not_in_rows": _("The export also holds account data that is not a message."),
    "sender_may_contain_colon": _(
        "A sender's name may contain a colon, so where the name ends is uncertain."
    ),
    "possible_mojibake": _("Some characters may have been damaged before the export."),
    "replacement_character": _("Some characters were already lost before the export."),
    "edited_flag_unreliable": _("The export's own note about an edit is not reliable."),
    "time_fields_disagree": _("The export states two different times for this message."),
    "template_not_expanded": _("A notice was exported without its names filled in."),
    "unreadable_xml": _("The details of this message could not be read and stand as they are."),
}
_OTHER_WARNING = _("Something here deserves a closer look.")
_ENCODING_WARNING = _(
    "The file does not say how its characters are encoded; we had to conclude it."
)

FORMATS: Words = {
    "whatsapp_text": _("WhatsApp, text file"),
    "whatsapp_zip": _("WhatsApp, archive with media"),
    "telegram_json": _("Telegram Desktop, result.json"),
    "telegram_zip": _("Telegram Desktop, archive"),
    "qq_text": _("QQ, text from the message manager"),
    "qq_text_zip": _("QQ, archive"),
    "push": _("Pushed by the provider"),
}
_FAMILIES: Words = {
    "whatsapp": _("WhatsApp"),
    "telegram": _("Telegram"),
    "wechat": _("WeChat"),
    "qq": _("QQ"),
}

KINDS: Words = {
    "text": _("Text"),
    "image": _("Picture"),
    "voice": _("Voice message"),
    "video": _("Video"),
    "file": _("File"),
    "sticker": _("Sticker"),
    "location": _("Location"),
    "contact": _("Contact"),
    "link": _("Link"),
    "call": _("Call"),
    "transfer": _("Money transfer"),
    "merged": _("Forwarded chat"),
    "poll": _("Poll"),
    "recalled": _("Recalled message"),
    "system": _("Notice"),
    "other": _("Other"),
    "unparsed": _("Not understood, kept as it stands"),
}

PHASES: Words = {
    "freezing": _("Fixing the choice of messages"),
    "preparing": _("Collecting the messages and their proofs"),
    "stamping": _("Obtaining the time-stamp"),
    "rendering": _("Writing the pages"),
    "signing": _("Signing"),
    "packing": _("Packing"),
    "self_verifying": _("Checking the finished bundle"),
    "issuing": _("Recording the result in the custody log"),
    "ready": _("Ready"),
    "failed": _("Failed"),
    "cancelled": _("Cancelled"),
}
UPLOAD_PHASES: Words = {
    "receiving": _("Not all of it has arrived"),
    "reading": _("Reading the file"),
    "asking": _("Waits for your answers"),
    "storing": _("Sealing and storing the messages"),
    "stored": _("Stored and sealed"),
    "failed": _("Not stored"),
    "cancelled": _("Cancelled"),
}
WORKING_PHASES = tuple(PHASES)[:8]

EVENTS: Words = {
    "acquisition.received": _("Received"),
    "series.sealed": _("Conversation sealed"),
    "acquisition.recognised": _("Delivered again, recognised"),
    "conversation.viewed": _("Conversation viewed"),
    "selection.frozen": _("Selection fixed"),
    "export.requested": _("Bundle requested"),
    "export.prepared": _("Bundle prepared"),
    "export.issued": _("Bundle issued"),
    "export.failed": _("Bundle failed"),
    "export.cancelled": _("Bundle cancelled"),
    "bundle.downloaded": _("Bundle downloaded"),
    "bundle.renewed": _("Time-stamp renewed"),
    "bundle.withdrawn": _("Bundle withdrawn"),
    "bundle.superseded": _("Bundle replaced by a newer one"),
    "original.downloaded": _("Original downloaded"),
    "conversation.erased": _("Conversation erased"),
    "matter.opened": _("Matter opened"),
    "matter.changed": _("Matter changed"),
    "hold.placed": _("Legal hold placed"),
    "hold.released": _("Legal hold released"),
    "access.granted": _("Access granted"),
    "access.revoked": _("Access taken away"),
    "admin.viewed": _("Looked at by an administrator"),
    "epoch.opened": _("Log opened"),
    "key.rotated": _("Key of the log changed"),
    "verification.requested": _("Verification requested"),
    "checkpoint.stamped": _("Log time-stamped"),
}

SUBJECTS: Words = {
    "series": _("Conversation"),
    "acquisition": _("Delivery"),
    "matter": _("Matter"),
    "bundle": _("Bundle"),
    "organisation": _("Organisation"),
    "log": _("Custody log"),
}

DETAILS: Words = {
    "after": _("Goes on after"), "at": _("At"), "authority": _("Time-stamp by"),
    "batch": _("Batch"), "before": _("Before"), "bundles": _("Bundles"), "by": _("Replaced by"),
    "changed": _("Changed"), "checkpoint": _("State of the log"), "code": _("Reason"),
    "conversation": _("Conversation"), "delivery": _("Delivery"), "digest": _("Digest of the choice"),
    "email": _("E-mail address"), "events": _("Events"), "files": _("Files"), "format": _("Format"),
    "from": _("Taken over from"), "grown_from": _("Grown from"), "head": _("Head of the seal"),
    "hold": _("Legal hold"), "host": _("Server"), "how": _("How"), "invitation": _("Invitation"),
    "jurisdiction": _("For a court in"), "kept": _("Kept by a legal hold"), "key": _("Key"),
    "kid": _("Name of the key"), "language": _("Language"), "look": _("Looked at"),
    "member": _("Member"), "messages": _("Messages"), "new": _("New key"), "old": _("Former key"),
    "original": _("Commitment to the original"), "originals": _("Originals"),
    "parser": _("Read by"), "pdfs": _("Documents"), "person": _("Person"), "picture": _("Picture"),
    "reason": _("Reason"), "retired": _("Retired key"), "role": _("Role"), "root": _("Root of the seal"),
    "secret": _("Secret"), "selection": _("Choice"), "series": _("Conversations"), "size": _("Size"),
    "token": _("Time-stamp"), "vkey": _("Key of the log"), "webhook": _("Webhook"), "what": _("What"),
    "why": _("Reason"), "zip": _("Bundle file"),
}  # fmt: skip
"""What the details of an entry of the custody log are called."""

ROLES: Words = {
    "owner": _("Owner"),
    "member": _("Member"),
    "auditor": _("Auditor"),
}

DETAIL_VALUES: Mapping[str, Words] = {
    "role": ROLES,
    "before": ROLES,
    "how": {
        "opened": _("The organisation was opened"), "invited": _("Invited"), "joined": _("Joined"),
        "role": _("Another role"), "removed": _("Removed"), "webhook": _("Webhook"),
    },
    "jurisdiction": {"cn": _("China"), "us": _("United States"), "eu": _("European Union")},
    "language": {"en": _("English"), "zh": _("Chinese")},
}  # fmt: skip
"""What codes among the details of an entry mean, by the name of the detail."""

ARTIFACTS: Words = {
    "zip": _("The whole bundle"),
    "receipt": _("Receipt, to be kept beside the bundle"),
    "pdf": pgettext_lazy("file", "Signed document to read and print"),
}

SCOPES: Words = {
    "acquisitions:read": _("See what was delivered"),
    "acquisitions:write": _("Deliver chat exports"),
    "conversations:read": _("Read conversations and their messages"),
    "conversations:write": _("Change conversations"),
    "matters:read": _("See matters"),
    "matters:write": _("Open matters"),
    "selections:read": _("See what was chosen for bundles"),
    "selections:write": _("Choose messages for bundles"),
    "exports:read": _("See and download bundles"),
    "exports:write": _("Ask for bundles, withdraw and replace them"),
    "holds:read": _("See legal holds"),
    "holds:write": _("Place and release legal holds"),
    "webhooks:read": _("See where its notices are sent"),
    "webhooks:write": _("Choose where its notices are sent"),
}
"""What a program may do, as the person is asked who lets it in."""


def error_sentence(error: EvidenceError) -> str:
    """Return what to tell a person about ``error``, without personal data."""
    words = ERRORS.get(error.code)
    return str(words) if words is not None else gettext(error.sentence)


def code_sentence(code: str) -> str:
    """Return what to tell a person about an error of which only the code is left."""
    if code in ERRORS:
        return str(ERRORS[code])
    for kind in _kinds(EvidenceError):
        if kind.code == code:
            return gettext(kind.sentence)
    return gettext(EvidenceError.sentence)


def warning_sentence(code: str) -> str:
    """Return what a warning of a conversation or a message means."""
    if code.startswith("encoding_assumed"):
        return str(_ENCODING_WARNING)
    return str(WARNINGS.get(code, _OTHER_WARNING))


def format_name(code: str) -> str:
    """Return the product and layout an export's format code stands for."""
    family = _FAMILIES.get(code.partition("_")[0])
    return str(FORMATS.get(code) or family or code)


def _kinds(base: type[EvidenceError]) -> list[type[EvidenceError]]:
    found = [base]
    for kind in base.__subclasses__():
        found += _kinds(kind)
    return found
