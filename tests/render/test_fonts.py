from __future__ import annotations

from pathlib import Path

import pytest

from evidence.render import fonts as module
from evidence.render.fonts import FontLibrary, FontsMissing, prepare_fonts


def test_fonts_are_made_once(tmp_path: Path):
    prepare_fonts(tmp_path)
    before = (tmp_path / "sans.ttf").stat().st_mtime_ns

    prepare_fonts(tmp_path)

    assert (tmp_path / "sans.ttf").stat().st_mtime_ns == before


def test_a_missing_emoji_font_is_a_loud_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "EMOJI_PLACES", ())

    assert "printed as code points" in prepare_fonts(tmp_path)[0]
    assert FontLibrary(tmp_path).emoji is None


def test_an_empty_folder_is_refused_by_name(tmp_path: Path):
    with pytest.raises(FontsMissing) as caught:
        FontLibrary(tmp_path)

    assert caught.value.code == "fonts_missing"


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(FontsMissing, match="justmytype_western_core"):
        prepare_fonts(tmp_path)
