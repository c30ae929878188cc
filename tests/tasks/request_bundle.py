"""Asks for a bundle of the deployment's only conversation, as the pages do, and prints the job.

Usage: request_bundle.py; the deployment is that of the environment. Started by the tests of this
folder; not a test itself.
"""

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main() -> None:
    import django

    django.setup()
    from django.utils import timezone

    from evidence.actions.create_account import create_account
    from evidence.actions.request_export import ExportOptions
    from evidence.front.exporting import ask_for_bundle
    from evidence.models import Series
    from evidence.select import Choice
    from evidence.values import Actor

    now = timezone.now()
    series = Series.objects.get()
    user, _ = create_account(
        username="ana", password="correct horse battery", email="ana@example.org", at=now
    )
    begun = time.monotonic()
    export = ask_for_bundle(
        organisation=series.organisation,
        actor=Actor("person", user.public_id, "ana"),
        user=user,
        matter_name="Loan",
        choices=[(series, Choice())],
        options=ExportOptions(requester="Ana"),
        at=now,
    )
    print(json.dumps({"job": export.job.pk, "seconds": time.monotonic() - begun}))  # noqa: T201


if __name__ == "__main__":
    main()
