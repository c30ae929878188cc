"""Bring the catalogues up to date with the code: for developers, after changing a sentence."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from evidence.management import catalogues


class Command(BaseCommand):
    help = "Collect every translatable sentence into evidence/locale; lists what lacks words."

    def handle(self, *args: Any, **options: Any) -> None:
        for language in catalogues.LANGUAGES:
            catalogue = catalogues.update(settings.BASE_DIR, language)
            missing = catalogues.untranslated(catalogue)
            self.stdout.write(
                f"{language}: {len(catalogue)} sentences, {len(missing)} to translate"
            )
            for message in missing:
                self.stdout.write(f"  {message}")
        path, table = catalogues.verifier_table(settings.BASE_DIR)
        path.write_text(table, encoding="utf-8")
