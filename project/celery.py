"""Celery entry point: ``celery -A project worker`` and ``celery -A project beat``.

Only deployments that set TRUETHREAD_BROKER_URL need it; ``manage.py work`` does the same by
polling. The tasks are those of ``evidence.tasks``: a message carries a job's number and no more,
so losing it, getting it twice or getting it late changes nothing.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import django
from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup()

from django.conf import settings  # noqa: E402  after the set-up
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from evidence import tasks  # noqa: E402
from evidence.gateways.wake import ADVANCE, COMPARE, STORE, TEND  # noqa: E402
from project.start import refuse_unsafe_start  # noqa: E402

app = Celery("truethread")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.task(tasks.advance_job, name=ADVANCE)
app.task(tasks.store_upload, name=STORE)
app.task(tasks.compare_two, name=COMPARE)
app.task(tasks.tend, name=TEND)


def refuse_to_work(**kwargs: Any) -> None:
    """End the process where ``manage.py work`` would not start; Celery swallows exceptions here."""
    if not settings.TRUETHREAD_BROKER_URL:
        sys.exit("TRUETHREAD_BROKER_URL is not set: without a broker run manage.py work.")
    try:
        refuse_unsafe_start()
    except ImproperlyConfigured as error:
        sys.exit(str(error))


worker_init.connect(refuse_to_work, weak=False)
