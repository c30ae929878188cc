"""An ordered list of RFC 3161 authorities: the first acceptable answer counts.

An authority that fails three times in a row rests, longer each time, so that a dead one does
not cost its time-out on every stamp; one that has given its hourly share is passed over. Both
memories live in this process: they save time and money, correctness never depends on them.

Nothing is issued without a token: when nobody on the list gives an acceptable one, the caller
gets ``NoStamp``, with the reason for every authority. A server clock never takes its place.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from asn1crypto import tsp

from evidence.errors import StampUnavailable
from evidence.gateways import tokens
from evidence.gateways.clock import Clock
from evidence.gateways.http import HttpTrouble, exchange
from evidence.gateways.local_authority import QUERY, REPLY
from evidence.sign.protocols import Stamp

MAX_REPLY_BYTES = 64 * 1024
FAILURES_BEFORE_REST = 3
FIRST_REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 900.0
HOUR_SECONDS = 3600.0

logger = logging.getLogger(__name__)


class Authority(Protocol):
    """Something that answers time-stamp queries; what it says is checked by others."""

    @property
    def name(self) -> str:
        """How the authority is called in reports."""

    def ask(self, request: bytes) -> bytes:
        """Return the DER reply to a DER TimeStampReq.

        Raises HttpTrouble or tokens.Refused when there is none.
        """


@dataclass(frozen=True, slots=True)
class HttpAuthority:
    """An authority at an address (RFC 3161 section 3.4)."""

    url: str
    seconds: float = 5.0

    @property
    def name(self) -> str:
        """The address."""
        return self.url

    def ask(self, request: bytes) -> bytes:
        """Return the body of an answer of status 200 and the right type; HttpTrouble otherwise."""
        reply = exchange(
            self.url,
            body=request,
            headers={"Content-Type": QUERY, "Accept": REPLY},
            seconds=self.seconds,
            max_bytes=MAX_REPLY_BYTES,
        )
        if reply.status != 200:
            raise HttpTrouble(f"http_{reply.status}", self.url)
        if reply.content_type != REPLY:
            raise HttpTrouble("wrong_content_type", reply.content_type)
        return reply.body


@dataclass(frozen=True, slots=True)
class Failure:
    """Why one authority was of no use."""

    authority: str
    code: str


class NoStamp(StampUnavailable):
    """No authority gave an acceptable token. failures: one per authority, in order."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("; ".join(f"{failure.authority}: {failure.code}" for failure in failures))
        self.failures = tuple(failures)


@dataclass(slots=True)
class _Memory:
    """What this process remembers of one authority."""

    failures: int = 0
    rests_until: float = 0.0
    given: deque[float] = field(default_factory=deque)


class Stampers:
    """The list; answers the sign room's ``Stamper`` protocol. Safe for several threads."""

    def __init__(
        self,
        authorities: Sequence[Authority],
        *,
        trust: tokens.Trust,
        clock: Clock,
        per_hour: int | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """per_hour: how many stamps one authority may be asked for within an hour."""
        if not authorities:
            raise ValueError("no time-stamp authority is configured")
        self._authorities = tuple(authorities)
        self._trust = trust
        self._clock = clock
        self._per_hour = per_hour
        self._monotonic = monotonic
        self._memory = {authority.name: _Memory() for authority in authorities}
        self._lock = threading.Lock()

    def stamp(self, digest: bytes) -> Stamp:
        """Return a verified token over ``digest`` (32 raw bytes, SHA-256); NoStamp without one."""
        if len(digest) != 32:
            raise ValueError("a SHA-256 digest has 32 bytes")
        failures = []
        for authority in self._authorities:
            try:
                self._admit(authority.name)
                stamp = self._ask(authority, digest)
            except (HttpTrouble, tokens.Refused) as error:
                self._note(authority.name, error.code)
                logger.warning("time-stamp authority %s: %s", authority.name, error)
                failures.append(Failure(authority.name, error.code))
            else:
                self._note(authority.name, None)
                return stamp
        raise NoStamp(failures)

    def _ask(self, authority: Authority, digest: bytes) -> Stamp:
        nonce = secrets.randbits(63) | 1 << 62
        token = tokens.read_reply(authority.ask(query(digest, nonce)))
        return tokens.check(
            token,
            digest=digest,
            nonce=nonce,
            now=self._clock.now(),
            trust=self._trust,
            authority=authority.name,
        )

    def _admit(self, name: str) -> None:
        """Count this question; Refused when the authority rests or has given its share."""
        now = self._monotonic()
        with self._lock:
            memory = self._memory[name]
            while memory.given and memory.given[0] <= now - HOUR_SECONDS:
                memory.given.popleft()
            if now < memory.rests_until:
                raise tokens.Refused("resting")
            if self._per_hour is not None and len(memory.given) >= self._per_hour:
                raise tokens.Refused("quota_spent")
            memory.given.append(now)

    def _note(self, name: str, failure: str | None) -> None:
        """Remember how it went; being passed over is no failure of the authority."""
        if failure in ("resting", "quota_spent"):
            return
        with self._lock:
            memory = self._memory[name]
            memory.failures = memory.failures + 1 if failure else 0
            if memory.failures >= FAILURES_BEFORE_REST:
                doubled = FIRST_REST_SECONDS * 2 ** (memory.failures - FAILURES_BEFORE_REST)
                memory.rests_until = self._monotonic() + min(doubled, LONGEST_REST_SECONDS)


def query(digest: bytes, nonce: int | None) -> bytes:
    """Return the DER TimeStampReq for a SHA-256 ``digest``, asking for the certificates too."""
    fields: dict[str, object] = {
        "version": "v1",
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
        "cert_req": True,
    }
    if nonce is not None:
        fields["nonce"] = nonce
    request: bytes = tsp.TimeStampReq(fields).dump()
    return request
