"""verify.pyz as a stranger meets it: one file, standard library alone, and other people's tools."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from evidence.formats import bundle
from evidence.verify.offline import Report, pyz, trust_of, verify
from evidence.verify.offline.cli import main
from tests.bundle.world import Built, Deployment
from tests.pki.world import write_pdf


@pytest.fixture
def bag(good: Built, tmp_path: Path, deployment: Deployment) -> Path:
    """The good bundle and its receipt, its unpacked folder, and the trusted root beside it."""
    folder = tmp_path / "bag"
    zipfile.ZipFile(good.path).extractall(folder)
    shutil.copy(good.path, tmp_path / "BUNDLE.zip")
    (tmp_path / "BUNDLE.zip.receipt.json").write_bytes(good.receipt)
    shutil.copy(deployment.pki.root_pem, tmp_path / "ROOT.pem")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-I", "-S", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_same_sources_give_the_same_bytes() -> None:
    assert pyz.build_bytes() == pyz.build_bytes()


def test_it_holds_readable_sources_and_nothing_else(tmp_path: Path) -> None:
    pyz.build(tmp_path / "verify.pyz")
    with zipfile.ZipFile(tmp_path / "verify.pyz") as archive:
        names = archive.namelist()
    assert all(name.endswith(".py") for name in names)
    assert {"__main__.py", "evidence/formats/message.py", "evidence/verify/offline/pdf.py"} <= set(
        names
    )


def test_it_imports_the_standard_library_alone(bag: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, 'verify.pyz'); import evidence.verify.offline.cli;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - set(sys.stdlib_module_names) - {'__main__', '__mp_main__'}))"
    )
    assert run(bag, "-c", code).stdout.strip() == "['evidence']"


def test_it_gives_the_same_findings_as_the_service(
    bag: Path, good: Built, judge: Callable[..., Report]
) -> None:
    done = run(bag, "verify.pyz", "--json", "--trust", "../ROOT.pem", "../BUNDLE.zip")
    answer = json.loads(done.stdout)
    report = json.loads(judge(good.path, receipt=good.receipt).to_json())
    assert done.returncode == 0, done.stderr

    def shape(value: dict[str, object]) -> list[tuple[str, str]]:
        return [(one["check"], one["outcome"]) for one in value["findings"]]  # type: ignore[attr-defined]

    assert (answer["indication"], answer["trust"]) == ("TOTAL_PASSED", "development")
    assert shape(answer) == shape(report)


def test_without_trust_it_is_not_satisfied(bag: Path) -> None:
    done = run(bag, "verify.pyz", "../BUNDLE.zip")
    assert done.returncode == 1
    assert "INDETERMINATE (intact, but signed with development keys" in done.stdout


def test_one_bad_file_among_good_ones_fails_the_whole_call(bag: Path) -> None:
    bad = bag.parent / "bad.zip"
    bad.write_bytes((bag.parent / "BUNDLE.zip").read_bytes()[:-1])
    done = run(
        bag, "verify.pyz", "--json", "--trust", "../ROOT.pem", "../BUNDLE.zip", "../bad.zip", "gone"
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["indication"] for line in lines] == [
        "TOTAL_PASSED", "TOTAL_FAILED", "INDETERMINATE",
    ]  # fmt: skip
    assert done.returncode == 1


def test_it_says_in_words_what_is_proved_and_what_is_not(bag: Path) -> None:
    done = run(bag, "verify.pyz", "--trust", "../ROOT.pem", "../BUNDLE.zip")
    assert "Not proved: who typed it" in done.stdout
    chinese = run(bag, "verify.pyz", "--language", "zh", "--trust", "../ROOT.pem", "../BUNDLE.zip")
    assert "未证明：由何人输入" in chinese.stdout


def test_a_chinese_reader_reads_everything_in_chinese(bag: Path) -> None:
    """What holds, what does not and why; only codes, names and file names stay as they are."""
    altered = bag.parent / "altered.zip"
    altered.write_bytes((bag.parent / "BUNDLE.zip").read_bytes().replace(b"35000", b"95000"))
    plain = bag.parent / "plain.pdf"
    write_pdf(plain)
    for path in ("../BUNDLE.zip", "../altered.zip", "../plain.pdf", "data/tokens/prepared.tst"):
        done = run(bag, "verify.pyz", "--language", "zh", path)
        lines = done.stdout.splitlines()
        assert len(lines) > 2, done.stderr
        for line in lines[2:]:
            assert not re.search("(?:[a-z]+ ){3}", line), line
            assert re.search("[\u4e00-\u9fff]", line), line
    said = run(bag, "verify.pyz", "--language", "zh", "../altered.zip").stdout
    assert (
        "未通过：压缩包与出具时完全一致 [container]：data/messages.jsonl：内容的校验和不符。"
        in said
    )


def test_every_part_of_a_bundle_can_be_checked_alone(
    bag: Path, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(deployment.pki.root_pem)
    names = ["data/evidence.pdf", "data/tokens/prepared.tst", "../BUNDLE.zip.receipt.json"]
    main(["--json", "--trust", root, *(str(bag / name) for name in names)])
    reports = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["kind"], one["indication"]) for one in reports] == [
        ("pdf", "TOTAL_PASSED"),
        ("token", "TOTAL_PASSED"),
        ("receipt", "TOTAL_PASSED"),
    ]


def test_a_receipt_without_its_bundle_cannot_say_whose_log_it_is(
    good: Built, tmp_path: Path, judge: Callable[..., Report]
) -> None:
    path = tmp_path / "alone.receipt.json"
    path.write_bytes(good.receipt)
    report = judge(path)
    assert (report.kind, report.indication, report.reason) == (
        "receipt", "INDETERMINATE", "incomplete",
    )  # fmt: skip
    assert [one.check for one in report.findings if one.outcome != "passed"] == ["log_signature"]


@pytest.mark.parametrize("kind", ["device", "pipe"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    with pytest.raises(OSError, match="Not a regular file"):
        verify(path, trust=trust_of([]))


def test_a_pipe_or_link_in_an_unpacked_bundle_is_refused(
    bag: Path, judge: Callable[..., Report]
) -> None:
    (bag / "data" / "link").symlink_to("evidence.pdf")
    assert judge(bag).indication == "TOTAL_FAILED"


@pytest.mark.parametrize("arguments", [[], ["--trust", "/dev/null", "x"], ["--witness", "x", "y"]])
def test_a_wrong_call_ends_with_two(arguments: list[str]) -> None:
    try:
        status = main(arguments)
    except SystemExit as stopped:
        status = int(stopped.code or 0)
    assert status == 2


def test_a_file_that_cannot_be_opened_is_said_to_be_unreadable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--json", "/nowhere"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["reason"], answer["indication"]) == ("unreadable", "INDETERMINATE")


def commands(text: str) -> list[str]:
    """Return the commands of a README as they are written, continued lines joined."""
    joined = text.replace("\\\n", " ")
    return [line.strip() for line in joined.splitlines() if re.match("  [a-z]", line)]


@pytest.mark.foreign_tool("sha256sum", "bagit.py", "qpdf", "pdfsig", "openssl")
@pytest.mark.parametrize("language", [0, 1])
def test_the_commands_of_the_readme_work_as_they_are_written(bag: Path, language: int) -> None:
    text = (bag / bundle.README).read_text().split("-" * 78)[language]
    wanted = commands(text)
    assert len(wanted) == 9
    beside = Path(sys.executable).parent
    for line in wanted:
        line = line.replace("ROOT.pem", "../ROOT.pem").replace("BUNDLE.zip", "../BUNDLE.zip")
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=bag,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": f"{beside}:{os.environ['PATH']}"},
            check=False,
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)
