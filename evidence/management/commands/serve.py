"""Serve on this machine: pages, API and verification page, for trying out and developing."""

from __future__ import annotations

import os
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve on 127.0.0.1, port 8000 or the one in the variable PORT."

    def handle(self, *args: Any, **options: Any) -> None:
        port = os.environ.get("PORT", "8000")
        self.stdout.write(f"TrueThread serves on http://127.0.0.1:{port}/ until Ctrl-C.")
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
