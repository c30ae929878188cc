"""Phase 3: draw the exhibit. Volumes are finished, the master awaits the manifest of phase 4.

What phase 4 needs is kept in this process; when it runs in another one, it draws again: equal
exhibits give equal bytes. Bates numbers are reserved from the matter's counter here, once.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import F

from evidence.actions import workspace
from evidence.actions.export_steps import exhibit
from evidence.actions.export_steps.parts import parts_of
from evidence.actions.request_export import export_request
from evidence.gateways.current import current
from evidence.models import Export, Job, Matter
from evidence.render.exhibit import RenderedVolume
from evidence.render.fonts import FontLibrary, FontsMissing, prepare_fonts
from evidence.render.rendering import Rendering, render_volumes

logger = logging.getLogger(__name__)

_TRIES = 5
_kept: dict[str, Rendering] = {}


def run(job: Job, at: datetime) -> None:
    """Draw ``job``'s exhibit. Raises FontsMissing or StorageFailed; nothing is issued then."""
    _kept.clear()
    _kept[job.export.public_id] = draw(job.export)


def drawn(export: Export) -> Rendering:
    """Return the rendering of phase 3, drawn again when this process did not draw it.

    A rendering is used once: its master can be finished only once.
    """
    return _kept.pop(export.public_id, None) or draw(export)


def draw(export: Export) -> Rendering:
    """Draw ``export`` with the Bates numbers reserved for it, reserving them at the first call."""
    folder = workspace.folder(export)
    state = workspace.read_json(folder / "state.json")
    for _ in range(_TRIES):
        first = state.get("bates_first") or _next_bates(export)
        rendering = _drawn_from(export, state, first, workspace.fresh(folder / "unsigned"))
        if "bates_first" in state:
            return rendering
        pages = rendering.master.pages + sum(volume.pages for volume in rendering.volumes)
        if _reserve(export, first, pages):
            state |= {"bates_first": first, "pages": pages}
            workspace.write_json(folder / "state.json", state)
            return rendering
    raise RuntimeError("the matter's page counter never stood still")


def _drawn_from(export: Export, state: dict[str, Any], first: int, folder: Path) -> Rendering:
    options, actor = export_request(export)
    parts = parts_of(export)
    built = exhibit.build(export, parts, options, actor, state, current(), first)
    return render_volumes(built, folder, fonts=fonts())


def bates_numbers(rendering: Rendering) -> list[tuple[RenderedVolume, int]]:
    """Return every PDF, the master first, with the Bates number of its first page."""
    numbered, number = [], rendering.exhibit.bates.first
    for volume in (rendering.master, *rendering.volumes):
        numbered.append((volume, number))
        number += volume.pages
    return numbered


def _next_bates(export: Export) -> int:
    return Matter.objects.values_list("next_bates", flat=True).get(pk=export.matter_id)


def _reserve(export: Export, first: int, pages: int) -> bool:
    """Take ``pages`` numbers if nobody took any since; return whether they are ours."""
    waiting = Matter.objects.filter(pk=export.matter_id, next_bates=first)
    return bool(waiting.update(next_bates=F("next_bates") + pages))


@lru_cache(maxsize=1)
def _library(folder: Path) -> FontLibrary:
    """Return the fonts in ``folder``, prepared now where set-up was not run."""
    try:
        return FontLibrary(folder)
    except FontsMissing:
        for line in prepare_fonts(folder):
            logger.warning("MISSING: %s", line)
        return FontLibrary(folder)


def fonts() -> FontLibrary:
    """Return the prepared fonts of this deployment, opened once per process."""
    return _library(Path(settings.TRUETHREAD_VAR_DIR) / "fonts")
