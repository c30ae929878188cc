"""One conversation of nasty strings walks through every page, answer, mail and file name.

Whatever people can name (conversation, sender, file, matter, organisation, purpose, reason, program)
is hostile here: HTML, template tags, bidi controls, a formula, line breaks. Nothing of it may run,
reorder the page around it, open a header or begin a formula.
"""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from evidence.actions.acquire_file import acquire_file
from evidence.actions.advance import run_to_end
from evidence.actions.convert_bundle import make_conversion, request_conversion
from evidence.actions.request_export import ExportOptions
from evidence.archive.blobs import open_blob
from evidence.front.exporting import ask_for_export
from evidence.ingest import Answers
from evidence.models import Export, Organisation, Series, User
from evidence.select import Choice, Redaction
from evidence.values import Actor
from tests.api.conftest import Program
from tests.web.test_every_address import (  # noqa: F401 - the fixture
    EXPECTED,
    PERSONAL,
    PUBLIC,
    addresses,
)

MARK = "zqzq"
NASTY = (
    f"=HYPERLINK({MARK})<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    "{{ 7|add:7 }}{% url 'home' %}&amp;\u202egnp.exe\u2066\u200b"
)
BROKEN = f"{NASTY}\r\nBcc: eve@example.org\nX-Evil: 1"
HIDDEN = re.compile("[\u200b\u202a-\u202e\u2066-\u2069\x00-\x08]")
VOID = {"meta", "link", "input", "img", "br", "hr", "wbr", "path", "source"}
PLAIN = {"option", "title", "textarea"}
"""Elements that hold no mark-up."""


