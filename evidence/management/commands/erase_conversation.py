"""``manage.py erase_conversation``: destroy a conversation and the originals it came from."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db.models import Q

from evidence.actions.empty_rows import empty_rows, unemptied_series
from evidence.actions.erase_conversation import (
    ErasurePlan,
    erase_conversation,
    plan_erasure,
    save_originals,
)
from evidence.errors import NotFound
from evidence.gateways.current import current
from evidence.management.operator import OperatorCommand, answered, operator
from evidence.models import Conversation, Series


class Command(OperatorCommand):
    help = (
        "Destroy a conversation with every reading of it, and the originals it came from, for good. "
        "Without --yes only say what that would be. Bundles already issued stay and still verify. "
        "Exit status: 0 done or told, 2 refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", help="id of the conversation, as acquire prints it")
        parser.add_argument("--yes", action="store_true", help="do it")
        parser.add_argument("--reason", default="", help="why; it stands in the custody log")
        parser.add_argument(
            "--save", type=Path, metavar="DIR", help="first copy the originals to this folder"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: object, **options: Any) -> None:
        def work() -> dict[str, Any]:
            conversation, at = _conversation(options["id"]), current().clock.now()
            plan, saved = plan_erasure(conversation), list[Path]()
            if options["yes"]:
                if options["save"] and not plan.hindrance:
                    saved = save_originals(
                        conversation=conversation, folder=options["save"], actor=operator(), at=at
                    )
                plan = erase_conversation(
                    conversation=conversation, actor=operator(), reason=options["reason"], at=at
                )
                for series_id in unemptied_series(conversation):
                    while empty_rows(series_id):
                        pass
            if not options["json"]:
                self._tell(plan, saved, done=options["yes"])
            return plan.value() | {"erased": options["yes"], "saved": list(map(str, saved))}

        answered(self, options["json"], work)

    def _tell(self, plan: ErasurePlan, saved: list[Path], *, done: bool) -> None:
        write, verb = self.stdout.write, "Destroyed" if done else "Would destroy"
        write(f"{verb}: {plan.messages} messages in {len(plan.series)} readings")
        for path in saved:
            write(f"  original saved as {path}")
        for original in plan.originals:
            kept = "KEPT, a hold covers it" if original.is_held else verb.lower()
            write(f"  original {original.name} ({original.acquisition}): {kept}")
            for other in original.others:
                write(f"    it also holds {other['title'] or '(no title)'} ({other['id']})")
            if further := original.other_count - len(original.others):
                write(f"    and {further} more")
        if plan.bundles:
            write(f"  not touched: {len(plan.bundles)} issued bundles that show some of it")
        if plan.hindrance:
            write(f"  not possible now: {plan.hindrance}")
        elif not done:
            write("Nothing was deleted. Add --yes to do it.")


def _conversation(public_id: str) -> Conversation:
    """Return the conversation of this id, or the one a series of this id belongs to."""
    either = Q(public_id=public_id) | Q(
        pk__in=Series.objects.filter(public_id=public_id).values("conversation")
    )
    found = Conversation.objects.filter(either).first()
    if found is None:
        raise NotFound(f"no conversation {public_id}")
    return found
