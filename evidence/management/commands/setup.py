"""Make this deployment ready to run; can be run again at any time and then does only what is new."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from evidence.gateways import development_pki
from evidence.management import catalogues
from evidence.render.fonts import prepare_fonts


class Command(BaseCommand):
    help = "Set up: catalogues, fonts, database, and in development keys and certificates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="say only what is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        quiet = options["quiet"]
        made = catalogues.compile_stale(settings.BASE_DIR)
        missing = prepare_fonts(settings.TRUETHREAD_VAR_DIR / "fonts")
        call_command("migrate", interactive=False, verbosity=0)
        if settings.TRUETHREAD_MODE == "development":
            development_pki.ensure(settings.TRUETHREAD_VAR_DIR / "pki", timezone.now())
        for line in missing:
            self.stderr.write(self.style.WARNING(f"MISSING: {line}"))
        if not quiet:
            self.stdout.write(f"Catalogues: {len(made)} compiled")
            self.stdout.write(f"Fonts, database, keys: ready in {settings.TRUETHREAD_VAR_DIR}")
