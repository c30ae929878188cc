r"""The one byte form of a JSON value: RFC 8785 narrowed to what evidence needs.

Values: null, true, false, integers with \|n\| < 2^53, strings, lists, objects with string keys.
Everything else is refused: floats, other number types, tuples, subclasses of str (a value must
not change because a framework wrapped it), containers nested more than 32 deep.

Bytes: UTF-8, no white space, object members sorted by the UTF-16 code units of their keys
(RFC 8785 section 3.2.3); in strings only ``"`` ``\`` and U+0000–U+001F are escaped, as ``\"``
``\\`` ``\b`` ``\t`` ``\n`` ``\f`` ``\r`` or ``\u00xx`` with lower-case hex. No Unicode normalisation.

Text that is not valid Unicode (a lone surrogate) is written as ``{"wtf8": "<hex>"}``, the hex of its
UTF-8 with each surrogate encoded on its own. An object whose only key is ``wtf8`` is therefore
refused as an input value. Keys must be valid Unicode.

Worked example: ``{"b": 1, "a": ["é", None], "c": "\ud800"}`` becomes the bytes of
``{"a":["é",null],"b":1,"c":{"wtf8":"eda080"}}``.

Broken examples, each refused by ``loads``: ``{"b":1,"a":2}`` (order), ``{"a": 1}`` (space),
``{"a":1,"a":1}`` (twice), ``1.0`` (float), ``"\u00e9"`` (needless escape), ``-0``, ``{"wtf8":"61"}``
(valid Unicode has no business there), anything after the value.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring
from typing import Any, cast

from ..values import Json
from .hashes import wtf8

MAX_DEPTH = 32
MAX_INTEGER = 2**53 - 1


def dumps(value: Json) -> bytes:
    """Return the canonical bytes of ``value``.

    Raises ValueError for a value outside the restricted model.
    """
    if value is None:
        return b"null"
    try:
        return _write(value, 0).encode()
    except UnicodeEncodeError:
        return _write(_wrap_surrogates(value), 0, wrapped=True).encode()


def loads(data: bytes) -> Json:
    """Return the value whose canonical bytes are exactly ``data``.

    Raises ValueError for anything else; never another exception, whatever the bytes.
    """
    value = parse(data)
    if dumps(value) != data:
        raise ValueError("these bytes are JSON, but not in canonical form")
    return value


def parse(data: bytes) -> Json:
    """Return the JSON value of ``data``: duplicates, floats and odd ``wtf8`` objects refused.

    The spelling is **not** checked; ``loads`` does that, or a caller that writes the bytes again.
    """
    try:
        return cast(Json, _DECODER.decode(data.decode()))
    except (RecursionError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError("these bytes are not JSON") from error


def _write(value: Json, depth: int, wrapped: bool = False) -> str:
    # Exact types: True is no integer here, and a str subclass is not ours to judge.
    if type(value) is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    if type(value) is int:
        if -MAX_INTEGER <= value <= MAX_INTEGER:
            return str(value)
        raise ValueError("integer beyond 2**53")
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is list:
        return _write_list(value, depth + 1, wrapped)
    if type(value) is dict:
        return _write_dict(value, depth + 1, wrapped)
    raise ValueError(f"{type(value).__name__} has no canonical form")


def _write_list(value: list[Json], depth: int, wrapped: bool) -> str:
    if not value:
        return "[]"
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    return "[" + ",".join([_write(item, depth, wrapped) for item in value]) + "]"


def _write_dict(value: dict[str, Json], depth: int, wrapped: bool) -> str:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if len(value) == 1 and "wtf8" in value and not wrapped:
        raise ValueError("an object with the single key wtf8 is ambiguous")
    members = [
        encode_basestring(key) + ":" + _write(value[key], depth, wrapped)
        for key in _sorted_keys(value)
    ]
    return "{" + ",".join(members) + "}"


def _sorted_keys(value: dict[str, Json]) -> list[str]:
    plain = True
    for key in value:
        if type(key) is not str:
            raise ValueError("an object key is not a string")
        plain = plain and key.isascii()
    if plain:
        return sorted(value)
    try:
        return sorted(value, key=lambda key: key.encode("utf-16-be"))
    except UnicodeEncodeError:
        raise ValueError("an object key is not valid Unicode") from None


def _wrap_surrogates(value: Json) -> Json:
    """Return a copy in which every string that is not valid Unicode is a ``wtf8`` object.

    ``value`` has been through ``_write`` once, so its shape and depth are known to be good.
    """
    if isinstance(value, str):
        return value if _is_unicode(value) else {"wtf8": wtf8(value).hex()}
    if isinstance(value, list):
        return [_wrap_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {key: _wrap_surrogates(item) for key, item in value.items()}
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object names a key twice")
    if len(pairs) == 1 and pairs[0][0] == "wtf8":
        return _unwrap(pairs[0][1])
    return found


def _unwrap(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("wtf8 holds no hex")
    text = bytes.fromhex(value).decode("utf-8", "surrogatepass")
    if _is_unicode(text):
        raise ValueError("wtf8 holds text that is valid Unicode")
    return text


def _integer(digits: str) -> int:
    if len(digits) > 17:
        raise ValueError("integer beyond 2**53")
    return int(digits)


def _refuse_number(digits: str) -> Any:
    raise ValueError(f"{digits[:20]} is not an integer")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_refuse_number,
    parse_constant=_refuse_number,
)
