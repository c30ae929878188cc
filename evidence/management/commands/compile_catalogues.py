"""Compile the catalogues; done at set-up and whenever one has changed before a start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from evidence.management import catalogues


class Command(BaseCommand):
    help = "Compile the catalogues of translations that changed."

    def handle(self, *args: Any, **options: Any) -> None:
        for file in catalogues.compile_stale(settings.BASE_DIR):
            self.stdout.write(f"compiled {file.relative_to(settings.BASE_DIR)}")
