"""Sends a chat in as the pages do and kills its own process at one point while it is stored.

Usage: killed_upload.py FILE rows|seal|after|never; called again it goes on with the same upload.
"rows": some rows are written; "seal": all rows are, the last transaction is not; "after": the
acquisition stands, the upload does not know it yet. Started by ``test_interrupted``; not a test itself.
"""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def die(*args: object, **kwargs: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    import django

    django.setup()
    from evidence.actions import acquire_file, store_series, take_upload
    from evidence.models import Upload

    file, point = Path(sys.argv[1]), sys.argv[2]
    upload = Upload.objects.first() or begun(file)
    if point == "rows":
        acquire_file._TOLD_EVERY, store_series._BATCH = 3, 2
        take_upload._refuse_cancelled = lambda row: die() if row.done_units else None
        take_upload.Upload.objects.filter(pk=upload.pk).update(done_units=1)
    elif point == "seal":
        store_series.SeriesWriter.seal = die  # type: ignore[method-assign]  # the power cut
    elif point == "after":
        whole = acquire_file.acquire_file

        def stored(**kwargs: object) -> None:
            whole(**kwargs)  # type: ignore[arg-type]  # handed through
            die()

        take_upload.acquire_file = stored  # type: ignore[assignment]  # the power cut
    take_upload.run_upload(upload.pk)


def begun(file: Path):  # type: ignore[no-untyped-def]  # models cannot be imported yet
    from django.utils import timezone

    from evidence.actions.create_account import create_account
    from evidence.actions.keep_upload import answer_upload, begin_upload, receive_piece
    from evidence.actions.take_upload import run_upload
    from evidence.ingest import Answers
    from evidence.models import User
    from evidence.values import Actor

    now, actor, data = timezone.now(), Actor("operator", "test"), file.read_bytes()
    create_account(username="ana", password="four quiet blue doors", email="a@example.org", at=now)
    user = User.objects.get()
    upload = begin_upload(
        organisation=user.memberships.get().organisation, user=user, actor=actor, name=file.name,
        size=len(data), at=now,
    )  # fmt: skip
    run_upload(receive_piece(upload=upload, offset=0, data=data, at=now).pk)
    answers = Answers(timezone="Europe/Madrid", owner="Ana")
    return answer_upload(upload=upload, answers=answers, actor=actor, at=now)


if __name__ == "__main__":
    main()
