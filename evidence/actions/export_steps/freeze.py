"""Phase 0, where a choice was only noted: freeze it, and log ``selection.frozen``.

What quotes a withheld message is withheld too, so every chosen message may have to be opened: too
much for the request in which a person confirms. Run again after a kill it freezes the same.
"""

from __future__ import annotations

from datetime import datetime

from evidence.actions.request_export import export_request, freeze_asked
from evidence.models import Job


def run(job: Job, at: datetime) -> None:
    """Freeze the selection of ``job``'s export. Raises InvalidSelection where that is not possible
    any more."""
    _options, actor = export_request(job.export)
    freeze_asked(job.export.selection, actor=actor, at=at)
