"""Programs a person lets in: the page that asks (OAuth 2.0 authorization code), and the list to end it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.views.base import BaseAuthorizationView
from oauth2_provider.views.mixins import OAuthLibMixin

from evidence.access import matters_of, organisation_of
from evidence.access.clients import client_with_id, grant_for, grants_of, matters_named, verbs_in
from evidence.actions.create_api_client import let_in, revoke_grant
from evidence.actions.open_matter import describe_matter
from evidence.errors import NotFound
from evidence.front.people import signed_in
from evidence.front.sentences import SCOPES
from evidence.front.step_up import step_up
from evidence.models import ApiClient, ApiGrant, Matter, Organisation
from evidence.values import API_SCOPES, MATTER_SCOPE
from evidence.web.page import Page

LISTED_MATTERS = 200


class Consent(BaseAuthorizationView):  # type: ignore[misc]  # published without types
    """Ask the signed-in person whether a program may act for them, and how far.

    Each time anew: nothing is granted because it was granted before.
    """

    http_method_names = ("get", "post")

    def get(self, request: HttpRequest) -> HttpResponse:
        try:
            scopes, credentials = self.validate_authorization_request(request)
        except OAuthToolkitError as error:
            return self._refused(error)
        return self._asked(request, scopes, credentials)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            scopes, credentials = self.validate_authorization_request(request)
            client = client_with_id(credentials["client_id"])
            if "allow" not in request.POST or client is None:
                return self._led_back(scopes, credentials, allow=False)
            chosen = self._chosen(request, scopes, client)
            if chosen is None:
                return self._asked(request, scopes, credentials, is_incomplete=True)
            step_up(request)
            let_in(
                client=client,
                user=signed_in(request),
                organisation=organisation_of(request.user),
                scopes=chosen,
                at=timezone.now(),
            )
            return self._led_back(chosen, credentials, allow=True)
        except OAuthToolkitError as error:
            return self._refused(error)

    def _chosen(
        self, request: HttpRequest, scopes: list[str], client: ApiClient
    ) -> list[str] | None:
        """Return the scopes the person agreed to, None when they chose no matter of those offered."""
        verbs = sorted(verbs_in(scopes))
        if request.POST.get("reach") == "all" and _limit(scopes, client) is None:
            return verbs
        offered = {one.public_id for one in self._offered(request, scopes, client)}
        matters = [one for one in request.POST.getlist("matter") if one in offered]
        return [*verbs, *(f"{MATTER_SCOPE}{one}" for one in matters)] if matters else None

    def _offered(self, request: HttpRequest, scopes: list[str], client: ApiClient) -> list[Matter]:
        reached = matters_of(request.user, organisation_of(request.user))
        limit = _limit(scopes, client)
        if limit is not None:
            reached = reached.filter(public_id__in=limit)
        return list(reached[:LISTED_MATTERS])

    def _asked(
        self,
        request: HttpRequest,
        scopes: list[str],
        credentials: dict[str, Any],
        *,
        is_incomplete: bool = False,
    ) -> HttpResponse:
        client = client_with_id(credentials["client_id"])
        try:
            organisation: Organisation = organisation_of(request.user)
        except NotFound:
            client = None
        if client is None:
            return _trouble(request)
        back = urlsplit(credentials["redirect_uri"])
        offered = self._offered(request, scopes, client)
        context = {
            "label": client.label,
            "host": back.hostname,
            "organisation": organisation,
            "rights": [SCOPES[one] for one in API_SCOPES if one in verbs_in(scopes)],
            "is_limited": _limit(scopes, client) is not None,
            "matters": [
                {"id": one.public_id, "name": describe_matter(one)["name"]} for one in offered
            ],
            "is_cut": len(offered) == LISTED_MATTERS,
            "is_incomplete": is_incomplete,
        }
        answer = render(request, "web/consent.html", context, status=400 if is_incomplete else 200)
        answer.headers["Cache-Control"] = "no-store"
        # Browsers hold the redirect after the form against form-action too.
        policy = settings.CONTENT_SECURITY_POLICY | {
            "form-action": f"'self' {back.scheme}://{back.netloc}"
        }
        answer.headers["Content-Security-Policy"] = "; ".join(
            f"{name} {value}" for name, value in policy.items()
        )
        return answer

    def _led_back(
        self, scopes: list[str], credentials: dict[str, Any], *, allow: bool
    ) -> HttpResponse:
        uri, _headers, _body, _status = self.create_authorization_response(
            request=self.request, scopes=" ".join(scopes), credentials=credentials, allow=allow
        )
        return HttpResponse(status=302, headers={"Location": uri})

    def _refused(self, error: OAuthToolkitError) -> HttpResponse:
        """Lead the program's error back to it; where that is not safe, say it on a page of ours."""
        leads_back, answer = OAuthLibMixin.error_response(self, error)
        if leads_back:
            return HttpResponse(status=302, headers={"Location": answer["url"]})
        return _trouble(self.request)


def _limit(scopes: list[str], client: ApiClient) -> frozenset[str] | None:
    """Return the matters the program asks for or is limited to, None where it is to be chosen."""
    limits = [
        named
        for one in (scopes, client.scopes.split())
        if (named := matters_named(one)) is not None
    ]
    return frozenset.intersection(*limits) if limits else None


def _trouble(request: HttpRequest) -> HttpResponse:
    sentence = _(
        "This request of a program cannot be answered: it does not say correctly who asks."
    )
    return render(request, "trouble.html", {"sentence": sentence}, status=400)


class Programs(Page):
    """The programs that act for the person."""

    def get(self, request: HttpRequest) -> HttpResponse:
        context = {"grants": [_described(one) for one in grants_of(self.person)]}
        return render(request, "web/programs.html", context)


class EndProgram(Page):
    """End what a program may do for the person, at once."""

    def post(self, request: HttpRequest, grant_id: str) -> HttpResponse:
        grant = grant_for(self.person, grant_id)
        step_up(request)
        revoke_grant(grant=grant, at=timezone.now())
        messages.success(request, _("The program no longer acts for you."))
        return redirect("programs")


def _described(grant: ApiGrant) -> dict[str, Any]:
    scopes = grant.scopes.split()
    matters = matters_named(scopes)
    return {
        "id": grant.public_id,
        "label": grant.client.label,
        "created_at": grant.created_at,
        "rights": [SCOPES[one] for one in API_SCOPES if one in scopes],
        "matters": None if matters is None else len(matters),
    }
