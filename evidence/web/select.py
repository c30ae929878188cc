"""From a conversation to a request for its bundle: choose, count, look over, confirm."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from evidence.access import matters_of, organisation_to_change, series_for
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import ExportOptions
from evidence.archive.read import SeriesFacts, describe_series
from evidence.errors import InvalidSelection
from evidence.front.exporting import Counted, ask_for_export, counted, moment
from evidence.front.marks import plain
from evidence.front.sentences import error_sentence
from evidence.front.times import zone_of_days
from evidence.models import Series
from evidence.select import Choice, parse_ranges
from evidence.web.page import Page

_SHORT = 200
_LONG = 2_000


class SelectForm(forms.Form):
    """What to export and how it is to be stated."""

    period_from = forms.CharField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    period_to = forms.CharField(
        required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"})
    )
    participant = forms.ChoiceField()
    messages = forms.CharField(
        required=False,
        label=_("Numbers"),
        max_length=_LONG,
        help_text=_("For example 12-90, 101. Leave empty for all."),
        widget=forms.TextInput(attrs={"inputmode": "text", "autocomplete": "off"}),
    )
    context = forms.IntegerField(
        required=False,
        label=_("Neighbouring messages"),
        min_value=0,
        max_value=1000,
        initial=0,
        help_text=_("How many messages before and after each chosen one are added."),
    )
    matter = forms.CharField(
        label=_("Matter"),
        max_length=_SHORT,
        help_text=_("The case this belongs to, by name or number."),
    )
    purpose = forms.CharField(
        required=False,
        label=_("Purpose"),
        max_length=_LONG,
        help_text=_("What the evidence is for. Printed on the cover as stated by you."),
    )
    requester = forms.CharField(
        required=False,
        label=_("Requested by"),
        max_length=_SHORT,
        help_text=_("Your name, or that of the organisation. Printed as stated by you."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    authority = forms.CharField(
        required=False,
        label=_("Authority"),
        max_length=_SHORT,
        help_text=_("Why you may do this: own records, approval of the company, mandate."),
    )
    jurisdiction = forms.ChoiceField(
        required=False,
        label=_("For a court in"),
        choices=[
            ("", _("not decided")),
            ("cn", _("China")),
            ("us", _("United States")),
            ("eu", _("European Union")),
        ],
    )
    language = forms.ChoiceField(
        label=_("Language of the document"), choices=[("en", "English"), ("zh", "简体中文")]
    )
    paper = forms.ChoiceField(label=_("Paper"), choices=[("A4", "A4"), ("Letter", _("US Letter"))])

    def __init__(self, facts: SeriesFacts, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        people = [(person.key, plain(person.names[-1])) for person in facts.participants]
        self.fields["participant"] = forms.ChoiceField(
            required=False, label=_("Messages of"), choices=[("", _("everyone")), *people]
        )


COUNTED_FIELDS = ("period_from", "period_to", "participant", "messages", "context")


def choice_of(data: dict[str, Any], series: Series, facts: SeriesFacts) -> Choice:
    """Return the choice the cleaned form data state. Raises InvalidSelection."""
    zone = zone_of_days(series, facts)
    return Choice(
        period_from=moment(data.get("period_from"), zone),
        period_to=moment(data.get("period_to"), zone, is_end=True),
        participant=data.get("participant") or None,
        messages=parse_ranges(data["messages"]) if data.get("messages") else None,
        context=data.get("context") or 0,
    )


def options_of(data: dict[str, Any]) -> ExportOptions:
    """Return the options the cleaned form data state. Raises InvalidSelection."""
    return ExportOptions(
        language=data["language"],
        jurisdiction=data["jurisdiction"] or None,
        paper=data["paper"],
        requester=data["requester"],
        purpose=data["purpose"],
        authority=data["authority"],
    )


class _SeriesPage(Page):
    def found(self, series_id: str) -> tuple[Series, SeriesFacts]:
        """Return the series to choose from. Raises NotAllowed where the person only reads."""
        series = series_for(self.person, series_id)
        organisation_to_change(self.person, series.organisation)
        return series, describe_series(series)


class Select(_SeriesPage):
    """Choosing, looking over and confirming share one address: nothing is lost on the way."""

    def get(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series, facts = self.found(series_id)
        language = "zh" if (get_language() or "").startswith("zh") else "en"
        form = SelectForm(facts, initial={"language": language, "context": 0})
        return self._form(request, series, facts, form)

    def post(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series, facts = self.found(series_id)
        form = SelectForm(facts, request.POST)
        if not form.is_valid():
            return self._form(request, series, facts, form, status=400)
        if request.POST.get("step") == "change":
            return self._form(request, series, facts, form)
        try:
            choice, options = (
                choice_of(form.cleaned_data, series, facts),
                options_of(form.cleaned_data),
            )
            count = counted(series.organisation, [(series, choice)])
            if request.POST.get("step") != "confirm":
                return self._review(request, series, facts, form, count)
            export = ask_for_export(
                organisation=series.organisation,
                actor=self.actor,
                user=self.person,
                matter_name=form.cleaned_data["matter"],
                choices=[(series, choice)],
                options=options,
                at=timezone.now(),
            )
        except InvalidSelection as error:
            form.add_error(_field_of(error), error_sentence(error))
            return self._form(request, series, facts, form, status=400)
        return redirect("export", export_id=export.public_id)

    def _form(
        self,
        request: HttpRequest,
        series: Series,
        facts: SeriesFacts,
        form: SelectForm,
        status: int = 200,
    ) -> HttpResponse:
        matters = matters_of(self.person).filter(organisation=series.organisation)[:50]
        context = {
            "series": series,
            "facts": facts,
            "form": form,
            "days": zone_of_days(series, facts),
            "matter_names": [describe_matter(matter)["name"] for matter in matters],
            "count": Counted(series.size, series.size, 0, 0, 1, series.size),
        }
        return render(request, "web/select.html", context, status=status)

    def _review(
        self,
        request: HttpRequest,
        series: Series,
        facts: SeriesFacts,
        form: SelectForm,
        count: Counted,
    ) -> HttpResponse:
        context = {"series": series, "facts": facts, "form": form, "count": count}
        return render(request, "web/review.html", context)


class Count(_SeriesPage):
    """The live line "N of M", asked for while the person is still choosing."""

    def post(self, request: HttpRequest, series_id: str) -> HttpResponse:
        series, facts = self.found(series_id)
        form = SelectForm(facts, request.POST)
        form.is_valid()
        context: dict[str, Any] = {}
        wrong = [form.errors[name][0] for name in COUNTED_FIELDS if name in form.errors]
        try:
            if not wrong:
                choice = choice_of(form.cleaned_data, series, facts)
                context["count"] = counted(series.organisation, [(series, choice)])
        except InvalidSelection as error:
            wrong = [error_sentence(error)]
        context["error"] = wrong[0] if wrong else ""
        return render(request, "web/_count.html", context)


def _field_of(error: InvalidSelection) -> str | None:
    """Return the field a wrong choice belongs to, None for the form as a whole."""
    fields = {
        "invalid_range": "messages",
        "message_out_of_range": "messages",
        "unknown_participant": "participant",
        "invalid_context": "context",
        "invalid_time": "period_from",
    }
    return fields.get(error.code)
