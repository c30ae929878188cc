"""What lies in deploy/ is well formed, and names only what there is."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from evidence.custody.guards import GUARDED_TABLES
from evidence.front.limits import LIMITS
from tests.house.test_house import READER

VARIABLE = re.compile(r"\bTRUETHREAD_[A-Z0-9_]+\b")


@pytest.fixture
def deploy(repository: Path) -> Path:
    return repository / "deploy"


@pytest.fixture
def compose(deploy: Path) -> dict:
    return yaml.safe_load((deploy / "compose.yaml").read_text(encoding="utf-8"))


def files(deploy: Path) -> list[Path]:
    return [file for file in sorted(deploy.rglob("*")) if file.is_file() and file.suffix != ".pyc"]


def test_every_variable_that_is_named_is_a_setting(repository, deploy):
    settings = (repository / "project" / "settings.py").read_text(encoding="utf-8")
    known = set(READER.findall(settings))
    known |= {f"{name}_FILE" for name in known}
    for file in files(deploy):
        assert set(VARIABLE.findall(file.read_text(encoding="utf-8"))) <= known, file.name


def test_the_containers_have_all_parts_and_declare_what_they_use(compose):
    services = compose["services"]
    assert {"postgres", "rabbitmq", "web", "worker", "schedule", "setup", "grants"} <= set(services)
    for name, service in services.items():
        assert set(service.get("secrets", [])) <= set(compose["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source.startswith("./") or source in compose["volumes"], name


def test_every_secret_file_of_a_variable_is_mounted(compose):
    for name, service in compose["services"].items():
        for value in (service.get("environment") or {}).values():
            for secret in re.findall(r"/run/secrets/([\w.]+)", value):
                assert secret in service["secrets"], (name, secret)


def test_only_the_set_up_serves_as_the_owner_of_the_tables(compose):
    for name in ("web", "worker", "schedule"):
        service = compose["services"][name]
        assert "owner_database_url" not in service["secrets"]
        assert service["environment"]["TRUETHREAD_DATABASE_URL_FILE"].endswith("app_database_url")
    setup = compose["services"]["setup"]["environment"]
    assert setup["TRUETHREAD_DATABASE_URL_FILE"].endswith("owner_database_url")


@pytest.mark.parametrize("name", ["setup", "web"])
def test_production_accepts_the_variables_of_each_container(compose, deploy, tmp_path, name):
    """The environment file of the example and what compose.yaml states: nothing is missing."""
    service = compose["services"][name]
    for other in ("worker", "webhooks", "schedule"):
        assert (
            compose["services"][other]["environment"] == compose["services"]["web"]["environment"]
        )
    place = tmp_path / "secrets"
    place.mkdir()
    write_secrets(place)
    pairs = (deploy / service["env_file"]).with_name("truethread.env.example")
    lines = pairs.read_text(encoding="utf-8").splitlines()
    stated = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    stated |= service["environment"]
    rewritten = {
        variable: re.sub(r"\$\{\w+:\?[^}]*\}", "word", value)
        .replace("/run/secrets", str(place))
        .replace("/var/lib/truethread", str(tmp_path / "var"))
        for variable, value in stated.items()
    }
    assert not [value for value in rewritten.values() if value.startswith("/etc/")]
    for value in rewritten.values():
        if value.startswith(str(place)):
            assert Path(value).name in service["secrets"], value
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=deploy.parent, env={"PATH": os.environ["PATH"]} | rewritten, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr


def write_secrets(folder: Path) -> None:
    """Write one usable file for each secret that the containers mount."""
    from tests.pki.public import public_pki

    lists = {name: f"http://ca.example.org/{name}.crl" for name in ("root", "issuing")}
    pki = public_pki(datetime.now(UTC), lists)
    pki.write_root(folder / "roots.pem")
    pki.write_seal(folder / "seal.p12", "word")
    for name, value in {
        "seal_password": "word", "secret_key": secrets.token_hex(40), "kek": secrets.token_hex(32),
        "metrics_token": secrets.token_hex(24),
        "app_database_url": "postgres://truethread_app:x@postgres/truethread",
        "owner_database_url": "postgres://truethread_owner:x@postgres/truethread",
    }.items():  # fmt: skip
        (folder / name).write_text(f"{value}\n", encoding="ascii")


def test_files_the_image_copies_are_there_and_let_through(repository, deploy):
    let_through = (deploy / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    for line in (deploy / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert (repository / source).exists(), source
                assert f"!{source}\n" in let_through, source


def test_the_grants_are_those_the_log_is_tested_under(repository, deploy):
    readme = (repository / "evidence/custody/README.md").read_text(encoding="utf-8")
    tested = re.search(r"```sql\n(.*?)```", readme, re.DOTALL)[1]
    grants = re.sub(r"--.*", "", (deploy / "postgresql/grants.sql").read_text(encoding="utf-8"))
    statements = [" ".join(one.split()) for one in grants.split(";") if one.strip()]
    wanted = [" ".join(one.split()) for one in re.sub(r"--.*", "", tested).split(";")]
    assert [one for one in wanted if one.startswith(("GRANT", "REVOKE"))] == statements
    assert all(table in statements[-1] for table in GUARDED_TABLES)


@pytest.mark.foreign_tool("systemd-analyze")
def test_systemd_accepts_the_units(deploy, tmp_path):
    programs = f"{Path(sys.executable).parent}/"
    for unit in (deploy / "systemd").iterdir():
        text = unit.read_text(encoding="utf-8").replace("/opt/truethread/.venv/bin/", programs)
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    units = sorted(str(unit) for unit in tmp_path.iterdir())
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    ours = [line for line in verified.stderr.splitlines() if "truethread" in line]
    assert (verified.returncode, ours) == (0, [])


@pytest.mark.foreign_tool("nginx", "openssl")
def test_nginx_accepts_its_configuration(deploy, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout",
         tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem"],
        capture_output=True, check=True,
    )  # fmt: skip
    text = (deploy / "nginx" / "truethread.conf").read_text(encoding="utf-8")
    for written, here in {
        "/etc/ssl/truethread": str(tmp_path), "/var/log/nginx": str(tmp_path),
        ":80;": ":18080;", "listen 80;": "listen 18080;",
        ":443 ssl": ":18443 ssl", "listen 443 ssl": "listen 18443 ssl",
    }.items():  # fmt: skip
        text = text.replace(written, here)
    (tmp_path / "truethread.conf").write_text(text, encoding="utf-8")
    main = f"pid {tmp_path}/pid; events {{}} http {{ include {tmp_path}/truethread.conf; }}"
    (tmp_path / "nginx.conf").write_text(main, encoding="utf-8")
    tested = subprocess.run(
        ["nginx", "-t", "-q", "-p", tmp_path, "-e", "stderr", "-c", tmp_path / "nginx.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stderr


def test_nginx_lets_through_what_the_service_takes(deploy):
    text = (deploy / "nginx" / "truethread.conf").read_text(encoding="utf-8")
    megabytes = int(re.search(r"client_max_body_size (\d+)m;", text)[1])
    assert megabytes * 1024 * 1024 > max(LIMITS.values())


def test_the_health_check_ends_with_what_the_pages_say(repository, run_health_check):
    assert run_health_check(200) == (0, "evidence.example.org")
    assert run_health_check(503) == (1, "evidence.example.org")


@pytest.fixture
def run_health_check(repository: Path):
    import http.server
    import threading

    def run(status: int) -> tuple[int, str]:
        hosts = []

        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hosts.append(self.headers["Host"])
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
            thread = threading.Thread(target=server.handle_request)
            thread.start()
            ended = subprocess.run(
                [sys.executable, "deploy/healthcheck.py",
                 f"http://127.0.0.1:{server.server_port}/readyz"],
                cwd=repository, capture_output=True, check=False,
                env=os.environ | {"TRUETHREAD_PUBLIC_URL": "https://evidence.example.org"},
            )  # fmt: skip
            thread.join()
        return ended.returncode, hosts[0]

    return run
