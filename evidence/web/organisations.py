"""Organisations: who belongs to them, invitations, switching between them, and their log."""

from __future__ import annotations

import logging
from smtplib import SMTPException
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import (
    invitation_for,
    invitation_with_token,
    membership_for,
    memberships_of,
    open_invitations,
    organisation_for,
    organisation_of,
    organisation_to_run,
    role_in,
)
from evidence.actions.organisations import (
    accept_invitation,
    change_role,
    invite_member,
    open_organisation,
    remove_member,
    revoke_invitation,
    switch_organisation,
)
from evidence.errors import InvalidMembership
from evidence.front.marks import plain
from evidence.front.sentences import error_sentence
from evidence.front.step_up import step_up
from evidence.models import Invitation, Membership, Organisation
from evidence.web.page import Page

logger = logging.getLogger(__name__)

ENTRIES = 50
"""Entries of the log on one page."""


class NameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name of the organisation"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )


class InviteForm(forms.Form):
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[
            ("member", gettext_lazy("Member: stores conversations and makes bundles")),
            ("auditor", gettext_lazy("Auditor: reads everything, changes nothing")),
            ("owner", gettext_lazy("Owner: reaches every matter and decides who belongs here")),
        ],
    )


class Organisations(Page):
    """Where the person belongs; posting opens another organisation."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._shown(request, NameForm(label_suffix=""))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = NameForm(request.POST, label_suffix="")
        if not form.is_valid():
            return self._shown(request, form, status=400)
        opened = open_organisation(
            name=form.cleaned_data["name"], user=self.person, actor=self.actor, at=timezone.now()
        )
        return redirect("organisation", organisation_id=opened.public_id)

    def _shown(self, request: HttpRequest, form: NameForm, status: int = 200) -> HttpResponse:
        context = {
            "places": memberships_of(self.person).select_related("organisation").order_by("pk"),
            "current": organisation_of(self.person),
            "form": form,
        }
        return render(request, "web/organisations.html", context, status=status)


class OrganisationPage(Page):
    def get(self, request: HttpRequest, organisation_id: str) -> HttpResponse:
        organisation = organisation_for(self.person, organisation_id)
        return _shown(request, self, organisation, InviteForm(label_suffix=""))


def _shown(
    request: HttpRequest,
    page: Page,
    organisation: Organisation,
    form: InviteForm,
    status: int = 200,
) -> HttpResponse:
    role = role_in(page.person, organisation)
    context: dict[str, Any] = {
        "organisation": organisation,
        "role": role,
        "is_owner": role == Membership.Role.OWNER,
        "is_current": organisation == organisation_of(page.person),
        "places": organisation.memberships.select_related("user").order_by("pk"),
        "roles": Membership.Role.values,
        "form": form,
    }
    if context["is_owner"]:
        found = open_invitations(timezone.now())
        context["invitations"] = found.filter(organisation=organisation)
    return render(request, "web/organisation.html", context, status=status)


class Switch(Page):
    def post(self, request: HttpRequest, organisation_id: str) -> HttpResponse:
        organisation = organisation_for(self.person, organisation_id)
        switch_organisation(user=self.person, organisation=organisation)
        return redirect("conversations")


class Invite(Page):
    def post(self, request: HttpRequest, organisation_id: str) -> HttpResponse:
        organisation = organisation_to_run(self.person, organisation_id)
        form = InviteForm(request.POST, label_suffix="")
        if not form.is_valid():
            return _shown(request, self, organisation, form, status=400)
        step_up(request)
        try:
            invitation, token = invite_member(
                organisation=organisation,
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                actor=self.actor,
                user=self.person,
                at=timezone.now(),
            )
        except InvalidMembership as error:
            form.add_error("email", error_sentence(error))
            return _shown(request, self, organisation, form, status=400)
        if self._sent(request, invitation, token):
            messages.success(request, _("The invitation is on its way."))
        else:
            revoke_invitation(invitation=invitation, actor=self.actor, at=timezone.now())
            messages.error(
                request, _("Mails cannot be sent at the moment. Please try again later.")
            )
        return redirect("organisation", organisation_id=organisation.public_id)

    def _sent(self, request: HttpRequest, invitation: Invitation, token: str) -> bool:
        about = {
            "organisation": plain(invitation.organisation.name),
            "inviter": self.person.email,
            "role": invitation.role,
            "address": request.build_absolute_uri(reverse("invitation", args=[token])),
            "expires": invitation.expires_at,
            "service": settings.TRUETHREAD_DEPLOYMENT_NAME,
        }
        subject = render_to_string("mail/invitation_subject.txt", about)
        mail = EmailMessage(
            " ".join(subject.split()),
            render_to_string("mail/invitation.txt", about),
            to=[invitation.email],
        )
        try:
            mail.send()
        except (SMTPException, OSError) as error:
            logger.error("no invitation by mail: %s", error)
            return False
        return True


class RevokeInvitation(Page):
    def post(self, request: HttpRequest, organisation_id: str, invitation_id: str) -> HttpResponse:
        organisation = organisation_to_run(self.person, organisation_id)
        invitation = invitation_for(organisation, invitation_id)
        step_up(request)
        revoke_invitation(invitation=invitation, actor=self.actor, at=timezone.now())
        messages.success(request, _("The invitation was taken back."))
        return redirect("organisation", organisation_id=organisation.public_id)


class ChangeMember(Page):
    """Another role for a member, or none: ``role`` is a role or ``remove``."""

    def post(self, request: HttpRequest, organisation_id: str, user_id: str) -> HttpResponse:
        wanted = request.POST.get("role", "")
        is_leaving = wanted == "remove" and user_id == self.person.public_id
        find = organisation_for if is_leaving else organisation_to_run
        organisation = find(self.person, organisation_id)
        place = membership_for(organisation, user_id)
        step_up(request)
        try:
            if wanted == "remove":
                remove_member(place=place, actor=self.actor, at=timezone.now())
            elif wanted in Membership.Role.values:
                change_role(place=place, role=wanted, actor=self.actor, at=timezone.now())
        except InvalidMembership as error:
            messages.error(request, error_sentence(error))
        if is_leaving and not memberships_of(self.person, organisation).exists():
            return redirect("organisations")
        return redirect("organisation", organisation_id=organisation.public_id)


class InvitationPage(Page):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._shown(request, invitation_with_token(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        invitation = invitation_with_token(token)
        try:
            accept_invitation(
                invitation=invitation, user=self.person, actor=self.actor, at=timezone.now()
            )
        except InvalidMembership as error:
            return self._shown(request, invitation, error_sentence(error), status=403)
        return redirect("organisation", organisation_id=invitation.organisation.public_id)

    def _shown(
        self, request: HttpRequest, invitation: Invitation, error: str = "", status: int = 200
    ) -> HttpResponse:
        context = {"invitation": invitation, "error": error}
        answer = render(request, "web/invitation.html", context, status=status)
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer
