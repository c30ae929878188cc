"""A reference sender of push batches: one module beside ``client``, with jwcrypto for the signature.

    client = Client("https://evidence.example", client_id="…", client_secret="…")
    sender = Sender(client, stream="…", key=private_jwk, kid="2026-1")
    sender.run(Outbox(Path("messages.ndjson")))

It keeps no state of its own. Where to go on is asked of the service, and every batch names the one
before by hash; so it may be killed at any moment, or hear no answer, and be started again: each
message arrives once. While nobody answers, or the service says to wait, it asks again, later and
later, for ``--patience`` seconds (an hour). Exit status: 0 everything is there, 75 try again later,
1 refused, and why on standard error. ``PUSH.md`` explains the protocol.

    python -m evidence.push_sender --address https://… --stream … --key private.jwk messages.ndjson
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from jwcrypto import jwk, jws

from evidence.client import ApiError, Client, NotReached

BATCH = 2_000
PATIENCE = 3_600.0
"""Seconds for which it goes on while nobody answers."""
REFUSED = 1
"""Exit status after an answer that asking again does not mend."""
_ALGORITHMS = {"OKP": "EdDSA", "EC": "ES256"}
_CATCH_UP = ("batch_conflicts", "batch_chain_broken", "batch_overlaps", "batch_out_of_order")
"""Codes that say: somebody else of us was here; ask where the stream stands."""


@dataclass(frozen=True)
class Item:
    """One message as canonical JSON and its position in the provider's counter."""

    position: int
    line: bytes


class Source(Protocol):
    """Where the messages come from."""

    def after(self, position: int, limit: int) -> Sequence[Item]:
        """Return the next messages after ``position``, at most ``limit``, ascending."""


class Outbox:
    """A file of messages, one per line; a message's position is its line number, from 1."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._line = 0

    def after(self, position: int, limit: int) -> Sequence[Item]:
        """Return up to ``limit`` lines after line ``position``; a last line without end waits."""
        if position < self._line:
            self._file.seek(0)
            self._line = 0
        found: list[Item] = []
        while len(found) < limit:
            place = self._file.tell()
            line = self._file.readline()
            if not line.endswith(b"\n"):
                self._file.seek(place)
                break
            self._line += 1
            if self._line > position:
                found.append(Item(self._line, line[:-1]))
        return found


class Sender:
    """Pushes the messages of one stream.

    key: the private JWK (Ed25519 or P-256) whose public part the stream knows as ``kid``.
    """

    def __init__(
        self,
        client: Client,
        stream: str,
        key: Mapping[str, str],
        kid: str = "",
        *,
        batch: int = BATCH,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client, self._stream, self._batch, self._now = client, stream, batch, now
        self._key = jwk.JWK(**key)
        self._kid = kid or str(self._key.thumbprint())
        self._algorithm = _ALGORITHMS[key["kty"]]
        self._state: dict[str, Any] = {}

    def run(self, source: Source) -> int:
        """Push everything ``source`` has after what the service holds; return how many messages.

        Raises ApiError for a refusal that asking again does not mend.
        """
        sent = refused = 0
        self.catch_up()
        while items := source.after(self._state["expected"]["cursor"], self._batch):
            try:
                self.send([item.line for item in items], upto=items[-1].position)
            except ApiError as error:
                refused += 1
                if error.code not in _CATCH_UP or refused > 10:
                    raise
                self.catch_up()
                continue
            sent, refused = sent + len(items), 0
        return sent

    def catch_up(self) -> dict[str, Any]:
        """Ask where the stream stands, and return it."""
        self._state = self._client.push_stream(self._stream)
        return self._state

    def send(
        self,
        lines: Sequence[bytes],
        *,
        upto: int,
        after: int | None = None,
        gap: str | None = None,
        fills: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Push one batch of canonical messages and return the answer.

        upto: the provider's position after it. after: the position before it, where the stream
        stands by default. gap: why what lies between the stream's position and ``after`` cannot be
        delivered. fills: the gap (its from and to) this batch delivers into.
        """
        expected = (self._state or self.catch_up())["expected"]
        start = expected["cursor"] if after is None else after
        missing = {"from": expected["cursor"], "to": start, "reason": gap} if gap else None
        body = b"".join(line + b"\n" for line in lines)
        envelope = canonical({
            "format": "truethread/push-batch/v1",
            "stream": self._stream,
            "provider": self._state["provider"],
            "account": self._state["account"],
            "conversation": self._state["provider_conversation"],
            "number": expected["number"],
            "previous": expected["previous"],
            "cursor": {"from": start, "to": upto},
            "count": len(lines),
            "messages": sha256(body).hexdigest(),
            "time": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "gap": missing,
            "fills": None if fills is None else {"from": fills["from"], "to": fills["to"]},
        })  # fmt: skip
        data = b"\n".join((envelope, self.signature(envelope), body))
        answer = self._client.push_batch(self._stream, data)
        self._state["expected"] = {
            "number": expected["number"] + 1,
            "previous": sha256(b"truethread/push-batch/v1\0" + envelope).hexdigest(),
            "cursor": expected["cursor"] if fills is not None else upto,
        }
        return answer

    def signature(self, envelope: bytes) -> bytes:
        """Return the detached JWS over ``envelope`` (RFC 7515 appendix F, RFC 7797)."""
        header = {"alg": self._algorithm, "b64": False, "crit": ["b64"], "kid": self._kid}
        token = jws.JWS(envelope)
        token.add_signature(self._key, None, json.dumps(header), None)
        token.detach_payload()
        return str(token.serialize(compact=True)).encode()


def canonical(value: Any) -> bytes:
    """Return ``value`` as the format wants it: sorted keys, no spaces, UTF-8 (RFC 8785).

    Keys must be ASCII, as all keys of the format are.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Push a file of messages; credentials stand in TRUETHREAD_CLIENT_ID and _SECRET, or _TOKEN."""
    parser = argparse.ArgumentParser(description="Push a file of messages into a stream.")
    parser.add_argument("--address", required=True)
    parser.add_argument("--stream", required=True)
    parser.add_argument("--key", required=True, type=Path, help="private JWK")
    parser.add_argument("--kid", default="")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds to go on while nobody answers"
    )
    parser.add_argument("messages", type=Path, help="one canonical message per line")
    given = parser.parse_args(arguments)
    key = json.loads(given.key.read_bytes())
    try:
        client = Client(
            given.address,
            token=os.environ.get("TRUETHREAD_TOKEN"),
            client_id=os.environ.get("TRUETHREAD_CLIENT_ID", ""),
            client_secret=os.environ.get("TRUETHREAD_CLIENT_SECRET", ""),
            patience=given.patience,
        )
        sender = Sender(client, given.stream, key, given.kid, batch=given.batch)
        sent = sender.run(Outbox(given.messages))
    except NotReached as error:
        _tell(error)
        return os.EX_TEMPFAIL
    except ApiError as error:
        _tell(error)
        return os.EX_TEMPFAIL if error.is_passing else REFUSED
    sys.stdout.write(f"{sent}\n")
    return 0


def _tell(error: Exception) -> None:
    """Say why on one line; what somebody else answered does nothing to a terminal."""
    shown = "".join(one if one.isprintable() else " " for one in str(error))
    sys.stderr.write(f"{shown}\n")


if __name__ == "__main__":
    sys.exit(main())
