"""The forms of the steps: what a person is asked on the way to a bundle."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_SHORT = 200
_LONG = 2_000
NUMBERS = 20_000
"""Characters a list of message numbers may have."""


class _Form(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        for field in self.fields.values():
            field.error_messages["required"] = _("Please fill this in.")


class PurposeForm(_Form):
    """What the evidence is for, and how the document is to look."""

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
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    object_of_proof = forms.CharField(
        required=False,
        label=_("What it is to show"),
        max_length=_LONG,
        help_text=_("Stands in the evidence list. Leave empty to use the purpose."),
        widget=forms.Textarea(attrs={"rows": 2}),
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
    style = forms.ChoiceField(
        label=_("Layout"),
        choices=[
            ("record", _("as a record, line by line")),
            ("conversation", _("as a conversation")),
        ],
    )


class AuthorityForm(_Form):
    """Who asks, and by what right."""

    requester = forms.CharField(
        label=_("Requested by"),
        max_length=_SHORT,
        help_text=_("Your name, or that of the organisation. Printed as stated by you."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    authority = forms.CharField(
        label=_("Authority"),
        max_length=_SHORT,
        help_text=_("Why you may do this: own records, approval of the company, mandate."),
    )
    original_carrier = forms.CharField(
        required=False,
        label=_("Original device or account"),
        max_length=500,
        help_text=_("Where it is, who keeps it, and whether it can be shown in court."),
    )
    privacy = forms.CharField(
        required=False,
        label=_("Other people's data"),
        max_length=_LONG,
        help_text=_("On what basis it is handed over, to whom, and how long it will be kept."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class RuleForm(_Form):
    """Which messages of one conversation."""

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
        max_length=NUMBERS,
        help_text=_("For example 12-90, 101. Leave empty for all."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    context = forms.IntegerField(
        required=False,
        label=_("Neighbouring messages"),
        min_value=0,
        max_value=1000,
        help_text=_("How many messages before and after each chosen one are added."),
    )

    def __init__(self, people: list[tuple[str, str]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["participant"] = forms.ChoiceField(
            required=False, label=_("Messages of"), choices=[("", _("everyone")), *people]
        )
