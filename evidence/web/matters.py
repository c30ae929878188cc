"""Matters: the cases of an organisation, what they state, who works on them, what they hold."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence.access import (
    exports_of,
    matter_for,
    matter_to_change,
    matter_to_share,
    matters_of,
    may_change,
    may_share,
    membership_for,
    organisation_of,
)
from evidence.actions.change_matter import (
    admit_to_matter,
    change_matter,
    dismiss_from_matter,
    open_new_matter,
)
from evidence.actions.open_matter import describe_matter
from evidence.errors import InvalidMatter
from evidence.front.entries import latest_about
from evidence.front.sentences import error_sentence
from evidence.front.step_up import step_up
from evidence.models import Matter, Membership
from evidence.web.exports import shown_bundles
from evidence.web.holds import shown_holds
from evidence.web.page import Page

LISTED = 50
"""Matters on one page."""
BASES = {
    "own": gettext_lazy("Own records"),
    "company": gettext_lazy("Approval of the company"),
    "mandate": gettext_lazy("Mandate of a client"),
}


class MatterForm(forms.Form):
    """What a matter states."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    number = forms.CharField(
        label=gettext_lazy("Number"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Of the court, the police or your own files."),
    )
    purpose = forms.CharField(
        label=gettext_lazy("Purpose"),
        required=False,
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("What the evidence is for."),
    )
    basis = forms.ChoiceField(
        label=gettext_lazy("By what right?"),
        required=False,
        choices=[("", gettext_lazy("in other words")), *BASES.items()],
    )
    authority = forms.CharField(
        label=gettext_lazy("In your words"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Who approved it and when, for example. Printed as stated by you."),
    )

    def stated(self) -> dict[str, str]:
        """Return what the matter is to state; the basis in words where no others are given."""
        facts: dict[str, str] = dict(self.cleaned_data)
        if not facts["authority"] and facts["basis"]:
            facts["authority"] = str(BASES[facts["basis"]])
        return facts


class Matters(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        organisation = organisation_of(self.person)
        found = matters_of(self.person, organisation).annotate(
            bundles=Count("exports", distinct=True)
        )
        page = Paginator(found, LISTED).get_page(request.GET.get("page"))
        context = {
            "matters": [{"matter": one, "facts": describe_matter(one)} for one in page],
            "page": page,
            "organisation": organisation,
            "may_change": may_change(self.person, organisation),
        }
        return render(request, "web/matters.html", context)


class NewMatter(Page):
    def get(self, request: HttpRequest) -> HttpResponse:
        self.may_store()
        return _form(request, MatterForm(label_suffix=""))

    def post(self, request: HttpRequest) -> HttpResponse:
        organisation = self.organisation
        form = MatterForm(request.POST, label_suffix="")
        if not form.is_valid():
            return _form(request, form, status=400)
        try:
            matter = open_new_matter(
                organisation=organisation,
                stated=form.stated(),
                user=self.person,
                actor=self.actor,
                at=timezone.now(),
            )
        except InvalidMatter as error:
            form.add_error("name", error_sentence(error))
            return _form(request, form, status=400)
        return redirect("matter", matter_id=matter.public_id)


class EditMatter(Page):
    def get(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_to_change(self.person, matter_id)
        form = MatterForm(initial=describe_matter(matter), label_suffix="")
        return _form(request, form, matter)

    def post(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_to_change(self.person, matter_id)
        form = MatterForm(request.POST, label_suffix="")
        if form.is_valid():
            try:
                change_matter(
                    matter=matter, stated=form.stated(), actor=self.actor, at=timezone.now()
                )
                return redirect("matter", matter_id=matter.public_id)
            except InvalidMatter as error:
                form.add_error("name", error_sentence(error))
        return _form(request, form, matter, status=400)


def _form(
    request: HttpRequest, form: MatterForm, matter: Matter | None = None, status: int = 200
) -> HttpResponse:
    return render(request, "web/matter_form.html", {"form": form, "matter": matter}, status=status)


class MatterPage(Page):
    def get(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_for(self.person, matter_id)
        members = matter.matter_members.select_related("user").order_by("pk")
        context: dict[str, Any] = {
            "matter": matter,
            "facts": describe_matter(matter),
            "members": members,
            "may_change": may_change(self.person, matter.organisation),
            "may_share": may_share(self.person, matter),
            **shown_bundles(
                exports_of(self.person, matter.organisation).filter(matter=matter),
                request.GET.get("page"),
            ),
            **shown_holds(self.person, matter, request.GET.get("holds")),
            **latest_about(self.person, matter),
        }
        if context["may_share"]:
            context["others"] = (
                matter.organisation.memberships.filter(role=Membership.Role.MEMBER)
                .exclude(user__in=members.values("user"))
                .exclude(user=matter.created_by_id)
                .select_related("user")
                .order_by("pk")
            )
        return render(request, "web/matter.html", context)


class MatterMembers(Page):
    """Who works on a matter: ``user`` is let in, or with ``go=remove`` out again."""

    def post(self, request: HttpRequest, matter_id: str) -> HttpResponse:
        matter = matter_to_share(self.person, matter_id)
        user = membership_for(matter.organisation, request.POST.get("user", "")).user
        step_up(request)
        change = dismiss_from_matter if request.POST.get("go") == "remove" else admit_to_matter
        change(matter=matter, user=user, actor=self.actor, at=timezone.now())
        messages.success(request, _("Who works on this matter was changed."))
        return redirect("matter", matter_id=matter.public_id)
