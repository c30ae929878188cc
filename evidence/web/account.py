"""The page where a person sees their account and its API tokens."""

from __future__ import annotations

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from evidence.access import api_token_for, api_tokens_of, organisation_of
from evidence.actions.create_api_token import create_api_token, revoke_api_token
from evidence.front.step_up import step_up
from evidence.web.page import Page


class Account(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        step_up(request)
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
            "has_second_step": is_mfa_enabled(self.person),
        }
        answer = render(request, "web/account.html", context)
        answer.headers["Cache-Control"] = "no-store"
        return answer


class RevokeToken(Page):
    def post(self, request: HttpRequest, token_id: str) -> HttpResponse:
        token = api_token_for(self.person, token_id)
        step_up(request)
        revoke_api_token(token=token, at=timezone.now())
        messages.success(request, _("The token was revoked."))
        return redirect("account")
