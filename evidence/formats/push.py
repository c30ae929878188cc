"""A batch that a chat cloud pushes into a stream: envelope, signature, messages. Version 1.

A batch is UTF-8 text, every line ended by one line feed:
    line 1    the envelope
    line 2    the provider's signature over line 1
    line 3…   the messages, one per line, ``count`` of them

**Envelope**: canonical JSON (``canonical``), all keys present:
    {"account":text,"conversation":text,"count":int,"cursor":{"from":int,"to":int},
     "fills":null|{"from":int,"to":int},"format":"truethread/push-batch/v1",
     "gap":null|{"from":int,"reason":text,"to":int},"messages":hex,"number":int from 1,
     "previous":hex|null,"provider":text,"stream":id,"time":"…Z"}
stream: the id the stream was registered under; a batch for one stream is nothing to another.
number: counts the batches of the stream without a gap. previous: hash of batch number - 1, null for 1.
cursor: a position counted by the provider, which only grows. The messages of the batch are all it
knows after position ``from`` up to position ``to``; to - from is at least count.
gap: positions the provider can no longer deliver. ``from`` is where the stream stood, ``to`` is
cursor.from; a batch may consist of nothing else (count 0).
fills: a gap declared earlier, word for word, into which this batch delivers after all; its cursor lies
inside, and the stream's own position does not move. gap is null then.
messages: SHA-256 of the bytes from line 3 to the end, line feeds included. time: when it was made.

batch hash = SHA-256("truethread/push-batch/v1" + 0x00 + line 1 without its line feed)
By ``previous`` the hash of one batch stands for all batches before it.

**Signature**: a detached JWS in compact form, ``BASE64URL(header) + ".." + BASE64URL(signature)``
(RFC 7515 appendix F), over the unencoded payload (RFC 7797), which is line 1 without its line feed:
    signing input = ASCII(BASE64URL(header)) + "." + line 1
    header        = a JSON object with exactly "alg" ("EdDSA" with Ed25519, or "ES256"), "b64" false,
                    "crit" ["b64"], and "kid": the id of a key registered for the stream
The signature is no part of the batch hash: the same batch signed again is the same batch.

**Message**: canonical JSON. Always: ``kind`` (``values.MESSAGE_KINDS`` without ``unparsed``),
``platform_id`` (text, the provider's own id), ``time_raw`` (RFC 3339 with seconds, at most
milliseconds and an offset). Otherwise absent where the provider has nothing:
    sender {"id":text,"name":text}            direction "in"|"out"
    body text                                  reply_to {"platform_id":text,"quote":text|null}
    forward {"from":text|null,"time_raw":text|null}
    edits [{"previous":text|null,"time_raw":text,"utc":text|null}, …]
    deletion {"by":text|null,"time_raw":text|null}
    reactions [{"count":int|null,"emoji":text,"senders":[text, …]}, …]
    receipts [{"action":"delivered"|"read","participant":text,"time_raw":text|null}, …]
    attachments [{"kind":text,"media_type":text|null,"name":text,"sha256":hex|null,"size":int|null}, …]
    system {"template":text,"values":{text: text}}, template not beginning with ``push_``
    details {text: text}
    edit_of, recall_of: platform_id of an earlier message
A stored message is never changed. An edit is a further message with ``edit_of`` and the new body; a
recall is a further message of kind ``recalled`` with ``recall_of``. An attachment with sha256 and
size is one whose bytes were handed over before the batch; without both it is only described.

Worked example: ``tests/vectors/push/v1.json``: key, batch, hash, and the rows it becomes.
Broken examples: a last line without line feed; count 2 over one line; gap.to other than cursor.from;
number 1 with a previous; a header without ``crit``; ``sequence`` in a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..values import MESSAGE_KINDS, Json
from . import canonical, shape
from .hashes import SHA256, sha256

FORMAT = "truethread/push-batch/v1"
MAX_MESSAGES = 5_000
MAX_BYTES = 16_000_000
ALGORITHMS = ("EdDSA", "ES256")
OURS = "push_"
"""How the templates of rows begin that the service writes itself; no provider may."""
_KEYS = (
    "account", "conversation", "count", "cursor", "fills", "format", "gap", "messages", "number",
    "previous", "provider", "stream", "time",
)  # fmt: skip
_NEEDED = ("kind", "platform_id", "time_raw")
_MAYBE = (
    "sender", "direction", "body", "reply_to", "forward", "edits", "deletion", "reactions",
    "receipts", "attachments", "system", "details", "edit_of", "recall_of",
)  # fmt: skip
_ALLOWED = frozenset(_NEEDED + _MAYBE)
_KINDS = frozenset(MESSAGE_KINDS) - {"unparsed"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)


@dataclass(frozen=True)
class Positions:
    """Positions of the provider's counter: after ``first``, up to ``last``."""

    first: int
    last: int

    def value(self) -> dict[str, Json]:
        return {"from": self.first, "to": self.last}


