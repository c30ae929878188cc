"""What the commands share: who the operator is, for whom he acts, how an answer is printed."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError

from evidence.actions.create_account import create_organisation
from evidence.errors import EvidenceError
from evidence.gateways.current import current
from evidence.models import Organisation
from evidence.values import Actor
from evidence.verify import offline
from evidence.verify.offline.bundle_tokens import read_pem

LOCAL = "local"
REFUSED = 2


class OperatorCommand(BaseCommand):
    """A command that serves no pages.

    What production may not start with is checked before it, and not the addresses: looking through
    them reads the code of every page, which takes longer than most commands.
    """

    requires_system_checks = ["production", Tags.models, Tags.translation]  # noqa: RUF012  # as Django names it


def operator() -> Actor:
    """Return the actor the custody log names for a command: the account on this host."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):
        account = "unknown"
    return Actor("operator", account, account)


def organisation_called(name: str | None) -> Organisation:
    """Return the tenant a command works for; made at first use.

    Tenants of the command line are their own: never the ones people signed up.
    """
    label = name or LOCAL
    found = Organisation.objects.filter(name=label, members=None).order_by("pk").first()
    return found or create_organisation(name=label, is_personal=True, at=current().clock.now())


def answered(command: BaseCommand, as_json: bool, work: Callable[[], dict[str, Any]]) -> None:
    """Run ``work`` and print its answer; an EvidenceError is printed and ends with status 2."""
    try:
        answer = work()
    except EvidenceError as error:
        refusal = {"error": error.code} | ({"where": error.where} if error.where else {})
        if as_json:
            command.stdout.write(json.dumps(refusal))
        else:
            command.stderr.write(
                f"{error.sentence} ({error.code}{': ' * bool(error.detail)}{error.detail})"
            )
        raise SystemExit(REFUSED) from error
    if as_json:
        command.stdout.write(json.dumps(answer, ensure_ascii=False))


def trusted(paths: list[Path]) -> offline.Trust:
    """Return trust in the roots in these PEM files, in those of this deployment where none is named.

    Raises CommandError for a file without a certificate; the operator's to name another.
    """
    if not paths:
        return offline.trust_of(current().roots)
    roots: list[bytes] = []
    for path in paths:
        try:
            found = read_pem(path.read_bytes())
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error}") from error
        if not found:
            raise CommandError(f"{path} holds no certificate in PEM form")
        roots += found
    return offline.trust_of(roots)
