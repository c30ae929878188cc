"""A process that has read the large libraries once and runs programs in children of its own.

``Warm`` starts it and asks it: one line of JSON for each program (arguments as Python takes them,
environment, where its output goes), answered with the child's number; one for each question whether
a child has ended. Nothing that reads a setting is loaded before the child has its environment, so a
program does what it does when an operator starts it, a second or two of imports earlier.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LIBRARIES = (
    "django.core.management", "django.db.models", "django.db.backends.sqlite3.base",
    "django.template", "django.forms", "django.http", "cryptography.x509", "asn1crypto.tsp",
    "jwcrypto.jwk", "oauthlib.oauth2", "requests", "celery", "kombu", "qrcode", "yaml", "PIL.Image",
    "reportlab.pdfgen.canvas", "fontTools.ttLib", "uharfbuzz", "pikepdf", "pypdfium2",
)  # fmt: skip
ROOMS = ("formats.bundle", "ingest", "seal", "sign.pdf", "bundle", "render.rendering", "exchange",
         "verify.engine", "verify.pdf")  # fmt: skip


class Warm:
    """What tests ask; to be closed at the end. Used by one thread at a time."""

    def __init__(self, repository: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm"], cwd=repository,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(
        self, *arguments: str, environment: Mapping[str, str], stdout: Path, stderr: Path,
        own_group: bool = False, strict: bool = False,
    ) -> Started:  # fmt: skip
        """Start ``python ARGUMENTS…``: a file, ``-m`` and a module, or ``-c`` and a text.

        own_group: as a session that can be killed whole. strict: its warnings are errors.
        """
        command = {
            "arguments": arguments, "environment": dict(environment), "own_group": own_group, "strict": strict,
            "stdout": str(stdout), "stderr": str(stderr),
        }  # fmt: skip
        return Started(self, int(self.ask(command)), arguments)

    def ask(self, question: dict[str, Any]) -> Any:
        sent, came = self._process.stdin, self._process.stdout
        assert sent is not None
        assert came is not None
        sent.write(json.dumps(question) + "\n")
        sent.flush()
        return json.loads(came.readline())

    def close(self) -> None:
        self._process.communicate()


class Started:
    """A program that was started, with what ``subprocess.Popen`` says about one."""

    def __init__(self, warm: Warm, pid: int, arguments: Sequence[str]) -> None:
        self.pid, self.args, self.returncode = pid, arguments, None
        self._warm = warm

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._warm.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            time.sleep(0.01)
        return code


# What the process does


def main() -> None:
    for name in (*LIBRARIES, *(f"evidence.{room}" for room in ROOMS)):
        importlib.import_module(name)
    importlib.import_module("evidence.verify.pdf").load()
    for line in sys.stdin.buffer:
        command = json.loads(line)
        if "ended" in command:
            ended, status = os.waitpid(command["ended"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        else:
            answer = os.fork()
            if command["own_group"]:
                # Both do it, so that neither goes on before it is done.
                with suppress(OSError):
                    os.setpgid(answer, answer)
            if answer == 0:
                _become(command)
                return
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _become(command: dict[str, Any]) -> None:
    """Run one program; it ends this process as it would its own."""
    os.environ.clear()
    os.environ.update(command["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(command[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    if command["strict"]:
        warnings.simplefilter("error")
    first, *rest = command["arguments"]
    if first == "-m":
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102
    else:
        sys.argv = [first, *rest]
        runpy.run_path(first, run_name="__main__")


if __name__ == "__main__":
    main()
