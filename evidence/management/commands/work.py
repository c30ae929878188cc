"""``manage.py work``: the background worker."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evidence.custody.checks import role_is_limited
from evidence.tasks import work


class Command(BaseCommand):
    help = "Advance exports, sequence the custody log and have it stamped. Ctrl-C stops it cleanly."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing is left to do")

    def get_check_kwargs(self, options: Any) -> dict[str | None, Any]:
        """Ask the database too: a log that is not whole is not added to."""
        return {**super().get_check_kwargs(options), "databases": ["default"]}

    def handle(self, *args: object, **options: Any) -> None:
        if errors := role_is_limited():
            raise CommandError("\n".join(f"{error.id}: {error.msg}" for error in errors))
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        work(stop, once=options["once"])
