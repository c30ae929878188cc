"""What the commands share: who the operator is, for whom he acts, how an answer is printed."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand

from evidence.actions.create_account import create_organisation
from evidence.errors import EvidenceError
from evidence.gateways.current import current
from evidence.models import Organisation
from evidence.values import Actor

LOCAL = "local"
REFUSED = 2


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
