"""The part of ``manage.py bench`` about pages: what each costs at a million stored messages.

A million messages would take minutes to acquire, and pages do not care where rows come from. So
a chat of ``ACQUIRED`` messages goes the ordinary way, and its messages are repeated until the
conversation is as long as asked: each row is encrypted for its own place with a seed of its own and
opens like any other. Only leaf hashes are invented and the head still states the small tree, so
nothing of it could be exported; nothing here tries to.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evidence.actions.acquire_file import acquire_file
from evidence.actions.create_account import create_account
from evidence.actions.keep_draft import begin_draft
from evidence.archive.keys import message_aad, new_series_key, open_json, seal_json
from evidence.archive.read import messages
from evidence.errors import InvalidSelection
from evidence.gateways import crypt
from evidence.ingest import Answers
from evidence.management import benchmark
from evidence.models import Message, Organisation, Series, User
from evidence.models.ids import opaque_id
from evidence.values import Actor

ACQUIRED = 1_000
LIMIT_MS = 100
"""What a page may cost of our own work."""
SEARCH_SECONDS = 10
"""What a search may take for a million messages, all rounds together."""
TIMES = 5
_BATCH = 10_000


def lines(size: int) -> Iterator[str]:
    """Yield one printed line per page, measured in a process and a deployment of its own."""
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    benchmark.run(["migrate", "--verbosity", "0"], folder)
    found = benchmark.run(["bench", "--pages", str(size)], folder).answer
    shutil.rmtree(folder, ignore_errors=True)
    yield f"{size:,} messages stored in {found['filled']:.1f} s"
    yield f"{'page':<34} {'CPU ms':>8} {'queries':>8}"
    for name, cost in found["pages"].items():
        mark = "" if cost["ms"] <= LIMIT_MS else f"  over {LIMIT_MS} ms"
        yield f"{name:<34} {cost['ms']:8.1f} {cost['queries']:8}{mark}"
    yield f"{'search, all rounds':<34} {found['search']:8.1f} s in {found['rounds']} rounds"


def measured(size: int, folder: Path) -> dict[str, Any]:
    """Return what each page costs with ``size`` messages stored; refuses a store in use.

    Milliseconds of this process's CPU time, the middle one of several, and queries of one answer.
    """
    if Series.objects.exists():
        raise InvalidSelection("something is stored here", code="not_empty")
    started = time.perf_counter()
    user, organisation = create_account(
        username="bench", password=secrets.token_urlsafe(), email="bench@example.org",
        at=timezone.now(), is_confirmed=True,
    )  # fmt: skip
    series = lengthened(_acquired(user, organisation, folder), size)
    filled = time.perf_counter() - started
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    pages = {name: _cost(client, ask) for name, ask in _pages(user, series).items()}
    search, rounds = _searched(client, series)
    return {"filled": filled, "pages": pages, "search": search, "rounds": rounds}


def _acquired(user: User, organisation: Organisation, folder: Path) -> Series:
    chat = folder / "chat.txt"
    benchmark.write_chat(chat, ACQUIRED)
    result = acquire_file(
        organisation=organisation, actor=Actor("person", user.public_id, "bench"), path=chat,
        name=chat.name, answers=Answers(timezone="Europe/Berlin", date_order="dmy"),
        at=timezone.now(), user=user,
    )  # fmt: skip
    return Series.objects.get(acquisition=result.acquisition)


def lengthened(small: Series, size: int) -> Series:
    """Return a series beside ``small`` in which its messages repeat up to ``size``."""
    public_id = opaque_id()
    key, wrapped = new_series_key(small.organisation, public_id)
    facts = open_json(small.organisation, small.public_id, "series", small.payload)
    began = small.first_at or timezone.now()
    long = Series.objects.create(
        public_id=public_id, organisation=small.organisation, acquisition=small.acquisition,
        conversation=small.conversation, place=small.place + 1, wrapped_key=wrapped, size=size,
        root=bytes(small.root or b""), head=bytes(small.head), first_at=began,
        payload=seal_json(small.organisation, public_id, "series", facts),
        last_at=began + timedelta(minutes=size), sealed_at=small.sealed_at,
    )  # fmt: skip
    plain = [one.fields for one in messages(small)]
    kinds = list(small.messages.order_by("sequence").values_list("kind", "participant"))
    encrypt = crypt.sealer(key)
    for start in range(1, size + 1, _BATCH):
        numbers = range(start, min(size, start + _BATCH - 1) + 1)
        Message.objects.bulk_create(
            [_row(long, number, plain, kinds, encrypt, began) for number in numbers]
        )
    return long


def _row(
    series: Series,
    number: int,
    plain: list[bytes],
    kinds: list[tuple[str, int]],
    encrypt: Callable[[bytes, bytes], bytes],
    began: datetime,
) -> Message:
    place = (number - 1) % len(plain)
    aad = message_aad(series.organisation.public_id, series.public_id, number)
    return Message(
        series_id=series.pk, sequence=number, kind=kinds[place][0], participant=kinds[place][1],
        occurred_at=began + timedelta(minutes=number), leaf_hash=os.urandom(32),
        payload=encrypt(os.urandom(32) + plain[place], aad),
    )  # fmt: skip


def _pages(user: User, series: Series) -> dict[str, Callable[[Client], Any]]:
    """Return every page that shows stored messages or counts them, and how it is asked for."""
    rule = {"period_from": "", "period_to": "", "participant": "", "messages": "", "context": "0"}
    middle = series.size // 2
    picked = rule | {"messages": f"{middle}-{middle + 200}"}
    state: dict[str, Any] = {
        "purpose": {"matter": "Bench", "purpose": "", "jurisdiction": "eu", "language": "en",
                    "paper": "A4", "style": "record"},
        "authority": {"requester": "Bench", "authority": "own records"},
        "conversations": [series.public_id],
    }  # fmt: skip
    withheld = {str(middle + 5): {"targets": ["body"], "reason": "Private"}}
    drafts = {
        "all": state,
        "all, one withheld, of": state | {"redaction": {series.public_id: withheld}},
        "200": state | {"messages": {series.public_id: picked},
                        "redaction": {series.public_id: withheld}},
    }  # fmt: skip
    opened = {
        name: begin_draft(
            organisation=series.organisation, user=user, at=timezone.now(), state=one
        ).public_id
        for name, one in drafts.items()
    }
    conversation = reverse("conversation", args=[series.public_id])
    day = f"{(series.first_at or timezone.now()) + timedelta(minutes=middle):%Y-%m-%d}"
    addresses = {
        "front page": reverse("home"),
        "conversations": reverse("conversations"),
        "conversation, its beginning": conversation,
        "conversation, its middle": f"{conversation}?from={middle}",
        "conversation, its end": f"{conversation}?from={series.size}",
        "conversation, at a date": f"{conversation}?date={day}",
        "all on one page": reverse("select", args=[series.public_id]),
        "delivery": reverse("acquisition", args=[series.acquisition.public_id]),
        "bundles": reverse("exports"),
        "drafts": reverse("drafts"),
        **{
            f"step {step}, {name} messages": reverse(f"wizard_{step}", args=[draft])
            for name, draft in opened.items()
            for step in ("conversations", "messages", "redaction", "parties", "review", "confirm")
        },
    }
    found: dict[str, Callable[[Client], Any]] = {
        name: _getting(address) for name, address in addresses.items()
    }
    count = reverse("count", args=[series.public_id])
    found["live counter"] = lambda client: client.post(count, rule | {"messages": f"1-{middle}"})
    return found


def _getting(address: str) -> Callable[[Client], Any]:
    return lambda client: client.get(address)


def _cost(client: Client, ask: Callable[[Client], Any]) -> dict[str, float]:
    """Return milliseconds of CPU and number of queries of one answer, asked for several times."""
    ask(client)  # the first look is written to the log; templates are compiled
    spent = []
    for _ in range(TIMES):
        started = time.process_time()
        answer = ask(client)
        spent.append((time.process_time() - started) * 1000)
        if answer.status_code != 200:
            raise RuntimeError(f"a page answered {answer.status_code}")
    with CaptureQueriesContext(connection) as queries:
        ask(client)
    return {"ms": sorted(spent)[TIMES // 2], "queries": len(queries)}


def _searched(client: Client, series: Series) -> tuple[float, int]:
    """Return seconds and rounds of a search through all messages that finds nothing."""
    address = reverse("search", args=[series.public_id])
    started, rounds, first = time.process_time(), 0, "1"
    while first:
        page = client.get(address, {"q": "words nobody wrote", "from": first}).content.decode()
        further = re.search(r'<a class="button second" href="\?[^"]*from=(\d+)"', page)
        first, rounds = (further[1] if further else ""), rounds + 1
    return time.process_time() - started, rounds


def as_json(size: int) -> str:
    """Return what ``measured`` finds, for the process that asked."""
    return json.dumps(measured(size, Path(settings.TRUETHREAD_VAR_DIR)))
