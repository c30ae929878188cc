"""A chat cloud that pushes: its key, its messages, its batches, and a stream it is registered for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from evidence.formats import canonical, push
from evidence.sign import jws

PROVIDER_KEY = {
    "kty": "OKP", "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}  # fmt: skip
"""The key of RFC 8037 appendix A, which everybody knows: nobody may use it for anything real."""
OTHER_KEY = {
    "kty": "EC", "crv": "P-256",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}  # fmt: skip
"""The key of RFC 7515 appendix A.3."""
NAMES = {"provider": "chatcloud", "account": "u-ana", "conversation": "c-77"}
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def line(number: int, **more: Any) -> bytes:
    """Return message ``number`` of the conversation, canonical."""
    who = ("u-ana", "Ana") if number % 2 else ("u-li", "李雷")
    value: dict[str, Any] = {
        "kind": "text",
        "platform_id": f"m-{number}",
        "time_raw": (START + timedelta(minutes=number)).isoformat(),
        "sender": {"id": who[0], "name": who[1]},
        "direction": "out" if number % 2 else "in",
        "body": f"Message {number}: 收到了，谢谢你",
    }
    return canonical.dumps({k: v for k, v in (value | more).items() if v is not None})


def lines(first: int, last: int) -> list[bytes]:
    """Return messages ``first`` to ``last``."""
    return [line(number) for number in range(first, last + 1)]


class Provider:
    """Makes batches for a stream, each after the last unless told otherwise."""

    def __init__(self, stream: str, key: dict[str, str] | None = None, kid: str = "k1") -> None:
        self.stream, self.key, self.kid = stream, key or PROVIDER_KEY, kid
        self.number, self.previous, self.cursor = 1, None, 0

    def envelope(self, messages: Sequence[bytes], **more: Any) -> push.Envelope:
        """Return the envelope of the next batch; ``more`` are fields that differ."""
        body = b"".join(one + b"\n" for one in messages)
        gap = more.get("gap")
        start = gap.last if gap else self.cursor
        plain = push.Envelope(
            stream=self.stream,
            **NAMES,
            number=self.number,
            previous=self.previous,
            cursor=push.Positions(start, start + len(messages)),
            count=len(messages),
            messages=sha256(body).digest(),
            time="2026-03-14T09:00:00Z",
        )
        return replace(plain, **more)

    def batch(self, messages: Sequence[bytes], **more: Any) -> bytes:
        """Return a batch that goes on from the last one ``sent``."""
        envelope = self.envelope(messages, **more)
        self.last = envelope
        return self.signed(envelope, messages)

    def signed(self, envelope: push.Envelope, messages: Sequence[bytes]) -> bytes:
        """Return the batch of ``envelope``, signed."""
        body = b"".join(one + b"\n" for one in messages)
        signature = jws.sign(envelope.line(), self.key, self.kid)
        return push.write_batch(envelope, signature, body)

    def accepted(self) -> None:
        """Go on from the last batch made."""
        self.number += 1
        self.previous = push.batch_hash(self.last.line())
        if self.last.fills is None:
            self.cursor = self.last.cursor.last


Streamed = tuple[Any, Provider]


@pytest.fixture
def streamed(now: datetime) -> Callable[..., Streamed]:
    """Register a stream for a person's organisation; give it with its provider."""
    from evidence.actions.open_push_stream import Pushed, open_push_stream
    from evidence.values import Actor

    def register(actor: Any) -> Streamed:
        stream = open_push_stream(
            organisation=actor.organisation,
            actor=Actor("client", "c" * 32, "Cloud"),
            pushed=Pushed(**NAMES, title="Li Lei", type="direct"),
            key=PROVIDER_KEY,
            kid="k1",
            at=now,
            user=actor.user,
        )
        return stream, Provider(stream.public_id)

    return register


@pytest.fixture
def pushed(streamed: Callable[..., Streamed], now: datetime) -> Callable[..., Streamed]:
    """Register a stream and push batches of the given sizes into it."""
    from evidence.actions.take_batch import take_batch
    from evidence.values import Actor

    def fill(actor: Any, *sizes: int) -> Streamed:
        stream, provider = streamed(actor)
        first = 1
        for size in sizes:
            batch = provider.batch(lines(first, first + size - 1))
            take_batch(stream=stream, data=batch, actor=Actor("client", "c" * 32), at=now)
            provider.accepted()
            first += size
        stream.refresh_from_db()
        return stream, provider

    return fill
