"""``manage.py export``: from chosen messages to a signed evidence bundle."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evidence.actions.advance import run_to_end
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import (
    PARTY_BASES,
    ExportOptions,
    StatedParty,
    frozen_parts,
    keep_selection,
    request_export,
    request_key,
    unfinished_export,
)
from evidence.archive.read import describe_series
from evidence.errors import EvidenceError, InvalidSelection, NotFound
from evidence.front.exporting import each_once, moment, party_of
from evidence.front.times import zone_of_days
from evidence.gateways.current import current
from evidence.management.operator import OperatorCommand, answered, operator
from evidence.models import Export, Job, Series
from evidence.select import Choice, parse_ranges, parse_redactions

DEFAULT_MATTER = ""
"""Exports that name no matter share a nameless one: the exhibit then prints none."""


class ExportFailed(EvidenceError):
    """The job ended without a bundle; the code is the job's."""

    code = "export_failed"
    sentence = "No bundle was issued."


class Command(OperatorCommand):
    help = (
        "Freeze a choice of stored messages and issue a signed, time-stamped bundle. The same "
        "command, run again after an interruption, goes on where it stopped. "
        "Exit status: 0 issued, 2 refused or failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("--conversation", nargs="+", required=True, metavar="ID")
        add("--from", dest="period_from", metavar="T", help="RFC 3339 time or date, inclusive")
        add(
            "--to",
            dest="period_to",
            metavar="T",
            help="RFC 3339 time (exclusive) or date (inclusive)",
        )
        add("--participant", metavar="P", help="participant key (p1) or name")
        add("--messages", metavar="12-90,101")
        add("--context", type=int, default=0, metavar="N")
        add("--redact", default="", metavar="17,18:body,19:body:3-5")
        add("--reason", default="", help="why something is withheld; printed in the bundle")
        add("--jurisdiction", choices=("cn", "us", "eu"))
        add("--matter", default=DEFAULT_MATTER, metavar="NAME")
        add("--purpose", default="", metavar="TEXT")
        add("--requester", default="", metavar="TEXT")
        add("--authority", default="", metavar="TEXT")
        add("--object", default="", metavar="TEXT", help="what the evidence is offered to show")
        add("--carrier", default="", metavar="TEXT", help="where the original device or account is")
        add(
            "--privacy",
            default="",
            metavar="TEXT",
            help="basis, recipient and retention of others' data",
        )
        add(
            "--party",
            action="append",
            default=[],
            metavar="ACCOUNT=NAME[:BASIS]",
            help="who is behind an account, as you state it; ACCOUNT: key (p1), platform's id, or "
            f"name; BASIS: {', '.join(filter(None, PARTY_BASES))}",
        )
        add("--language", choices=("en", "zh"), default="en")
        add("--paper", choices=("A4", "Letter"), default="A4")
        add("--style", choices=("record", "conversation"), default="record")
        add("--out", type=Path, required=True, metavar="DIR")
        add("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        answers: list[dict[str, Any]] = []

        def work() -> dict[str, Any]:
            export = self._export(options)
            job = run_to_end(export.job.pk)
            if job.phase != Job.Phase.READY:
                code = job.error_code or f"export_{job.phase}"
                raise ExportFailed(f"job {job.public_id}", code=code)
            export.refresh_from_db()
            answers.append(
                deliver(
                    export=export, folder=options["out"], actor=operator(), at=current().clock.now()
                )
            )
            return answers[0]

        answered(self, options["json"], work)
        if not options["json"]:
            self._tell(answers[0])

    def _export(self, options: dict[str, Any]) -> Export:
        now = current().clock.now()
        chosen = [_series(identifier) for identifier in options["conversation"]]
        organisation = chosen[0].organisation
        choices = [(series, _choice(series, options)) for series in chosen]
        actor = operator()
        wanted = ExportOptions(
            language=options["language"],
            jurisdiction=options["jurisdiction"],
            paper=options["paper"],
            style=options["style"],
            requester=options["requester"],
            purpose=options["purpose"],
            authority=options["authority"],
            object_of_proof=options["object"],
            original_carrier=options["carrier"],
            privacy=options["privacy"],
            parties=_parties(chosen, options["party"]),
        )
        matter = open_matter(
            organisation=organisation,
            actor=actor,
            name=options["matter"],
            purpose=options["purpose"],
            at=now,
        )
        parts = frozen_parts(organisation, choices)
        key = request_key(organisation, matter, parts, wanted, actor)
        found = unfinished_export(organisation, key)
        if found is not None:
            return found
        selection = keep_selection(
            organisation=organisation, actor=actor, matter=matter, parts=parts, at=now
        )
        return request_export(selection=selection, actor=actor, options=wanted, at=now, key=key)

    def _tell(self, answer: dict[str, Any]) -> None:
        write = self.stdout.write
        whole = "contiguous" if answer["contiguous"] else f"{answer['gaps']} gaps"
        write(f"Issued bundle {answer['bundle']}")
        write(
            f"  {answer['messages']} of {answer['of']} messages, {whole}, "
            f"{answer['withheld']} withheld in whole or in part"
        )
        write(f"  {answer['zip']}")
        write(f"  {answer['receipt']}")
        write(f"  SHA-256 {answer['sha256']}")


def _series(identifier: str) -> Series:
    found = (
        Series.objects.filter(public_id=identifier, sealed_at__isnull=False)
        .select_related("organisation", "acquisition__organisation", "conversation")
        .first()
    )
    if found is None:
        raise NotFound(f"no conversation {identifier}", code="unknown_conversation")
    return found


def _parties(chosen: Sequence[Series], stated: Sequence[str]) -> tuple[StatedParty, ...]:
    """Return who is stated to be behind which account, in every conversation that has it.

    Raises InvalidSelection for an account that none has, or that names several people.
    """
    found: list[StatedParty] = []
    for text in stated:
        account, is_stated, rest = text.partition("=")
        name, _, basis = rest.rpartition(":")
        if not name or basis not in PARTY_BASES:
            name, basis = rest, ""
        if not is_stated or not name.strip():
            raise InvalidSelection(f"not ACCOUNT=NAME: {text!r}", code="invalid_option", where=text)
        held = [_party(series, account, name.strip(), basis) for series in chosen]
        if not any(held):
            raise InvalidSelection("nobody", code="unknown_participant", where=account)
        found += filter(None, held)
    return each_once(found)


def _party(series: Series, account: str, name: str, basis: str) -> StatedParty | None:
    try:
        return party_of(series, account, name, basis)
    except InvalidSelection:
        return None


def _choice(series: Series, options: dict[str, Any]) -> Choice:
    zone = zone_of_days(series, describe_series(series))
    return Choice(
        period_from=moment(options["period_from"], zone),
        period_to=moment(options["period_to"], zone, is_end=True),
        participant=options["participant"],
        messages=parse_ranges(options["messages"]) if options["messages"] else None,
        context=options["context"],
        redactions=parse_redactions(options["redact"], options["reason"]),
    )
