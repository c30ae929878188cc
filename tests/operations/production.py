"""The service in production mode, started from the files in ``deploy/`` and nothing else.

Units, environment file, nginx, roles and grants are those a machine is set up with; only paths,
ports and the names of others (authorities, mail server, broker) are rewritten.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE

HOST = "evidence.example.org"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def address_of_this_machine() -> str:
    """Return an address that is not the loopback's: production takes no time from that one."""
    shown = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True)
    return next(one for one in shown.stdout.split() if ":" not in one)


class Unit:
    """A unit of systemd: its settings by name, each as a list in the order of the file."""

    def __init__(self, text: str) -> None:
        self.settings: dict[str, list[str]] = {}
        for line in text.splitlines():
            name, sign, value = line.partition("=")
            if sign and not line.startswith("#"):
                self.settings.setdefault(name, []).append(value)

    def environment(self) -> dict[str, str]:
        """Return what the service is started with; files come after the unit's own lines."""
        pairs = [one for line in self.settings["Environment"] for one in shlex.split(line)]
        for file in self.settings["EnvironmentFile"]:
            lines = Path(file).read_text(encoding="utf-8").splitlines()
            pairs += [line for line in lines if line and not line.startswith("#")]
        return dict(pair.split("=", 1) for pair in pairs)

    def commands(self) -> list[list[str]]:
        return [shlex.split(line) for line in self.settings["ExecStart"]]


