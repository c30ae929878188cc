"""The broker, which only wakes workers: what is to be done stands in the database.

A message that is lost costs a delay until the next sweep (``evidence.tasks.tend``), so trouble
with the broker is logged and never reaches the person who asks for something.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)

ADVANCE = "truethread.advance"
STORE = "truethread.store"
COMPARE = "truethread.compare"
TEND = "truethread.tend"


def wake(job_id: int, *, expires: float | None = None) -> bool:
    """Tell the workers about a job; return whether the broker took the message.

    Returns False at once where no broker is set, and within a few seconds when it does not answer.
    expires: seconds after which the message is worth nothing any more. Call it after the commit.
    """
    return _sent(ADVANCE, job_id, expires)


def wake_for_upload(upload_id: int, *, expires: float | None = None) -> bool:
    """Tell the workers about a file that is to be read or stored; otherwise as ``wake``."""
    return _sent(STORE, upload_id, expires)


def wake_for_comparison(comparison_id: int, *, expires: float | None = None) -> bool:
    """Tell the workers about two deliveries that are to be compared; otherwise as ``wake``."""
    return _sent(COMPARE, comparison_id, expires)


def _sent(task: str, number: int, expires: float | None) -> bool:
    if not settings.TRUETHREAD_BROKER_URL:
        return False
    try:
        _producer(settings.TRUETHREAD_BROKER_URL).send_task(
            task, args=[number], expires=expires, retry=False, ignore_result=True
        )
    except Exception as error:  # each kind of broker has its own; none may reach the request
        logger.warning("the broker did not take %s %s, the sweep will: %s", task, number, error)
        return False
    return True


@lru_cache(maxsize=1)
def _producer(url: str) -> Any:
    """Return the application that sends; Celery takes 0.2 s to import, so only at the first need."""
    from celery import Celery

    app = Celery("truethread", broker=url, set_as_current=False, fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    return app
