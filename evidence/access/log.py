"""The custody log as members of an organisation may read it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from evidence import custody
from evidence.access.exports import exports_of
from evidence.access.matters import EVERY_MATTER, matters_of
from evidence.access.people import Person, role_in
from evidence.models import Acquisition, Export, Matter, Organisation, Series


def log_of(
    person: Person, organisation: Organisation, *, before: int | None = None, limit: int
) -> list[tuple[int, custody.Logged]]:
    """Return the latest entries about what ``organisation`` stores, each with its key to go on.

    Owners and auditors read all of them. Other members do not read what touches a matter or a
    bundle they do not reach. What was erased keeps its entries. Raises NotFound for strangers.
    """
    everything = role_in(person, organisation) in EVERY_MATTER
    own = {"organisation": organisation}
    matters = Matter.objects.filter(**own) if everything else matters_of(person, organisation)
    bundles = Export.objects.filter(**own) if everything else exports_of(person, organisation)
    subjects: dict[str, QuerySet[Any, str]] = {
        "series": _ids(Series.objects.filter(**own)),
        "acquisition": _ids(Acquisition.objects.filter(**own)),
        "matter": _ids(matters),
        "bundle": _ids(bundles),
        "organisation": _ids(Organisation.objects.filter(pk=organisation.pk)),
    }
    unless = () if everything else ("matter", "bundle")
    return custody.entries_about(subjects, unless=unless, before=before, limit=limit)


def _ids(rows: QuerySet[Any]) -> QuerySet[Any, str]:
    return rows.order_by().values_list("public_id", flat=True)
