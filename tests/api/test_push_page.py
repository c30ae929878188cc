"""The page for those who push does what it says, and names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evidence.actions.create_api_client import create_api_client
from evidence.api.errors import status_of
from evidence.archive.read import messages
from evidence.errors import PushRefused
from evidence.models import Series

PAGE = Path(__file__).resolve().parents[2] / "evidence" / "api" / "PUSH.md"
ACTION = PAGE.parents[1] / "actions" / "take_batch.py"


@pytest.mark.django_db(transaction=True)
def test_the_examples_of_the_page_run_as_they_stand(live_server, alice, now, capsys):
    client, secret = create_api_client(
        user=alice.user, organisation=alice.organisation, label="Cloud",
        scopes=["push:read", "push:write"], at=now,
    )  # fmt: skip
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    given = {"ADDRESS": live_server.url, "CLIENT_ID": client.client_id, "CLIENT_SECRET": secret}
    exec(compile(code, PAGE.name, "exec"), given)  # noqa: S102  our own page
    assert "'messages': 1, 'repeated': False" in capsys.readouterr().out
    series = Series.objects.select_related("organisation").get()
    rows = [one.message() for one in messages(series)]
    assert [row.platform_id for row in rows] == ["m-1", "m-2", None, "m-9", None, "m-5"]


def test_every_code_of_a_refused_batch_is_on_the_page_with_its_status():
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    stated = {code: int(status) for code, status in rows}
    source = ACTION.read_text("utf-8")
    listed = re.search(r"Codes: (.*?)\.\n", source, re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"\w+", listed[1])) == stated.keys()
    assert stated == {code: status_of(PushRefused(code=code)) for code in stated}
