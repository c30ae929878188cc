"""From a frozen selection to an issued bundle, through all phases with real parts."""

from __future__ import annotations

import json
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from evidence import custody
from evidence.actions.advance import advance, cancel_export, run_to_end
from evidence.actions.deliver import deliver
from evidence.actions.request_export import (
    ExportOptions,
    StatedParty,
    request_export,
    retry_export,
)
from evidence.actions.withdraw_bundle import supersede_bundle, withdraw_bundle
from evidence.archive.blobs import open_blob
from evidence.errors import InvalidSelection, StampUnavailable, StorageFailed
from evidence.formats import manifest
from evidence.gateways.current import current
from evidence.models import Artifact, CustodyEntry, Export, Job
from evidence.models import Message as MessageRow
from evidence.select import Choice, parse_ranges, parse_redactions
from evidence.values import Actor
from evidence.verify import offline
from tests.actions.conftest import OPERATOR
from tests.surfaces import flipped


def made(export: Export) -> Export:
    job = run_to_end(export.job.pk)
    assert (job.phase, job.error_code) == (Job.Phase.READY, "")
    export.refresh_from_db()
    return export


def delivered(export: Export, folder: Path) -> Path:
    answer = deliver(export=export, folder=folder, actor=OPERATOR, at=timezone.now())
    return Path(answer["zip"])


def verdict(path: Path) -> offline.Report:
    return offline.verify(path, trust=offline.trust_of(current().roots))


def lines_of(path: Path) -> list[dict]:
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read("data/messages.jsonl").splitlines()]


def test_a_whole_conversation_becomes_a_bundle_that_verifies(ask, tmp_path):
    path = delivered(made(ask()), tmp_path / "out")

    report = verdict(path)

    assert (report.indication, report.reason, report.trust) == ("TOTAL_PASSED", "ok", "development")
    assert report.of("receipt")[0].outcome == "passed"
    assert report.of("time_independence")[0].detail.startswith("TIME_NOT_INDEPENDENT")


def test_the_bundle_says_since_when_the_conversation_stood(ask, tmp_path):
    path = delivered(made(ask()), tmp_path)

    (finding,) = verdict(path).of("stored_by")

    assert finding.outcome == "passed"
    assert "no later than 20" in finding.detail


def test_an_excerpt_states_its_gaps_and_discloses_nothing_else(ask, tmp_path):
    path = delivered(made(ask(Choice(messages=parse_ranges("2,5-6")))), tmp_path)

    with zipfile.ZipFile(path) as archive:
        stated = manifest.loads(archive.read("data/manifest.json"))
        everything = b"".join(archive.read(name) for name in archive.namelist())
    part = stated.parts[0].value()
    assert (part["n_disclosed"], part["n_rows"], part["gaps"]) == (3, 6, 1)
    assert b"13800138000" not in everything
    assert not any(name.startswith("data/originals") for name in archive.namelist())
    assert verdict(path).passed


def test_a_redacted_number_is_nowhere_in_the_bundle(ask, tmp_path):
    redactions = parse_redactions("4:body:7", "private number")
    path = delivered(made(ask(Choice(redactions=redactions))), tmp_path)

    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    row = next(line for line in lines_of(path) if line["fields"]["sequence"] == 4)
    assert b"13800138000" not in everything
    assert [part.get("text") for part in row["fields"]["body"]["segments"]] == [
        "My",
        " ",
        "number",
        " ",
        "is",
        " ",
        None,
    ]
    assert row["withheld"]["reason"] == "private number"
    assert verdict(path).passed


def test_a_withheld_message_leaves_only_its_commitments(ask, tmp_path):
    path = delivered(made(ask(Choice(redactions=parse_redactions("4")))), tmp_path)

    row = next(line for line in lines_of(path) if line["fields"]["sequence"] == 4)

    assert row["fields"] == {"sequence": 4}
    assert len(row["commitments"]) == 19
    assert verdict(path).passed


