"""Formats of review platforms beside a bundle: asked for, made by a worker, handed out, logged."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest
from django.utils import timezone

from evidence import custody, tasks
from evidence.actions.advance import run_to_end
from evidence.actions.convert_bundle import MOST_ATTEMPTS, make_conversion
from evidence.exchange import FORMATS, check_rsmf
from evidence.models import Blob, Conversion, Export, Job

ROOT = "/api/v1"


@pytest.fixture
def made(api, issued):
    """Have every format of a person's bundle made; return the export and its artifacts by kind."""

    def make(actor):
        export, client = issued(actor), api(actor)
        for format in FORMATS:
            asked = {"format": format, "timezone": "Europe/Madrid" if format == "rsmf" else ""}
            answer = client.post(f"{ROOT}/exports/{export.public_id}/formats", asked)
            assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        assert tasks.make_conversions() == len(FORMATS)
        items = client.get(f"{ROOT}/exports/{export.public_id}/artifacts").json()["items"]
        return export, {one["kind"]: one for one in items}

    return make


def test_every_format_is_made_and_is_what_its_hash_says(
    alice, api, made, client, content, tmp_path
):
    export, items = made(alice)
    assert set(items) == {"zip", "receipt", "pdf", *FORMATS}
    files = {}
    for kind, item in items.items():
        files[kind] = content(client.get(item["url"]))
        assert len(files[kind]) == item["size"], kind
        assert sha256(files[kind]).hexdigest() == item["sha256"], kind
    with zipfile.ZipFile(io.BytesIO(files["rsmf"])) as archive:
        archive.extractall(tmp_path)
    rsmf = sorted(tmp_path.rglob("*.rsmf"))
    assert rsmf
    assert [list(check_rsmf(one.name, one.read_bytes())) for one in rsmf] == [[]] * len(rsmf)
    with zipfile.ZipFile(io.BytesIO(files["dat"])) as archive:
        assert any(name.endswith(".opt") for name in archive.namelist())
    assert "Good morning" in files["csv"].decode("utf-8-sig")
    assert b"@graph" in files["case"]
    assert bytes(Export.objects.get().zip_sha256).hex() == items["zip"]["sha256"]
    assert export.artifacts.count() == 3
    custody.sequence_pending()
    taken = [
        one.entry
        for one in custody.entries_of("bundle", export.public_id)
        if one.entry.event == "bundle.downloaded"
    ]
    assert len(taken) == len(items)
    assert all(one.actor.kind == "client" for one in taken)


def test_formats_are_an_option_of_the_export(alice, api, stored):
    series = stored(alice)
    asked = {
        "matter": "Loan", "selection": [{"conversation": series.public_id, "messages": "1-3"}],
        "options": {"formats": ["csv"]},
    }  # fmt: skip
    answer = api(alice).post(f"{ROOT}/exports", asked)
    assert answer.status_code == 202, answer.json()
    assert tasks.make_conversions() == 0
    run_to_end(Job.objects.get().pk)
    assert tasks.make_conversions() > 0
    (found,) = api(alice).get(f"{ROOT}/exports/{answer.json()['id']}/formats").json()["items"]
    assert (found["format"], found["state"]) == ("csv", "ready")


def test_what_is_withheld_is_in_none_of_them(alice, api, stored, client, content):
    series = stored(alice)
    asked = {
        "matter": "Loan", "options": {"formats": list(FORMATS)},
        "selection": [{"conversation": series.public_id, "messages": "1-3", "redact": "2:body"}],
    }  # fmt: skip
    export = api(alice).post(f"{ROOT}/exports", asked).json()["id"]
    run_to_end(Job.objects.get().pk)
    assert tasks.make_conversions() > 0
    items = api(alice).get(f"{ROOT}/exports/{export}/artifacts").json()["items"]
    derived = [one for one in items if one["kind"] in FORMATS]
    assert len(derived) == len(FORMATS)
    for item in derived:
        data = content(client.get(item["url"]))
        parts = [data]
        if item["name"].endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                parts = [archive.read(name) for name in archive.namelist()]
        for hidden in ("收到了", "谢谢你", "See you at noon"):
            assert not any(hidden.encode() in part for part in parts), (item["kind"], hidden)


def test_formats_are_closed_to_others(alice, bob, charlie, api, made, problem_of):
    export, items = made(alice)
    own = f"{ROOT}/exports/{export.public_id}"
    for actor in (bob, charlie):
        other = api(actor)
        for answer in (
            other.get(f"{own}/formats"), other.post(f"{own}/formats", {"format": "csv"}),
            other.get(f"{own}/artifacts/{items['csv']['name']}"),
        ):  # fmt: skip
            assert problem_of(answer) == (404, "not_found")
    assert api(alice).get(f"{own}/artifacts/{items['csv']['name']}").status_code == 200


def test_wrong_wishes_are_refused(alice, api, requested, problem_of):
    own = f"{ROOT}/exports/{requested(alice).public_id}/formats"
    client = api(alice)
    assert problem_of(client.post(own, {"format": "csv"})) == (409, "not_issued")
    assert problem_of(client.post(own, {"format": "docx"})) == (400, "invalid_request")
    assert Conversion.objects.count() == 0


def test_a_bundle_that_is_damaged_in_the_store_is_not_converted(alice, api, issued):
    export = issued(alice)
    Blob.objects.update(wrapped_key=b"x" * 60)
    client = api(alice)
    client.post(f"{ROOT}/exports/{export.public_id}/formats", {"format": "csv"})
    assert tasks.make_conversions() == 1
    (found,) = client.get(f"{ROOT}/exports/{export.public_id}/formats").json()["items"]
    assert (found["state"], found["error"]) == ("failed", "stored_bytes_corrupt")


def test_two_workers_make_one_conversion_once_and_one_that_kills_them_is_given_up(
    alice, api, issued
):
    export = issued(alice)
    for format in ("csv", "case"):
        api(alice).post(f"{ROOT}/exports/{export.public_id}/formats", {"format": format})
    at = timezone.now()
    good, bad = Conversion.objects.order_by("pk")
    assert make_conversion(good.pk, at) is True
    assert make_conversion(good.pk, at) is False
    Conversion.objects.filter(pk=bad.pk).update(attempts=MOST_ATTEMPTS)
    assert make_conversion(bad.pk, at) is True
    bad.refresh_from_db()
    assert (bad.state, bad.error_code) == ("failed", "server_error")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "\x8bÚ\x1d¥ÔkÑ®𤉻", "Europe"])
def test_a_zone_that_nobody_knows_is_refused_by_name(alice, api, issued, problem_of, zone):
    asked = {"format": "rsmf", "timezone": zone}
    answer = api(alice).post(f"{ROOT}/exports/{issued(alice).public_id}/formats", asked)
    status, code = problem_of(answer)
    assert (status // 100, code) == (4, "unknown_timezone")
