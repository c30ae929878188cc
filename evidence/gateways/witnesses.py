"""Witnesses of the custody log, asked over HTTP: all at once, and for a limited time.

A witness cannot harm the log: what it answers is verified before use, what it does not answer in
time is done without. Looking up a host's name can outlast every limit, so each question has a thread
of its own that nobody waits for.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evidence.formats.checkpoint import COSIGNATURE, VerifierKey, read_vkey
from evidence.gateways.http import HttpTrouble, Reply, exchange

logger = logging.getLogger(__name__)

MAX_REPLY_BYTES = 16 * 1024
MAX_WITNESSES = 8


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness: the key (type 0x04) it cosigns with, the address it is asked at."""

    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Those this deployment asks. seconds: for all questions about one checkpoint together."""

    known: tuple[Witness, ...] = ()
    seconds: float = 5.0

    def ask(self, questions: Mapping[Witness, bytes], deadline: float) -> dict[Witness, Reply]:
        """Return what came back until ``deadline`` (of ``time.monotonic``); who failed is absent."""
        replies: queue.SimpleQueue[tuple[Witness, Reply | None]] = queue.SimpleQueue()
        for witness, body in questions.items():
            arguments = (witness, body, deadline, replies)
            threading.Thread(target=_ask, args=arguments, name="witness", daemon=True).start()
        return dict(_arrived(replies, len(questions), deadline))


def read_witnesses(keys: Sequence[str], urls: Sequence[str]) -> tuple[Witness, ...]:
    """Return the witnesses of the settings: each key with the address in the same place.

    Raises ValueError, the operator's to repair.
    """
    if len(keys) != len(urls):
        raise ValueError(f"{len(keys)} witness keys, but {len(urls)} addresses")
    if len(keys) > MAX_WITNESSES or len(set(keys)) != len(keys):
        raise ValueError(f"at most {MAX_WITNESSES} witnesses, each once")
    found = [read_vkey(key) for key in keys]
    if any(key.type != COSIGNATURE for key in found):
        raise ValueError("a witness key is of type 4 (cosignature/v1)")
    return tuple(Witness(key, url.rstrip("/")) for key, url in zip(found, urls, strict=True))


def _arrived(
    replies: queue.SimpleQueue[tuple[Witness, Reply | None]], expected: int, deadline: float
) -> Iterator[tuple[Witness, Reply]]:
    for _ in range(expected):
        try:
            witness, reply = replies.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            logger.warning("a witness did not answer in time")
            return
        if reply is not None:
            yield witness, reply


def _ask(
    witness: Witness,
    body: bytes,
    deadline: float,
    replies: queue.SimpleQueue[tuple[Witness, Reply | None]],
) -> None:
    reply = None
    try:
        reply = exchange(
            f"{witness.url}/add-checkpoint",
            body=body,
            headers={"Content-Type": "text/plain; charset=utf-8"},
            seconds=max(0.01, deadline - time.monotonic()),
            max_bytes=MAX_REPLY_BYTES,
        )
    except (HttpTrouble, ValueError) as error:
        logger.warning("witness %s could not be asked: %s", witness.key.name, error)
    finally:
        replies.put((witness, reply))
