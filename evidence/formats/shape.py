"""Strict readers for values that came out of ``canonical.loads``.

Each returns the value typed, or raises ValueError naming what was expected. They exist so that a
reader of a format lists its fields once and nothing unlisted slips through.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import datetime, timezone

from ..values import Json

_HEX = re.compile(r"(?:[0-9a-f]{2})*\Z")
_OPAQUE = re.compile(r"[0-9a-f]{32}\Z")
_ZONE = timezone.utc
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z\Z", re.ASCII)


def mapping(
    value: Json, required: Iterable[str] = (), optional: Iterable[str] = ()
) -> dict[str, Json]:
    """Return ``value`` as an object with all ``required`` keys and no key beyond ``optional``."""
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    needed = set(required)
    if missing := needed - value.keys():
        raise ValueError(f"missing: {', '.join(sorted(missing))}")
    if extra := value.keys() - needed - set(optional):
        raise ValueError(f"unknown: {', '.join(sorted(extra))[:200]}")
    return value


def any_mapping(value: Json) -> dict[str, Json]:
    """Return ``value`` as an object with any keys."""
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return value


def array(value: Json) -> list[Json]:
    """Return ``value`` as a list."""
    if not isinstance(value, list):
        raise ValueError("a list was expected")
    return value


def text(value: Json) -> str:
    """Return ``value`` as a string."""
    if not isinstance(value, str):
        raise ValueError("a string was expected")
    return value


def optional_text(value: Json) -> str | None:
    """Return ``value`` as a string or None."""
    return None if value is None else text(value)


def flag(value: Json) -> bool:
    """Return ``value`` as a boolean."""
    if not isinstance(value, bool):
        raise ValueError("true or false was expected")
    return value


def integer(value: Json, minimum: int = 0) -> int:
    """Return ``value`` as an integer of at least ``minimum``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ValueError(f"an integer of at least {minimum} was expected")
    return value


def unhex(value: Json, length: int = 32) -> bytes:
    """Return ``length`` raw bytes from lower-case hex."""
    if not isinstance(value, str) or len(value) != 2 * length or not _HEX.match(value):
        raise ValueError(f"{length} bytes in lower-case hex were expected")
    return bytes.fromhex(value)


def unhex_list(value: Json) -> list[bytes]:
    """Return a list of 32-byte hashes."""
    return [unhex(item) for item in array(value)]


def hex_list(hashes: Iterable[bytes]) -> list[Json]:
    """Return hashes as a JSON list of lower-case hex."""
    return [item.hex() for item in hashes]


def opaque(value: Json) -> str:
    """Return an opaque id: 32 lower-case hex characters."""
    if not isinstance(value, str) or not _OPAQUE.match(value):
        raise ValueError("an id of 32 lower-case hex characters was expected")
    return value


def unbase64(value: Json) -> bytes:
    """Return the bytes of standard base64 with padding, in its one canonical spelling."""
    try:
        data = base64.b64decode(text(value).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("base64 was expected") from error
    if base64.b64encode(data).decode() != value:
        raise ValueError("base64 in its canonical spelling was expected")
    return data


def utc(value: Json) -> datetime:
    """Return an aware UTC time from RFC 3339 with ``Z`` and at most microseconds."""
    if not isinstance(value, str) or not _UTC.match(value):
        raise ValueError("a UTC time ending in Z was expected")
    whole, _, fraction = value[:-1].partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=_ZONE)
    return moment.replace(microsecond=int(fraction.ljust(6, "0"))) if fraction else moment


def utc_text(moment: datetime) -> str:
    """Return an aware time as RFC 3339 UTC with ``Z``, microseconds only when there are any."""
    if moment.tzinfo is None:
        raise ValueError("an aware time was expected")
    written = moment.astimezone(_ZONE).replace(tzinfo=None)
    return written.isoformat(timespec="microseconds" if written.microsecond else "seconds") + "Z"
