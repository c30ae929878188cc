from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.render import pdfa
from evidence.render.drafts import render_drafts
from evidence.render.fonts import FontLibrary
from evidence.render.rendering import render_master, render_volumes

EXPECTED = {
    "cn": {"cn-evidence-list.pdf": "证明对象和内容", "cn-extraction-note.pdf": "完整性校验值清单"},
    "us": {"us-902-13.pdf": "902(13)", "us-902-14.pdf": "penalty of perjury"},
    "eu": {"eu-statement.pdf": "Article 41(2)"},
}


@pytest.fixture
def drafts(fonts: FontLibrary, samples: Any, tmp_path: Path) -> Callable[[Any], list[Path]]:
    def run(jurisdiction: Any) -> list[Path]:
        rendering = render_volumes(
            samples.exhibit(jurisdiction=jurisdiction), tmp_path, fonts=fonts
        )
        render_master(rendering, embed={})
        return render_drafts(rendering, tmp_path, fonts=fonts)

    return run


@pytest.mark.parametrize("jurisdiction", EXPECTED)
def test_each_jurisdiction_has_its_drafts(
    drafts: Callable[[Any], list[Path]], text_of: Callable[..., str], jurisdiction: str
):
    made = {path.name: path for path in drafts(jurisdiction)}

    assert set(made) == set(EXPECTED[jurisdiction])
    for name, phrase in EXPECTED[jurisdiction].items():
        text = text_of(made[name], "-raw")
        assert phrase in text
        assert ("Counsel must review" in text) or ("须由律师审核" in text)
        assert pdfa.check(made[name]) == []


def test_without_a_jurisdiction_there_are_none(drafts: Callable[[Any], list[Path]]):
    assert drafts(None) == []
