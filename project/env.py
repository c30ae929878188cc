"""Typed readers of environment variables, which refuse nonsense and name the variable.

Every reader takes the full name of the variable. A variable that is set but empty counts as not
set, because that is what ``NAME=`` in an env file means to the person who wrote it. A value that
does not fit is an ``ImproperlyConfigured`` whose message names the variable, says what was
expected, and repeats the value only where it cannot be a secret.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_KEPT_OPEN = 600
"""Seconds a connection to the database serves one request after the other. Opened for each, it costs
more than most requests; on SQLite the last one that closes also writes the whole WAL back."""
_POSTGRES_OPTIONS = frozenset(
    {"sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name"}
)


def text(name: str, default: str = "") -> str:
    """Return the variable without surrounding blanks, or ``default``."""
    return os.environ.get(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    """Return the variable as a truth value: 1/0, true/false, yes/no, on/off in any case."""
    value = text(name).lower()
    if not value:
        return default
    if value not in _TRUE | _FALSE:
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")
    return value in _TRUE


def integer(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Return the variable as a whole number inside ``minimum`` and ``maximum``, both included."""
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from error
    if minimum is not None and number < minimum:
        raise ImproperlyConfigured(f"{name} must be at least {minimum}, not {number}.")
    if maximum is not None and number > maximum:
        raise ImproperlyConfigured(f"{name} must be at most {maximum}, not {number}.")
    return number


def choice(name: str, choices: tuple[str, ...], default: str) -> str:
    """Return the variable, which must be one of ``choices`` exactly."""
    value = text(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
    return value


def path(name: str, default: Path | None = None) -> Path | None:
    """Return the variable as an absolute path, relative ones taken from the working directory.

    The path need not exist: see ``existing_file``.
    """
    value = text(name)
    return Path(value).expanduser().absolute() if value else default


def existing_file(name: str) -> Path | None:
    """Return the variable as the absolute path of a file that is there, or None when unset."""
    found = path(name)
    if found is not None and not found.is_file():
        raise ImproperlyConfigured(f"{name} names {found}, which is not a file.")
    return found


def existing_files(name: str) -> list[Path]:
    """Return the variable, a list of paths separated by commas; each file must be there."""
    files = [Path(item).expanduser().absolute() for item in _items(name)]
    for file in files:
        if not file.is_file():
            raise ImproperlyConfigured(f"{name} names {file}, which is not a file.")
    return files


def url(name: str, default: str = "", *, schemes: tuple[str, ...] = ("https", "http")) -> str:
    """Return the variable as an absolute URL without a trailing slash, or ``default``."""
    value = text(name)
    return _checked_url(name, value, schemes).geturl().rstrip("/") if value else default


def url_list(name: str, *, schemes: tuple[str, ...] = ("https", "http")) -> list[str]:
    """Return the variable as a list of absolute URLs, separated by commas, in their order."""
    return [_checked_url(name, item, schemes).geturl() for item in _items(name)]


def secret(name: str) -> str | None:
    """Return a secret from ``name`` or from the file that ``name``_FILE names; None when unset.

    One line break at the end of the file is not part of the secret. The value never appears in
    an error message.
    """
    given, file = os.environ.get(name, ""), path(f"{name}_FILE")
    if given and file is not None:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if file is None:
        return given or None
    try:
        value = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name}_FILE names {file}, which cannot be read.") from error
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE names {file}, which is empty.")
    return value


def secret_url(name: str, *, schemes: tuple[str, ...]) -> str:
    """Return an absolute URL without a trailing slash, "" when unset.

    It may come from ``name``_FILE, since it can hold a password; it is never repeated in a message.
    """
    value = secret(name)
    return _checked_url(name, value, schemes).geturl().rstrip("/") if value else ""


def key_bytes(name: str, size: int) -> bytes | None:
    """Return a secret key written as ``2 * size`` hexadecimal digits, or None when unset."""
    value = secret(name)
    if value is None:
        return None
    try:
        key = bytes.fromhex(value.strip())
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be hexadecimal digits only.") from error
    if len(key) != size:
        raise ImproperlyConfigured(
            f"{name} must have {2 * size} hexadecimal digits, it has {2 * len(key)}."
        )
    return key


def kept_secret(file: Path) -> str:
    """Return the 64 random hexadecimal digits kept in ``file``, made at the first call.

    The file is created readable for its owner only. Two processes that come first at the same
    time end up with the same secret. For development: production states its secrets.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not file.exists():
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(secrets.token_hex(32))
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file.read_text(encoding="ascii").strip()


def database_url(name: str, default_sqlite: Path) -> dict[str, Any]:
    """Return the entry of Django's ``DATABASES`` that the variable describes.

    ``sqlite:////absolute/path`` or ``postgres://user:password@host:port/name?sslmode=…``. Unset
    means SQLite at ``default_sqlite``. The URL may come from ``name``_FILE, since it can hold a
    password; it is therefore never repeated in a message.
    """
    value = secret(name)
    if value is None:
        return _sqlite(default_sqlite)
    try:
        parts = urlsplit(value.strip())
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is not a URL.") from error
    if parts.scheme == "sqlite":
        return _sqlite(_sqlite_path(name, parts))
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(name, parts, port)
    raise ImproperlyConfigured(f"{name} must start with sqlite:// or postgres://.")


def smtp_url(name: str) -> dict[str, Any]:
    """Return Django's settings of the mail server that the variable describes; none when unset.

    ``smtp://user:password@host:587`` asks for STARTTLS, ``smtps://…:465`` speaks TLS from the
    start, ``smtp+plain://host:25`` does neither and is for a relay on the same machine. The URL may
    come from ``name``_FILE, since it can hold a password; it is never repeated in a message.
    """
    value = secret(name)
    if value is None:
        return {}
    schemes = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
    parts = _checked_url(name, value.strip(), tuple(schemes))
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or schemes[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def _items(name: str) -> list[str]:
    return [item.strip() for item in text(name).split(",") if item.strip()]


def _checked_url(name: str, value: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} holds something that is not a URL.") from error
    if parts.scheme not in schemes or not parts.hostname:
        wanted = " or ".join(f"{scheme}://host" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} must be a URL such as {wanted}.")
    return parts


def _sqlite_path(name: str, parts: SplitResult) -> Path:
    file = unquote(parts.path)
    if parts.netloc or parts.query or not file.startswith("/") or file == "/":
        raise ImproperlyConfigured(f"{name} must be sqlite:// followed by an absolute path.")
    return Path(file.removeprefix("/")) if file.startswith("//") else Path(file)


def _sqlite(file: Path) -> dict[str, Any]:
    """Durable and honest about locks: WAL, every commit on disk, writers queue from the start.

    ``recursive_triggers`` lets the append-only triggers see the rows that ``REPLACE INTO``
    would otherwise delete silently.
    """
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": _KEPT_OPEN,
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON"
            ),
        },
        "TEST": {"NAME": file.with_name(f"test-{file.name}")},
    }


def _postgres(name: str, parts: SplitResult, port: int | None) -> dict[str, Any]:
    database = unquote(parts.path.removeprefix("/"))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not database or "/" in database:
        raise ImproperlyConfigured(f"{name} must name a database: postgres://…/name.")
    if unknown := sorted(set(options) - _POSTGRES_OPTIONS):
        raise ImproperlyConfigured(f"{name} has unknown options: {', '.join(unknown)}.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": _KEPT_OPEN,
        "CONN_HEALTH_CHECKS": True,
    }
