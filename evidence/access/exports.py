"""Exports: whoever reaches the matter, and whoever asked for the bundle."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from evidence.access.matters import bound, reach
from evidence.access.people import Person, Within, memberships_of
from evidence.errors import NotFound
from evidence.models import Artifact, Conversion, Export, Job


def exports_of(person: Person, within: Within = None) -> QuerySet[Export]:
    """Return the exports ``person`` may see, newest first."""
    mine = Q(created_by=person.pk, created_by__isnull=False) & Q(
        organisation__in=memberships_of(person, within).values("organisation")
    )
    return (
        Export.objects.filter(mine | reach(person, "matter__", within))
        .filter(bound("matter__", within))
        .select_related("organisation", "job", "matter__organisation", "selection__organisation")
        .order_by("-pk")
    )


def export_for(person: Person, public_id: str, within: Within = None) -> Export:
    """Return one export. Raises NotFound."""
    found = exports_of(person, within).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("export")
    return found


def job_for(person: Person, public_id: str, within: Within = None) -> Job:
    """Return the job of the export with this id. Raises NotFound."""
    return export_for(person, public_id, within).job


def artifact_for(person: Person, public_id: str, name: str, within: Within = None) -> Artifact:
    """Return a released file of an issued export. Raises NotFound, also while it is not issued."""
    export = export_for(person, public_id, within)
    found = (
        export.artifacts.filter(name=_name(name), export__issued_at__isnull=False)
        .select_related("export__organisation", "export__matter", "blob__organisation")
        .first()
    )
    if found is None:
        raise NotFound("artifact")
    return found


def conversion_for(person: Person, public_id: str, name: str, within: Within = None) -> Conversion:
    """Return a file made from an issued export in another format. Raises NotFound."""
    found = (
        export_for(person, public_id, within)
        .conversions.filter(name=_name(name), state=Conversion.State.READY)
        .select_related("export__organisation", "export__matter", "blob__organisation")
        .first()
    )
    if found is None:
        raise NotFound("conversion")
    return found


def _name(name: str) -> str:
    """Return ``name``. Raises NotFound for one no database can be asked for."""
    if "\0" in name:
        raise NotFound("no such name")
    return name


def issued_file(sha256: bytes) -> Artifact | None:
    """Return the released file with this SHA-256 (32 bytes), for anyone who holds its bytes."""
    return (
        Artifact.objects.filter(sha256=sha256, export__issued_at__isnull=False)
        .select_related(
            "export__organisation", "export__selection__organisation", "export__superseded_by"
        )
        .order_by("pk")
        .first()
    )


def issued_bundle(public_id: str) -> Export | None:
    """Return the issued export with this id, for anyone who holds the id. Unissued is unknown."""
    return (
        Export.objects.filter(public_id=public_id, issued_at__isnull=False)
        .select_related("organisation", "selection__organisation", "superseded_by")
        .first()
    )
