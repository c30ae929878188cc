"""Runs ``manage.py export`` and kills its own process at one point, as a power cut would.

Usage: killed_export.py PHASE before|after ARGUMENTS…; "after" is when the phase's work is done but
not yet recorded. Started by ``test_interrupted``; not a test itself.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    phase, when, *arguments = sys.argv[1:]
    import django

    django.setup()
    from django.core.management import call_command

    from evidence.actions import advance

    step, following = advance.STEPS[phase]

    def killed(job: object, at: object) -> None:
        if when == "after":
            step(job, at)  # type: ignore[arg-type]  # handed through
        os.kill(os.getpid(), signal.SIGKILL)

    advance.STEPS[phase] = (killed, following)
    call_command("export", *arguments)


if __name__ == "__main__":
    main()
