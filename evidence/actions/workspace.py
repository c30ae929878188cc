"""The folder an export is built in: private, on one disk, gone once the bundle is released."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence.errors import StorageFailed
from evidence.models import Export, Job

ENDED = (Job.Phase.READY, Job.Phase.FAILED, Job.Phase.CANCELLED)


def folder(export: Export) -> Path:
    """Return the folder of ``export``, made with mode 0700 if it is not there."""
    path = Path(settings.TRUETHREAD_VAR_DIR) / "work" / export.public_id
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageFailed(str(error)) from error
    return path


def clear(export: Export) -> None:
    """Remove the folder of ``export`` and everything in it; nothing happens if it is gone."""
    shutil.rmtree(Path(settings.TRUETHREAD_VAR_DIR) / "work" / export.public_id, ignore_errors=True)


def sweep() -> int:
    """Remove the folders of exports that ended, left by a kill at the last moment; return how
    many."""
    root = Path(settings.TRUETHREAD_VAR_DIR) / "work"
    ended = set(Export.objects.filter(job__phase__in=ENDED).values_list("public_id", flat=True))
    left = [path for path in root.glob("*") if path.name in ended]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def fresh(path: Path) -> Path:
    """Return ``path`` as an empty folder: what a killed run left in it is replaced."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    return path


def keep_only(path: Path, names: Collection[str]) -> None:
    """Remove every file below ``path`` but ``names``: what a killed run of a phase left there."""
    for file in list(path.rglob("*")):
        if file.is_file() and str(file.relative_to(path)) not in names:
            file.unlink()


def write(path: Path, data: bytes) -> None:
    """Write ``data`` whole or not at all (temporary name, fsync, rename).

    Raises StorageFailed when the disk refuses.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFailed(str(error)) from error


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON through ``write``."""
    write(path, json.dumps(value, ensure_ascii=False, sort_keys=True).encode())


def read_json(path: Path) -> Any:
    """Return the JSON value in ``path``."""
    return json.loads(path.read_bytes())
