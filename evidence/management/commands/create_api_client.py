"""``manage.py create_api_client``: OAuth 2.0 credentials for a program."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from evidence.access import matter_for, organisation_of
from evidence.actions.create_api_client import create_api_client, revoke_api_client
from evidence.errors import NotFound
from evidence.management.operator import OperatorCommand, answered
from evidence.models import ApiClient, Organisation, User
from evidence.values import API_SCOPES


class Command(OperatorCommand):
    help = "Create a client of the API that acts for a person, and print its credentials once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", help="user name of the person the program acts for")
        parser.add_argument("--label", default="API client", help="name in the custody log")
        parser.add_argument(
            "--scope", action="append", choices=API_SCOPES, help="a right; all when not stated"
        )
        parser.add_argument(
            "--matter", action="append", default=[], metavar="ID",
            help="id of a matter; with one or more, the client reaches no others",
        )  # fmt: skip
        parser.add_argument(
            "--redirect-uri", action="append", default=[], metavar="URL",
            help="where people are led back to; the client then acts for whoever lets it in",
        )  # fmt: skip
        parser.add_argument("--revoke", metavar="CLIENT_ID", help="revoke that client instead")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: object, **options: Any) -> None:
        work = self._revoked if options["revoke"] else self._created
        if options["json"]:
            answered(self, True, lambda: work(options))
            return
        for name, value in work(options).items():
            self.stdout.write(f"{name}: {value}")

    def _created(self, options: dict[str, Any]) -> dict[str, Any]:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError("--user must name a person who has an account.")
        for url in options["redirect_uri"]:
            if not url.startswith("https://"):
                raise CommandError(f"{url} is not an https address.")
        organisation = organisation_of(user)
        client, secret = create_api_client(
            user=user,
            organisation=organisation,
            label=options["label"],
            scopes=options["scope"] or API_SCOPES,
            at=timezone.now(),
            matters=[_reached(user, organisation, one) for one in options["matter"]],
            redirect_uris=options["redirect_uri"],
        )
        return {"client_id": client.client_id, "client_secret": secret, "scopes": client.scopes}

    def _revoked(self, options: dict[str, Any]) -> dict[str, Any]:
        client = ApiClient.objects.filter(client_id=options["revoke"]).first()
        if client is None:
            raise CommandError("There is no such client.")
        revoke_api_client(client=client, at=timezone.now())
        return {"revoked": client.client_id}


def _reached(user: User, organisation: Organisation, matter_id: str) -> str:
    try:
        return matter_for(user, matter_id, organisation).public_id
    except NotFound as error:
        raise CommandError(f"{user.get_username()} reaches no matter {matter_id}.") from error
