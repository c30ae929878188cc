"""``manage.py open_log_epoch``: go on after entries of the custody log were lost for good."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from evidence.custody import cut_checkpoint, head_mismatch
from evidence.custody.recovery import open_epoch_after_loss


class Command(BaseCommand):
    help = (
        "Open a new epoch of the custody log after a loss. First restore the newest backup; this "
        "is for what no backup holds. The new epoch's first entry names the loss for good."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--loss", required=True, help="what happened, in a sentence")

    def handle(self, *args: Any, **options: Any) -> None:
        found = head_mismatch()
        if found is None:
            raise CommandError("The log continues its last checkpoint: nothing is lost.")
        try:
            epoch = open_epoch_after_loss(loss=options["loss"], at=timezone.now())
        except ValueError as error:
            raise CommandError(str(error)) from error
        cut_checkpoint(timezone.now())
        self.stdout.write(f"{found.code}: {found.detail}. Opened {epoch.origin}.")
