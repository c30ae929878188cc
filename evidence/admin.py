"""Django's administration: people can be managed, evidence can only be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import allauth.mfa.admin  # noqa: F401  registers what is registered anew below
from allauth.account.decorators import secure_admin_login
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evidence.actions.log_admin_view import log_admin_view
from evidence.front.people import person_actor
from evidence.models import (
    Acquisition,
    ApiClient,
    ApiToken,
    Checkpoint,
    Conversation,
    CustodyEntry,
    Export,
    Hold,
    Invitation,
    Job,
    Matter,
    MatterMember,
    Membership,
    Organisation,
    Selection,
    Series,
    Stamp,
    User,
)

# One door for everyone: with the second step, the limits and the words of the other pages.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth tells
admin.site.site_header = _("TrueThread administration")
admin.site.site_title = _("TrueThread administration")
admin.site.index_title = _("Overview")

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[models.Model]
else:
    _ModelAdmin = admin.ModelAdmin


class ReadOnly(_ModelAdmin):
    """Shows columns that can be read without a key; changes nothing. A look is a custody entry."""

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

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        shown = (getattr(answer, "context_data", None) or {}).get("cl")
        if shown is not None:
            self._log(request, list(shown.result_list), is_list=True)
        return answer

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> models.Model | None:
        """Return what is shown by itself, or its history; the look is logged before it is shown."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and self.has_view_permission(request, found):
            self._log(request, [found], is_list=False)
        return found

    def _log(self, request: HttpRequest, things: list[models.Model], *, is_list: bool) -> None:
        log_admin_view(
            things=things, is_list=is_list, actor=person_actor(request), at=timezone.now()
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """What the list of a model shows, looks for, and lets itself be narrowed by."""

    columns: tuple[str, ...]
    search: tuple[str, ...] = ("public_id",)
    narrow: tuple[str, ...] = ()
    related: tuple[str, ...] = ("organisation",)


_TABLES: dict[type[models.Model], _Table] = {
    Organisation: _Table(
        ("public_id", "name", "is_personal", "created_at"), ("public_id", "name"),
        ("is_personal", "created_at"), (),
    ),
    Membership: _Table(
        ("organisation", "user", "role", "created_at"),
        ("organisation__public_id", "organisation__name", "user__username", "user__email"),
        ("role", "created_at"), ("organisation", "user"),
    ),
    Invitation: _Table(
        ("public_id", "organisation", "email", "role", "expires_at", "accepted_at", "revoked_at"),
        ("public_id", "email", "organisation__public_id"), ("role", "expires_at"),
        ("organisation", "invited_by"),
    ),
    Acquisition: _Table(
        ("public_id", "organisation", "format", "stored_at", "unparsed_count"),
        ("public_id", "organisation__public_id"), ("format", "stored_at"),
    ),
    Conversation: _Table(
        ("public_id", "organisation", "created_at", "erased_at"),
        ("public_id", "organisation__public_id"), ("created_at", "erased_at"),
    ),
    Series: _Table(
        ("public_id", "organisation", "size", "first_at", "last_at", "sealed_at", "erased_at"),
        ("public_id", "organisation__public_id"), ("sealed_at", "erased_at"),
    ),
    Matter: _Table(
        ("public_id", "organisation", "created_by", "created_at"),
        ("public_id", "organisation__public_id"), ("created_at",), ("organisation", "created_by"),
    ),
    MatterMember: _Table(
        ("matter", "user", "created_at"), ("matter__public_id", "user__username"),
        ("created_at",), ("matter", "user"),
    ),
    Hold: _Table(
        ("public_id", "matter", "conversation", "placed_by", "placed_at", "released_at"),
        ("public_id", "matter__public_id", "conversation__public_id"),
        ("placed_at", "released_at"), ("matter", "conversation", "placed_by"),
    ),
    Selection: _Table(
        ("public_id", "matter", "disclosed_count", "row_count", "gap_count", "created_at"),
        ("public_id", "matter__public_id"), ("created_at",), ("matter",),
    ),
    Export: _Table(
        ("public_id", "matter", "created_by", "created_at", "issued_at", "withdrawn_at"),
        ("public_id", "matter__public_id"), ("issued_at", "withdrawn_at"),
        ("matter", "created_by"),
    ),
    Job: _Table(
        ("public_id", "export", "phase", "error_code", "attempts", "changed_at"),
        ("public_id", "export__public_id"), ("phase", "error_code", "changed_at"), ("export",),
    ),
    ApiToken: _Table(
        ("public_id", "user", "organisation", "label", "created_at", "revoked_at"),
        ("public_id", "label", "user__username"), ("created_at", "revoked_at"),
        ("user", "organisation"),
    ),
    ApiClient: _Table(
        ("public_id", "user", "organisation", "label", "created_at", "revoked_at"),
        ("public_id", "label", "client_id", "user__username"), ("created_at", "revoked_at"),
        ("user", "organisation"),
    ),
    CustodyEntry: _Table(("place", "event", "occurred_at"), ("event_id",), ("event", "occurred_at"), ("epoch",)),
    Checkpoint: _Table(("epoch", "size", "created_at"), ("size",), ("created_at",), ("epoch",)),
    Stamp: _Table(
        ("checkpoint", "gen_time", "authority"), ("authority",), ("authority", "gen_time"),
        ("checkpoint__epoch",),
    ),
}  # fmt: skip

for _model, _table in _TABLES.items():
    admin.site.register(
        _model,
        type(
            f"{_model.__name__}Admin",
            (ReadOnly,),
            {
                "list_display": _table.columns,
                "search_fields": _table.search,
                "list_filter": _table.narrow,
                "list_select_related": _table.related or False,
            },
        ),
    )


admin.site.unregister(Authenticator)


@admin.register(Authenticator)
class SecondStepAdmin(_ModelAdmin):
    """Second steps: never their secrets. Removing one lets in again who lost phone and codes."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__email")
    fields = readonly_fields = ("user", "type", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """People, as Django manages them, with rights of groups only, for a choice among all there are
    takes the page long; deleting would orphan what they answer for."""

    readonly_fields = ("public_id",)
    filter_horizontal = ("groups",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave single rights out."""
        return [
            (name, rest | {"fields": [one for one in rest["fields"] if one != "user_permissions"]})
            for name, rest in super().get_fieldsets(request, obj)
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
