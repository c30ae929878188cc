"""``manage.py deliver_webhooks``: tell webhooks, where Celery does the other work."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from evidence.tasks import deliver


class Command(BaseCommand):
    help = (
        "Tell webhooks what happened, until Ctrl-C. manage.py work does so too; this is for "
        "deployments whose workers are Celery's."
    )

    def handle(self, *args: object, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        deliver(stop)
