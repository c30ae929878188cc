"""The part of ``manage.py bench`` about pages: what each costs at a million stored messages."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.admin import site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evidence.actions.compare_deliveries import run_comparison
from evidence.actions.create_account import create_account
from evidence.actions.empty_rows import empty_rows, unemptied_series
from evidence.actions.keep_draft import begin_draft
from evidence.archive.read import messages
from evidence.errors import InvalidSelection
from evidence.front.drafting import chosen_by
from evidence.front.limits import STORED_AT_ONCE
from evidence.management import bench_store, benchmark
from evidence.models import Comparison, Export, Job, Message, Series, User
from evidence.values import Ranges

LIMIT_MS = 100
"""What a page may cost of our own work."""
SEARCH_SECONDS = 10
"""What a search may take for a million messages, all rounds together."""
TIMES = 5
RULE = ("period_from", "period_to", "participant", "messages", "context")
STEPS = (
    "purpose", "authority", "conversations", "messages", "redaction", "parties", "review",
    "confirm",
)  # fmt: skip
_SEEN_ALL = re.compile(r'name="seen_all" value="(\w+)"')


@dataclass(frozen=True, slots=True)
class Asking:
    """How a page is asked for. before: what is done ahead of each time, and not measured."""

    ask: Callable[[Client], Any]
    before: Callable[[Client], object] = lambda _client: None


class _Clock:
    """What passes from now on: time by the wall, and of it this process's CPU."""

    def __init__(self) -> None:
        self._began, self._cpu = time.perf_counter(), time.process_time()

    def spent(self) -> dict[str, float]:
        """Return both in milliseconds, ``ms`` and ``cpu``."""
        return {
            "ms": (time.perf_counter() - self._began) * 1000,
            "cpu": (time.process_time() - self._cpu) * 1000,
        }


def lines(size: int) -> Iterator[str]:
    """Yield one printed line per page, measured in a process and a deployment of its own."""
    folder = Path(settings.TRUETHREAD_VAR_DIR) / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "fonts").symlink_to(Path(settings.TRUETHREAD_VAR_DIR) / "fonts")
    benchmark.run(["migrate", "--verbosity", "0"], folder)
    found = benchmark.run(["bench", "--pages", str(size)], folder).answer
    shutil.rmtree(folder, ignore_errors=True)
    yield f"{size:,} messages stored in {found['filled']:.1f} s"
    yield f"{'page':<46} {'ms':>8} {'CPU ms':>8} {'queries':>8}"
    for name, cost in found["pages"].items():
        mark = "" if max(cost["ms"], cost["cpu"]) <= LIMIT_MS else f"  over {LIMIT_MS} ms"
        yield f"{name:<46} {cost['ms']:8.1f} {cost['cpu']:8.1f} {cost['queries']:8}{mark}"
    yield f"{'search, all rounds':<46} {found['search']:8.1f} s in {found['rounds']} rounds"
    for name, seconds in found["once"].items():
        yield f"{name:<46} {seconds:8.1f} s"


def measured(size: int, folder: Path) -> dict[str, Any]:
    """Return what each page costs with ``size`` messages stored; refuses a store in use.

    Of each the middle one of several: milliseconds it took, with what the database and the disk
    took of them, and milliseconds of this process's CPU time; and the queries of one answer.
    """
    if Series.objects.exists():
        raise InvalidSelection("something is stored here", code="not_empty")
    started = time.perf_counter()
    user, _organisation = create_account(
        username="bench", password=secrets.token_urlsafe(), email="bench@example.org",
        at=timezone.now(), is_confirmed=True,
    )  # fmt: skip
    small = bench_store.acquired(user, folder)
    issued, grown = bench_store.issued(user, small), bench_store.grown(user)
    series = bench_store.lengthened(small, size)
    filled = time.perf_counter() - started
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    asked = pages_of(user, series) | pages_beside(issued, grown) | pages_of_upload()
    pages = {name: _cost(client, one) for name, one in asked.items()}
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    pages |= {name: _cost(client, one) for name, one in pages_of_operator().items()}
    search, rounds = _searched(client, series)
    compared = pages_of_comparison(series, bench_store.lengthened(small, size))
    pages |= {name: _cost(client, one) for name, one in compared.items()}
    once = {f"comparing {size:,} messages with as many": _compared(size)}
    stored = sum(series.conversation.series.values_list("size", flat=True))
    _deleted(client, grown)  # templates are compiled, what waits for the log has its place
    pages[f"deleting {stored:,} messages"] = _deleted(client, series)
    once[f"emptying {stored:,} rows"] = _emptied()
    return {"filled": filled, "pages": pages, "search": search, "rounds": rounds, "once": once}


