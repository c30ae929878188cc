"""Change one thing in a good bundle, name the attack, expect that finding."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from evidence.formats import bundle, canonical, manifest, ranges

MESSAGES, CUSTODY = "data/messages.jsonl", "data/custody.jsonl"
MASTER, PROOFS = "data/evidence.pdf", "data/proofs.json"
TOKEN = "data/tokens/prepared.tst"


def failed(report) -> set[str]:
    return {finding.check for finding in report.findings if finding.outcome == "failed"}


def altered(report, *checks: str) -> None:
    assert report.indication == "TOTAL_FAILED", report.to_json()
    assert report.reason == "altered"
    assert set(checks) <= failed(report), (checks, failed(report))


def test_the_good_bundles_pass(judge, service):
    for path in (service.bundle, service.excerpt):
        report = judge(path)
        assert (report.indication, report.reason) == ("TOTAL_PASSED", "ok")


def test_packing_the_same_files_again_gives_the_same_bytes(bag, service, tmp_path):
    assert bag.write(tmp_path / "again.zip").read_bytes() == service.bundle.read_bytes()


def test_without_a_named_root_nobody_passes(service):
    from evidence.verify import offline

    report = offline.verify(service.bundle, trust=offline.Trust())

    assert (report.indication, report.reason) == ("INDETERMINATE", "development_trust")


def test_a_byte_in_a_page(bag, judge):
    bag.flip(MASTER, bag.files[MASTER].index(b"stream") + 40)

    altered(judge(bag), "integrity")


def test_a_byte_in_the_signature(bag, judge):
    at = bag.files[MASTER].index(b"/Contents <") + 200
    bag.files[MASTER] = bag.files[MASTER][:at] + b"0" + bag.files[MASTER][at + 1 :]

    altered(judge(bag))


def test_a_byte_in_the_security_store(bag, judge):
    bag.flip(MASTER, bag.files[MASTER].rindex(b"stream\n") - 60)

    altered(judge(bag))


def test_a_byte_in_a_token(bag, judge):
    bag.flip(TOKEN, len(bag.files[TOKEN]) - 10)
    bag.restate()

    altered(judge(bag), "manifest")


def test_a_byte_in_an_attachment(bag, judge):
    name = next(name for name in bag.files if name.endswith(".jpg"))
    bag.flip(name, 5_000)

    altered(judge(bag), "files")


def test_an_attachment_exchanged_with_all_lists_made_to_fit(bag, judge):
    name = next(name for name in bag.files if name.endswith(".jpg"))
    bag.flip(name, 5_000)
    bag.restate()

    altered(judge(bag), "attachments", "manifest")


def test_bytes_appended_to_the_container(service, judge):
    altered(judge(service.bundle.read_bytes() + b"\0"))


def test_bytes_before_the_container(service, judge):
    report = judge(b"#!/bin/sh\n" + service.bundle.read_bytes())

    assert report.indication != "TOTAL_PASSED"


def test_bytes_appended_to_the_master(bag, judge):
    bag.files[MASTER] += b"\n% appended\n"

    altered(judge(bag), "revisions")


def test_edited_messages(bag, judge):
    bag.replace(MESSAGES, b"48,000", b"84,000")

    altered(judge(bag), "files")


def test_edited_messages_with_recomputed_manifests(bag, judge):
    bag.replace(MESSAGES, b"48,000", b"84,000")
    bag.restate()

    altered(judge(bag), "seal", "manifest")


def test_the_master_of_another_bundle(bag, excerpt, judge):
    bag.files[MASTER] = excerpt.files[MASTER]

    altered(judge(bag), "manifest")


def test_a_removed_file(bag, judge):
    del bag.files[next(name for name in bag.files if name.endswith(".ogg"))]

    report = judge(bag)

    assert report.indication == "TOTAL_FAILED"
    assert "files" in failed(report)


def test_an_extra_file(bag, judge):
    bag.files["data/evidence-draft.txt"] = b"read me too"

    altered(judge(bag), "files")


def test_an_extra_file_listed_in_the_manifest(bag, judge):
    bag.files["data/evidence-draft.txt"] = b"read me too"
    bag.restate()

    altered(judge(bag), "manifest")


def test_a_changed_verifier(bag, judge):
    bag.flip("verify.pyz", 100)

    altered(judge(bag), "files")


def test_a_changed_readme_with_tag_manifest_made_to_fit(bag, judge):
    bag.files["README.txt"] = b"Just trust us.\n"
    bag.restate()

    altered(judge(bag), "manifest")


# --- custody --------------------------------------------------------------------------------------


def test_a_dropped_custody_entry(bag, judge):
    lines = bag.lines(CUSTODY)
    bag.files[CUSTODY] = b"".join(lines[:2] + lines[3:])
    bag.restate()

    altered(judge(bag), "custody")


def test_reordered_custody_entries(bag, judge):
    lines = bag.lines(CUSTODY)
    bag.files[CUSTODY] = b"".join([lines[1], lines[0], *lines[2:]])
    bag.restate()

    altered(judge(bag), "custody")


def test_a_custody_entry_hashed_again_under_another_actor(bag, judge):
    lines = bag.lines(CUSTODY)
    value = json.loads(lines[-1])
    value["entry"]["actor"]["name"] = "somebody else"
    bag.files[CUSTODY] = b"".join([*lines[:-1], canonical.dumps(value) + b"\n"])
    bag.restate()

    report = judge(bag)

    assert report.indication == "TOTAL_FAILED"
    assert failed(report) & {"custody", "log"}


def test_a_custody_entry_whose_content_is_hidden_afterwards(bag, judge):
    """Replacing an entry by its digest is allowed for strangers' matters only, never for the seal."""
    lines = bag.lines(CUSTODY)
    at = next(i for i, line in enumerate(lines) if b'"series.sealed"' in line)
    from evidence.formats import custody

    line = custody.read_line(lines[at].rstrip(b"\n"))
    hidden = custody.undisclosed_line(line.index, line.digest, line.subjects, line.inclusion)
    bag.files[CUSTODY] = b"".join([*lines[:at], hidden + b"\n", *lines[at + 1 :]])
    bag.restate()

    assert judge(bag).indication != "TOTAL_PASSED"