def test_two_bundles_of_one_matter_share_no_page_number(ask, series):
    first, second = made(ask()), made(ask(Choice(messages=parse_ranges("1-2"))))

    ranges = []
    for export in (first, second):
        blob = export.artifacts.get(kind=Artifact.Kind.ZIP).blob
        with open_blob(blob) as stream, zipfile.ZipFile(stream) as archive:
            volume = manifest.loads(archive.read("data/manifest.json")).volumes[0]
        ranges.append((volume.bates_first, volume.bates_last))
    assert ranges[0][1] + 1 == ranges[1][0]


def test_a_sibling_reading_is_listed_and_compared(acquire, ask, tmp_path):
    acquire(timezone="Asia/Shanghai")
    path = delivered(made(ask()), tmp_path)

    with zipfile.ZipFile(path) as archive:
        (sibling,) = manifest.loads(archive.read("data/manifest.json")).siblings
    assert sibling.same + sibling.different + sibling.missing == 6


def test_the_bundle_of_a_chinese_reader_is_chinese(ask, tmp_path):
    path = delivered(made(ask(language="zh", jurisdiction="cn")), tmp_path)

    assert verdict(path).passed
    with zipfile.ZipFile(path) as archive:
        assert manifest.loads(archive.read("data/manifest.json")).language == "zh"
        drafts = [name for name in archive.namelist() if name.startswith("data/drafts/")]
    assert "data/drafts/filing-copy.pdf" in drafts
    assert len(drafts) == 3


def test_sm3_stands_beside_sha256_where_it_is_set(acquire, settings, tmp_path, organisation):
    settings.TRUETHREAD_SM3 = True
    from evidence.actions.open_matter import open_matter
    from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
    from evidence.models import Series

    series = Series.objects.get(acquisition=acquire().acquisition)
    now = timezone.now()
    matter = open_matter(organisation=organisation, actor=OPERATOR, name="M", at=now)
    selection = freeze_selection(
        organisation=organisation,
        actor=OPERATOR,
        matter=matter,
        choices=[(series, Choice())],
        at=now,
    )
    export = request_export(selection=selection, actor=OPERATOR, options=ExportOptions(), at=now)
    path = delivered(made(export), tmp_path)

    assert verdict(path).passed
    with zipfile.ZipFile(path) as archive:
        assert "manifest-sm3.txt" in archive.namelist()


def test_without_any_time_stamp_nothing_is_issued(ask, monkeypatch):
    def dead(_self: object, _digest: bytes) -> None:
        raise StampUnavailable("authority.example: timeout")

    monkeypatch.setattr(type(current().stamper), "stamp", dead)
    export = ask()

    job = run_to_end(export.job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "stamp_unavailable")
    assert not CustodyEntry.objects.filter(event="export.issued").exists()
    assert CustodyEntry.objects.filter(event="export.failed").count() == 1
    assert not Artifact.objects.exists()


def test_a_full_disk_is_named_and_nothing_is_issued(ask, monkeypatch):
    from evidence import bundle

    def full(*_: object) -> None:
        raise StorageFailed("No space left on device")

    monkeypatch.setattr(bundle, "pack", full)
    job = run_to_end(ask().job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "storage_failed")
    assert not CustodyEntry.objects.filter(event="export.issued").exists()


def test_a_stored_message_that_was_changed_is_never_issued(ask, series):
    row = MessageRow.objects.get(series=series, sequence=2)
    MessageRow.objects.filter(pk=row.pk).update(payload=flipped(row.payload))

    job = run_to_end(ask().job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "stored_bytes_corrupt")
    assert not Artifact.objects.exists()


def test_a_leaf_that_was_exchanged_is_never_issued(ask, series):
    MessageRow.objects.filter(series=series, sequence=2).update(leaf_hash=b"\x11" * 32)

    job = run_to_end(ask().job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "stored_bytes_corrupt")


