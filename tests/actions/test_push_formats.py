"""A pushed conversation with edits, recalls and gaps in every format of review platforms."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.actions.advance import run_to_end
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
from evidence.actions.take_batch import take_batch
from evidence.exchange import convert, from_bundle
from evidence.exchange.case_graph import write_case
from evidence.exchange.load_file import read_dat
from evidence.formats import manifest, push
from evidence.models import Export, Series
from evidence.select import Choice, parse_redactions
from evidence.values import Actor
from tests.exchange.bundles import custom, read_rsmf
from tests.exchange.test_round_trip import assert_all_say_the_same, said_by_dat, stated
from tests.pushing import line, lines

CLOUD = Actor("client", "c" * 32, "Cloud")
RECALL = line(12, kind="recalled", body=None, recall_of="m-2")
EDIT = line(11, body="Message 1, mended þ®\n第二行", edit_of="m-1")
REPLY = line(13, reply_to={"platform_id": "m-1", "quote": "Message 1"})


@pytest.fixture
def bundle(alice, streamed, tmp_path) -> Path:
    """A bundle of a stream with every kind of row a provider can push; row 2 in part withheld."""
    stream, provider = streamed(alice)
    gap = push.Gap(3, 9, "retention")
    for batch, more in (
        (lines(1, 3), {}),
        ([line(10), EDIT], {"gap": gap}),
        ([RECALL, REPLY], {}),
        ([line(5, body="came later")], {
            "fills": push.Positions(3, 9), "cursor": push.Positions(4, 5),
        }),
    ):  # fmt: skip
        sent = provider.batch(batch, **more)
        take_batch(stream=stream, data=sent, actor=CLOUD, at=timezone.now())
        provider.accepted()
    series = Series.objects.select_related("organisation").get(pk=stream.series_id)
    now = timezone.now()
    matter = open_matter(organisation=series.organisation, actor=CLOUD, name="Loan", at=now)
    choice = Choice(redactions=parse_redactions("3:body", "privilege"))
    selection = freeze_selection(
        organisation=series.organisation, actor=CLOUD, matter=matter, at=now,
        choices=[(series, choice)],
    )  # fmt: skip
    export = request_export(selection=selection, actor=CLOUD, options=ExportOptions(), at=now)
    assert run_to_end(export.job.pk).phase == "ready"
    issued = Export.objects.get(pk=export.pk)
    answer = deliver(export=issued, folder=tmp_path / "out", actor=CLOUD, at=now)
    return Path(answer["zip"])


def test_rsmf_dat_and_csv_say_what_the_bundle_says(bundle, tmp_path):
    assert len(stated(bundle)) == 10
    assert_all_say_the_same(bundle, tmp_path)


def test_edits_recalls_and_replies_name_their_message_in_each_table(bundle, tmp_path):
    exchange = from_bundle(bundle, pages=False)
    said_by_dat(exchange, tmp_path / "dat")
    (data,) = (tmp_path / "dat").rglob("*.dat")
    rows = {one["MSGID"]: one for one in read_dat(data.read_bytes()) if one["MSGID"]}
    assert (rows["m-11"]["EDITOF"], rows["m-11"]["HASEDITS"]) == ("m-1", "Y")
    assert (rows["m-12"]["RECALLOF"], rows["m-12"]["DELETEDFLAG"]) == ("m-2", "Y")
    assert rows["m-13"]["REPLYTOID"] == "m-1"
    assert (rows["m-1"]["HASEDITS"], rows["m-1"]["EDITOF"]) == ("N", "")
    made = convert(exchange, "csv", tmp_path / "csv").files[0].read_text("utf-8-sig")
    assert '""edit_of"":""m-1""' in made
    assert '"m-1","Message 1",' in made


def test_edits_recalls_replies_and_gaps_stand_in_rsmf(bundle, tmp_path):
    made = convert(from_bundle(bundle, pages=False), "rsmf", tmp_path / "rsmf")
    events = [event for path in made.files for event in read_rsmf(path).events()]
    by_id = {custom(one)["platform_id"]: one for one in events if "platform_id" in custom(one)}
    assert json.loads(custom(by_id["m-11"])["details"]) == {"edit_of": "m-1"}
    assert json.loads(custom(by_id["m-12"])["details"]) == {"recall_of": "m-2"}
    assert by_id["m-12"]["deleted"] is True
    assert custom(by_id["m-13"])["reply_to_platform_id"] == "m-1"
    notes = [
        json.loads(custom(one)["system"])["template"] for one in events if "system" in custom(one)
    ]
    assert notes == ["push_gap", "push_gap_filled"]
    assert "收到了" not in json.dumps(by_id["m-3"], ensure_ascii=False)


def test_the_custody_graph_tells_every_head_of_the_stream(bundle, tmp_path):
    exchange = from_bundle(bundle, pages=False)
    count = write_case(exchange, tmp_path / "case.jsonld")
    graph = json.loads((tmp_path / "case.jsonld").read_text())["@graph"]
    with zipfile.ZipFile(bundle) as archive:
        kept = [json.loads(one) for one in archive.read("data/custody.jsonl").splitlines()]
        head = manifest.loads(archive.read("data/manifest.json")).series[0].head
    assert count == len(kept)
    acts = {
        int(one["truethread:index"]["@value"]): one for one in graph if "truethread:index" in one
    }
    for one in kept:
        entry = one.get("entry")
        index = entry["index"] if entry else one["index"]
        if entry:
            act = acts[index]
            assert act["uco-core:name"] == entry["event"]
            assert json.loads(act["truethread:details"]) == entry["details"]
            assert datetime.fromisoformat(act["uco-action:startTime"]["@value"])
    grown = [
        json.loads(one["truethread:details"])
        for one in acts.values()
        if one["uco-core:name"] == "series.sealed"
    ]
    assert [one["batch"] for one in sorted(grown, key=lambda each: each["size"])] == [1, 2, 3, 4]
    threads = [one for one in graph if one["@type"] == "uco-observable:MessageThread"]
    assert [one["truethread:root"]["@value"].lower() for one in threads] == [head.root.hex()]
