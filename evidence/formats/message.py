r"""One message: salted commitments, its leaf, and its line in ``data/messages.jsonl``. Version 1.

**Fields**, a closed list, in this order; absent is committed as null or an empty list:
sequence kind platform_id time_raw time sender direction body reply_to forward edits deletion
reactions receipts attachments system details source source_text warnings.

**Salts.** Each message has its own uniform 32-byte seed.
    salt(field) = HKDF-Expand(SHA-256, PRK = seed, info = "truethread/salt/v1\0" + field, L = 32)
                = HMAC-SHA-256(seed, "truethread/salt/v1\0" + field + 0x01)
(RFC 5869 section 3.3: a uniform key needs no extract step.)

**Commitments**, 32 bytes each, ``+`` is concatenation, names are ASCII:
    commitment(field) = SHA-256("truethread/field/v1\0" + field + "\0" + salt(field) + canonical(value))
except a body that is not null. Its text is cut into segments: maximal runs of ASCII letters, maximal
runs of ASCII digits, otherwise one code point. Then
    stream     = SHAKE-256("truethread/segments/v1\0" + salt(body)); block i = bytes 32 i … 32 i + 31
    segment(i) = SHA-256("truethread/segment/v1\0" + block i + wtf8(text of segment i)), i from 1
    commitment(body) = SHA-256("truethread/body/v1\0" + block 0 + count as 8 bytes big endian
                               + segment(1) + … + segment(count))
An empty body has 0 segments.

**Leaf.** leaf data = "truethread/leaf/v1\0" + the 20 commitments in field order;
leaf hash = SHA-256(0x00 + leaf data).

**SM3 twin.** Same salts and stream; SM3 in place of SHA-256 in the commitments, leaf hash and tree;
tags end in ``-sm3/v1``.

**Line** of ``data/messages.jsonl``: one canonical JSON object and "\n". Shown whole:
    {"fields":{all 20},"seed":hex,"series":id}
Shown in part:
    {"commitments":{undisclosed field: hex},"fields":{disclosed fields},"salts":{disclosed field: hex},
     "series":id,"withheld":{"fields":[…],"reason":text}}
``sequence`` is always disclosed. A body shown in part stands in ``fields`` as
    {"list_salt":hex,"segments":[{"salt":hex,"text":text} or {"commitment":hex}, …]}
and has no salt. With SM3 there are also ``sm3_commitments`` beside ``commitments`` and
``sm3_commitment`` beside each withheld segment's ``commitment``.
``withheld.fields`` is derived: the undisclosed fields in field order, ``body:3-5,9`` for withheld
segments, or ``["*"]`` when nothing but the sequence is shown. The manifest repeats it.

Worked example: ``tests/vectors/message/v1.json`` holds seeds, values, every commitment and the leaf.
Broken examples, all refused: a line naming a field in both ``fields`` and ``commitments`` or in
neither; two neighbouring segments ``ab`` ``cd`` (one run); a seed in upper-case hex; a space.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256, shake_256
from operator import attrgetter
from typing import cast

from ..values import Json, Message, Ranges
from . import canonical, ranges, shape
from .hashes import SHA256, SM3, Algorithm, wtf8

FIELDS = (
    "sequence", "kind", "platform_id", "time_raw", "time", "sender", "direction", "body",
    "reply_to", "forward", "edits", "deletion", "reactions", "receipts", "attachments", "system",
    "details", "source", "source_text", "warnings",
)  # fmt: skip
BODY = FIELDS.index("body")
WHOLE = "*"
SEED_BYTES = 32
NOTHING = Ranges()

_FIELD_SET = frozenset(FIELDS)
_SALT_INFOS = tuple(b"truethread/salt/v1\0" + name.encode() + b"\x01" for name in FIELDS)
_INDEX = {name: index for index, name in enumerate(FIELDS)}
_JSON_ORDER = tuple(sorted(range(len(FIELDS)), key=FIELDS.__getitem__))
_JSON_KEYS = tuple(f'"{name}":'.encode() for name in FIELDS)
_SEGMENT = re.compile(r"[A-Za-z]+|[0-9]+|.", re.DOTALL)
_XOR_36 = bytes(byte ^ 0x36 for byte in range(256))
_XOR_5C = bytes(byte ^ 0x5C for byte in range(256))
_attributes = attrgetter(*FIELDS)


@dataclass(frozen=True)
class _Tags:
    """The domain tags of one algorithm, built once."""

    fields: tuple[bytes, ...]
    segment: bytes
    body: bytes
    leaf: bytes


def _tags(algorithm: Algorithm) -> _Tags:
    field = algorithm.tag("field")
    return _Tags(
        fields=tuple(field + name.encode() + b"\0" for name in FIELDS),
        segment=algorithm.tag("segment"),
        body=algorithm.tag("body"),
        leaf=b"\0" + algorithm.tag("leaf"),
    )


_TAGS = {SHA256.name: _tags(SHA256), SM3.name: _tags(SM3)}


# --- committing ---------------------------------------------------------------------------------


def field_values(message: Message) -> tuple[Json, ...]:
    """Return the values of ``message`` in the order of ``FIELDS``."""
    return cast("tuple[Json, ...]", _attributes(message))


def encode_values(values: Sequence[Json]) -> list[bytes]:
    """Return the canonical bytes of each value.

    Raises ValueError for a value without a canonical form, a body that is no text, or a wrong number.
    """
    if len(values) != len(FIELDS):
        raise ValueError(f"{len(FIELDS)} values were expected")
    if not (values[BODY] is None or isinstance(values[BODY], str)):
        raise ValueError("a body is text or null")
    return [
        b"null" if value is None else b"[]" if value == [] else canonical.dumps(value)
        for value in values
    ]


def salt_of(seed: bytes, field: str) -> bytes:
    """Return the 32-byte salt of one field."""
    return _salts(seed, (_INDEX[field],))[0]


def salts_of(seed: bytes) -> list[bytes]:
    """Return the 32-byte salts of all fields, in the order of ``FIELDS``.

    seed: 32 uniform bytes, never used for another message.
    """
    return _salts(seed, range(len(FIELDS)))


def _salts(seed: bytes, indices: Collection[int]) -> list[bytes]:
    # HMAC written out (RFC 2104): twice as fast as hmac.digest, of which every message needs 20.
    if len(seed) != SEED_BYTES:
        raise ValueError("a seed has 32 bytes")
    inner = seed.translate(_XOR_36) + b"\x36" * 32
    outer = seed.translate(_XOR_5C) + b"\x5c" * 32
    return [
        sha256(outer + sha256(inner + _SALT_INFOS[index]).digest()).digest() for index in indices
    ]


def segments(body: str) -> list[str]:
    """Return the segments of ``body``; joined they are the body again."""
    return _SEGMENT.findall(body)


def segment_salts(body_salt: bytes, count: int) -> list[bytes]:
    """Return ``count`` + 1 blocks of 32 bytes: the list salt, then one salt per segment."""
    stream = shake_256(b"truethread/segments/v1\0" + body_salt).digest(32 * (count + 1))
    return [stream[at : at + 32] for at in range(0, len(stream), 32)]


def commit(
    encoded: Sequence[bytes],
    body: str | None,
    salts: Sequence[bytes],
    algorithm: Algorithm = SHA256,
) -> list[bytes]:
    """Return the 20 commitments.

    encoded: canonical bytes of the values, in the order of ``FIELDS``; body: its text once more.
    """
    new = algorithm.new
    found = [
        new(tag + salt + value).digest()
        for tag, salt, value in zip(_TAGS[algorithm.name].fields, salts, encoded, strict=True)
    ]
    if body is not None:
        found[BODY] = _commit_body(body, salts[BODY], algorithm)
    return found


def _commit_body(body: str, salt: bytes, algorithm: Algorithm) -> bytes:
    new, tags = algorithm.new, _TAGS[algorithm.name]
    tag, parts = tags.segment, _SEGMENT.findall(body)
    count = len(parts)
    stream = shake_256(b"truethread/segments/v1\0" + salt).digest(32 * (count + 1))
    found = [
        new(tag + stream[at : at + 32] + part.encode("utf-8", "surrogatepass")).digest()
        for at, part in zip(range(32, 32 * count + 32, 32), parts, strict=True)
    ]
    return new(tags.body + stream[:32] + count.to_bytes(8, "big") + b"".join(found)).digest()


def leaf_hash(commitments: Sequence[bytes], algorithm: Algorithm = SHA256) -> bytes:
    """Return the 32-byte leaf hash over 20 commitments."""
    return algorithm.digest(_TAGS[algorithm.name].leaf + b"".join(commitments))


def leaf_data(commitments: Sequence[bytes], algorithm: Algorithm = SHA256) -> bytes:
    """Return the bytes a leaf stands for, without the 0x00 of the tree."""
    return _TAGS[algorithm.name].leaf[1:] + b"".join(commitments)


# --- withholding --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Withheld:
    """What of one message is not shown, and why.

    fields: names out of ``FIELDS``, never ``sequence``; segments: 1-based numbers of body segments,
    empty when the body is in ``fields`` or shown whole.
    """

    fields: frozenset[str]
    reason: str
    segments: Ranges = NOTHING

    @staticmethod
    def parse(items: Sequence[str], reason: str) -> Withheld:
        """Return what ``["*"]`` or ``["body:3-5", "source_text"]`` names; ValueError otherwise."""
        if list(items) == [WHOLE]:
            return Withheld(_FIELD_SET - {"sequence"}, reason)
        parts = NOTHING
        names = set[str]()
        for item in items:
            name, colon, numbers = item.partition(":")
            if name not in _FIELD_SET or name == "sequence" or (colon and name != "body"):
                raise ValueError(f"cannot be withheld: {item[:60]}")
            if colon:
                parts = ranges.parse(numbers)
            else:
                names.add(name)
        if parts.spans and "body" in names:
            raise ValueError("the body is withheld whole and in part")
        return Withheld(frozenset(names), reason, parts)

    def closed(self) -> Withheld:
        """Return this with everything that would give the withheld content away.

        The source slice repeats the message, its length tells the length of what is missing, and
        earlier versions repeat the body.
        """
        if not self.fields and not self.segments.spans:
            return self
        names = set(self.fields) | {"source", "source_text"}
        if "body" in names or self.segments.spans:
            names.add("edits")
        return Withheld(frozenset(names), self.reason, self.segments)

    def items(self) -> tuple[str, ...]:
        """Return the one way lines and manifests write this."""
        if len(self.fields) == len(FIELDS) - 1:
            return (WHOLE,)
        partly = f"body:{self.segments}" if self.segments.spans else ""
        return tuple(
            partly if name == "body" and partly else name
            for name in FIELDS
            if name in self.fields or (name == "body" and partly)
        )


def whole_line(series: str, values: Sequence[Json], seed: bytes) -> bytes:
    """Return the line that shows a message whole, without its line end."""
    return _whole(series.encode(), encode_values(values), seed.hex().encode())


def object_bytes(encoded: Sequence[bytes]) -> bytes:
    """Return the canonical JSON object of all fields; encoded: as ``encode_values`` gives them."""
    return b"{" + b",".join([_JSON_KEYS[i] + encoded[i] for i in _JSON_ORDER]) + b"}"


def whole_line_of(series: str, fields: bytes, seed: bytes) -> bytes:
    """Return what ``whole_line`` does, from the bytes of ``object_bytes``, which are not checked."""
    return _line(series.encode(), fields, seed.hex().encode())


def _whole(series: bytes, encoded: Sequence[bytes], seed: bytes) -> bytes:
    return _line(series, object_bytes(encoded), seed)


def _line(series: bytes, fields: bytes, seed: bytes) -> bytes:
    return b"".join([b'{"fields":', fields, b',"seed":"', seed, b'","series":"', series, b'"}'])


def partial_line(
    series: str, values: Sequence[Json], seed: bytes, withheld: Withheld, *, sm3: bool = False
) -> bytes:
    """Return the line that withholds part of a message, without its line end.

    withheld: used as it is; call ``closed`` first. sm3: whether the series has an SM3 tree.
    """
    line: dict[str, Json] = {
        "series": series,
        "withheld": {"fields": list(withheld.items()), "reason": withheld.reason},
    }
    encoded, salts = encode_values(values), salts_of(seed)
    body = cast("str | None", values[BODY])
    shown = {
        name: values[index] for index, name in enumerate(FIELDS) if name not in withheld.fields
    }
    salted: dict[str, Json] = {name: salts[_INDEX[name]].hex() for name in shown}
    if withheld.segments.spans:
        shown["body"] = _redacted_body(body, salts[BODY], withheld.segments, sm3)
        del salted["body"]
    line |= {"fields": shown, "salts": salted}
    for algorithm in (SHA256, SM3) if sm3 else (SHA256,):
        found = commit(encoded, body, salts, algorithm)
        prefix = "" if algorithm is SHA256 else "sm3_"
        line[f"{prefix}commitments"] = {
            name: found[_INDEX[name]].hex() for name in FIELDS if name in withheld.fields
        }
    return canonical.dumps(line)


def _redacted_body(body: str | None, salt: bytes, hidden: Ranges, sm3: bool) -> Json:
    parts = segments(body) if body is not None else []
    if not parts or hidden.spans[-1][1] > len(parts):
        raise ValueError("the body has no such segment")
    salts = segment_salts(salt, len(parts))
    gone = set(ranges.sequences(hidden))
    written: list[Json] = []
    for number, part in enumerate(parts, start=1):
        if number not in gone:
            written.append({"salt": salts[number].hex(), "text": part})
            continue
        item: dict[str, Json] = {"commitment": _segment(salts[number], part, SHA256).hex()}
        if sm3:
            item["sm3_commitment"] = _segment(salts[number], part, SM3).hex()
        written.append(item)
    return {"list_salt": salts[0].hex(), "segments": written}


def _segment(salt: bytes, part: str, algorithm: Algorithm) -> bytes:
    return algorithm.digest(_TAGS[algorithm.name].segment + salt + wtf8(part))


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of ``data/messages.jsonl``, opened: its leaf hash is re-derived, not read.

    fields: what is shown whole. body: the segments of a body shown in part, None for each withheld.
    withheld: as in the manifest, empty when the message is shown whole.
    """

    series: str
    sequence: int
    fields: Mapping[str, Json]
    leaf_hash: bytes
    sm3_leaf_hash: bytes | None = None
    withheld: tuple[str, ...] = ()
    reason: str = ""
    body: tuple[str | None, ...] | None = None


