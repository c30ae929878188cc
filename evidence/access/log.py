"""The custody log as those may read it who reach what it speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from evidence import custody
from evidence.access.exports import exports_of
from evidence.access.matters import EVERY_MATTER, matters_of
from evidence.access.people import Person, role_in
from evidence.models import Acquisition, Export, Matter, Organisation, Series


@dataclass(frozen=True, slots=True)
class LogPage:
    """found: entries, newest first, each with its key to go on from. is_limited: whether entries
    about matters and bundles that the person does not reach are left out."""

    found: list[tuple[int, custody.Logged]]
    is_limited: bool


_KINDS = {Series: "series", Matter: "matter", Export: "bundle"}


def log_of(
    person: Person, organisation: Organisation, *, before: int | None = None, limit: int
) -> LogPage:
    """Return the latest entries about what ``organisation`` stores.

    Owners and auditors read all of them. Other members do not read what touches a matter or a
    bundle they do not reach. What was erased keeps its entries. Raises NotFound for strangers,
    Corrupt when the log does not open.
    """
    reached = _reached(person, organisation)
    own = {"organisation": organisation}
    subjects = {
        "series": _ids(Series.objects.filter(**own)),
        "acquisition": _ids(Acquisition.objects.filter(**own)),
        "matter": _ids(Matter.objects.filter(**own)),
        "bundle": _ids(Export.objects.filter(**own)),
        "organisation": _ids(Organisation.objects.filter(pk=organisation.pk)),
    }
    found = custody.entries_about(subjects | reached, reached=reached, before=before, limit=limit)
    return LogPage(found, bool(reached))


def log_about(
    person: Person, thing: Series | Matter | Export, *, before: int | None = None, limit: int
) -> LogPage:
    """Return the latest entries about ``thing``, which ``person`` reached; otherwise as ``log_of``:
    a colleague's matter that chose from a conversation is no concern of everyone who sees it."""
    ids = _ids(type(thing)._default_manager.filter(pk=thing.pk))
    reached = _reached(person, thing.organisation)
    if reached and isinstance(thing, Export):  # who asked for it may have left its matter since
        own = Q(pk__in=matters_of(person, thing.organisation).values("pk")) | Q(pk=thing.matter_id)
        reached["matter"] = _ids(Matter.objects.filter(own))
    about = {_KINDS[type(thing)]: ids}
    found = custody.entries_about(about, reached=reached, before=before, limit=limit)
    return LogPage(found, bool(reached))


def _reached(person: Person, organisation: Organisation) -> dict[str, QuerySet[Any, str]]:
    """Return the matters and bundles whose entries ``person`` may read; nothing for those who may
    read all."""
    if role_in(person, organisation) in EVERY_MATTER:
        return {}
    return {
        "matter": _ids(matters_of(person, organisation)),
        "bundle": _ids(exports_of(person, organisation)),
    }


def _ids(rows: QuerySet[Any]) -> QuerySet[Any, str]:
    return rows.order_by().values_list("public_id", flat=True)
