from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evidence.render import exhibit as values
from evidence.render.fonts import FontLibrary, prepare_fonts
from evidence.render.rendering import render_master, render_volumes
from tests.render import exhibit_samples


@pytest.fixture(scope="session")
def fonts(repository: Path) -> FontLibrary:
    """Those of the set-up, which take a while to prepare; made here where there was none."""
    folder = repository / "var" / "fonts"
    prepare_fonts(folder)
    return FontLibrary(folder)


@pytest.fixture(scope="session")
def samples() -> Any:
    return exhibit_samples


@pytest.fixture
def render(fonts: FontLibrary, tmp_path: Path) -> Callable[..., Any]:
    """Render an exhibit whole; returns its volumes, the master last, and all their text."""

    def run(exhibit: values.Exhibit, name: str = "out", **more: Any) -> Any:
        folder = tmp_path / name
        folder.mkdir()
        embed = more.pop("embed", {"manifest.json": b"{}"})
        rendering = render_volumes(exhibit, folder, fonts=fonts, **more)
        planned = rendering.master
        master = render_master(rendering, embed=embed)
        assert master == planned
        return SimpleNamespace(volumes=rendering.volumes, master=master, folder=folder)

    return run


@pytest.fixture
def text_of() -> Callable[..., str]:
    if shutil.which("pdftotext") is None:
        pytest.skip("foreign tool missing: pdftotext")

    def read(path: Path, mode: str = "-layout") -> str:
        command = ["pdftotext", mode, "-enc", "UTF-8", str(path), "-"]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode("utf-8")

    return read
