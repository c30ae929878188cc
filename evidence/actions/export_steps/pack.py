"""Phase 5: put everything into one canonical ZIP."""

from __future__ import annotations

from datetime import datetime

from evidence import bundle
from evidence.actions import workspace
from evidence.actions.export_steps.laid import files_of
from evidence.models import Export, Job


def run(job: Job, at: datetime) -> None:
    """Write the ZIP, whole or not at all, and note its hash: what is checked and issued must have it.

    Raises StorageFailed when the disk refuses.
    """
    folder = workspace.folder(job.export)
    bag = folder / "bag"
    packed = bundle.pack(files_of(bag), folder / zip_name(job.export))
    state = workspace.read_json(folder / "state.json")
    workspace.write_json(folder / "state.json", state | {"packed": packed.sha256.hex()})


def zip_name(export: Export) -> str:
    """Return the file name of the bundle."""
    return f"truethread-{export.public_id}.zip"
