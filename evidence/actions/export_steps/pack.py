"""Phase 5: put everything into one canonical ZIP."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from evidence import bundle
from evidence.actions import workspace
from evidence.models import Export, Job


def run(job: Job, at: datetime) -> None:
    """Write the ZIP, whole or not at all. Raises StorageFailed when the disk refuses."""
    folder = workspace.folder(job.export)
    bag = folder / "bag"
    bundle.pack(files_of(bag), folder / zip_name(job.export))


def files_of(bag: Path) -> dict[str, bytes | Path]:
    """Return path in the bundle → file, for everything laid down so far."""
    return {str(path.relative_to(bag)): path for path in bag.rglob("*") if path.is_file()}


def zip_name(export: Export) -> str:
    """Return the file name of the bundle."""
    return f"truethread-{export.public_id}.zip"
