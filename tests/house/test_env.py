"""The readers of environment variables take what fits and refuse the rest by name."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from project import env

NAME = "TRUETHREAD_EXAMPLE"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch):
    def set_to(value: str, name: str = NAME) -> None:
        monkeypatch.setenv(name, value)

    return set_to


@pytest.mark.parametrize(
    ("written", "read"), [("1", True), ("ON", True), ("no", False), ("", True)]
)
def test_a_truth_value_has_a_few_spellings_and_empty_means_unset(given, written, read):
    given(written)
    assert env.boolean(NAME, default=True) is read


@pytest.mark.parametrize("read", [
    lambda: env.boolean(NAME, default=False),
    lambda: env.integer(NAME, 1),
    lambda: env.choice(NAME, ("development", "production"), "development"),
    lambda: env.url(NAME),
    lambda: env.url_list(NAME),
    lambda: env.existing_file(NAME),
    lambda: env.existing_files(NAME),
    lambda: env.key_bytes(NAME, 32),
    lambda: env.database_url(NAME, Path("unused")),
])  # fmt: skip
def test_nonsense_is_refused_with_the_name_of_the_variable(given, read):
    given("sometimes, maybe")
    with pytest.raises(ImproperlyConfigured, match=NAME):
        read()


@pytest.mark.parametrize("value", ["0", "121"])
def test_a_number_outside_its_limits_is_refused(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match=f"{NAME} must be at"):
        env.integer(NAME, 15, minimum=1, maximum=120)


@pytest.mark.parametrize("value", [
    "ftp://example.org", "https://", "https://example.org:port", "example.org", "http://[::1",
])  # fmt: skip
def test_a_url_needs_a_known_scheme_and_a_host(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.url(NAME)


def test_urls_are_read_in_their_order(given):
    given("https://b.example/tsa, http://a.example,")
    assert env.url_list(NAME) == ["https://b.example/tsa", "http://a.example"]


def test_a_secret_comes_from_its_file_without_the_last_line_break(given, tmp_path):
    (tmp_path / "secret").write_text(" kept as it is \n")
    given(str(tmp_path / "secret"), f"{NAME}_FILE")
    assert env.secret(NAME) == " kept as it is "


def test_a_secret_given_twice_is_refused_and_not_repeated(given, tmp_path):
    (tmp_path / "secret").write_text("sesame")
    given("sesame")
    given(str(tmp_path / "secret"), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match="both set") as refusal:
        env.secret(NAME)
    assert "sesame" not in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_secret_file_that_is_missing_empty_or_no_text_is_refused(given, tmp_path, content):
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    given(str(tmp_path / "secret"), f"{NAME}_FILE")
    with pytest.raises(ImproperlyConfigured, match=f"{NAME}_FILE"):
        env.secret(NAME)


@pytest.mark.parametrize("value", ["ab" * 31, "ab" * 33, "zz" * 32])
def test_a_key_of_another_size_is_refused_and_not_repeated(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match=NAME) as refusal:
        env.key_bytes(NAME, 32)
    assert value not in str(refusal.value)


def test_a_kept_secret_is_made_once_and_readable_by_its_owner_only(tmp_path):
    file = tmp_path / "keys" / "kek"
    first = env.kept_secret(file)
    assert env.kept_secret(file) == first
    assert len(bytes.fromhex(first)) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("value", ["sqlite:////data/t.sqlite3", "sqlite:///data/t.sqlite3"])
def test_sqlite_is_durable_and_queues_its_writers(given, value):
    given(value)
    database = env.database_url(NAME, Path("unused"))
    assert database["NAME"] == Path("/data/t.sqlite3")
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in database["OPTIONS"]["init_command"]
    assert database["CONN_MAX_AGE"] > 0


def test_a_postgres_url_is_taken_apart(given):
    given("postgres://clerk:p%40ss@db.example:6432/evidence?sslmode=verify-full")
    database = env.database_url(NAME, Path("unused"))
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("clerk", "p@ss")
    assert (database["HOST"], database["PORT"]) == ("db.example", "6432")
    assert (database["NAME"], database["OPTIONS"]) == ("evidence", {"sslmode": "verify-full"})
    assert (database["CONN_MAX_AGE"] > 0, database["CONN_HEALTH_CHECKS"]) == (True, True)


@pytest.mark.parametrize("value", [
    "mysql://clerk:sesame@db/evidence",
    "postgres://clerk:sesame@db",
    "postgres://clerk:sesame@db:many/evidence",
    "postgres://clerk:sesame@db/evidence?colour=blue",
    "sqlite:relative.sqlite3",
])  # fmt: skip
def test_another_database_url_is_refused_without_repeating_its_password(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match=NAME) as refusal:
        env.database_url(NAME, Path("unused"))
    assert "sesame" not in str(refusal.value)


def test_a_url_with_a_password_comes_from_its_file_and_is_never_repeated(given, tmp_path):
    assert env.secret_url(NAME, schemes=("amqp",)) == ""
    (tmp_path / "url").write_text("amqp://clerk:sesame@queue.example:5672/\n")
    given(str(tmp_path / "url"), f"{NAME}_FILE")
    assert env.secret_url(NAME, schemes=("amqp",)) == "amqp://clerk:sesame@queue.example:5672"
    with pytest.raises(ImproperlyConfigured, match=NAME) as refusal:
        env.secret_url(NAME, schemes=("redis",))
    assert "sesame" not in str(refusal.value)
