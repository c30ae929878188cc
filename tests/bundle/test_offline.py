"""The offline verdict on good bundles, and on bundles in which one thing was changed."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.formats import bundle, canonical, manifest, message, proofs, ranges
from evidence.formats.hashes import sm3_available
from evidence.verify.offline import Limits, Report, trust_of
from evidence.verify.offline import bundle as offline_bundle
from evidence.verify.offline.bundle_source import WholeHash
from tests.bundle import world
from tests.bundle.world import BUNDLE, SERIES, Built, Deployment, Plan, repack

Judge = Callable[..., Report]
SM3_HERE = pytest.mark.skipif(not sm3_available(), reason="foreign tool missing: SM3 in OpenSSL")


def failed_checks(report: Report) -> set[str]:
    return {one.check for one in report.findings if one.outcome == "failed"}


def detail_of(report: Report, check: str) -> str:
    return next(
        one.detail for one in report.findings if (one.check, one.outcome) == (check, "failed")
    )


# --- good bundles -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"series": 2},
        {"volumes": 3},
        {"disclosed": "1-12", "withheld": {}},
        {"rows": 1, "disclosed": "1", "withheld": {}},
        {"rows": 300, "disclosed": "1,3,5-7,300", "withheld": {300: ["*"]}},
        pytest.param({"sm3": True, "series": 2}, marks=SM3_HERE),
    ],
    ids=str,
)
def test_a_good_bundle_passes(judge_plan: Judge, changes: dict[str, Any]) -> None:
    report = judge_plan(**changes)
    assert (report.indication, report.reason, report.kind) == ("TOTAL_PASSED", "ok", "bundle")
    assert report.trust == "development"


def test_a_good_bundle_passes_with_its_receipt(good: Built, judge: Judge) -> None:
    report = judge(good.path, receipt=good.receipt)
    assert report.passed
    assert [one.outcome for one in report.of("receipt")] == ["passed"]


def test_a_bundle_without_its_receipt_says_so(good: Built, judge: Judge) -> None:
    (finding,) = judge(good.path).of("receipt")
    assert (finding.outcome, finding.required) == ("not_checked", False)


def test_the_receipt_beside_a_bundle_is_found(good: Built, tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / good.path.name
    path.write_bytes(good.path.read_bytes())
    path.with_name(path.name + ".receipt.json").write_bytes(good.receipt)
    assert [one.outcome for one in judge(path).of("receipt")] == ["passed"]


def test_several_processes_and_one_agree(good: Built, judge: Judge) -> None:
    one, several = judge(good.path, processes=1), judge(good.path, processes=2)
    assert one.findings == several.findings


def test_an_unpacked_bundle_passes_and_says_nothing_about_its_container(
    good: Built, tmp_path: Path, judge: Judge
) -> None:
    zipfile.ZipFile(good.path).extractall(tmp_path / "bag")
    report = judge(tmp_path / "bag")
    assert report.passed
    assert [one.outcome for one in report.of("container")] == ["not_checked"]


def test_without_trust_a_development_bundle_is_indeterminate(good: Built, judge: Judge) -> None:
    report = judge(good.path, trust=trust_of([]))
    assert (report.indication, report.reason) == ("INDETERMINATE", "development_trust")
    assert report.trust == "none"


def test_a_report_says_since_when_each_series_was_stored(good: Built, judge: Judge) -> None:
    (finding,) = judge(good.path).of("stored_by")
    assert finding.detail == "Sealed in the store no later than 2026-02-13T09:26:53Z."


def test_without_a_witness_the_single_view_is_not_checked(good: Built, judge: Judge) -> None:
    (finding,) = judge(good.path).of("single_view")
    assert (finding.outcome, finding.required) == ("not_checked", False)


@SM3_HERE
def test_a_verifier_without_sm3_says_not_checked_and_judges_the_rest(
    deployment: Deployment, tmp_path: Path, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = world.build(deployment, tmp_path, Plan(sm3=True))
    monkeypatch.setattr(offline_bundle, "sm3_available", lambda: False)
    report = judge(built.path)
    assert report.passed
    assert {(one.outcome, one.required) for one in report.of("sm3")} == {("not_checked", False)}


def test_a_manifest_claiming_absurd_ranges_is_refused_at_once(
    judge_plan: Judge,
) -> None:
    def widen(parts: dict[str, bytes]) -> None:
        shifted_proof(parts, "1-9007199254740000")

    assert "seal" in failed_checks(judge_plan(bend_parts=widen))


# --- one thing changed by somebody without the keys ---------------------------------------------


def changed_line(good: Built, number: int, change: Callable[[Any], None]) -> bytes:
    lines = good.parts[bundle.MESSAGES].splitlines()
    value: Any = canonical.loads(lines[number])
    change(value)
    lines[number] = canonical.dumps(value)
    return b"\n".join(lines) + b"\n"


def put_words_in_a_mouth(value: Any) -> None:
    value["fields"]["body"] = "I confess."


@pytest.mark.parametrize("relist", [False, True])
def test_edited_messages_with_recomputed_manifests(
    good: Built, tmp_path: Path, judge: Judge, relist: bool
) -> None:
    edited = changed_line(good, 0, put_words_in_a_mouth)
    report = judge(repack(good, tmp_path, {bundle.MESSAGES: edited}, relist=relist))
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")
    assert {"seal", "manifest" if relist else "files"} <= failed_checks(report)


@pytest.mark.parametrize(
    "path",
    [
        bundle.MESSAGES,
        bundle.PROOFS,
        bundle.CUSTODY,
        bundle.README,
        bundle.VERIFIER,
        bundle.LOG_KEY,
        manifest.PREPARED_CHECKPOINT,
        manifest.PREPARED_TOKEN,
        bundle.attachment_path(SERIES[0], 3, 1, "a.png"),
    ],
)
def test_a_removed_file(good: Built, tmp_path: Path, judge: Judge, path: str) -> None:
    report = judge(repack(good, tmp_path, {path: None}))
    assert report.indication == "TOTAL_FAILED"
    assert "files" in failed_checks(report)


@pytest.mark.parametrize("path", ["data/evidence-002.pdf", "data/notes.txt", "notes.txt"])
def test_an_extra_file(good: Built, tmp_path: Path, judge: Judge, path: str) -> None:
    report = judge(repack(good, tmp_path, {path: b"more"}))
    assert detail_of(report, "files") == "This file does not belong to the bundle."


def test_a_byte_in_an_attachment(good: Built, tmp_path: Path, judge: Judge) -> None:
    path = bundle.attachment_path(SERIES[0], 3, 1, "a.png")
    report = judge(repack(good, tmp_path, {path: good.parts[path] + b"!"}))
    assert "files" in failed_checks(report)


def test_the_signed_pdf_of_another_bundle(
    good: Built, deployment: Deployment, tmp_path: Path, judge: Judge
) -> None:
    other = world.build(deployment, tmp_path, Plan(disclosed="1-3", withheld={}))
    report = judge(repack(good, tmp_path, {bundle.MASTER: other.parts[bundle.MASTER]}))
    assert detail_of(report, "manifest").startswith("The signed master embeds another manifest")


def test_a_swapped_volume(deployment: Deployment, tmp_path: Path, judge: Judge) -> None:
    built = world.build(deployment, tmp_path, Plan(volumes=3))
    two, three = "data/evidence-002.pdf", "data/evidence-003.pdf"
    swapped = {two: built.parts[three], three: built.parts[two]}
    assert {"files", "volumes"} <= failed_checks(judge(repack(built, tmp_path, swapped)))


def test_bag_files_that_do_not_follow_from_the_others(
    good: Built, judge: Judge, tmp_path: Path
) -> None:
    members = read_members(good.path)
    members[bundle.BAG_INFO] = members[bundle.BAG_INFO].replace(b"Example", b"Another")
    tags = members[bundle.TAGS_SHA256].splitlines(keepends=True)
    digest = hashlib.sha256(members[bundle.BAG_INFO]).hexdigest()
    members[bundle.TAGS_SHA256] = b"".join(
        f"{digest}  bag-info.txt\n".encode() if b"bag-info" in line else line for line in tags
    )
    report = judge(write_members(tmp_path / "x.zip", members))
    assert failed_checks(report) == {"bag"}


def test_a_repacked_zip_is_told_from_the_issued_one(
    good: Built, tmp_path: Path, judge: Judge
) -> None:
    path = tmp_path / "again.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in read_members(good.path).items():
            archive.writestr(name, data)
    report = judge(path)
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")
    assert failed_checks(report) == {"container"}


@pytest.mark.parametrize("where", ["before", "after"])
def test_bytes_added_around_the_zip(good: Built, tmp_path: Path, judge: Judge, where: str) -> None:
    data = good.path.read_bytes()
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK" + data if where == "before" else data + b"\0")
    report = judge(path)
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


def test_a_receipt_for_another_zip(
    good: Built, deployment: Deployment, tmp_path: Path, judge: Judge
) -> None:
    other = world.build(deployment, tmp_path, Plan())
    report = judge(good.path, receipt=other.receipt)
    assert detail_of(report, "receipt").startswith("The receipt is for another ZIP")
    assert report.indication == "TOTAL_FAILED"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]"])
def test_a_receipt_that_is_none(good: Built, judge: Judge, data: bytes) -> None:
    assert judge(good.path, receipt=data).indication == "TOTAL_FAILED"


# --- a dishonest operator, with all keys of the deployment --------------------------------------


def test_a_dropped_row_even_when_signed(judge_plan: Judge) -> None:
    def drop(parts: dict[str, bytes]) -> None:
        lines = parts[bundle.MESSAGES].splitlines(keepends=True)
        parts[bundle.MESSAGES] = b"".join(lines[:1] + lines[2:])

    report = judge_plan(bend_parts=drop)
    assert report.indication == "TOTAL_FAILED"
    assert "do not stand here" in detail_of(report, "messages")


def test_a_changed_word_even_when_signed(judge_plan: Judge) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[bundle.MESSAGES] = parts[bundle.MESSAGES].replace(b"35000", b"99000")

    report = judge_plan(bend_parts=change)
    assert detail_of(report, "seal").startswith("The rows and hashes do not give the sealed root")


def shifted_proof(parts: dict[str, bytes], disclosed: str) -> None:
    (proof,) = proofs.loads(parts[bundle.PROOFS])
    value = {**vars(proof), "disclosed": ranges.parse(disclosed)}
    parts[bundle.PROOFS] = proofs.dumps([proofs.SeriesProof(**value)])


def rewritten_part(arguments: dict[str, Any], **changes: Any) -> None:
    (part,) = arguments["parts"]
    arguments["parts"] = (manifest.Part(**{**vars(part), **changes}),)


def test_a_withheld_message_passed_off_as_absent(judge_plan: Judge) -> None:
    def hide(parts: dict[str, bytes]) -> None:
        lines = parts[bundle.MESSAGES].splitlines(keepends=True)
        parts[bundle.MESSAGES] = b"".join(lines[:2] + lines[3:])
        shifted_proof(parts, "2-3,5-6,9-10")

    def rewrite(arguments: dict[str, Any]) -> None:
        (part,) = arguments["parts"]
        withheld = {key: value for key, value in part.withheld.items() if key != 4}
        reasons = {key: value for key, value in part.reasons.items() if key != 4}
        shown = ranges.parse("2-3,5-6,9-10")
        rewritten_part(arguments, disclosed=shown, withheld=withheld, reasons=reasons)

    report = judge_plan(bend_parts=hide, bend_manifest=rewrite)
    assert "not the one that was logged" in detail_of(report, "custody")
    assert "seal" in failed_checks(report)


def test_a_shifted_range(judge_plan: Judge) -> None:
    def shift(parts: dict[str, bytes]) -> None:
        shifted_proof(parts, "3-7,10-11")

    def rewrite(arguments: dict[str, Any]) -> None:
        (part,) = arguments["parts"]
        moved = {key + 1: value for key, value in part.withheld.items()}
        reasons = {key + 1: value for key, value in part.reasons.items()}
        shown = ranges.parse("3-7,10-11")
        rewritten_part(arguments, disclosed=shown, withheld=moved, reasons=reasons)

    report = judge_plan(bend_parts=shift, bend_manifest=rewrite)
    assert {"messages", "custody", "seal"} <= failed_checks(report)


def test_a_withheld_field_the_selection_does_not_name(judge_plan: Judge) -> None:
    def rewrite(arguments: dict[str, Any]) -> None:
        (part,) = arguments["parts"]
        withheld = {**part.withheld, 5: ("body:3-4", "edits", "source", "source_text")}
        rewritten_part(arguments, withheld=withheld)

    report = judge_plan(bend_manifest=rewrite)
    assert "other parts are withheld" in detail_of(report, "selection")


def test_a_reason_changed_after_the_fact(judge_plan: Judge) -> None:
    def rewrite(arguments: dict[str, Any]) -> None:
        (part,) = arguments["parts"]
        rewritten_part(arguments, reasons={**part.reasons, 4: "irrelevant"})

    report = judge_plan(bend_manifest=rewrite)
    assert "different reasons" in detail_of(report, "selection")


def test_an_attachment_its_message_does_not_commit_to(judge_plan: Judge) -> None:
    def exchange(parts: dict[str, bytes]) -> None:
        parts[bundle.attachment_path(SERIES[0], 3, 1, "a.png")] = b"another picture"

    report = judge_plan(bend_parts=exchange)
    assert detail_of(report, "attachments") == "This is not the attachment its message commits to."


def test_an_attachment_of_a_withheld_message(judge_plan: Judge) -> None:
    report = judge_plan(withheld={3: ["attachments"]})
    assert detail_of(report, "attachments") == "No disclosed message carries this attachment."


def test_an_original_that_is_not_the_delivered_one(judge_plan: Judge) -> None:
    def exchange(parts: dict[str, bytes]) -> None:
        parts[bundle.original_path(world.ACQUISITION, "chat.txt")] = b"chaT"

    report = judge_plan(bend_parts=exchange)
    assert detail_of(report, "originals") == "An original is not the one that was delivered."


# --- the custody record -------------------------------------------------------------------------


def test_a_dropped_custody_entry(judge_plan: Judge) -> None:
    report = judge_plan(bend_lines=lambda lines: lines.pop(2))
    assert "has a gap" in detail_of(report, "custody")


def test_reordered_custody_entries(judge_plan: Judge) -> None:
    report = judge_plan(bend_lines=lambda lines: lines.reverse())
    assert "stands after entry" in detail_of(report, "custody")


def test_a_re_hashed_custody_entry(judge_plan: Judge) -> None:
    def change(lines: list[bytes]) -> None:
        value: Any = canonical.loads(lines[0])
        value["entry"]["actor"]["name"] = "Somebody else"
        lines[0] = canonical.dumps(value)

    report = judge_plan(bend_lines=change)
    assert {"log", "custody"} <= failed_checks(report)
    assert "is not in the log" in detail_of(report, "log")


def test_a_custody_entry_renumbered_to_close_a_gap(judge_plan: Judge) -> None:
    def change(lines: list[bytes]) -> None:
        del lines[2]
        for number in (-1,):
            value: Any = canonical.loads(lines[number])
            for subject in value["entry"]["subjects"]:
                if subject["kind"] == "series":
                    subject["number"] -= 1
            lines[number] = canonical.dumps(value)

    assert {"custody", "log"} <= failed_checks(judge_plan(bend_lines=change))


def test_a_head_that_was_never_sealed(judge_plan: Judge) -> None:
    def change(steps: list[dict[str, Any]]) -> None:
        steps[1]["head"] = "0" * 64

    report = judge_plan(bend_entries=change)
    assert "is not the one that was sealed" in detail_of(report, "custody")


def test_an_entry_dated_after_its_time_stamp(judge_plan: Judge) -> None:
    def change(steps: list[dict[str, Any]]) -> None:
        steps[4]["at"] = steps[3]["at"] = world.NOW.replace(year=2027)

    assert failed_checks(judge_plan(bend_entries=change)) == {"custody_times"}


def test_an_entry_dated_long_before_a_time_stamp_it_came_after(judge_plan: Judge) -> None:
    def change(steps: list[dict[str, Any]]) -> None:
        steps[3]["at"] = world.NOW.replace(year=2025)

    assert failed_checks(judge_plan(bend_entries=change)) == {"custody_times"}


def test_operator_rewrites_history(deployment: Deployment, tmp_path: Path, judge: Judge) -> None:
    """The log is made again with another first entry; the stamped earlier checkpoint convicts."""
    honest = world.build(deployment, tmp_path, Plan())
    early = honest.manifest.earlier[0]

    def keep_what_was_published(parts: dict[str, bytes]) -> None:
        parts[early.checkpoint] = honest.parts[early.checkpoint]
        parts[early.token] = honest.parts[early.token]

    def rewrite(steps: list[dict[str, Any]]) -> None:
        steps[0]["why"] = "no longer what it was"

    plan = Plan(bend_entries=rewrite, bend_parts=keep_what_was_published)
    report = judge(world.build(deployment, tmp_path, plan).path)
    assert detail_of(report, "log").startswith("The log was rewritten")
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")


def test_a_history_rewritten_between_bundle_and_receipt(
    deployment: Deployment, tmp_path: Path, judge: Judge
) -> None:
    good = world.build(deployment, tmp_path, Plan())
    value: Any = canonical.loads(good.receipt)
    value["consistency"] = [("0" * 64) for _ in value["consistency"]]
    report = judge(good.path, receipt=canonical.dumps(value))
    assert detail_of(report, "receipt").startswith("The log was rewritten")


def test_a_log_key_the_signer_does_not_vouch_for(judge_plan: Judge, deployment: Deployment) -> None:
    def change(parts: dict[str, bytes]) -> None:
        parts[bundle.LOG_KEY_SIGNATURE] = deployment.seal.sign_raw(b"something else")

    report = judge_plan(bend_parts=change)
    assert failed_checks(report) == {"log_key"}


def test_a_token_over_another_checkpoint(judge_plan: Judge, good: Built) -> None:
    early = good.manifest.earlier[0]

    def change(parts: dict[str, bytes]) -> None:
        parts[manifest.PREPARED_TOKEN] = parts[early.token]

    report = judge_plan(bend_parts=change)
    assert "log_time" in failed_checks(report)


def test_a_checkpoint_of_another_log(judge_plan: Judge) -> None:
    def change(parts: dict[str, bytes]) -> None:
        path = manifest.PREPARED_CHECKPOINT
        parts[path] = parts[path].replace(b"evidence.example", b"evidence.elsewhere")

    assert "belongs to another log" in detail_of(judge_plan(bend_parts=change), "log")


# --- any bytes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"PK\x03\x04" + b"\xff" * 4000, b"%PDF-", b"{", b"0"],
    ids=repr,
)
def test_odd_bytes_get_a_verdict(tmp_path: Path, judge: Judge, data: bytes) -> None:
    path = tmp_path / "odd"
    path.write_bytes(data)
    assert not judge(path).passed


def test_a_zip_of_somebody_else_is_not_ours(tmp_path: Path, judge: Judge) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert (judge(path).reason, judge(path).indication) == ("not_ours", "INDETERMINATE")


def test_limits_are_named(good: Built, judge: Judge) -> None:
    assert judge(good.path, limits=Limits(max_bytes=1000)).reason == "limits_exceeded"
    report = judge(good.path, limits=Limits(max_members=5))
    assert (report.reason, report.indication) == ("limits_exceeded", "INDETERMINATE")


def mutant_of(data: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with one bit turned, bytes removed or added, or a stretch copied over."""
    mutant = bytearray(data)
    place, kind = chance.randrange(len(data)), chance.randrange(4)
    if kind == 0:
        mutant[place] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del mutant[place : place + chance.randrange(1, 64)]
    elif kind == 2:
        mutant[place:place] = chance.randbytes(chance.randrange(1, 16))
    else:
        other = chance.randrange(len(data))
        mutant[place : place + 64] = data[other : other + 64]
    return bytes(mutant)


