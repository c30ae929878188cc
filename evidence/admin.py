"""Django's administration: people can be managed, evidence can only be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from evidence.models import (
    Acquisition,
    Checkpoint,
    Conversation,
    CustodyEntry,
    Export,
    Job,
    Matter,
    Membership,
    Organisation,
    Selection,
    Series,
    Stamp,
    User,
)

# One door for everyone: with the second step, the limits and the words of the other pages.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = _("TrueThread administration")
admin.site.site_title = _("TrueThread administration")
admin.site.index_title = _("Overview")

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[models.Model]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnly(_ModelAdmin):
    """Shows columns that can be read without a key; changes nothing."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out keys and sealed payloads: nobody reads them here."""
        unreadable = (models.BinaryField, models.ManyToManyField)
        return [
            field.name
            for field in self.model._meta.get_fields()
            if isinstance(field, models.Field) and not isinstance(field, unreadable)
        ]


_COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Organisation: ("public_id", "name", "is_personal", "created_at"),
    Membership: ("organisation", "user", "role", "created_at"),
    Acquisition: ("public_id", "organisation", "format", "stored_at", "unparsed_count"),
    Conversation: ("public_id", "organisation", "created_at", "erased_at"),
    Series: ("public_id", "organisation", "size", "first_at", "last_at", "sealed_at", "erased_at"),
    Matter: ("public_id", "organisation", "created_by", "created_at"),
    Selection: ("public_id", "matter", "disclosed_count", "row_count", "gap_count", "created_at"),
    Export: ("public_id", "matter", "created_by", "created_at", "issued_at", "withdrawn_at"),
    Job: ("public_id", "export", "phase", "error_code", "attempts", "changed_at"),
    CustodyEntry: ("place", "event", "occurred_at"),
    Checkpoint: ("epoch", "size", "created_at"),
    Stamp: ("checkpoint", "gen_time", "authority"),
}

for _model, _columns in _COLUMNS.items():
    admin.site.register(
        _model, type(f"{_model.__name__}Admin", (ReadOnly,), {"list_display": _columns})
    )


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People, as Django manages them; deleting would orphan what they answer for."""

    readonly_fields = ("public_id",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
