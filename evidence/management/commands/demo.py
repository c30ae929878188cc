"""``manage.py demo``: the main job on the sample conversation, and its proof."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from evidence.actions.stamp_log import stamp_if_possible
from evidence.errors import EvidenceError
from evidence.gateways.current import current, development_pki
from evidence.management.demonstration import demo_folder, demonstrate
from evidence.management.operator import OperatorCommand
from evidence.verify import engine, offline
from evidence.verify.offline.sentences import in_words


class Command(OperatorCommand):
    help = "Import the sample conversations, export a bundle to var/demo, verify it."

    def handle(self, *args: object, **options: Any) -> None:
        started = time.monotonic()
        folder = demo_folder()
        try:
            made = demonstrate(folder)
            stamp_if_possible(current().clock.now())
        except EvidenceError as error:
            raise CommandError(f"{error.sentence} ({error.code}: {error.detail})") from error
        root = development_pki().root_pem
        trust = offline.trust_of([development_pki().root.der])
        good = engine.verify(made.good, trust=trust)
        altered = engine.verify(made.altered, trust=trust)
        write = self.stdout.write
        write(
            f"Imported {' and '.join(path.name for path in made.sources)}: "
            f"{made.messages} messages, sealed and stamped."
        )
        write("")
        write(in_words(good, "en"))
        write("")
        write(f"Verdict: {good.indication}, trust: {good.trust}")
        write(f"The bundle:           {_shown(made.good)}")
        write(f"Its receipt:          {_shown(made.receipt)}")
        write(
            f"One amount changed:   {_shown(made.altered)}  ->  {altered.indication}, {altered.reason}"
        )
        write("")
        write("Check it without us, with Python alone (no package is needed):")
        write(f"  unzip -o {_shown(made.good)} verify.pyz -d {_shown(folder)}")
        write(
            f"  python3 {_shown(folder / 'verify.pyz')} --trust {_shown(root)} {_shown(made.good)}"
        )
        write(f"Done in {time.monotonic() - started:.1f} s.")
        if not good.passed or altered.passed:
            raise SystemExit(1)


def _shown(path: Path) -> str:
    """Return ``path`` as one would type it from the project's folder."""
    try:
        return str(path.relative_to(settings.BASE_DIR))
    except ValueError:
        return str(path)
