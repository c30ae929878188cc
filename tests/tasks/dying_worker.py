"""A Celery worker that a power cut ends while it does one phase of a job.

Usage: dying_worker.py PHASE; "while" is when the phase's work is done but not yet recorded. Kills
its whole process group. Started by the tests of this folder; not a test itself.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    from project.celery import app  # isort: skip  # sets Django up
    from evidence.actions import advance

    phase = sys.argv[1]
    step, following = advance.STEPS[phase]

    def killed(job: object, at: object) -> None:
        step(job, at)  # type: ignore[arg-type]  # handed through
        os.killpg(0, signal.SIGKILL)

    advance.STEPS[phase] = (killed, following)
    app.worker_main(
        ["worker", "--concurrency=1", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    )


if __name__ == "__main__":
    main()
