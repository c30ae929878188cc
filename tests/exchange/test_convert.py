"""The command on a real, signed bundle, and CASE judged by its own validator."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command

from evidence.exchange import FORMATS, check_rsmf
from evidence.exchange.load_file import read_dat
from tests.bundle import world
from tests.exchange.bundles import Conversation, row, write_bundle
from tests.patience import PATIENCE


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
    def run(format: str, *options: str, path: Path = signed[0]):
        root = signed[1]
        call_command(
            "convert", str(path), "--format", format, "--out", str(tmp_path / format), "--json",
            "--trust", str(root), *options,
        )  # fmt: skip
        return json.loads(capsys.readouterr().out)

    return run


def shown(names: list[str]) -> dict[str, bytes]:
    return {Path(name).name: Path(name).read_bytes() for name in names}


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
        check=False, timeout=PATIENCE,
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


@pytest.mark.parametrize("by_descriptor", [True, False], ids=["linux", "copied"])
@pytest.mark.parametrize("format", FORMATS)
def test_what_is_converted_is_what_was_verified_though_the_name_leads_elsewhere_by_then(
    signed, converted, tmp_path, monkeypatch, format, by_descriptor
):
    from evidence.management.commands import convert as command

    genuine = shown(converted(format)["files"])
    bundle = tmp_path / signed[0].name
    bundle.write_bytes(signed[0].read_bytes())
    forged = write_bundle(tmp_path / "forged.zip", [Conversation([row(1, "I never said so")])])

    def verify_then_exchange(address, trust, **options):
        facts = command_verify(address, trust, **options)
        forged.replace(bundle)
        return facts

    command_verify = command.verify_bundle
    monkeypatch.setattr(command, "verify_bundle", verify_then_exchange)
    if not by_descriptor:
        monkeypatch.setattr(command, "_DESCRIPTORS", tmp_path / "absent")
    answer = converted(format, path=bundle)
    assert not forged.exists()
    assert shown(answer["files"]) == genuine


@pytest.mark.parametrize("format", ["rsmf", "dat", "case", "csv"])
def test_a_conversion_that_fails_midway_leaves_nothing_behind(
    signed, tmp_path, capsys, monkeypatch, format
):
    from evidence.exchange import NotConvertible
    from evidence.management.commands import convert as command

    def midway(exchange, name, folder, *, zone):
        convert(exchange, name, folder, zone=zone)
        raise NotConvertible("the last line is not the one that was verified")

    convert = command.convert
    monkeypatch.setattr(command, "convert", midway)
    path, root = signed
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "notes.txt").write_text("mine")
    for out in (kept, tmp_path / "new" / "deep"):
        with pytest.raises(SystemExit):
            call_command(
                "convert", str(path), "--format", format, "--out", str(out), "--json",
                "--trust", str(root),
            )  # fmt: skip
    capsys.readouterr()
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
    assert [one.name for one in kept.iterdir()] == ["notes.txt"]


def test_a_second_format_joins_the_first_in_one_folder(converted, signed, tmp_path):
    path, root = signed
    for format in ("dat", "csv", "dat"):
        call_command(
            "convert", str(path), "--format", format, "--out", str(tmp_path / "both"), "--json",
            "--trust", str(root),
        )  # fmt: skip
    names = sorted(one.name for one in (tmp_path / "both").iterdir())
    assert names[0] == "VOL001"
    assert names[1].endswith(".csv")
    assert len(list((tmp_path / "both" / "VOL001" / "TEXT").rglob("*.txt"))) == 14
    assert [one.name for one in tmp_path.iterdir()] == ["both"]
