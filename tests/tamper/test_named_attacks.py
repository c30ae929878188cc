"""Every named way of tampering with a bundle: never intact, and both verifiers say the same."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from evidence.management.attacks.bundles import ATTACKS, Bag, Prey
from evidence.management.attacks.table import word_of
from evidence.verify import engine, offline
from evidence.verify.offline.bundle_tokens import read_pem
from evidence.verify.offline.sentences import in_words
from evidence.verify.own import CHECK


@pytest.fixture(scope="module")
def made(service, tmp_path_factory):
    """All tampered bundles and the two good ones, as files by name."""
    folder = tmp_path_factory.mktemp("tampered")
    paths = {"good": folder / "good.zip", "good excerpt": folder / "excerpt.zip"}
    paths["good"].write_bytes(service.bundle.read_bytes())
    paths["good excerpt"].write_bytes(service.excerpt.read_bytes())
    for number, (name, attack) in enumerate(ATTACKS.items()):
        one = attack(Prey(Bag(service.bundle), Bag(service.excerpt)))
        paths[name] = folder / f"{number:03}.zip"
        paths[name].write_bytes(one.packed() if isinstance(one, Bag) else one)
    return paths


@pytest.fixture(scope="module")
def said(service, made):
    """What verify.pyz, taken out of the bundle and run alone, says about all of them."""
    pyz = made["good"].with_name("verify.pyz")
    pyz.write_bytes(Bag(service.bundle).files["verify.pyz"])
    done = subprocess.run(
        [sys.executable, "-I", str(pyz), "--json", "--trust", str(service.root)]
        + [str(path) for path in made.values()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    answers = map(json.loads, done.stdout.splitlines())
    return dict(zip(made, answers, strict=True))


@pytest.mark.parametrize("name", ["good", "good excerpt", *ATTACKS])
def test_both_verifiers_say_the_same_and_call_nothing_tampered_intact(name, made, said, service):
    trust = offline.trust_of(read_pem(service.root.read_bytes()))
    report = engine.verify(made[name], trust=trust, processes=1)
    ours = json.loads(report.to_json())

    theirs = said[name]
    mine = [one for one in ours["findings"] if one["check"] != CHECK]
    assert {**theirs, "seconds": 0} == {**ours, "seconds": 0, "findings": mine}
    assert len(mine) < len(ours["findings"])
    if name.startswith("good"):
        assert (ours["indication"], ours["reason"]) == ("TOTAL_PASSED", "ok")
    else:
        assert word_of(ours["indication"], ours["reason"]) != "intact", ours
        assert (ours["indication"], ours["reason"]) == ("TOTAL_FAILED", "altered"), ours
    for line in in_words(report, "zh").splitlines()[1:]:
        assert not re.search("(?:[a-z]+ ){3}", line), line


def test_a_link_to_a_folder_in_an_unpacked_bundle_is_noticed(service, tmp_path):
    """Whoever looks into the folder sees files behind the link that nobody issued."""
    bag, folder = Bag(service.bundle), tmp_path / "unpacked"
    for name, data in bag.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    trust = offline.trust_of(read_pem(service.root.read_bytes()))
    assert engine.verify(folder, trust=trust, processes=1).passed

    (tmp_path / "elsewhere").mkdir()
    (folder / "data" / "more").symlink_to(tmp_path / "elsewhere")
    report = engine.verify(folder, trust=trust, processes=1)
    assert (report.indication, report.reason) == ("TOTAL_FAILED", "altered")
