"""What django-allauth asks of us: who a new person is, how mails go out, how secrets are kept."""

from __future__ import annotations

import base64
import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from evidence.actions.create_account import give_organisation
from evidence.gateways import crypt
from evidence.gateways.current import current
from evidence.models import User

logger = logging.getLogger(__name__)

_SECRETS = crypt.aad("people", "second-step", "secret", 1)
"""What the ciphertext of a second step's secret is bound to."""
_MISMATCH = gettext_lazy("User name and password do not fit together.")
_WRONG_CODE = gettext_lazy("This code is not right, or was used before.")
_TOO_OFTEN = gettext_lazy("This was tried too often. Please wait a few minutes, then try again.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # published without types
    """Accounts as the service wants them: each with an organisation of its own."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": gettext_lazy("This account is closed"),
        "cannot_remove_primary_email": gettext_lazy("This address cannot be removed."),
        "duplicate_email": gettext_lazy("This is your address already."),
        "email_password_mismatch": _MISMATCH,
        "username_password_mismatch": _MISMATCH,
        "enter_current_password": gettext_lazy("This is not your password."),
        "incorrect_password": gettext_lazy("This is not your password."),
        "incorrect_code": _WRONG_CODE,
        "invalid_password_reset": gettext_lazy("This link has expired or was used before."),
        "too_many_login_attempts": _TOO_OFTEN,
        "rate_limited": _TOO_OFTEN,
        "unverified_primary_email": gettext_lazy("The address has to be confirmed first."),
    }

    def save_user(
        self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True
    ) -> User:
        """Save a new person and give them the organisation that holds what they store.

        The name is made from the address, so that signing up tells nobody which names exist.
        """
        user.language = get_language() or ""
        with transaction.atomic():
            saved: User = super().save_user(request, user, form, commit)
            if commit:
                give_organisation(user=saved, at=timezone.now())
        return saved

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send one mail. A server that refuses is told of in the same words whoever asked."""
        about = context | {"service": settings.TRUETHREAD_DEPLOYMENT_NAME}
        try:
            super().send_mail(template_prefix, email, about)
        except (SMTPException, OSError) as error:
            logger.error("no mail %s: %s", template_prefix, error)
            if self.request is not None:
                messages.error(
                    self.request, _("Mails cannot be sent at the moment. Please try again later.")
                )


class SecondStepAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # published without types
    """Secrets of the second step lie in the database under the key-encryption key only."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _WRONG_CODE,
        "add_email_blocked": gettext_lazy(
            "To change the address, switch off the second step first, and on again afterwards."
        ),
        "unverified_email": gettext_lazy("Please confirm your e-mail address first."),
    }

    def encrypt(self, text: str) -> str:
        sealed = crypt.seal_bytes(current().kek, text.encode(), _SECRETS)
        return base64.b64encode(sealed).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Return the secret. Raises Corrupt under another key."""
        sealed = base64.b64decode(encrypted_text)
        return crypt.open_bytes(current().kek, sealed, _SECRETS).decode()