def read_line(data: bytes, *, sm3: bool = False) -> Line:
    """Return the line ``data`` (without its line end), opened.

    sm3: also derive the SM3 leaf hash. Raises ValueError for anything but the one right spelling.
    """
    value = canonical.parse(data)
    if not isinstance(value, dict):
        raise ValueError("a line holds an object")
    return _read_whole(data, value, sm3) if "seed" in value else _read_partial(data, value, sm3)


def _read_whole(data: bytes, value: dict[str, Json], sm3: bool) -> Line:
    value = shape.mapping(value, ("fields", "seed", "series"))
    series, seed = shape.opaque(value["series"]), shape.unhex(value["seed"])
    fields = shape.mapping(value["fields"], FIELDS)
    sequence = shape.integer(fields["sequence"], 1)
    encoded = encode_values([fields[name] for name in FIELDS])
    if _whole(series.encode(), encoded, seed.hex().encode()) != data:
        raise ValueError("the line is not in canonical form")
    body, salts = cast("str | None", fields["body"]), salts_of(seed)
    return Line(
        series=series,
        sequence=sequence,
        fields=fields,
        leaf_hash=leaf_hash(commit(encoded, body, salts)),
        sm3_leaf_hash=leaf_hash(commit(encoded, body, salts, SM3), SM3) if sm3 else None,
    )


