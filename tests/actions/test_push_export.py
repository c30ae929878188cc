"""A pushed conversation on its way to a bundle while it goes on growing."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from evidence import custody
from evidence.actions.advance import advance, run_to_end
from evidence.actions.deliver import deliver
from evidence.actions.open_matter import open_matter
from evidence.actions.request_export import (
    ExportOptions,
    freeze_selection,
    keep_asked,
    request_export,
    selection_parts,
    without_quotes,
)
from evidence.actions.take_batch import take_batch
from evidence.archive.read import messages
from evidence.exchange import convert, from_bundle
from evidence.formats import canonical, manifest, push
from evidence.formats import custody as entries
from evidence.gateways.current import current
from evidence.models import Export, Job, PushBatch, Series
from evidence.select import Choice, Redaction
from evidence.values import Actor
from evidence.verify import engine, offline
from evidence.verify.offline import custody as custody_check
from tests.pushing import line, lines

CLOUD = Actor("client", "c" * 32, "Cloud")


def grow(stream, provider, messages_, **more):
    take_batch(
        stream=stream, data=provider.batch(messages_, **more), actor=CLOUD, at=timezone.now()
    )
    provider.accepted()


@pytest.fixture(params=[freeze_selection, keep_asked], ids=["frozen at once", "by the job"])
def cut_bundle(request, alice, streamed, tmp_path):
    """A bundle of a stream chosen at 8 rows, made after it had grown to 10; and the stream."""
    stream, provider = streamed(alice)
    grow(stream, provider, lines(1, 3))
    grow(stream, provider, lines(10, 11), gap=push.Gap(3, 9, "retention"))
    grow(stream, provider, [line(12, body="mended", edit_of="m-11"), line(13)])
    series = Series.objects.select_related(
        "organisation", "acquisition__organisation", "conversation"
    ).get(pk=stream.series_id)
    now = timezone.now()
    matter = open_matter(
        organisation=series.organisation, actor=CLOUD, name="Loan", purpose="", at=now
    )
    selection = request.param(
        organisation=series.organisation, actor=CLOUD, matter=matter, at=now,
        choices=[(series, Choice())],
    )  # fmt: skip
    grow(stream, provider, [line(14, sender={"id": "u-new", "name": "Newcomer"}), line(15)])
    export = request_export(selection=selection, actor=CLOUD, options=ExportOptions(), at=now)
    job = run_to_end(export.job.pk)
    assert (job.phase, job.error_code) == (Job.Phase.READY, "")
    answer = deliver(
        export=Export.objects.get(pk=export.pk), folder=tmp_path / "out", actor=CLOUD, at=now
    )
    return Path(answer["zip"]), stream


def test_a_bundle_of_a_growing_series_is_what_was_chosen_and_verifies_everywhere(
    cut_bundle, tmp_path
):
    path, stream = cut_bundle
    with zipfile.ZipFile(path) as archive:
        stated = manifest.loads(archive.read("data/manifest.json"))
        rows = [json.loads(one) for one in archive.read("data/messages.jsonl").splitlines()]
        everything = b"".join(archive.read(name) for name in archive.namelist())
        (tmp_path / "verify.pyz").write_bytes(archive.read("verify.pyz"))
    assert (stated.series[0].head.size, stated.series[0].head.members) == (8, 3)
    assert len(rows) == 8
    assert b"Newcomer" not in everything
    assert Series.objects.get(pk=stream.series_id).size == 10

    trust = offline.trust_of(current().roots)
    assert engine.verify(path, trust=trust).indication == "TOTAL_PASSED"
    root = tmp_path / "root.pem"
    root.write_text(ssl.DER_cert_to_PEM_cert(current().roots[0]))
    cold = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "verify.pyz"), "--trust", str(root), "--json",
         str(path)], capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads(cold.stdout)
    assert report["indication"] == "TOTAL_PASSED"
    (finding,) = [one for one in report["findings"] if one["check"] == "custody"]
    assert "a growing series, cut at its 8 rows of then, 1 later heads logged" in finding["detail"]

    exchange = from_bundle(path, pages=False)
    for format in ("csv", "rsmf"):
        convert(exchange, format, tmp_path / format)
        assert any((tmp_path / format).rglob("*"))


def test_a_stream_that_grows_while_it_is_frozen_is_frozen_at_the_head_it_was_asked_at(
    alice, streamed, monkeypatch
):
    stream, provider = streamed(alice)
    grow(stream, provider, lines(1, 3))
    series = Series.objects.select_related("organisation", "conversation").get(pk=stream.series_id)
    asked_at, now = bytes(series.head).decode(), timezone.now()
    matter = open_matter(
        organisation=series.organisation, actor=CLOUD, name="Loan", purpose="", at=now
    )
    selection = keep_asked(
        organisation=series.organisation, actor=CLOUD, matter=matter, at=now,
        choices=[(series, Choice(redactions={2: Redaction(("body",), "private")}))],
    )  # fmt: skip
    export = request_export(selection=selection, actor=CLOUD, options=ExportOptions(), at=now)
    grow(stream, provider, lines(4, 5))

    def slowly(part):
        quotes = {"platform_id": "m-2", "quote": "Message 2"}
        grow(stream, provider, [line(6, reply_to=quotes), line(7)])
        return without_quotes(part)

    with monkeypatch.context() as patched:
        patched.setattr("evidence.actions.request_export.without_quotes", slowly)
        advance(export.job.pk, at=timezone.now())

    selection.refresh_from_db()
    (part,) = selection_parts(selection)
    assert (part["chosen"], part["cut"]["head"], selection.row_count) == ("1-3", asked_at, 3)
    assert list(part["withheld"]) == ["2"]
    assert Series.objects.get(pk=series.pk).size == 7
    assert run_to_end(export.job.pk).phase == Job.Phase.READY


def _lines(path: Path):
    with zipfile.ZipFile(path) as archive:
        stated = manifest.loads(archive.read("data/manifest.json"))
        return stated, custody_check.read_lines(archive.read("data/custody.jsonl"))


def test_a_stream_rewritten_between_two_heads_convicts_itself_in_any_later_bundle(cut_bundle):
    stated, logged = _lines(cut_bundle[0])
    sealed = [one for one in logged if one.entry and one.entry.event == "series.sealed"]
    chains = custody_check._chains(logged)
    info = stated.series[0]
    assert len(sealed) == 4
    assert custody_check._check_growth(info.head, info.head_entry, chains)

    for attack in ("root", "size", "grown_from", "consistency"):
        details = json.loads(canonical.dumps(dict(sealed[1].entry.details)))
        if attack == "root":
            details["root"] = "00" * 32
        elif attack == "size":
            details["size"] += 1
        elif attack == "grown_from":
            details["grown_from"] = None
        else:
            details["grown_from"]["consistency"] = details["grown_from"]["consistency"][1:]
        value = sealed[1].entry.value() | {"details": details}
        forged = entries.Line(
            sealed[1].index, sealed[1].digest, (), sealed[1].subjects, entries.read_entry(value)
        )
        swapped = [forged if one is sealed[1] else one for one in logged]
        with pytest.raises(ValueError, match=r"Series|head of series"):
            custody_check._check_growth(info.head, info.head_entry, custody_check._chains(swapped))


def test_the_recheck_walks_every_head_of_a_stream_and_finds_one_rewritten(alice, pushed):
    stream, _ = pushed(alice, 3, 2)
    report = custody.recheck(messages)
    assert (report.problems, report.messages) == ([], 5)
    first = PushBatch.objects.filter(stream=stream).order_by("number")[0]
    value = canonical.loads(bytes(first.head))
    value["root"] = "00" * 32
    first.head = canonical.dumps(value)
    first.save(update_fields=["head"])
    codes = {one.code for one in custody.recheck(messages).problems}
    assert codes == {"head_differs", "series_altered"}


def test_rows_slipped_into_a_stream_without_a_batch_are_found(alice, pushed):
    stream, _ = pushed(alice, 3)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO evidence_message (series_id, sequence, kind, participant, leaf_hash, "
            "payload) SELECT series_id, 4, kind, participant, leaf_hash, payload "
            "FROM evidence_message WHERE series_id = %s AND sequence = 3",
            [stream.series_id],
        )
    assert "series_altered" in {one.code for one in custody.recheck(messages).problems}