def test_a_cancelled_export_issues_nothing(ask):
    export = ask()
    advance(export.job.pk, at=timezone.now())
    cancel_export(job=export.job, actor=Actor("system", "test"), at=timezone.now())

    job = run_to_end(export.job.pk)

    assert job.phase == Job.Phase.CANCELLED
    assert CustodyEntry.objects.filter(event="export.cancelled").count() == 1
    assert not Artifact.objects.exists()


def test_a_job_held_by_a_living_worker_is_left_alone(ask):
    export = ask()
    Job.objects.filter(pk=export.job.pk).update(
        lease_holder="elsewhere:1:1", lease_until=timezone.now() + timedelta(minutes=1)
    )

    job, moved = advance(export.job.pk, at=timezone.now())

    assert (job.phase, moved) == (Job.Phase.PREPARING, False)


def test_a_lease_that_ran_out_is_taken_over(ask):
    export = ask()
    Job.objects.filter(pk=export.job.pk).update(
        lease_holder="elsewhere:1:1", lease_until=timezone.now() - timedelta(minutes=1)
    )

    _, moved = advance(export.job.pk, at=timezone.now())

    assert moved


def test_a_phase_that_kills_every_worker_is_given_up_and_can_be_asked_for_again(ask, monkeypatch):
    from evidence.actions.advance import STEPS
    from evidence.actions.lease import MOST_ATTEMPTS

    class PowerCut(BaseException):
        """What a worker's end looks like from inside: nothing catches it."""

    def cut(job, at):
        raise PowerCut

    export = ask()
    with monkeypatch.context() as patched:
        patched.setitem(STEPS, Job.Phase.PREPARING, (cut, Job.Phase.STAMPING))
        for _ in range(MOST_ATTEMPTS):
            with pytest.raises(PowerCut):
                run_to_end(export.job.pk)
        job = run_to_end(export.job.pk)
    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "given_up")
    assert CustodyEntry.objects.filter(event="export.failed").count() == 1

    again = retry_export(export=job.export, actor=OPERATOR, at=timezone.now())

    assert run_to_end(again.job.pk).phase == Job.Phase.READY
    with pytest.raises(InvalidSelection):
        retry_export(export=again, actor=OPERATOR, at=timezone.now())


