"""Turns the bytes somebody delivered into series of messages. Pure: no Django, no network.

Three calls, in this order, none of which changes anything::

    examination = examine(path, "WhatsApp Chat with Ana.zip")   # what is it? hash, size, parser
    asked = questions(path, examination, Answers())             # what does the file not say?
    for event in read(path, examination, Answers(timezone="Europe/Madrid", date_order="dmy")):
        ...                                                     # SeriesStart, Messages, SeriesEnd

The same bytes, parser version and answers give the same events, always. Trouble with the file is
``IngestRefused`` with a stable code; no other exception comes out, whatever the bytes.

**Every byte of the chat file is accounted for**, once: in the slice of a row (an unparsed row
where no rule fits) or in a header or trailer span of a series. Such a span holds structure only:
a byte order mark, a CSV header line, brackets, header fields this parser knows, and, in a whole
account's export, the account data around the conversations. Text and CSV slices tile the file.
JSON slices are whole objects; blanks and commas between them belong to nobody. ``gaps`` proves it.
Attachments are accounted for by the rows that mention them, other members of an archive by a
``member_not_referenced`` warning.

**A further product** is one module in ``products/`` with a class that satisfies ``Parser`` and a
line ``PARSERS = (ThatClass(),)``; nothing else changes. ``recognises`` looks at the first 64 KiB,
``survey`` reads the file once and says what must be asked, ``read`` yields the events with the
help of ``rows.Rows``::

    class Notes:
        name, version, format, zip_format = "notes_text", "1", "notes_text", "notes_zip"

        def recognises(self, head: bytes, name: str) -> bool:
            return head.startswith(b"NOTES 1\\n")

        def survey(self, chat: ChatFile) -> Survey:
            return Survey(needs_timezone=True)

        def read(self, chat: ChatFile, survey: Survey, answers: Answers) -> Iterator[Event]:
            yield SeriesStart("notes", None, None, "unknown", f"notes:{chat.name}",
                              header_spans=((chat.member, 0, 8),))
            rows = Rows(chat.member, (answers.owner,))
            with chat.open() as stream:
                for offset, line, _ in lines(stream):
                    if offset:
                        yield from rows.add("text", offset, line, body=line.decode())
            yield from rows.finish()

Refusal codes: those of ``zips``, and empty_file, file_too_large, unknown_format, no_messages,
several_chats_in_archive, unknown_timezone, unknown_date_order, date_order_impossible,
answers_missing, not_in_archive, file_changed, too_many_participants, too_many_conversations.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evidence.errors import IngestRefused
from evidence.ingest.accounting import gaps
from evidence.ingest.clock import likely_zones, zone_named
from evidence.ingest.detect import parser_named, recognise
from evidence.ingest.interface import (
    DATE_ORDERS,
    Answers,
    ChatFile,
    Event,
    Examination,
    Limits,
    Question,
    SeriesEnd,
    SeriesStart,
    SourceWarning,
    Survey,
)
from evidence.ingest.source import Source, member

__all__ = [
    "Answers",
    "ChatFile",
    "Event",
    "Examination",
    "Limits",
    "Question",
    "SeriesEnd",
    "SeriesStart",
    "SourceWarning",
    "Survey",
    "chat_file",
    "examine",
    "gaps",
    "member",
    "questions",
    "read",
]


def examine(path: Path, name: str, limits: Limits | None = None) -> Examination:
    """Return what the file is; reads it, never whole, and stores nothing.

    name: as delivered, with its ending; titles and language hints are taken from it.
    Raises IngestRefused with a code of the room.
    """
    source = Source(path, name, limits or Limits())
    parser, chat_member = recognise(source)
    return Examination(
        format=parser.zip_format if source.is_archive else parser.format,
        parser_name=parser.name,
        parser_version=parser.version,
        name=name,
        sha256=source.sha256(),
        size=source.size,
        member=chat_member,
        members=len(source.entries),
        survey=parser.survey(source.chat_file(chat_member)),
    )


def questions(path: Path, examination: Examination, answers: Answers) -> list[Question]:
    """Return what must still be asked before reading; empty when nothing must.

    Raises IngestRefused (``unknown_timezone``, ``unknown_date_order``) for an answer that is none.
    """
    _refuse_nonsense(answers)
    survey = examination.survey
    asked = []
    if survey.needs_timezone and answers.timezone is None:
        choices = survey.likely_timezones or likely_zones()
        asked.append(Question("timezone", choices, survey.timezone_examples))
    if len(survey.date_orders) > 1 and answers.date_order is None:
        asked.append(Question("date_order", survey.date_orders, survey.date_examples))
    return asked


def read(
    path: Path, examination: Examination, answers: Answers, limits: Limits | None = None
) -> Iterator[Event]:
    """Yield each conversation: its start, its messages in source order, its end.

    Raises IngestRefused (``answers_missing``) while ``questions`` would still ask something, and
    (``file_changed``) when the file is no longer the one examined, as far as its size tells.
    """
    _refuse_nonsense(answers)
    source = Source(path, examination.name, limits or Limits())
    if source.size != examination.size:
        raise IngestRefused(examination.name, code="file_changed")
    if questions(path, examination, answers):
        raise IngestRefused("questions are open", code="answers_missing")
    parser = parser_named(examination.parser_name)
    yield from parser.read(source.chat_file(examination.member), examination.survey, answers)


def chat_file(path: Path, examination: Examination, limits: Limits | None = None) -> ChatFile:
    """Return the chat file itself, for ``gaps`` and for whoever recounts."""
    return Source(path, examination.name, limits or Limits()).chat_file(examination.member)


def _refuse_nonsense(answers: Answers) -> None:
    if answers.timezone is not None:
        zone_named(answers.timezone)
    if answers.date_order not in (None, *DATE_ORDERS):
        raise IngestRefused(str(answers.date_order), code="unknown_date_order")
