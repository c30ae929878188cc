"""Production refuses to start with what only development may use."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from django.core.checks.registry import registry
from django.core.exceptions import ImproperlyConfigured

from evidence.checks import PRODUCTION_TAG, production_is_safe
from evidence.gateways import development_pki
from evidence.management.operator import OperatorCommand
from project.start import refuse_unsafe_start

PASSWORD = "only for this test"


def _pkcs12(folder: Path, pair: development_pki.Pair) -> Path:
    file = folder / "seal.p12"
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"seal", pair.key, pair.certificate, None,
            serialization.BestAvailableEncryption(PASSWORD.encode()),
        )
    )  # fmt: skip
    return file


def _root(folder: Path, pair: development_pki.Pair) -> Path:
    file = folder / "roots.pem"
    file.write_bytes(pair.certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def trusted_pair(now: datetime) -> development_pki.Pair:
    """A certificate as a public authority would issue it: nothing in it says Development."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Example Seal")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=365))
    return development_pki.Pair(builder.sign(key, hashes.SHA256()), key)


def _use_engine(monkeypatch: pytest.MonkeyPatch, settings, name: str) -> None:
    engine = f"django.db.backends.{name}"
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": engine})


@pytest.fixture
def production(settings, monkeypatch, tmp_path, trusted_pair):
    """The settings of a deployment with nothing to refuse."""
    settings.TRUETHREAD_MODE = "production"
    settings.DEBUG = False
    settings.TRUETHREAD_VAR_DIR = tmp_path
    settings.TRUETHREAD_SIGNER_PKCS12 = _pkcs12(tmp_path, trusted_pair)
    settings.TRUETHREAD_SIGNER_PKCS12_PASSWORD = PASSWORD
    settings.TRUETHREAD_TRUST_ROOTS = [_root(tmp_path, trusted_pair)]
    settings.TRUETHREAD_TSA_URLS = ["https://tsa.example.org"]
    _use_engine(monkeypatch, settings, "postgresql")
    settings.SECRET_KEY = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghij"
    settings.TRUETHREAD_KEK = bytes(range(32))
    settings.TRUETHREAD_PUBLIC_URL = "https://evidence.example.org"
    settings.TRUETHREAD_LOG_ORIGIN = "evidence.example.org/custody"
    settings.TRUETHREAD_SMTP_URL = {"EMAIL_HOST": "mail.example.org"}
    return settings


def refusals() -> list[str]:
    return [str(error.id).removeprefix("evidence.") for error in production_is_safe(None)]


def test_a_whole_production_deployment_starts(production):
    assert refusals() == []


@pytest.mark.parametrize(("name", "value", "refusal"), [
    ("DEBUG", True, "E001"),
    ("TRUETHREAD_SIGNER_PKCS12", None, "E002"),
    ("TRUETHREAD_SIGNER_PKCS12_PASSWORD", "another", "E003"),
    ("TRUETHREAD_TSA_URLS", [], "E005"),
    ("TRUETHREAD_TSA_URLS", ["https://tsa.example.org", "http://127.0.0.1:3161"], "E005"),
    ("TRUETHREAD_TSA_URLS", ["http://[::1]/tsa"], "E005"),
    ("TRUETHREAD_TSA_URLS", ["http://0.0.0.0:3161"], "E005"),
    ("TRUETHREAD_TSA_URLS", ["http://[::]/"], "E005"),
    ("TRUETHREAD_TSA_URLS", ["http://[::ffff:127.0.0.1]/"], "E005"),
    ("TRUETHREAD_TRUST_ROOTS", [], "E014"),
    ("SECRET_KEY", "short", "E007"),
    ("SECRET_KEY", "a" * 64, "E007"),
    ("TRUETHREAD_KEK", bytes(32), "E007"),
    ("TRUETHREAD_PUBLIC_URL", "http://evidence.example.org", "E008"),
    ("TRUETHREAD_PUBLIC_URL", "https://localhost", "E008"),
    ("TRUETHREAD_LOG_ORIGIN", "truethread.localhost/custody", "E009"),
    ("TRUETHREAD_LOG_ORIGIN", "two words", "E009"),
    ("TRUETHREAD_SMTP_URL", {}, "E012"),
    ("TRUETHREAD_WEBHOOKS_TO_LOOPBACK", True, "E013"),
])  # fmt: skip
def test_each_development_part_is_refused(production, name, value, refusal):
    setattr(production, name, value)
    assert refusals() == [refusal]
    with pytest.raises(ImproperlyConfigured, match=refusal):
        refuse_unsafe_start()