@pytest.mark.foreign_tool("pdftotext")
def test_who_is_said_to_be_behind_an_account_is_printed_beside_it_as_stated(ask, tmp_path):
    """Only for those who speak in what is shown: naming a silent one would disclose who it is."""
    selection = ask(Choice(messages=parse_ranges("1"))).selection
    series = selection.series.get().public_id
    options = ExportOptions(
        requester="Jane Doe",
        parties=(
            StatedParty(series, "p1", "Speaking Ltd", "document"),
            StatedParty(series, "p2", "Silent Ltd", "known"),
        ),
    )
    export = made(
        request_export(selection=selection, actor=OPERATOR, options=options, at=timezone.now())
    )
    path = delivered(export, tmp_path / "out")

    assert verdict(path).indication == "TOTAL_PASSED"
    with zipfile.ZipFile(path) as archive:
        value = json.loads(archive.read("data/manifest.json"))
        (tmp_path / "evidence.pdf").write_bytes(archive.read("data/evidence.pdf"))
    stated = {"basis": "document", "by": "Jane Doe", "name": "Speaking Ltd"}
    people = value["series"][0]["participants"]
    assert [one["stated"] for one in people if "stated" in one] == [stated]
    assert value["stated"]["parties"] == "Jane Doe"
    shown = subprocess.run(
        ["pdftotext", str(tmp_path / "evidence.pdf"), "-"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    flat = "".join(shown.split())
    assert "SpeakingLtd(byacontractoranotherdocument)" in flat
    assert "SilentLtd" not in flat


def test_every_phase_run_twice_still_issues_once(ask, tmp_path):
    """A worker killed after its work but before the phase was recorded runs the phase again."""
    from evidence.actions.advance import STEPS

    export = ask()
    job = export.job
    frozen_before = [phase for phase in STEPS if phase != Job.Phase.FREEZING]
    for phase in frozen_before:
        step, _ = STEPS[phase]
        job.refresh_from_db()
        assert job.phase == phase
        if phase != Job.Phase.ISSUING:
            step(job, timezone.now())
        advance(job.pk, at=timezone.now())

    export.refresh_from_db()
    assert CustodyEntry.objects.filter(event="export.prepared").count() == 1
    assert CustodyEntry.objects.filter(event="export.issued").count() == 1
    assert verdict(delivered(export, tmp_path)).passed


def test_withdrawing_is_logged_once_and_keeps_the_bundle_valid(ask, tmp_path):
    export = made(ask())
    path = delivered(export, tmp_path)

    for _ in range(2):
        withdraw_bundle(export=export, actor=OPERATOR, reason="wrong period", at=timezone.now())

    assert CustodyEntry.objects.filter(event="bundle.withdrawn").count() == 1
    assert verdict(path).passed


def test_a_bundle_is_superseded_only_by_a_later_one_of_its_matter(ask):
    first = made(ask())

    with pytest.raises(InvalidSelection):
        supersede_bundle(export=first, by=first, actor=OPERATOR, at=timezone.now())


def test_every_download_is_an_entry(ask, tmp_path):
    export = made(ask())

    delivered(export, tmp_path / "a")
    delivered(export, tmp_path / "b")

    chain = [one.entry.event for one in custody.entries_of("bundle", export.public_id)]
    assert chain == [
        "export.requested", "export.prepared", "export.issued", "bundle.downloaded",
        "bundle.downloaded",
    ]  # fmt: skip


def test_a_quote_of_a_withheld_message_is_withheld_too(acquire, organisation, tmp_path):
    from evidence.actions.open_matter import open_matter
    from evidence.actions.request_export import ExportOptions, freeze_selection, request_export
    from evidence.models import Series

    rows = [("1", "文本", "Ana", "my secret is 4711", ""), ("2", "文本", "Ben", "ok", "")]
    quote = (
        "<msg><appmsg><title>why?</title><type>57</type><refermsg><svrid>1</svrid>"
        "<content>my secret is 4711</content></refermsg></appmsg></msg>"
    )
    lines = ["消息ID,类型,发送人,时间,内容,备注,昵称,更多信息"]
    for number, (ident, kind, sender, body, _) in enumerate(rows):
        lines.append(f"{ident},{kind},{sender},2024-01-01 08:0{number}:00,{body},,{sender},more")
    lines.append(f"3,引用消息,Ben,2024-01-01 08:05:00,{quote},,Ben,more")
    result = acquire(
        "\ufeff" + "\r\n".join(lines) + "\r\n", name="chat.csv", timezone="Asia/Shanghai"
    )
    series = Series.objects.get(acquisition=result.acquisition)
    now = timezone.now()
    matter = open_matter(organisation=organisation, actor=OPERATOR, name="M", at=now)
    choice = Choice(redactions=parse_redactions("1:body", "private"))
    selection = freeze_selection(
        organisation=organisation, actor=OPERATOR, matter=matter, choices=[(series, choice)], at=now
    )

    export = request_export(selection=selection, actor=OPERATOR, options=ExportOptions(), at=now)
    path = delivered(made(export), tmp_path)

    with zipfile.ZipFile(path) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret is 4711" not in everything  # four digits alone occur in hashes
    assert verdict(path).passed


def test_fonts_are_prepared_at_first_need_where_set_up_was_not_run(tmp_path):
    from evidence.actions.export_steps.render import _library

    library = _library(tmp_path / "fonts")

    assert library.face("cjk-zh-Hans").covers(ord("信"))
