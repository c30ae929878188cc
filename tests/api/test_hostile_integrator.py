"""What a hostile program sends: other people's ids, bodies made to break parsers, stolen keys and cursors."""

from __future__ import annotations

from io import BytesIO

import pytest
from rest_framework.test import APIClient

from evidence.actions.create_api_client import create_api_client
from evidence.models import Export, Hold, Matter, Selection
from tests.pushing import OTHER_KEY

ROOT = "/api/v1"
NOBODY = "0" * 32


@pytest.fixture
def foreign(alice, requested, pushed):
    """Ids of everything a stranger has."""
    stream, _ = pushed(alice, 2)
    export = requested(alice)
    (series,) = export.selection.series.all()
    return {
        "matter": export.matter.public_id, "conversation": series.public_id,
        "selection": export.selection.public_id, "export": export.public_id,
        "stream": stream.public_id, "acquisition": series.acquisition.public_id,
    }  # fmt: skip


@pytest.fixture
def own(charlie, requested):
    """Ids of what the hostile program has itself."""
    export = requested(charlie)
    (series,) = export.selection.series.all()
    return {
        "matter": export.matter.public_id, "conversation": series.public_id,
        "selection": export.selection.public_id, "export": export.public_id,
    }  # fmt: skip


def bodies(own, other):
    """Yield (address, body) with ``other``'s id in one place and own ids in all others."""
    part = {"conversation": own["conversation"]}
    theirs = {"conversation": other["conversation"]}
    yield "selections", {"matter": other["matter"], "parts": [part]}
    yield "selections", {"matter": own["matter"], "parts": [theirs]}
    yield "selections", {"matter": own["matter"], "parts": [part, theirs]}
    yield "exports", {"selection": other["selection"]}
    yield "exports", {"matter": "Loan", "selection": [part, theirs]}
    yield (
        "holds",
        {"matter": other["matter"], "conversation": own["conversation"], "reason": "x"},
    )
    yield (
        "holds",
        {"matter": own["matter"], "conversation": other["conversation"], "reason": "x"},
    )
    yield f"exports/{own['export']}/supersede", {"by": other["export"]}
    yield f"exports/{other['export']}/supersede", {"by": own["export"]}
    for verb in ("cancel", "retry"):
        yield f"exports/{other['export']}/{verb}", {}
    yield f"exports/{other['export']}/withdraw", {"reason": "x"}
    yield f"exports/{other['export']}/formats", {"format": "csv"}
    yield f"push-streams/{other['stream']}/keys", {"key": OTHER_KEY}


def test_an_id_of_somebody_else_in_any_body_is_an_id_of_nobody(charlie, api, foreign, own):
    client = api(charlie)
    before = Selection.objects.count(), Export.objects.count(), Matter.objects.count()
    nobody = dict.fromkeys(foreign, NOBODY)
    for (address, body), (same, missing) in zip(
        bodies(own, foreign), bodies(own, nobody), strict=True
    ):
        answers = [
            client.post(f"{ROOT}/{address}", body), client.post(f"{ROOT}/{same}", missing)
        ]  # fmt: skip
        assert [one.status_code for one in answers] == [404, 404], (address, body)
        assert answers[0].json() == answers[1].json(), (address, body)
    assert before == (Selection.objects.count(), Export.objects.count(), Matter.objects.count())
    assert Hold.objects.count() == 0


