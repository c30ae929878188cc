"""The command on a real, signed bundle, and CASE judged by its own validator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

from evidence.exchange import check_rsmf
from evidence.exchange.load_file import read_dat
from tests.bundle import world


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """A signed bundle of two series, with withheld rows and a gap, and its root."""
    deployment = world.Deployment(tmp_path_factory.mktemp("deployment"))
    plan = world.Plan(series=2, volumes=2)
    built = world.build(deployment, tmp_path_factory.mktemp("signed"), plan)
    root = built.path.with_name("root.pem")
    root.write_bytes(world._pem(deployment.pki.root.der))
    return built.path, root


@pytest.fixture
def converted(signed, tmp_path, capsys):
    def run(format: str, *options: str):
        path, root = signed
        call_command(
            "convert", str(path), "--format", format, "--out", str(tmp_path / format), "--json",
            "--trust", str(root), *options,
        )  # fmt: skip
        return json.loads(capsys.readouterr().out)

    return run


def test_rsmf_of_a_signed_bundle_passes_the_checker(converted):
    answer = converted("rsmf", "--timezone", "Asia/Shanghai")
    assert answer["counts"] == {"files": 2, "events": 16, "context": 0}
    for name in answer["files"]:
        assert check_rsmf(name, Path(name).read_bytes()) == []


def test_the_load_file_of_a_signed_bundle_copies_its_pdfs(converted, signed):
    answer = converted("dat")
    dat = next(name for name in answer["files"] if name.endswith(".dat"))
    exhibits = [one for one in read_dat(Path(dat).read_bytes()) if one["DOCTYPE"] == "Exhibit"]
    assert [one["BEGBATES"] for one in exhibits] == ["TT-000001", "TT-000003"]
    assert (answer["counts"]["messages"], answer["counts"]["attachments"]) == (14, 2)


def test_the_custody_graph_conforms_to_case(converted, foreign_tool):
    answer = converted("case")
    assert answer["counts"]["entries"] > 5
    run = subprocess.run(
        [foreign_tool("case_validate"), answer["files"][0]], capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "Conforms: True" in run.stdout


def test_the_custody_graph_holds_every_entry_in_its_place(converted):
    graph = json.loads(Path(converted("case")["files"][0]).read_text(encoding="utf-8"))["@graph"]
    kind = "case-investigation:InvestigativeAction"
    actions = [one for one in graph if one["@type"] == kind]
    places = sorted(int(one["truethread:index"]["@value"]) for one in actions)
    names = {one["uco-core:name"] for one in actions}
    assert len(places) == len(set(places)) == len(actions)
    assert {"series.sealed", "export.prepared", "Not disclosed"} <= names
    undisclosed = [one for one in actions if one["uco-core:name"] == "Not disclosed"]
    assert all("uco-action:performer" not in one for one in undisclosed)


def test_an_altered_bundle_is_not_converted(signed, tmp_path, capsys):
    path, root = signed
    altered = tmp_path / "altered.zip"
    altered.write_bytes(path.read_bytes().replace(b"transfer 35000", b"transfer 95000"))
    with pytest.raises(SystemExit) as ended:
        call_command(
            "convert", str(altered), "--format", "csv", "--out", str(tmp_path / "out"), "--json",
            "--trust", str(root),
        )  # fmt: skip
    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["error"] == "bundle_not_convertible"
    assert not (tmp_path / "out").exists()
