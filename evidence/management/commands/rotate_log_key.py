"""``manage.py rotate_log_key``: let the custody log go on under a new key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from evidence.actions.advance import ENDED
from evidence.custody import current_epoch, cut_checkpoint, refuse_broken_log
from evidence.custody.recovery import rotate_key
from evidence.errors import EvidenceError
from evidence.formats.checkpoint import VerifierKey
from evidence.gateways.current import current
from evidence.gateways.keys import FileLogKey, ensure_log_key
from evidence.management.operator import operator
from evidence.models import Job


class Command(BaseCommand):
    help = (
        "Make a new log key, let the log pass to it by an entry signed with the old and the new "
        "key, and destroy the old one. Stop the service before and start it again afterwards. Run "
        "again after an interruption, it goes on where it stopped. Tell your witnesses the new key."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do it; the old key is destroyed")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("This destroys the present log key. Add --yes to go on.")
        if Job.objects.exclude(phase__in=ENDED).exists():
            raise CommandError(
                "An export is unfinished; let it end, its receipt needs the old key."
            )
        try:
            vkey = rotate(Path(settings.TRUETHREAD_VAR_DIR) / "keys")
        except EvidenceError as error:
            raise CommandError(f"{error.sentence} ({error})") from error
        self.stdout.write(f"The log signs with {vkey} from now on. Restart the service.")


def rotate(folder: Path) -> str:
    """Let the log pass to a new key in ``folder`` and return its verifier key.

    The new key is on disk before the entry that names it, and takes the old one's place after. A
    key whose entry stands already is only put in its place.
    """
    refuse_broken_log()
    following = folder / "log-next.pem"
    new = ensure_log_key(following)
    if _vkey_of(new) != _present_vkey():
        cut_checkpoint(timezone.now())
        rotate_key(new, actor=operator(), at=timezone.now())
    following.replace(folder / "log.pem")
    current.cache_clear()
    cut_checkpoint(timezone.now())
    return _present_vkey()


def _present_vkey() -> str:
    epoch = current_epoch()
    return epoch.vkey if epoch else ""


def _vkey_of(key: FileLogKey) -> str:
    epoch = current_epoch()
    return str(VerifierKey(epoch.origin, key.public)) if epoch else ""