def pages_of(user: User, series: Series) -> dict[str, Asking]:
    """Return every page that shows stored messages or counts them, and how it is asked for."""
    began = series.first_at or timezone.now()
    middle = series.size // 2
    day = f"{began + timedelta(minutes=middle):%Y-%m-%d}"
    earlier = f"{began + timedelta(minutes=series.size // 10):%Y-%m-%d}"
    rule = dict.fromkeys(RULE, "") | {"context": "0"}
    rules = {
        "all": rule,
        "200": rule | {"messages": f"{middle}-{min(middle + 199, series.size)}"},
        "a period's": rule | {"period_from": earlier, "period_to": day},
        "one sender's": rule | {"participant": "p1"},
        "a sender's in a period": rule | {"participant": "p1", "period_from": earlier},
    }
    conversation = reverse("conversation", args=[series.public_id])
    found = {
        name: _getting(address)
        for name, address in {
            "front page": reverse("home"),
            "conversations": reverse("conversations"),
            "conversation, its beginning": conversation,
            "conversation, its middle": f"{conversation}?from={middle}",
            "conversation, its end": f"{conversation}?from={series.size}",
            "conversation, at a date": f"{conversation}?date={day}",
            "what is stored of it": reverse("stored", args=[series.public_id]),
            "deleting it": reverse("erase", args=[series.public_id]),
            "delivery": reverse("acquisition", args=[series.acquisition.public_id]),
            "upload": reverse("upload"),
            "uploads": reverse("upload_list"),
            "bundles": reverse("exports"),
            "drafts": reverse("drafts"),
            "matters": reverse("matters"),
            "its log": reverse("series_log", args=[series.public_id]),
            "account": reverse("account"),
            "programs": reverse("programs"),
            "organisation": reverse("organisation", args=[series.organisation.public_id]),
            "log of the organisation": reverse(
                "organisation_log", args=[series.organisation.public_id]
            ),
        }.items()
    }
    found["beginning a draft"] = _posting(reverse("drafts"), {"series": series.public_id})
    for name, one in rules.items():
        found |= _wizard(user, series, name, one)
    return found


def pages_beside(issued: Export, grown: Series) -> dict[str, Asking]:
    """Return the pages that show what else there is: an issued bundle, its matter, a series that
    grows."""
    return {
        name: _getting(address)
        for name, address in {
            "bundle": reverse("export", args=[issued.public_id]),
            "progress of a bundle": reverse("progress", args=[issued.public_id]),
            "log of a bundle": reverse("bundle_log", args=[issued.public_id]),
            "verification page of a bundle": f"{reverse('verify')}?bundle={issued.public_id}",
            "a hash, looked up": reverse("verify_hash", args=["0" * 64]),
            "matter": reverse("matter", args=[issued.matter.public_id]),
            "log of a matter": reverse("matter_log", args=[issued.matter.public_id]),
            "changing a matter": reverse("edit_matter", args=[issued.matter.public_id]),
            "pushed conversation": reverse("conversation", args=[grown.public_id]),
            "what is stored of a pushed conversation": reverse("stored", args=[grown.public_id]),
        }.items()
    }


def pages_of_operator() -> dict[str, Asking]:
    """Return the pages of the administration: the list of every kind of row, and its latest row."""
    found = {}
    for model in site._registry:  # nothing public says which models an administration shows
        if model._meta.app_label == "evidence" and (latest := model._default_manager.last()):
            name = f"admin:evidence_{model._meta.model_name}"
            words = f"administration, {model._meta.verbose_name}"
            found[f"{words}, list"] = _getting(reverse(f"{name}_changelist"))
            found[words] = _getting(reverse(f"{name}_change", args=[latest.pk]))
    return found


