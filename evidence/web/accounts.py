"""Signing up, and the page where a person sees their account and its API tokens."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import login, password_validation
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.debug import sensitive_variables

from evidence.access import api_token_for, api_tokens_of, organisation_of
from evidence.actions.create_account import create_account
from evidence.actions.create_api_token import create_api_token, revoke_api_token
from evidence.models import User
from evidence.web.page import Page


class SignUpForm(forms.Form):
    """A new account; the password is judged by the validators of the settings."""

    username = forms.CharField(
        label=gettext_lazy("User name"),
        max_length=150,
        validators=[UnicodeUsernameValidator()],
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        help_text=gettext_lazy("At least 12 characters. A short sentence is easy to remember."),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=username).exists():
            raise ValidationError(_("This user name is taken."))
        return username

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password:
            stranger = User(username=cleaned.get("username", ""), email=cleaned.get("email", ""))
            try:
                password_validation.validate_password(password, stranger)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class SignUp(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            return redirect("conversations")
        return render(request, "web/signup.html", {"form": SignUpForm(label_suffix="")})

    @sensitive_variables("form")
    def post(self, request: HttpRequest) -> HttpResponse:
        form = SignUpForm(request.POST, label_suffix="")
        if form.is_valid() and (user := _created(form)) is not None:
            login(request, user)
            return redirect("upload")
        return render(request, "web/signup.html", {"form": form}, status=400)


@sensitive_variables("form")
def _created(form: SignUpForm) -> User | None:
    """Return the new person, None (with an error on the form) when the name was just taken."""
    facts = form.cleaned_data
    try:
        user, _organisation = create_account(
            username=facts["username"],
            password=facts["password"],
            email=facts["email"],
            at=timezone.now(),
        )
    except IntegrityError:
        form.add_error("username", _("This user name is taken."))
        return None
    return user


class Account(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        label = request.POST.get("label", "").strip()[:100] or _("Unnamed")
        _token, secret = create_api_token(
            user=self.person, organisation=self.organisation, label=label, at=timezone.now()
        )
        return self._shown(request, secret)

    def _shown(self, request: HttpRequest, secret: str = "") -> HttpResponse:
        context = {
            "organisation": organisation_of(self.person),
            "tokens": api_tokens_of(self.person),
            "secret": secret,
        }
        answer = render(request, "web/account.html", context)
        answer.headers["Cache-Control"] = "no-store"
        return answer


class RevokeToken(Page):
    def post(self, request: HttpRequest, token_id: str) -> HttpResponse:
        revoke_api_token(token=api_token_for(self.person, token_id), at=timezone.now())
        messages.success(request, _("The token was revoked."))
        return redirect("account")