def test_a_checkpoint_of_another_size(bag, judge):
    name = manifest.PREPARED_CHECKPOINT
    size = bag.files[name].split(b"\n")[1]
    bag.replace(name, b"\n" + size + b"\n", b"\n" + str(int(size) + 1).encode() + b"\n")
    bag.restate()

    altered(judge(bag), "log")


# --- selection ------------------------------------------------------------------------------------


def test_a_withheld_message_passed_off_as_absent(excerpt, judge):
    """The excerpt withholds message 3; the attacker drops its line and says 2, 4 and 6 were chosen."""
    kept = [
        line for line in excerpt.lines(MESSAGES) if json.loads(line)["fields"] != {"sequence": 3}
    ]
    excerpt.files[MESSAGES] = b"".join(kept)
    found = excerpt.manifest
    part = replace(found.parts[0], disclosed=ranges.of([2, 4, 6]), withheld={}, reasons={})
    excerpt.restate(replace(found, parts=(part,)))

    altered(judge(excerpt), "manifest")


def test_a_shifted_range(excerpt, judge):
    found = excerpt.manifest
    part = replace(found.parts[0], disclosed=ranges.of([1, 2, 3, 5]), withheld={}, reasons={})
    excerpt.restate(replace(found, parts=(part,)))

    altered(judge(excerpt), "manifest")


def test_a_dropped_row(bag, judge):
    bag.files[MESSAGES] = b"".join(bag.lines(MESSAGES)[1:])
    bag.restate()

    report = judge(bag)

    assert report.indication == "TOTAL_FAILED"
    assert failed(report) & {"messages", "selection", "seal"}


def test_rows_in_another_order(bag, judge):
    lines = bag.lines(MESSAGES)
    bag.files[MESSAGES] = b"".join([lines[1], lines[0], *lines[2:]])
    bag.restate()

    assert judge(bag).indication == "TOTAL_FAILED"


def test_a_row_twice(bag, judge):
    lines = bag.lines(MESSAGES)
    bag.files[MESSAGES] = b"".join([lines[0], *lines])
    bag.restate()

    assert judge(bag).indication == "TOTAL_FAILED"


def test_an_exchanged_proof(excerpt, judge):
    excerpt.replace(PROOFS, b'"hashes":["', b'"hashes":["' + b"00" * 32 + b'","')
    excerpt.restate()

    assert "seal" in failed(judge(excerpt))


# --- receipt --------------------------------------------------------------------------------------


def test_the_receipt_of_another_bundle(service, excerpt, judge, tmp_path):
    path = excerpt.write(tmp_path / "excerpt.zip")
    path.with_name("excerpt.zip.receipt.json").write_bytes(service.receipt)

    assert judge(path).of("receipt")[0].outcome == "failed"


@pytest.mark.parametrize("name", ["data/../../etc/passwd", "/etc/passwd", "DATA/manifest.json"])
def test_a_hostile_name_is_never_packed(name):
    with pytest.raises(ValueError, match="name"):
        bundle.check_names([name, "data/manifest.json"])