def _read_partial(data: bytes, value: dict[str, Json], sm3: bool) -> Line:
    shape.mapping(
        value, ("commitments", "fields", "salts", "series", "withheld"), ("sm3_commitments",)
    )
    if canonical.dumps(value) != data:
        raise ValueError("the line is not in canonical form")
    fields = shape.mapping(value["fields"], ("sequence",), FIELDS)
    raw = fields.get("body")
    redacted = raw if isinstance(raw, dict) else None
    twin = "sm3_commitments" in value
    body = _read_body(redacted, twin) if redacted is not None else None
    found = _partial_commitments(value, fields, redacted, "commitments", SHA256)
    withheld = _stated_withheld(value["withheld"], fields, body)
    sm3_leaf = None
    if sm3:
        sm3_found = _partial_commitments(value, fields, redacted, "sm3_commitments", SM3)
        sm3_leaf = leaf_hash(sm3_found, SM3)
    return Line(
        series=shape.opaque(value["series"]),
        sequence=shape.integer(fields["sequence"], 1),
        fields={
            name: item for name, item in fields.items() if item is not redacted or item is None
        },
        leaf_hash=leaf_hash(found),
        sm3_leaf_hash=sm3_leaf,
        withheld=withheld.items(),
        reason=withheld.reason,
        body=body,
    )