class Page(HTMLParser):
    """What a browser would make of a page, as far as nasty strings are concerned."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            value = value or ""
            if name.startswith("on") or name == "style":
                self.wrong.append(f"<{tag} {name}>")
            if value.lower().strip().startswith("javascript:"):
                self.wrong.append(f"<{tag} {name}=javascript:>")
            if name not in ("value", "content") and HIDDEN.search(value):
                self.wrong.append(f"<{tag} {name}={value!r}>")
        given = dict(attrs)
        if (tag == "script" and "src" not in given) or tag in ("iframe", "object", "embed"):
            self.wrong.append(f"<{tag}>")
        if tag == "img" and given.get("src") == "x":
            self.wrong.append("<img src=x>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        if "textarea" not in self._open and HIDDEN.search(data):
            self.wrong.append(f"unseen in <{self._open[-1]}>: {HIDDEN.search(data)!r}")
        if MARK in data and not {"bdi", *PLAIN} & set(self._open):
            self.wrong.append(f"not apart in <{self._open[-1]}>: {data[:60]!r}")


def telegram() -> str:
    people = {"user1": NASTY + "A", "user2": BROKEN + "B"}
    rows = [
        {
            "id": number, "type": "message", "date": f"2026-01-0{number}T10:00:00",
            "date_unixtime": str(1767261600 + 86400 * number), "from": people[f"user{1 + number % 2}"],
            "from_id": f"user{1 + number % 2}", "text": body,
            "text_entities": [{"type": "plain", "text": body}],
        }
        for number, body in enumerate([NASTY, BROKEN, "\u202e" + NASTY, "plain"], 1)
    ]  # fmt: skip
    rows[2] |= {"file": "(File not included. Change data exporting settings to download.)",
                "file_name": BROKEN, "mime_type": "application/pdf"}  # fmt: skip
    rows[3] |= {"forwarded_from": NASTY, "reply_to_message_id": 1}
    chat = {"name": BROKEN, "type": "personal_chat", "id": 7, "messages": rows}
    return json.dumps(chat)


@pytest.fixture
def stored(tmp_path, alice):
    """Store the conversation of nasty strings, in an organisation and by a person called so."""
    Organisation.objects.filter(pk=alice.organisation.pk).update(name=NASTY)
    User.objects.filter(pk=alice.user.pk).update(username=NASTY)
    alice.organisation.refresh_from_db()
    alice.user.refresh_from_db()

    def store(actor):
        path = tmp_path / "result.json"
        path.write_text(telegram(), encoding="utf-8")
        result = acquire_file(
            organisation=actor.organisation, actor=by(actor), path=path,
            name=f"{BROKEN}.json".replace("/", ""),
            answers=Answers(timezone="Europe/Madrid", owner=NASTY + "A"),
            at=timezone.now(), user=actor.user,
        )  # fmt: skip
        return Series.objects.get(acquisition=result.acquisition)

    return store


def by(actor) -> Actor:
    return Actor("person", actor.user.public_id, actor.user.get_username())


@pytest.fixture
def requested(stored):
    def request(actor):
        series = stored(actor)
        choice = Choice(redactions={2: Redaction(("body",), NASTY)})
        return ask_for_export(
            organisation=actor.organisation, actor=by(actor), user=actor.user, matter_name=NASTY,
            choices=[(series, choice)], at=timezone.now(),
            options=ExportOptions(
                requester=NASTY, purpose=BROKEN, authority=NASTY, object_of_proof=NASTY,
                original_carrier=NASTY, privacy=BROKEN,
            ),
        )  # fmt: skip

    return request


def judged(answer) -> list[str]:
    """Return what is wrong with an answer: its headers, and its page where it is one."""
    wrong = []
    for name, value in answer.headers.items():
        if (
            "\r" in value
            or "\n" in value
            or HIDDEN.search(value)
            or name.lower() in ("bcc", "x-evil")
        ):
            wrong.append(f"{name}: {value!r}")
    if answer.streaming:
        b"".join(answer.streaming_content)
        return wrong
    kind = answer["Content-Type"]
    if kind.startswith("image/"):
        return wrong
    text = answer.content.decode()
    if kind.startswith("text/html"):
        page = Page(text)
        wrong += page.wrong
        if MARK in text and ("7|add" not in text) and "{{" in text:
            wrong.append("a template tag was carried out")
    elif MARK in text and not kind.startswith(("application/", "text/plain")):
        wrong.append(f"sent as {kind}")
    return wrong


def looked_at(client: Client, names, addresses) -> tuple[dict, int]:  # noqa: F811
    wrong, marked = {}, 0
    for name in sorted(names):
        answer = client.get(reverse(name, args=addresses.get(name, [])))
        marked += not answer.streaming and MARK in answer.content.decode(errors="replace")
        if found := judged(answer):
            wrong[name] = found
    return wrong, marked


def filled(draft) -> None:
    from evidence.actions.keep_draft import change_draft

    def change(state):
        (series,) = state["conversations"]
        state["purpose"] = {
            "matter": NASTY, "purpose": BROKEN, "object_of_proof": NASTY, "language": "en",
            "paper": "A4", "style": "record", "jurisdiction": "",
        }  # fmt: skip
        state["authority"] = dict.fromkeys(
            ("requester", "authority", "original_carrier", "privacy"), NASTY
        )
        state["redaction"] = {series: {"1": {"targets": ["body"], "reason": NASTY}}}
        state["parties"] = {series: {"p1": {"name": NASTY, "basis": "known"}}}

    change_draft(draft=draft, change=change, at=timezone.now())


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_page_shows_them_and_none_of_them_acts(alice, addresses, language):  # noqa: F811
    from evidence.models import Draft, PartyPicture

    filled(Draft.objects.get())
    assert PartyPicture.objects.exists()
    alice.client.post("/i18n/setlang/", {"language": language})

    names = (set(EXPECTED) | set(PERSONAL) | {"home", "verify"}) - {"logout", "account_logout"}
    wrong, marked = looked_at(alice.client, names, addresses)

    assert wrong == {}
    assert marked > 20


def test_pages_with_words_in_the_address_and_pages_of_trouble(alice, addresses):  # noqa: F811
    series = addresses["search"][0]
    draft = addresses["wizard_purpose"][0]
    wrong = {}
    for address in (
        f"/conversations/{series}/search/?q={MARK}",
        "/conversations/" + series + "/search/?q=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE",
        f"/drafts/{draft}/messages/search/?q={MARK}",
        f"/drafts/{draft}/messages/search/?q=%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE",
        f"/drafts/{draft}/redaction/?message=1", f"/drafts/{draft}/messages/?from=%3Cscript%3E",
        f"/verify/?bundle={addresses['export'][0]}", "/verify/?hash=%3Cscript%3E",
        "/%3Cscript%3Ealert(1)%3C/script%3E/", "/account/?next=%0d%0aSet-Cookie:%20a=b",
    ):  # fmt: skip
        if found := judged(alice.client.get(address)):
            wrong[address] = found
    for name, data in (
        ("wizard_purpose", {"matter": NASTY * 9, "purpose": BROKEN}),
        ("wizard_parties", {}), ("wizard_messages", {"messages": NASTY}), ("account", {"label": NASTY}), ("new_matter", {"name": NASTY}),
        ("edit_matter", {"name": "", "number": NASTY}), ("upload", {}),
        ("invite", {"email": BROKEN, "role": "member"}), ("organisations", {"name": BROKEN}),
    ):  # fmt: skip
        answer = alice.client.post(reverse(name, args=addresses.get(name, [])), data, follow=True)
        if found := judged(answer):
            wrong[name] = found
    assert wrong == {}


def test_the_api_sends_them_as_data_only(alice, addresses, now):  # noqa: F811
    from evidence.actions.create_api_token import create_api_token

    _token, secret = create_api_token(
        user=alice.user, organisation=alice.organisation, label=NASTY[:100], at=now
    )
    program = Program()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    export, series = addresses["export"][0], addresses["search"][0]
    marked = 0
    for path in (
        "me", "matters", "exports", f"exports/{export}", "conversations", f"conversations/{series}",
        f"conversations/{series}/messages", "acquisitions", f"exports/{export}/custody", "log",
        f"acquisitions/{addresses['acquisition'][0]}", "matters/%3Cscript%3E",
    ):  # fmt: skip
        answer = program.get(f"/api/v1/{path}", HTTP_ACCEPT="text/html, application/json;q=0.5")
        assert not judged(answer), path
        assert answer["Content-Type"].startswith(("application/json", "application/problem+json"))
        assert answer["X-Content-Type-Options"] == "nosniff"
        marked += MARK in answer.content.decode()
    assert marked > 6


def test_no_file_is_handed_out_under_a_name_that_disguises_it(alice, addresses):  # noqa: F811
    for name in ("original", "seal_receipt", "download"):
        answer = alice.client.get(reverse(name, args=addresses[name]))
        assert not judged(answer), name
        given = answer["Content-Disposition"]
        assert given.startswith("attachment"), given
        for hidden in ("%E2%80%AE", "%E2%81%A6", "%0D", "%0A", "%00", "%2F"):
            assert hidden not in given.upper(), given


def test_mails_open_no_header(alice, addresses, settings):  # noqa: F811
    from evidence.actions.tell_requester import mail_about

    export = Export.objects.get(public_id=addresses["export"][0])
    alice.client.post(
        reverse("invite", args=[alice.organisation.public_id]),
        {"email": "dora@example.org", "role": "member"},
    )
    for sent in [*mail.outbox, mail_about(export.job)]:
        head = sent.message()
        assert set(map(str.lower, head.keys())).isdisjoint({"bcc", "x-evil", "cc"})
        assert not re.search(r"[\r\n]", sent.subject)
        assert not HIDDEN.search(sent.subject)
        assert not HIDDEN.search(sent.body), sent.body


def test_a_table_for_spreadsheets_begins_no_formula(alice, addresses):  # noqa: F811
    export = Export.objects.get(public_id=addresses["export"][0])
    made = request_conversion(export=export, format="csv", zone="", at=timezone.now())
    make_conversion(made.pk, timezone.now())
    made.refresh_from_db()
    with open_blob(made.blob) as file:
        data = file.read()
    assert MARK.encode() in data
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))):
        assert not [cell for cell in row if cell[:1] in ("=", "+", "-", "@", "\t", "\r")], row


def test_the_bundle_itself_is_made_of_them(alice, addresses):  # noqa: F811
    export = Export.objects.get(public_id=addresses["export"][0])
    assert run_to_end(export.job.pk).phase == "ready"


def test_the_reason_of_a_withdrawal_is_only_words(alice, addresses):  # noqa: F811
    export = addresses["export"][0]
    alice.client.post(
        reverse("withdraw", args=[export]), {"sure": "yes", "reason": BROKEN}, follow=True
    )
    assert Export.objects.get(public_id=export).withdrawn_at
    for address in (
        reverse("export", args=[export]), f"/verify/?bundle={export}",
        reverse("organisation_log", args=addresses["organisation_log"]),
    ):  # fmt: skip
        assert judged(alice.client.get(address)) == [], address