@dataclass(frozen=True)
class Gap(Positions):
    """Positions the provider cannot deliver, and why."""

    reason: str

    def value(self) -> dict[str, Json]:
        return {"from": self.first, "to": self.last, "reason": self.reason}


@dataclass(frozen=True)
class Envelope:
    """What a batch says about itself; see the module for each field."""

    stream: str
    provider: str
    account: str
    conversation: str
    number: int
    previous: bytes | None
    cursor: Positions
    count: int
    messages: bytes
    time: str
    gap: Gap | None = None
    fills: Positions | None = None

    def value(self) -> dict[str, Json]:
        """Return the JSON object; ``read_envelope`` of its bytes gives this envelope back."""
        return {
            "format": FORMAT,
            "stream": self.stream,
            "provider": self.provider,
            "account": self.account,
            "conversation": self.conversation,
            "number": self.number,
            "previous": None if self.previous is None else self.previous.hex(),
            "cursor": self.cursor.value(),
            "count": self.count,
            "messages": self.messages.hex(),
            "time": self.time,
            "gap": None if self.gap is None else self.gap.value(),
            "fills": None if self.fills is None else self.fills.value(),
        }

    def line(self) -> bytes:
        """Return line 1 without its line feed: what is signed and hashed."""
        return canonical.dumps(self.value())


@dataclass(frozen=True)
class Batch:
    """A batch taken apart; the signature is **not** checked here, the messages are not yet read.

    line: line 1 without its line feed. lines: the bytes from line 3 to the end. start: their offset
    in the batch.
    """

    envelope: Envelope
    line: bytes
    signature: str
    lines: bytes
    start: int

    @property
    def hash(self) -> bytes:
        """Return the 32-byte batch hash."""
        return batch_hash(self.line)


def batch_hash(line: bytes) -> bytes:
    """Return the hash of the batch whose envelope is ``line``, without its line feed."""
    return sha256(SHA256.tag("push-batch") + line)