def test_sqlite_is_refused(production, monkeypatch):
    _use_engine(monkeypatch, production, "sqlite3")
    assert refusals() == ["E006"]


@pytest.mark.parametrize("role", ["root", "seal"])
def test_a_key_of_a_development_pki_is_refused_also_as_pkcs12(production, tmp_path, now, role):
    pki = development_pki.ensure(tmp_path / "pki", now)
    production.TRUETHREAD_SIGNER_PKCS12 = _pkcs12(tmp_path, getattr(pki, role))
    assert refusals() == ["E002"]


def test_a_development_root_is_not_trusted_in_production(production, tmp_path, now):
    pki = development_pki.ensure(tmp_path / "pki", now)
    production.TRUETHREAD_TRUST_ROOTS = [pki.root_pem]
    assert refusals() == ["E004"]


def test_a_trust_root_without_a_certificate_is_refused(production, tmp_path):
    (tmp_path / "empty.pem").touch()
    production.TRUETHREAD_TRUST_ROOTS = [tmp_path / "empty.pem"]
    assert refusals() == ["E004"]


@pytest.mark.parametrize("name", ["secret_key", "kek"])
def test_a_secret_that_development_keeps_on_disk_is_refused(production, tmp_path, name):
    value = production.SECRET_KEY if name == "secret_key" else production.TRUETHREAD_KEK.hex()
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / name).write_text(value + "\n")
    assert refusals() == ["E007"]


def test_development_refuses_nothing(production):
    production.TRUETHREAD_MODE = "development"
    production.DEBUG = True
    assert refusals() == []


@pytest.mark.parametrize("missing", ["TRUETHREAD_SECRET_KEY", "TRUETHREAD_KEK"])
def test_production_makes_no_secret_of_its_own(repository, tmp_path, missing):
    given = {
        "TRUETHREAD_MODE": "production",
        "TRUETHREAD_VAR_DIR": str(tmp_path),
        "TRUETHREAD_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghij",
        "TRUETHREAD_KEK": bytes(range(32)).hex(),
    }
    del given[missing]
    run = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=repository, env={"PATH": os.environ["PATH"], **given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode != 0
    assert f"{missing} or {missing}_FILE must be set" in run.stderr
    assert not (tmp_path / "keys").exists()


def test_djangos_own_deployment_checks_find_nothing_either(run_manage, tmp_path, trusted_pair):
    run = run_manage(
        "check", "--deploy", "--fail-level", "WARNING",
        TRUETHREAD_MODE="production",
        TRUETHREAD_SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghij",
        TRUETHREAD_KEK=bytes(range(32)).hex(),
        TRUETHREAD_DATABASE_URL="postgres://clerk@db.example.org/evidence",
        TRUETHREAD_PUBLIC_URL="https://evidence.example.org",
        TRUETHREAD_LOG_ORIGIN="evidence.example.org/custody",
        TRUETHREAD_TSA_URLS="https://tsa.example.org",
        TRUETHREAD_SMTP_URL="smtp://clerk:word@mail.example.org:587",
        TRUETHREAD_SIGNER_PKCS12=str(_pkcs12(tmp_path, trusted_pair)),
        TRUETHREAD_SIGNER_PKCS12_PASSWORD=PASSWORD,
        TRUETHREAD_TRUST_ROOTS=str(_root(tmp_path, trusted_pair)),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_commands_that_serve_no_pages_are_checked_before_they_run():
    asked = set(OperatorCommand.requires_system_checks)
    assert PRODUCTION_TAG in asked
    assert asked <= registry.tags_available()
