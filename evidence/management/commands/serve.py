"""Serve on this machine: pages, API and verification page, with a worker beside them."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence.actions.create_account import create_account
from evidence.errors import EvidenceError
from evidence.front.samples import samples
from evidence.management.demonstration import demo_folder, demonstrate
from evidence.models import User
from evidence.tasks import work

DEMO_USER = "demo"


class Command(BaseCommand):
    help = (
        "Serve on 127.0.0.1, port 8000 or the one in the variable PORT, and run the worker. "
        "For trying out and developing; prints a demo account."
    )

    def get_check_kwargs(self, options: Any) -> dict[str | None, Any]:
        """Ask the database too: a log that is not whole is not added to."""
        return {**super().get_check_kwargs(options), "databases": ["default"]}

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.TRUETHREAD_MODE == "production":
            raise CommandError("serve is for development; in production run gunicorn and work.")
        port = os.environ.get("PORT", "8000")
        password = demo_password()
        write = self.stdout.write
        write(f"TrueThread serves on http://127.0.0.1:{port}/ until Ctrl-C.")
        write(f"  verification page  http://127.0.0.1:{port}/verify/")
        write(f"  API                http://127.0.0.1:{port}/api/v1/")
        write(f"  demo account       {DEMO_USER} / {password}")
        self._make_samples()
        stop = threading.Event()
        worker = threading.Thread(target=work, args=(stop,), name="worker", daemon=True)
        worker.start()
        os.environ["DJANGO_RUNSERVER_HIDE_WARNING"] = "true"
        try:
            call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
        finally:
            stop.set()
            worker.join(timeout=10)

    def _make_samples(self) -> None:
        """Make the files to try the pages with, once; without them the pages say so."""
        if all(sample.is_there for sample in samples()):
            return
        self.stdout.write("  making the samples to try it with …")
        try:
            demonstrate(demo_folder())
        except EvidenceError as error:
            self.stderr.write(f"  the samples could not be made: {error.sentence} ({error.code})")


def demo_password() -> str:
    """Return the demo account's password; account and password are made at the first call.

    The password is random and kept beside the database, readable for its owner only. Where the
    account was removed or the file lost, both are made again.
    """
    file = Path(settings.TRUETHREAD_VAR_DIR) / "keys" / "demo_password"
    user = User.objects.filter(username=DEMO_USER).first()
    if user is not None and file.is_file():
        password = file.read_text(encoding="ascii").strip()
        if user.check_password(password):
            _confirm(user)
            return password
    password = secrets.token_urlsafe(12)
    _write_private(file, password)
    if user is None:
        email = f"{DEMO_USER}@example.org"
        create_account(
            username=DEMO_USER, password=password, email=email, at=timezone.now(), is_confirmed=True
        )
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
        _confirm(user)
    return password


def _confirm(user: User) -> None:
    """Let the demo account sign in: nobody reads mails to it."""
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(f"{text}\n")
