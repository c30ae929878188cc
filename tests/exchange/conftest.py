from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evidence.exchange import Exchange, from_bundle
from evidence.values import Message
from tests.exchange.bundles import Conversation, write_bundle


@pytest.fixture
def bundle_of(tmp_path: Path) -> Callable[..., Exchange]:
    """Make a bundle of conversations, or of plain rows, and open it."""

    def make(*conversations: Conversation | Message, **options: Any) -> Exchange:
        rows = [one for one in conversations if isinstance(one, Message)]
        whole = [one for one in conversations if isinstance(one, Conversation)]
        path = write_bundle(tmp_path / "bundle.zip", whole or [Conversation(rows, **options)])
        return from_bundle(path, pages=False)

    return make


@pytest.fixture
def rsmf_schema() -> dict[str, Any]:
    """The vendor's schema of RSMF 2.0; skips where it is absent."""
    shared = Path(__file__).resolve().parents[2].parent / "shared"
    path = shared / "fixtures" / "rsmf" / "rsmf_schema_2_0_0.json"
    if not path.is_file():
        pytest.skip("shared fixtures are absent")
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
