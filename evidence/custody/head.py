"""The last checkpoint, kept outside the database: ``var/log-head.json``.

A database restored from an old backup, or one that was cut or rewritten, does not continue what
was published. The file remembers what was; start-up and every new checkpoint compare. It only
ever moves forward, is written whole or not at all, and belongs on another disk and into another
backup than the database.

    {"format":"truethread/log-head/v1","note":text}     canonical JSON, one line feed at the end
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from evidence.custody import tree
from evidence.custody.epochs import current_epoch
from evidence.custody.keys import signed_by_log
from evidence.custody.payloads import open_entry
from evidence.custody.sequencer import log_size
from evidence.errors import Corrupt, LogRefused, StorageFailed
from evidence.formats import canonical, shape
from evidence.formats import checkpoint as formats
from evidence.formats.custody import read_entry
from evidence.models import CustodyEntry, LogEpoch

FORMAT = "truethread/log-head/v1"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why the log does not continue a checkpoint. code: stable."""

    code: str
    detail: str


def head_path() -> Path:
    """Return where the last checkpoint is kept."""
    return Path(settings.TRUETHREAD_VAR_DIR) / "log-head.json"


def read_head() -> bytes | None:
    """Return the note of the last checkpoint, or None when none was kept.

    Raises Corrupt when the file holds something else.
    """
    try:
        data = head_path().read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageFailed(f"{head_path()}: {error}") from error
    try:
        value = shape.mapping(canonical.loads(data.removesuffix(b"\n")), ("format", "note"))
        if value["format"] != FORMAT:
            raise ValueError("another format")
        return shape.text(value["note"]).encode()
    except ValueError as error:
        raise Corrupt(f"{head_path().name}: {error}") from error


def keep_head(note: bytes) -> None:
    """Keep ``note``, a checkpoint of ours, unless a later one is kept already."""
    with _locked():
        kept = read_head()
        if kept is None or _order(kept) <= _order(note):
            _write(canonical.dumps({"format": FORMAT, "note": note.decode()}) + b"\n")


def head_mismatch() -> Mismatch | None:
    """Return why the log must not be extended, or None when it continues the kept checkpoint."""
    try:
        note = read_head()
    except Corrupt as error:
        return Mismatch("head_unreadable", str(error))
    if note is None or _was_recovered_from(note):
        return None
    return mismatch(note)


def _was_recovered_from(note: bytes) -> bool:
    """Return whether the current epoch opens by naming ``note`` as what the loss came after."""
    epoch = current_epoch()
    first = CustodyEntry.objects.filter(epoch=epoch, place=0).first() if epoch else None
    if epoch is None or first is None or epoch.number == 1:
        return False
    _, value = open_entry(epoch, 0, bytes(first.payload))
    after = read_entry(value).details["after"]
    return isinstance(after, dict) and after["checkpoint"] == note.decode()


def refuse_broken_log() -> None:
    """Raise LogRefused when the log is smaller than, or differs from, the kept checkpoint.

    Called before the service starts and before each new checkpoint. To go on after a real loss,
    open a new epoch; to undo a wrong restore, restore the right backup.
    """
    if found := head_mismatch():
        raise LogRefused(f"{found.code}: {found.detail}")


def mismatch(note: bytes) -> Mismatch | None:
    """Return why the log here does not continue the checkpoint ``note``, or None when it does.

    note: from anywhere, a bundle for example; it counts only if our own key signed it.
    """
    try:
        published = formats.read(note)
    except ValueError as error:
        return Mismatch("checkpoint_unreadable", str(error))
    epoch = LogEpoch.objects.filter(origin=published.origin).first()
    if epoch is None:
        return Mismatch("epoch_missing", f"no log {published.origin} here")
    if not signed_by_log(epoch, published):
        return Mismatch("checkpoint_not_ours", f"not signed by the log {published.origin}")
    if (size := log_size(epoch)) < published.size:
        return Mismatch("log_smaller", f"{size} entries, {published.size} were published")
    try:
        same = tree.root(epoch, published.size) == published.root
    except Corrupt as error:
        return Mismatch("log_inconsistent", str(error))
    if not same:
        return Mismatch("log_inconsistent", f"another tree was published at {published.size}")
    return None


def _order(note: bytes) -> tuple[int, int]:
    """Return (epoch, size): what makes one of our checkpoints later than another."""
    found = formats.read(note)
    epoch = found.origin.rpartition("/")[2]
    return int(epoch) if epoch.isdecimal() else 0, found.size


def _write(data: bytes) -> None:
    path = head_path()
    temporary = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageFailed(f"{path}: {error}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the file's lock, so that a slower writer does not put an older checkpoint back."""
    path = head_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock").open("wb")
    except OSError as error:
        raise StorageFailed(f"{path}: {error}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
