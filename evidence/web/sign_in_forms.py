"""The forms of signing up and signing in: allauth's, in our words and for password managers."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as second_step
from allauth.mfa.totp import forms as totp
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PASSWORD_HINT = _("At least 12 characters. A short sentence is easy to remember.")


class _OurWords:
    """Labels, hints and attributes by the name of the field; no placeholders, which vanish."""

    labels: dict[str, Promise]
    hints: dict[str, Promise] = {}
    attributes: dict[str, dict[str, str]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():  # type: ignore[attr-defined]  # of the form beside
            field.label = self.labels.get(name, field.label)
            field.help_text = self.hints.get(name, "")
            field.widget.attrs.pop("placeholder", None)
            field.widget.attrs.update(self.attributes.get(name, {}))


_ADDRESS = {"autocomplete": "email", "inputmode": "email", "autocapitalize": "none"}
_CODE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}


class SignInForm(_OurWords, account.LoginForm):  # type: ignore[misc]  # published without types
    labels = {
        "login": _("E-mail address or user name"),
        "password": _("Password"),
        "remember": _("Stay signed in on this device"),
    }
    attributes = {"login": {"autocomplete": "username", "autocapitalize": "none"}}


class SignUpForm(_OurWords, account.SignupForm):  # type: ignore[misc]  # published without types
    labels = {"email": _("E-mail address"), "password1": _("Password")}
    hints = {"password1": PASSWORD_HINT}
    attributes = {"email": _ADDRESS}


class ResetPasswordForm(_OurWords, account.ResetPasswordForm):  # type: ignore[misc]  # published without types
    labels = {"email": _("E-mail address")}
    attributes = {"email": _ADDRESS}


class ChangeEmailForm(_OurWords, account.AddEmailForm):  # type: ignore[misc]  # published without types
    labels = {"email": _("New e-mail address")}
    attributes = {"email": _ADDRESS}


class NewPasswordForm(_OurWords, account.ResetPasswordKeyForm):  # type: ignore[misc]  # published without types
    labels = {"password1": _("New password"), "password2": _("New password, once more")}
    hints = {"password1": PASSWORD_HINT}


class SetPasswordForm(_OurWords, account.SetPasswordForm):  # type: ignore[misc]  # published without types
    labels = NewPasswordForm.labels
    hints = NewPasswordForm.hints


class ChangePasswordForm(_OurWords, account.ChangePasswordForm):  # type: ignore[misc]  # published without types
    labels = {"oldpassword": _("Password until now"), **NewPasswordForm.labels}
    hints = NewPasswordForm.hints


class StepUpForm(_OurWords, account.ReauthenticateForm):  # type: ignore[misc]  # published without types
    labels = {"password": _("Password")}


class SecondStepForm(_OurWords, second_step.AuthenticateForm):  # type: ignore[misc]  # published without types
    labels = {"code": _("Code from the app, or a recovery code")}
    attributes = {"code": _CODE}


class SecondStepAgainForm(_OurWords, second_step.ReauthenticateForm):  # type: ignore[misc]  # published without types
    labels = SecondStepForm.labels
    attributes = {"code": _CODE}


class ActivateAppForm(_OurWords, totp.ActivateTOTPForm):  # type: ignore[misc]  # published without types
    labels = {"code": _("Code that the app shows")}
    attributes = {"code": _CODE | {"inputmode": "numeric"}}
