"""Tell people by e-mail that the bundle they asked for is ready, or could not be made.

The mail holds the bundle's id and its address, never names, titles or anything from a chat.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation

from evidence.actions.request_export import export_request
from evidence.models import Job

logger = logging.getLogger(__name__)

TOLD_OF = (Job.Phase.READY, Job.Phase.FAILED)
WORTH_TELLING = timedelta(days=2)
CHINESE, ENGLISH = "zh-hans", "en"


def tell_requesters(at: datetime) -> int:
    """Tell everyone whose bundle ended and who was not told yet; return how many mails went out.

    Bundles that ended more than two days ago are passed over: by then people have looked.
    """
    ended = Job.objects.filter(
        phase__in=TOLD_OF, told_at=None, changed_at__gt=at - WORTH_TELLING
    ).exclude(export__created_by=None)
    return sum(tell_requester(job_id, at) for job_id in ended.values_list("pk", flat=True))


def tell_requester(job_id: int, at: datetime) -> bool:
    """Send the mail about one ended job unless it was sent; return whether this call sent it.

    The row is marked first, so two workers send one mail. When the mail server refuses, the mark
    is taken back and the next sweep tries again.
    """
    unsent = Job.objects.filter(pk=job_id, phase__in=TOLD_OF, told_at=None)
    if not unsent.update(told_at=at):
        return False
    job = Job.objects.select_related("export__created_by", "export__organisation").get(pk=job_id)
    mail = mail_about(job)
    if mail is None:
        return False
    try:
        mail.send()
    except (SMTPException, OSError) as error:
        logger.warning("no mail about export %s, later again: %s", job.export.public_id, error)
        Job.objects.filter(pk=job_id, told_at=at).update(told_at=None)
        return False
    return True


def mail_about(job: Job) -> EmailMessage | None:
    """Return the mail about an ended job, None when nobody with an address asked for it."""
    person = job.export.created_by
    if person is None or not person.email or not person.is_active:
        return None
    name = "ready" if job.phase == Job.Phase.READY else "failed"
    address = reverse("export", args=[job.export.public_id])
    about = {
        "bundle": job.export.public_id,
        "address": f"{settings.TRUETHREAD_PUBLIC_URL}{address}",
        "service": settings.TRUETHREAD_DEPLOYMENT_NAME,
    }
    with translation.override(_language(job)):
        subject = render_to_string(f"mail/bundle_{name}_subject.txt", about)
        body = render_to_string(f"mail/bundle_{name}.txt", about)
    return EmailMessage(
        " ".join(subject.split()), body, to=[person.email],
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip


def _language(job: Job) -> str:
    """Return the person's language, or that of the bundle when they never chose one."""
    person = job.export.created_by
    chosen = (person.language if person else "") or export_request(job.export)[0].language
    return CHINESE if chosen.lower().startswith("zh") else ENGLISH