def test_a_delivery_for_a_matter_of_somebody_else_is_not_stored(charlie, api, foreign, chat_text):
    for matter in (foreign["matter"], NOBODY):
        file = BytesIO(chat_text.encode())
        file.name = "WhatsApp Chat with X.txt"
        answer = api(charlie).post(
            f"{ROOT}/acquisitions",
            {"file": file, "timezone": "UTC", "owner": "Ana", "matter": matter},
            format="multipart",
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "address",
    ["matters", "acquisitions", "conversations", "selections", "exports", "holds", "webhooks",
     "push-streams"],
)  # fmt: skip
def test_a_cursor_of_somebody_else_or_of_nonsense_is_no_page(
    charlie, api, foreign, problem_of, address
):
    client = api(charlie)
    known = {
        "matters": "matter", "conversations": "conversation", "selections": "selection",
        "exports": "export", "acquisitions": "acquisition", "push-streams": "stream",
    }  # fmt: skip
    theirs = foreign.get(known.get(address, ""), NOBODY)
    for after in (theirs, NOBODY, "'; DROP TABLE x", "\x00", "é" * 5000, "-1", "\ud83d"):
        answer = client.get(f"{ROOT}/{address}", {"after": after.encode("utf-8", "replace")})
        assert problem_of(answer) == (404, "not_found"), (address, after[:20])


@pytest.mark.parametrize("number", ["-1", "x", "9" * 400, "\x00", "1.5", "١", "²"])
def test_a_cursor_that_is_no_number_breaks_nothing(charlie, api, own, pushed, number):
    client = api(charlie)
    for address in (
        f"conversations/{own['conversation']}/messages", f"exports/{own['export']}/custody",
    ):  # fmt: skip
        answer = client.get(f"{ROOT}/{address}", {"after": number})
        assert answer.status_code < 500, (address, number)


DEEP = "[" * 100_000
BROKEN = {
    "duplicate keys": '{"name": "Loan", "name": "Other"}',
    "duplicate keys further in": '{"name": "Loan", "x": {"a": 1, "a": 2}}',
    "deep lists": DEEP,
    "deep lists that end": DEEP + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "not a number": '{"name": NaN}',
    "endless": '{"name": 1e999}',
    "a long number": '{"name": ' + "9" * 5_000 + "}",
    "no UTF-8": b'{"name": "\xff"}',
    "half a pair": '{"name": "a\\ud800b"}',
    "a list": "[]",
    "a text": '"Loan"',
    "null": "null",
    "nothing": "",
    "cut off": '{"name": "Loan"',
    "two values": '{"name": "Loan"} {}',
    "a mark before": b'\xef\xbb\xbf{"name": ["x"]}',
    "NUL": '{"name": "a\\u0000b"}',
    "a name of another kind": '{"name": {"a": 1}}',
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("address", ["matters", "selections", "exports", "holds", "webhooks"])
def test_a_body_made_to_break_the_parser_is_a_request_refused(
    alice, api, problem_of, what, address
):
    data = BROKEN[what]
    answer = api(alice).generic(
        "POST", f"{ROOT}/{address}", data, content_type="application/json",
        HTTP_IDEMPOTENCY_KEY="k1",
    )  # fmt: skip
    assert problem_of(answer) == (400, "invalid_request")
    assert Matter.objects.count() == 0


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "", "a/b/c",
             "multipart/form-data", "multipart/form-data; boundary=x"],
)  # fmt: skip
def test_a_body_of_another_kind_is_refused(alice, api, problem_of, kind):
    answer = api(alice).generic(
        "POST", f"{ROOT}/matters", b'{"name": "Loan"}', content_type=kind,
        HTTP_IDEMPOTENCY_KEY="k1",
    )  # fmt: skip
    assert problem_of(answer) in [(415, "unsupported_media_type"), (400, "invalid_request")]
    assert Matter.objects.count() == 0


def test_a_giant_body_is_refused_before_it_is_read(alice, api, problem_of):
    client = api(alice)
    for address in ("matters", "selections", "exports", "holds", "webhooks", "push-streams"):
        answer = client.generic(
            "POST", f"{ROOT}/{address}", b"{}", content_type="application/json",
            CONTENT_LENGTH=str(600_000_000), HTTP_IDEMPOTENCY_KEY="k1",
        )  # fmt: skip
        assert problem_of(answer) == (413, "file_too_large"), address