def _partial_commitments(
    value: dict[str, Json],
    fields: dict[str, Json],
    redacted: dict[str, Json] | None,
    key: str,
    algorithm: Algorithm,
) -> list[bytes]:
    """Return the 20 commitments of a line shown in part: derived where shown, read elsewhere."""
    salted = [name for name in fields if redacted is None or name != "body"]
    salts = shape.mapping(value["salts"], salted)
    given = shape.mapping(value.get(key), [name for name in FIELDS if name not in fields])
    found = []
    for index, name in enumerate(FIELDS):
        if name in given:
            found.append(shape.unhex(given[name]))
        elif name == "body" and redacted is not None:
            found.append(_redacted_commitment(redacted, algorithm))
        else:
            found.append(_commit_field(index, fields[name], shape.unhex(salts[name]), algorithm))
    return found


def _commit_field(index: int, value: Json, salt: bytes, algorithm: Algorithm) -> bytes:
    if index == BODY and value is not None:
        return _commit_body(shape.text(value), salt, algorithm)
    return algorithm.digest(_TAGS[algorithm.name].fields[index] + salt + canonical.dumps(value))


def _read_body(redacted: dict[str, Json], twin: bool) -> tuple[str | None, ...]:
    """Return the shown segments of a body shown in part, None for each withheld one."""
    shape.mapping(redacted, ("list_salt", "segments"))
    hidden_keys = ("commitment", "sm3_commitment") if twin else ("commitment",)
    found: list[str | None] = []
    for item in shape.array(redacted["segments"]):
        if isinstance(item, dict) and "text" in item:
            part = shape.text(shape.mapping(item, ("salt", "text"))["text"])
            if segments(part) != [part] or (found and _would_join(found[-1], part)):
                raise ValueError("the body is not cut into its segments")
            found.append(part)
        else:
            shape.mapping(item, hidden_keys)
            found.append(None)
    if None not in found:
        raise ValueError("a body shown in part withholds no segment")
    return tuple(found)