class Mailbox:
    """A mail server for one machine: takes what it is given and keeps it."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        mails = self.mails

        class Talk(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper().strip()
                    if verb == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        lines = []
                        while (one := self.rfile.readline()) not in (b".\r\n", b""):
                            lines.append(one)
                        mails.append(b"".join(lines).decode())
                    self.wfile.write(b"250 ok\r\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]


class Production:
    """One deployment in a folder of its own."""

    def __init__(self, folder: Path, repository: Path, database: Mapping[str, str]) -> None:
        self.folder, self.repository, self.database = folder, repository, database
        self.name = f"walked_{secrets.token_hex(6)}"
        self.port, self.tls, self.plain = free_port(), free_port(), free_port()
        self.etc, self.var = folder / "etc", folder / "var"
        self.etc.mkdir()
        self.processes: list[tuple[str, subprocess.Popen[bytes]]] = []

    def here(self, text: str) -> str:
        """Return a text of ``deploy/`` with this deployment's places instead of a machine's."""
        for written, ours in {
            "/opt/truethread/.venv/bin/": f"{Path(sys.executable).parent}/",
            "/opt/truethread": str(self.repository),
            "/var/lib/truethread": str(self.var),
            "/etc/truethread": str(self.etc),
            "/etc/ssl/truethread": str(self.etc),
            "/var/log/nginx": str(self.folder),
            "/run/secrets": str(self.etc),
            "%d/": f"{self.etc}/",
            "127.0.0.1:8000": f"127.0.0.1:{self.port}",
            "truethread_app": f"{self.name}_app",
            "truethread_owner": f"{self.name}_owner",
            "--dbname=truethread": f"--dbname={self.name}",
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen [::]:80;": "",
            "listen 443 ssl": f"listen 127.0.0.1:{self.tls} ssl",
            "listen [::]:443 ssl http2;": "",
        }.items():
            text = text.replace(written, ours)
        return text

    def file(self, name: str) -> str:
        return self.here((self.repository / "deploy" / name).read_text(encoding="utf-8"))

    def unit(self, name: str) -> Unit:
        return Unit(self.file(f"systemd/truethread-{name}.service"))

    def write_secrets(self, **others: str) -> None:
        """Write one file for each secret, as deploy/README.md tells."""
        owner, app = secrets.token_hex(24), secrets.token_hex(24)
        host = f"{self.database['HOST'] or '127.0.0.1'}:{self.database['PORT'] or 5432}"
        values = {
            "owner_password": owner,
            "app_password": app,
            "owner_database_url": f"postgres://{self.name}_owner:{owner}@{host}/{self.name}",
            "app_database_url": f"postgres://{self.name}_app:{app}@{host}/{self.name}",
            "secret_key": secrets.token_hex(40),
            "kek": secrets.token_hex(32),
            "metrics_token": secrets.token_hex(24),
        }
        for name, value in (values | others).items():
            (self.etc / name).write_text(f"{value}\n", encoding="ascii")
            (self.etc / name).chmod(0o600)

    def secret(self, name: str) -> str:
        return (self.etc / name).read_text(encoding="ascii").strip()

    def write_environment(self, **stated: str) -> None:
        """Write the environment file from the example, with some values of ours."""
        text = self.file("truethread.env.example")
        for name, value in stated.items():
            text, found = re.subn(rf"(?m)^{name}=.*$", f"{name}={value}", text)
            assert found == 1, name
        (self.etc / "truethread.env").write_text(text, encoding="utf-8")

    def write_certificate(self) -> None:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
             "-keyout", self.etc / "privkey.pem", "-out", self.etc / "fullchain.pem"],
            capture_output=True, check=True,
        )  # fmt: skip

    def make_roles(self) -> None:
        """Run roles.sh as the database's superuser."""
        self.statement(
            "postgres", f"CREATE DATABASE {self.name} ENCODING 'UTF8' TEMPLATE template0"
        )
        script = self.folder / "roles.sh"
        script.write_text(self.file("postgresql/roles.sh"), encoding="utf-8")
        subprocess.run(["sh", script], env=self._as_superuser(), check=True, capture_output=True)

    def drop_roles(self) -> None:
        self.statement("postgres", f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")
        for role in ("app", "owner"):
            self.statement("postgres", f"DROP ROLE IF EXISTS {self.name}_{role}")

    def statement(self, database: str, sql: str) -> str:
        """Run SQL as the superuser and return what psql prints."""
        done = subprocess.run(
            ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--username",
             self.database["USER"], "--dbname", database, "--command", sql],
            env=self._as_superuser(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _as_superuser(self) -> dict[str, str]:
        return os.environ | {
            "PGHOST": self.database["HOST"] or "127.0.0.1",
            "PGPORT": str(self.database["PORT"] or 5432),
            "PGPASSWORD": self.database["PASSWORD"],
        }

    def set_up(self) -> None:
        """Run the one unit that works as the owner of the tables."""
        (self.folder / "grants.sql").write_text(self.file("postgresql/grants.sql"))
        unit = self.unit("setup")
        for command in unit.commands():
            ours = [
                one.replace("deploy/postgresql/grants.sql", str(self.folder / "grants.sql"))
                for one in command
            ]
            done = subprocess.run(
                ours, cwd=self.repository, env=self._environment(unit), capture_output=True,
                text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr

    def start(self, name: str) -> None:
        """Start a unit as systemd does; one that notifies is waited for until it is ready."""
        unit = self.unit(name)
        (command,) = unit.commands()
        environment = self._environment(unit)
        if unit.settings.get("Type") != ["notify"]:
            self._spawn(name, command, environment)
            return
        place = str(self.folder / f"{name}.notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(place)
            told.settimeout(PATIENCE)
            self._spawn(name, command, environment | {"NOTIFY_SOCKET": place})
            try:
                while b"READY=1" not in told.recv(4096):
                    pass
            except TimeoutError:
                raise AssertionError(self.said(name)) from None

    def manage(self, *arguments: str) -> str:
        """Run a command as the service's own user."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=self.repository,
            env=self._environment(self.unit("worker")), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start_nginx(self) -> None:
        (self.folder / "truethread.conf").write_text(self.file("nginx/truethread.conf"))
        user = "user root;" if os.geteuid() == 0 else ""
        bodies = "".join(
            f"{one}_temp_path {self.folder}/{one}; "
            for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        main = (
            f"{user} daemon off; pid {self.folder}/nginx.pid; events {{}}"
            f" http {{ include /etc/nginx/mime.types; {bodies} include {self.folder}/truethread.conf; }}"
        )
        (self.folder / "nginx.conf").write_text(main, encoding="utf-8")
        command = ["nginx", "-p", str(self.folder), "-e", "stderr",
                   "-c", str(self.folder / "nginx.conf")]  # fmt: skip
        self._spawn("nginx", command, dict(os.environ))
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < end, self.said("nginx")
                time.sleep(0.05)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        for _, process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _environment(self, unit: Unit) -> dict[str, str]:
        """Nothing of the test's own environment: what the unit states, and where programs lie."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder)} | unit.environment()

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.repository, env=environment, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.processes.append((name, process))


@contextmanager
def stopped_at_the_end(one: Production) -> Iterator[Production]:
    try:
        yield one
    finally:
        one.stop()
        one.drop_roles()
