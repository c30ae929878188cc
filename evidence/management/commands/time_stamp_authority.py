"""Answer RFC 3161 queries over HTTP with the development authority, for trying out other tools."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from evidence.gateways.clock import SystemClock
from evidence.gateways.current import development_pki
from evidence.gateways.local_authority import LocalAuthority, server


class Command(BaseCommand):
    help = "Answer time-stamp queries on 127.0.0.1. DEVELOPMENT ONLY: these stamps prove nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8318)

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if settings.TRUETHREAD_MODE == "production":
            raise CommandError("The development authority does not run in production.")
        authority = LocalAuthority.of(development_pki(), SystemClock())
        with server(authority, "127.0.0.1", port) as running:
            self.stdout.write(
                f"DEVELOPMENT time-stamps on http://127.0.0.1:{running.server_port}/ until Ctrl-C."
            )
            running.serve_forever()