def fields(count: int, size: int = 1) -> bytes:
    part = b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n%b\r\n'
    return b"".join(part % (n, b"y" * size) for n in range(count)) + b"--x--\r\n"


@pytest.mark.parametrize("address", ["verifications", "acquisitions"])
@pytest.mark.parametrize(
    ("body", "expected"),
    [(fields(2_000), (400, "invalid_request")), (fields(1, 3_000_000), (413, "file_too_large"))],
    ids=["many fields", "a field as large as a file"],
)
def test_a_form_that_is_too_much_is_refused_as_a_problem(
    alice, api, problem_of, address, body, expected
):
    answer = api(alice).generic(
        "POST", f"{ROOT}/{address}", body, content_type="multipart/form-data; boundary=x",
        HTTP_IDEMPOTENCY_KEY="k1",
    )  # fmt: skip
    assert problem_of(answer) == expected


@pytest.mark.django_db
def test_a_form_that_is_too_much_is_refused_at_the_doors_of_oauth(client):
    for address in ("token", "revoke"):
        answer = client.generic(
            "POST", f"{ROOT}/oauth/{address}", b"&".join(b"a%d=1" % n for n in range(2_000)),
            content_type="application/x-www-form-urlencoded",
        )  # fmt: skip
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})


@pytest.mark.parametrize(
    "moment",
    ["9999-12-31", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "2024-02-30", "now"],
)
def test_a_time_that_is_none_in_utc_is_refused(charlie, api, own, problem_of, moment):
    client = api(charlie)
    name = "to" if moment.startswith("9") else "from"
    read = client.get(f"{ROOT}/conversations/{own['conversation']}/messages", {name: moment})
    part = {"conversation": own["conversation"], name: moment}
    chosen = client.post(f"{ROOT}/selections", {"matter": own["matter"], "parts": [part]})
    assert [problem_of(one) for one in (read, chosen)] == [(422, "invalid_time")] * 2


@pytest.mark.parametrize("digits", [13, 5_000])
def test_a_number_too_long_for_a_message_is_refused(charlie, api, own, problem_of, digits):
    number = "9" * digits
    for name, code in (("messages", "invalid_range"), ("redact", "invalid_redaction")):
        part = {"conversation": own["conversation"], name: number}
        body = {"matter": own["matter"], "parts": [part]}
        answer = api(charlie).post(f"{ROOT}/selections", body)
        assert problem_of(answer) == (422, code)


def test_the_key_of_another_client_gives_nothing_of_its_answer(alice, charlie, api):
    asked = {"name": "Loan", "number": "secret number"}
    same = {"HTTP_IDEMPOTENCY_KEY": "shared"}
    first = api(alice).post(f"{ROOT}/matters", asked, **same)
    for client in (api(alice), api(charlie)):
        again = client.post(f"{ROOT}/matters", {"name": "Loan"}, **same)
        assert "Idempotent-Replayed" not in again
    assert first.json()["id"] != again.json()["id"]
    assert again.json()["number"] != "secret number"


def test_conditions_on_a_version_nobody_has_are_answered_as_problems(alice, api, problem_of):
    client = api(alice)
    tag = client.get(f"{ROOT}/me")["ETag"]
    assert client.get(f"{ROOT}/me", HTTP_IF_NONE_MATCH=tag).status_code == 304
    assert client.get(f"{ROOT}/me", HTTP_IF_NONE_MATCH=f'W/{tag}, "x"').status_code == 304
    assert client.get(f"{ROOT}/me", HTTP_IF_NONE_MATCH='"' + "x" * 9_000).status_code == 200
    assert client.get(f"{ROOT}/me", HTTP_IF_NONE_MATCH="\x00,,,").status_code == 200
    answer = client.get(f"{ROOT}/me", HTTP_IF_MATCH='"other"')
    assert problem_of(answer) == (412, "precondition_failed")