@pytest.mark.parametrize("count", [200, pytest.param(5000, marks=pytest.mark.sweep)])
def test_no_random_mutant_of_a_bundle_passes(
    good: Built, tmp_path: Path, judge: Judge, count: int
) -> None:
    data = good.path.read_bytes()
    chance = random.Random(count)  # noqa: S311 - a reproducible choice, no secret
    path = tmp_path / "mutant.zip"
    for number in range(count):
        mutant = mutant_of(data, chance)
        if mutant != data:
            path.write_bytes(mutant)
            assert not judge(path).passed, number


@pytest.mark.parametrize("name", [bundle.MESSAGES, bundle.CUSTODY, bundle.PROOFS, bundle.MANIFEST])
def test_mutants_with_every_hash_recomputed(
    good: Built, tmp_path: Path, judge: Judge, name: str
) -> None:
    chance = random.Random(name)  # noqa: S311 - a reproducible choice, no secret
    data = good.parts[name]
    for _ in range(25):
        mutant = bytearray(data)
        mutant[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            path = repack(good, tmp_path, {name: bytes(mutant)}, relist=name != bundle.MANIFEST)
        except ValueError:
            continue
        assert not judge(path).passed


# --- helpers ------------------------------------------------------------------------------------


def read_members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(path: Path, members: dict[str, bytes]) -> Path:
    with path.open("w+b") as file:
        bundle.write_zip(
            file,
            {name: (len(data), lambda data=data: iter([data])) for name, data in members.items()},
        )
    return path


def test_a_redacted_text_is_nowhere_in_the_machine_readable_bundle(good: Built) -> None:
    lines = [message.read_line(line) for line in good.parts[bundle.MESSAGES].splitlines()]
    assert lines[2].withheld == ("*",)
    for name, data in good.parts.items():
        if name not in (bundle.VERIFIER,) and not name.endswith(".pdf"):
            assert b"Row 4: transfer" not in data


def test_json_of_a_report_is_one_line(good: Built, judge: Judge) -> None:
    value = json.loads(judge(good.path).to_json())
    assert {"file", "indication", "reason", "trust", "kind", "findings", "seconds"} == set(value)
    assert BUNDLE in value["file"]


@pytest.mark.parametrize("beside", [True, False])
def test_the_hash_of_the_whole_is_the_same_beside_and_alone(
    good: Built, beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offline_bundle, "WORTH_A_THREAD", 0 if beside else 1 << 40)
    facts = offline_bundle.verify_bundle(good.path, trust_of(()), None)
    assert facts.sha256 == hashlib.sha256(good.path.read_bytes()).hexdigest()


def test_the_hash_of_the_whole_needs_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    (tmp_path / "file").write_bytes(b"x")
    whole = WholeHash(str(tmp_path / "file"), beside=True)
    whole.end()
    assert whole.hex() == hashlib.sha256(b"x").hexdigest()


def test_a_file_that_vanished_is_the_callers_trouble(tmp_path: Path) -> None:
    for beside in (True, False):
        with pytest.raises(FileNotFoundError):
            WholeHash(str(tmp_path / "gone"), beside=beside).hex()