def read_batch(data: bytes) -> Batch:
    """Return the batch in ``data``; ValueError for anything that is not one, however it is signed."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"a batch has at most {MAX_BYTES} bytes")
    if not data.endswith(b"\n"):
        raise ValueError("the last line does not end")
    line, _, rest = data.partition(b"\n")
    signature, closed, lines = rest.partition(b"\n")
    if not closed:
        raise ValueError("a batch has an envelope and a signature")
    envelope = read_envelope(line)
    if sha256(lines) != envelope.messages:
        raise ValueError("the messages are not those the envelope names")
    if lines.count(b"\n") != envelope.count:
        raise ValueError("the envelope counts other lines than there are")
    return Batch(
        envelope=envelope,
        line=line,
        signature=_ascii(signature),
        lines=lines,
        start=len(line) + len(signature) + 2,
    )


def write_batch(envelope: Envelope, signature: str, lines: bytes) -> bytes:
    """Return the bytes of a batch; ``lines`` are its messages, each with its line feed."""
    return b"\n".join((envelope.line(), signature.encode("ascii"), lines))


def read_envelope(line: bytes) -> Envelope:
    """Return the envelope whose canonical bytes are ``line``; ValueError for anything else."""
    found = shape.mapping(canonical.loads(line), _KEYS)
    if found["format"] != FORMAT:
        raise ValueError("not a push batch of version 1")
    shape.utc(found["time"])
    envelope = Envelope(
        stream=shape.opaque(found["stream"]),
        provider=shape.text(found["provider"]),
        account=shape.text(found["account"]),
        conversation=shape.text(found["conversation"]),
        number=shape.integer(found["number"], 1),
        previous=None if found["previous"] is None else shape.unhex(found["previous"]),
        cursor=_positions(found["cursor"]),
        count=shape.integer(found["count"]),
        messages=shape.unhex(found["messages"]),
        time=shape.text(found["time"]),
        gap=None if found["gap"] is None else _gap(found["gap"]),
        fills=None if found["fills"] is None else _positions(found["fills"], 1),
    )
    _check(envelope)
    return envelope


def _check(envelope: Envelope) -> None:
    cursor, gap, fills = envelope.cursor, envelope.gap, envelope.fills
    if (envelope.number == 1) is not (envelope.previous is None):
        raise ValueError("the first batch, and only it, has no previous one")
    if envelope.count > MAX_MESSAGES:
        raise ValueError(f"a batch has at most {MAX_MESSAGES} messages")
    if cursor.last - cursor.first < envelope.count:
        raise ValueError("the cursor moves by less than the messages counted")
    if not envelope.count and gap is None:
        raise ValueError("a batch without messages declares a gap")
    if gap is not None and gap.last != cursor.first:
        raise ValueError("a gap ends where the messages begin")
    if fills is not None and gap is not None:
        raise ValueError("a batch that fills a gap declares none")
    if fills is not None and not fills.first <= cursor.first <= cursor.last <= fills.last:
        raise ValueError("the cursor lies outside the gap that is filled")


def messages(batch: Batch) -> Iterator[tuple[int, bytes, dict[str, Json]]]:
    """Yield (offset in the batch, line without its line feed, message) for every message.

    Raises ValueError naming the line of the first that is not as the module says.
    """
    offset = batch.start
    for number, line in enumerate(batch.lines[:-1].split(b"\n") if batch.lines else (), start=3):
        try:
            yield offset, line, read_message(line)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        offset += len(line) + 1


def read_message(line: bytes) -> dict[str, Json]:
    """Return the message whose canonical bytes are ``line``; ValueError for anything else."""
    found = canonical.loads(line)
    if not isinstance(found, dict):
        raise ValueError("an object was expected")
    kind, time = found.get("kind"), found.get("time_raw")
    if not (isinstance(kind, str) and kind in _KINDS):
        raise ValueError("kind is not in the closed list")
    if not (isinstance(time, str) and _TIME.match(time)):
        raise ValueError("time_raw is RFC 3339 with seconds and an offset")
    _name(found.get("platform_id"), "platform_id")
    for key, value in found.items():
        if key not in _ALLOWED:
            raise ValueError(f"unknown: {key[:100]}")
        if key in _READERS and value is not None:
            _READERS[key](value)
    if kind == "recalled" and not isinstance(found.get("recall_of"), str):
        raise ValueError("a recall names the message it recalls")
    return found


def _positions(value: Json, least: int = 0) -> Positions:
    found = shape.mapping(value, ("from", "to"))
    first = shape.integer(found["from"])
    return Positions(first, shape.integer(found["to"], first + least))


def _gap(value: Json) -> Gap:
    found = shape.mapping(value, ("from", "reason", "to"))
    first = shape.integer(found["from"])
    reason = _name(found["reason"], "reason")
    return Gap(first, shape.integer(found["to"], first + 1), reason)


def _name(value: Json, what: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 500:
        raise ValueError(f"{what} has 1 to 500 characters")
    return value


def _ascii(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise ValueError("a signature is ASCII") from error


def _body(value: Json) -> None:
    # What is not valid Unicode stands as {"wtf8": hex} and has been read back into a string.
    shape.text(value)


def _sender(value: Json) -> None:
    found = shape.mapping(value, ("id", "name"))
    _name(found["id"], "sender.id")
    shape.text(found["name"])


def _direction(value: Json) -> None:
    if value not in ("in", "out"):
        raise ValueError("direction is in or out")


def _reply(value: Json) -> None:
    found = shape.mapping(value, ("platform_id", "quote"))
    shape.text(found["platform_id"])
    shape.optional_text(found["quote"])


def _forward(value: Json) -> None:
    found = shape.mapping(value, ("from", "time_raw"))
    shape.optional_text(found["from"])
    shape.optional_text(found["time_raw"])


def _edits(value: Json) -> None:
    for item in shape.array(value):
        found = shape.mapping(item, ("previous", "time_raw", "utc"))
        shape.optional_text(found["previous"])
        shape.text(found["time_raw"])
        if found["utc"] is not None:
            shape.utc(found["utc"])


def _deletion(value: Json) -> None:
    found = shape.mapping(value, ("by", "time_raw"))
    shape.optional_text(found["by"])
    shape.optional_text(found["time_raw"])


def _reactions(value: Json) -> None:
    for item in shape.array(value):
        found = shape.mapping(item, ("count", "emoji", "senders"))
        shape.text(found["emoji"])
        if found["count"] is not None:
            shape.integer(found["count"])
        for sender in shape.array(found["senders"]):
            shape.text(sender)


def _receipts(value: Json) -> None:
    for item in shape.array(value):
        found = shape.mapping(item, ("action", "participant", "time_raw"))
        if found["action"] not in ("delivered", "read"):
            raise ValueError("a receipt says delivered or read")
        shape.text(found["participant"])
        shape.optional_text(found["time_raw"])


def _attachments(value: Json) -> None:
    for item in shape.array(value):
        found = shape.mapping(item, ("kind", "media_type", "name", "sha256", "size"))
        _name(found["kind"], "attachment.kind")
        shape.text(found["name"])
        shape.optional_text(found["media_type"])
        if (found["sha256"] is None) is not (found["size"] is None):
            raise ValueError("an attachment has both sha256 and size, or neither")
        if found["sha256"] is not None:
            shape.unhex(found["sha256"])
            shape.integer(found["size"])


def _system(value: Json) -> None:
    found = shape.mapping(value, ("template", "values"))
    if _name(found["template"], "system.template").startswith(OURS):
        raise ValueError("templates that begin with push_ are the service's own")
    _texts(found["values"])


def _texts(value: Json) -> None:
    for text in shape.any_mapping(value).values():
        shape.text(text)


def _reference(value: Json) -> None:
    _name(value, "edit_of or recall_of")


_READERS = {
    "sender": _sender, "direction": _direction, "body": _body, "reply_to": _reply,
    "forward": _forward, "edits": _edits, "deletion": _deletion, "reactions": _reactions,
    "receipts": _receipts, "attachments": _attachments, "system": _system, "details": _texts,
    "edit_of": _reference, "recall_of": _reference,
}  # fmt: skip
