"""The one Django app of the service."""

from __future__ import annotations

import logging

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)


class EvidenceConfig(AppConfig):
    """Registers the checks and has translations at hand also where no set-up was run."""

    name = "evidence"
    verbose_name = _("Evidence")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from evidence import checks  # noqa: F401  registers the system checks
        from evidence.management import catalogues

        try:
            catalogues.compile_stale(settings.BASE_DIR)
        except OSError as error:
            logger.warning("Catalogues could not be compiled, pages are in English: %s", error)