def pages_of_upload() -> dict[str, Asking]:
    """Return how a file is sent and asked about that is read and stored while the person waits, the
    longest one; each time another, or it would be recognised."""
    at, done = list[str](), list[str]()

    def sent(client: Client) -> Any:
        words = secrets.token_hex(30)
        line = f"13/01/2024, 08:00 - Ana: {words}\n14/01/2024, 08:00 - Bo: {words}\n"
        data = (line * (STORED_AT_ONCE // len(line))).encode()
        file = SimpleUploadedFile("WhatsApp Chat with Bo.txt", data, content_type="text/plain")
        answer = client.post(reverse("upload"), {"file": file})
        at.append(answer["Location"])
        return answer

    def answered(client: Client) -> Any:
        done.append(at[-1])
        return client.post(at[-1], {"timezone": "Europe/Madrid", "owner": "Ana"})

    def another(client: Client) -> None:
        if done and "/acquisitions/" not in client.get(done[-1]).get("Location", ""):
            raise RuntimeError("the file was not stored")
        sent(client)

    size = f"a file of {STORED_AT_ONCE:,} bytes"
    return {f"uploading {size}": Asking(sent), f"storing {size}": Asking(answered, another)}


def pages_of_comparison(series: Series, other: Series) -> dict[str, Asking]:
    """Return how two deliveries are compared: asked for each time as if nobody had, then waited for."""
    address = reverse("compare", args=[series.public_id, other.public_id])

    def unasked(_client: Client) -> None:
        Comparison.objects.all().delete()

    return {
        "asking for a comparison": Asking(lambda client: client.post(address), unasked),
        "comparison under way": _getting(address),
    }


def _wizard(user: User, series: Series, name: str, rule: dict[str, str]) -> dict[str, Asking]:
    """Return the steps of a draft that chooses by ``rule`` and withholds a body."""
    kept = next(iter(chosen_by(series, rule).from_on(series.size // 2, 1)))
    state = _state(series, rule, kept)
    draft = _draft(user, series, state)
    addresses = {step: reverse(f"wizard_{step}", args=[draft]) for step in STEPS}
    found = {f"{step}, {name} messages": _getting(addresses[step]) for step in STEPS}
    ticked = rule | {"ticked": f"{kept}", "tick": [f"{kept}", f"{kept + 2}"]}
    withheld = {"message": f"{kept}", "body": "1", "reason": "x", "go": "withhold"}
    sent: dict[str, dict[str, Any]] = {
        "purpose": state["purpose"], "authority": state["authority"],
        "conversations": {"series": [series.public_id]}, "messages": rule, "redaction": withheld,
        "parties": {}, "review": {},
    }  # fmt: skip
    messages = addresses["messages"]
    found[f"live counter, {name} messages"] = _posting(messages, rule, partial=True)
    found[f"counting ticks, {name} messages"] = _posting(messages, ticked, partial=True)
    for step, data in sent.items():
        found[f"posting {step}, {name} messages"] = _posting(addresses[step], {"go": "next"} | data)
    found[f"confirming, {name} messages"] = _confirming(user, series, state)
    return found


def _state(series: Series, rule: dict[str, str], kept: int) -> dict[str, Any]:
    """Return a draft filled in to the end; what it posts again is what it holds."""
    return {
        "purpose": {"matter": "Bench", "purpose": "", "object_of_proof": "", "jurisdiction": "eu",
                    "language": "en", "paper": "A4", "style": "record"},
        "authority": {"requester": "Bench", "authority": "own records", "original_carrier": "",
                      "privacy": ""},
        "conversations": [series.public_id],
        "messages": {series.public_id: rule},
        "redaction": {series.public_id: {f"{kept}": {"targets": ["body"], "reason": "x"}}},
        "parties": {},
    }  # fmt: skip


def _draft(user: User, series: Series, state: dict[str, Any]) -> str:
    return begin_draft(
        organisation=series.organisation, user=user, at=timezone.now(), state=state
    ).public_id


def _confirming(user: User, series: Series, state: dict[str, Any]) -> Asking:
    """Return how a bundle is asked for: each time with another draft, which another purpose tells
    from the last one."""
    asked: list[tuple[str, str]] = []

    def before(client: Client) -> None:
        _show_who(client)
        purpose = state["purpose"] | {"purpose": f"Bench {secrets.token_hex(8)}"}
        address = reverse(
            "wizard_confirm", args=[_draft(user, series, state | {"purpose": purpose})]
        )
        found = _SEEN_ALL.search(client.get(address).content.decode())
        asked.append((address, found[1] if found else ""))

    def ask(client: Client) -> Any:
        address, seen = asked[-1]
        answer = client.post(address, {"go": "next", "seen_all": seen})
        if not answer.get("Location", "").startswith(reverse("exports")):
            raise RuntimeError("no bundle was asked for")
        return answer

    return Asking(ask, before)


def _show_who(client: Client) -> None:
    """Let the person have shown just now who they are, as their password would."""
    session = client.session
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True}
    ]
    session.save()


def _getting(address: str) -> Asking:
    return Asking(lambda client: client.get(address))


def _posting(address: str, data: dict[str, Any], *, partial: bool = False) -> Asking:
    headers = {"HX-Request": "true"} if partial else {}
    return Asking(lambda client: client.post(address, data, headers=headers))


def _cost(client: Client, asking: Asking) -> dict[str, float]:
    """Return what one answer took, asked for several times, and its number of queries."""
    asking.before(client)
    asking.ask(client)  # the first look is written to the log; templates are compiled
    spent = []
    for _ in range(TIMES):
        asking.before(client)
        clock = _Clock()
        answer = asking.ask(client)
        spent.append(clock.spent())
        if answer.status_code not in (200, 302):
            raise RuntimeError(f"a page answered {answer.status_code}")
    asking.before(client)
    with CaptureQueriesContext(connection) as queries:
        asking.ask(client)
    middle = {name: sorted(one[name] for one in spent)[TIMES // 2] for name in spent[0]}
    return middle | {"queries": len(queries)}


def _searched(client: Client, series: Series) -> tuple[float, int]:
    """Return seconds and rounds of a search through all messages that finds nothing."""
    address = reverse("search", args=[series.public_id])
    started, rounds, first = time.perf_counter(), 0, "1"
    while first:
        answer = client.get(address, {"q": "words nobody wrote", "from": first})
        page = b"".join(answer).decode()
        further = re.search(r'href="\?q=[^"]*from=(\d+)"', page)
        first, rounds = (further[1] if further else ""), rounds + 1
    return time.perf_counter() - started, rounds


def _compared(size: int) -> float:
    """Return seconds in which a worker makes the comparison that waits."""
    waiting = Comparison.objects.get()
    started = time.perf_counter()
    made = run_comparison(waiting.pk)
    if made is None or made.same != size:
        raise RuntimeError("the two were not compared")
    return time.perf_counter() - started


def _deleted(client: Client, series: Series) -> dict[str, float]:
    """Return the cost of deleting the conversation with all its deliveries, which is done once."""
    Job.objects.exclude(phase=Job.Phase.READY).update(phase=Job.Phase.CANCELLED)
    _show_who(client)
    with CaptureQueriesContext(connection) as queries:
        clock = _Clock()
        client.post(reverse("erase", args=[series.public_id]), {"sure": "yes"})
        spent = clock.spent()
    if any(one.fields for one in messages(Series.objects.get(pk=series.pk), Ranges(((1, 10),)))):
        raise RuntimeError("it was not deleted")
    return spent | {"queries": len(queries)}


def _emptied() -> float:
    """Return seconds in which a worker empties the rows that are left."""
    started = time.perf_counter()
    for series_id in unemptied_series():
        while empty_rows(series_id):
            pass
    if Message.objects.exclude(payload=b"").filter(series__erased_at__isnull=False).exists():
        raise RuntimeError("rows are left")
    return time.perf_counter() - started


def as_json(size: int) -> str:
    """Return what ``measured`` finds, for the process that asked."""
    return json.dumps(measured(size, Path(settings.TRUETHREAD_VAR_DIR)))
