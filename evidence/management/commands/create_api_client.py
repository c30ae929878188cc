"""``manage.py create_api_client``: OAuth 2.0 credentials for a program."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence.access import organisation_of
from evidence.actions.create_api_client import create_api_client, revoke_api_client
from evidence.management.operator import answered
from evidence.models import ApiClient, User
from evidence.values import API_SCOPES


class Command(BaseCommand):
    help = "Create a client of the API that acts for a person, and print its credentials once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", help="user name of the person the program acts for")
        parser.add_argument("--label", default="API client", help="name in the custody log")
        parser.add_argument(
            "--scope", action="append", choices=API_SCOPES, help="a right; all when not stated"
        )
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
        client, secret = create_api_client(
            user=user,
            organisation=organisation_of(user),
            label=options["label"],
            scopes=options["scope"] or API_SCOPES,
            at=timezone.now(),
        )
        return {"client_id": client.client_id, "client_secret": secret, "scopes": client.scopes}

    def _revoked(self, options: dict[str, Any]) -> dict[str, Any]:
        client = ApiClient.objects.filter(client_id=options["revoke"]).first()
        if client is None:
            raise CommandError("There is no such client.")
        revoke_api_client(client=client, at=timezone.now())
        return {"revoked": client.client_id}
