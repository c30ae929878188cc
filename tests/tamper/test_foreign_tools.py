"""Other people's tools agree, called exactly as the READMEs say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.foreign_tool(
    "openssl", "qpdf", "pdfsig", "sha256sum", "bagit.py", "unzip", "bash"
)


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run shell lines as a reader would type them; ``bagit.py`` is found beside this Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_of_the_readme_hold(service, repository, tmp_path):
    text = (repository / "README.md").read_text(encoding="utf-8")
    section = text.partition("<!-- foreign-check:begin -->")[2].partition("<!-- foreign-check:end")[
        0
    ]
    script = re.search(r"```sh\n(.*?)```", section, re.DOTALL)[1]
    (tmp_path / "var").symlink_to(service.folder)

    done = run(script, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Verification: OK") + done.stderr.count("Verification: OK") >= 4
    assert "CMS Verification successful" in done.stdout + done.stderr
    assert "Signature is Valid" in done.stdout


def test_the_commands_inside_the_bundle_hold(service, tmp_path):
    """The steps of README.txt in the bundle, with its capitals filled in."""
    unpacked = tmp_path / "bag"
    assert run(f"unzip -q {service.bundle} -d {unpacked}", tmp_path).returncode == 0
    text = (unpacked / "README.txt").read_text(encoding="utf-8")
    english = text.partition("证据包")[0]
    lines = re.findall(r"^  (?=[a-z])(.*(?:\n    .*)*)$", english, re.MULTILINE)
    script = "\n".join(lines).replace("ROOT.pem", str(service.root))
    script = script.replace("BUNDLE.zip", str(service.bundle)).replace("SIGNATURES", "signatures")

    done = run(script, unpacked)

    assert len(lines) >= 8
    assert done.returncode == 0, script + done.stdout + done.stderr


def test_openssl_refuses_a_token_over_another_checkpoint(service, tmp_path):
    script = f"""
    unzip -q {service.bundle} -d bag && cd bag
    echo >> data/checkpoints/prepared.txt
    openssl ts -verify -token_in -in data/tokens/prepared.tst -data data/checkpoints/prepared.txt \
      -CAfile {service.root} -untrusted data/certificates/stamp-chain.pem
    """

    assert run(script, tmp_path).returncode != 0