def test_a_tag_tells_nobody_what_they_may_not_read(alice, charlie, api, own):
    tag = api(charlie).get(f"{ROOT}/exports/{own['export']}")["ETag"]
    for condition in (tag, "*"):
        answer = api(alice).get(f"{ROOT}/exports/{own['export']}", HTTP_IF_NONE_MATCH=condition)
        assert answer.status_code == 404, condition


def test_names_of_files_that_no_file_can_have_are_missing(charlie, api, issued, problem_of):
    export = issued(charlie)
    for name in ("%00", "a%00.zip", "..%2f..%2fetc%2fpasswd", "%0a", "%ff", "x" * 3_000, "é"):
        answer = api(charlie).get(f"{ROOT}/exports/{export.public_id}/artifacts/{name}")
        assert problem_of(answer) == (404, "not_found"), name


@pytest.mark.parametrize(
    "fields",
    [
        {"grant_type": "client_credentials", "client_id": "\x00", "client_secret": "\x00"},
        {"grant_type": "authorization_code", "code": "\x00", "client_id": "a\x00"},
        {"grant_type": "refresh_token", "refresh_token": "\x00" * 9},
        {"grant_type": "\x00"},
        {},
    ],
)
@pytest.mark.django_db
def test_nonsense_at_the_doors_of_oauth_is_refused(fields):
    for door in ("token", "revoke"):
        answer = APIClient().post(f"{ROOT}/oauth/{door}", fields, format="multipart")
        assert answer.status_code in {400, 401}, (door, fields)
        assert "error" in answer.json()


@pytest.mark.parametrize(
    "secret", ["\x00", "é" * 100, "x" * 7_000, "", "Bearer", "tt_\x00", "a b c"]
)
@pytest.mark.django_db
def test_a_token_of_nonsense_is_nobody(problem_of, secret):
    client = APIClient()
    answer = client.get(f"{ROOT}/me", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert problem_of(answer) == (401, "not_authenticated")


def test_without_its_scope_no_address_answers(alice, now, program, foreign, problem_of):
    from evidence.api.urls import urlpatterns
    from evidence.values import API_SCOPES
    from tests.api.test_oauth import token_of

    kinds = {
        "matter_id": "matter", "acquisition_id": "acquisition", "conversation_id": "conversation",
        "selection_id": "selection", "export_id": "export", "stream_id": "stream",
    }  # fmt: skip
    asked = 0
    for pattern in urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        resource = getattr(view, "resource", "")
        if not resource:
            continue
        others = [one for one in API_SCOPES if not one.startswith(f"{resource}:")]
        made, secret = create_api_client(
            user=alice.user, organisation=alice.organisation, label="Firm", scopes=others, at=now
        )
        token = token_of(made.client_id, secret).json()["access_token"]
        client = program()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        address = f"{ROOT}/{pattern.pattern}"
        for name in pattern.pattern.converters:
            address = address.replace(f"<slug:{name}>", foreign.get(kinds.get(name, ""), NOBODY))
            address = address.replace(f"<str:{name}>", "x")
        for method in ("get", "post", "put", "patch", "delete"):
            if hasattr(view, method):
                answer = getattr(client, method)(address)
                assert problem_of(answer) == (403, "insufficient_scope"), (method, address)
                asked += 1
    assert asked > 40


def test_a_client_of_nonsense_is_not_shown_to_a_person(alice):
    for name in ("%00", "a%00", "%ff", "x" * 3_000):
        answer = alice.client.get(f"/oauth/authorize?response_type=code&client_id={name}")
        assert answer.status_code == 400
        credentials = "AGE6AGI="  # a name and a secret that begin with NUL
        answer = APIClient().post(
            f"{ROOT}/oauth/token", {"grant_type": "client_credentials"}, format="multipart",
            HTTP_AUTHORIZATION=f"Basic {credentials}",
        )  # fmt: skip
        assert answer.status_code == 401