def _would_join(before: str | None, part: str) -> bool:
    return before is not None and len(segments(before[-1] + part[0])) == 1


def _redacted_commitment(redacted: dict[str, Json], algorithm: Algorithm) -> bytes:
    key = "commitment" if algorithm is SHA256 else "sm3_commitment"
    parts = []
    for item in map(shape.any_mapping, shape.array(redacted["segments"])):
        if "text" in item:
            salt = shape.unhex(item["salt"])
            parts.append(_segment(salt, shape.text(item["text"]), algorithm))
        else:
            parts.append(shape.unhex(item.get(key)))
    list_salt = shape.unhex(redacted["list_salt"])
    head = _TAGS[algorithm.name].body + list_salt + len(parts).to_bytes(8, "big")
    return algorithm.digest(head + b"".join(parts))


def _stated_withheld(
    value: Json, fields: dict[str, Json], body: tuple[str | None, ...] | None
) -> Withheld:
    """Return what the line withholds, after checking that it says so itself."""
    stated = shape.mapping(value, ("fields", "reason"))
    hidden = ranges.of(number for number, part in enumerate(body or (), start=1) if part is None)
    names = frozenset(name for name in FIELDS if name not in fields)
    found = Withheld(names, shape.text(stated["reason"]), hidden)
    if not found.items() or list(found.items()) != stated["fields"]:
        raise ValueError("the line does not name what it withholds")
    return found
