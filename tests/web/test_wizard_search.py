"""Finding messages by words on the way to a bundle: ticked as they come, then chosen."""

from __future__ import annotations

import re

import pytest

from evidence import custody
from tests.web.test_wizard import RULE, Walk, text_of

CHAT = "".join(
    f"13/01/2024, 08:{minute:02} - {'Ana' if minute % 2 else 'Bo'}: {words}\n"
    for minute, words in enumerate(
        ["I lend you 500 euros", "谢谢，钱收到了", "nice weather", "500 euros back in June?",
         "yes", "the euros, please", "noon?", "noon"]
    )
)  # fmt: skip
"""500 euros: 1, 4; euros: 1, 4, 6; 钱: 2."""


@pytest.fixture
def walk(alice, stored):
    found = Walk(alice, stored(alice, CHAT))
    found.to("messages")
    return found


def ask(walk, words: str, **more) -> str:
    """Return where the messages step leads when words are typed into it."""
    return walk.send("messages", RULE | {"q": words, "go": "search"} | more)["Location"]


def found_on(walk, content, address: str) -> str:
    return content(walk.client.get(address)).decode()


def take(walk, page: str, address: str, **data):
    """Send the form of hits as a browser does, with everything ticked that is not in ``untick``."""
    untick = data.pop("untick", ())
    ticked = [n for n in re.findall(r'name="tick" value="(\d+)"', page) if int(n) not in untick]
    hidden = dict(
        re.findall(r'name="(seen|q|from)" value="(\w*)"', page.split('method="post"')[-1])
    )
    return walk.client.post(
        address.split("?")[0] + f"?conversation={walk.series[0].public_id}",
        hidden | {"tick": ticked} | data,
    )


def chosen(walk) -> dict[str, str]:
    return walk.state()["messages"][walk.series[0].public_id]


def test_what_is_found_and_stays_ticked_is_chosen(walk, content):
    address = ask(walk, "EUROS")
    page = found_on(walk, content, address)
    assert re.findall(r'name="tick" value="(\d+)"[^>]* checked', page) == ["1", "4", "6"]
    assert "1 to 8 of 8 searched" in page
    assert "So far the whole conversation is chosen" in page
    assert "Add these to the choice" not in page
    answer = take(walk, page, address, do="only", untick={6})
    assert answer["Location"].endswith("from=1")
    assert chosen(walk) == RULE | {"messages": "1,4"}
    assert "<strong>2</strong> of 8 messages" in text_of(walk.client.get(answer["Location"]))


def test_what_is_found_is_added_to_what_was_chosen_before(walk, content):
    walk.send("messages", RULE | {"messages": "1-3"})
    address = ask(walk, "euros", messages="1-3")
    page = found_on(walk, content, address)
    assert "So far 3 messages are chosen" in page
    assert page.count("already chosen") == 1
    take(walk, page, address, do="add")
    assert chosen(walk)["messages"] == "1-4,6"


def test_neighbours_asked_for_stay_asked_for(walk, content):
    address = ask(walk, "钱", context="1")
    page = found_on(walk, content, address)
    take(walk, page, address, do="only")
    assert chosen(walk)["messages"] == "2"
    assert chosen(walk)["context"] == "1"
    assert "<strong>3</strong> of 8 messages" in walk.page("messages")


def test_neighbours_are_not_widened_twice_by_adding(walk, content):
    walk.send("messages", RULE | {"messages": "2", "context": "1"})
    address = ask(walk, "noon", messages="2", context="1")
    page = found_on(walk, content, address)
    take(walk, page, address, do="add")
    assert chosen(walk) == RULE | {"messages": "1-3,7-8", "context": ""}


def test_what_stands_in_the_form_is_kept_before_the_search(walk):
    address = ask(walk, "euros", participant="p2", messages="")
    assert "/messages/search/?" in address
    assert chosen(walk)["participant"] == "p2"


def test_searching_for_nothing_stays_where_it_is(walk):
    answer = walk.send("messages", RULE | {"q": "  ", "go": "search", "messages": "2-3"})
    assert "/messages/?" in answer["Location"]
    assert chosen(walk)["messages"] == "2-3"


def test_a_long_search_goes_on_and_loses_nothing_ticked(walk, content, monkeypatch):
    monkeypatch.setattr("evidence.web.search.FOUND", 1)
    address = ask(walk, "euros")
    rounds = 0
    while True:
        page = found_on(walk, content, address)
        rounds += 1
        further = re.search(r'name="to" value="(\d+)"', page)
        if not further:
            take(walk, page, address)
            break
        address = take(walk, page, address, to=further[1])["Location"]
        assert f"from={further[1]}" in address
    assert rounds >= 3
    assert chosen(walk)["messages"] == "1,4,6"


def test_with_nothing_ticked_nothing_changes_and_the_page_says_so(walk, content):
    walk.send("messages", RULE | {"messages": "1-3"})
    address = ask(walk, "euros", messages="1-3")
    page = found_on(walk, content, address)
    for do in ("only", "add"):
        answer = take(walk, page, address, do=do, untick={1, 4, 6})
        assert "/messages/search/?" in answer["Location"]
        assert "q=euros" in answer["Location"]
        assert 'class="note error"' in found_on(walk, content, answer["Location"])
    assert chosen(walk)["messages"] == "1-3"


@pytest.mark.parametrize("tick", ["0", "x", "99", "9" * 30, "-1"])
def test_what_was_never_found_is_not_chosen(walk, content, tick):
    address = ask(walk, "euros")
    page = found_on(walk, content, address)
    before = chosen(walk)
    assert take(walk, page, address, do="only", tick=[tick]).status_code == 302
    assert chosen(walk) == before


def test_a_choice_changed_in_another_tab_is_not_overwritten(walk, content):
    address = ask(walk, "euros")
    page = found_on(walk, content, address)
    walk.send("messages", RULE | {"messages": "7"})
    take(walk, page, address, do="only")
    assert chosen(walk)["messages"] == "7"


def test_what_is_found_is_looked_at_and_the_log_says_so(walk, content):
    found_on(walk, content, ask(walk, "euros"))
    custody.sequence_pending()
    entries = [one.entry for one in custody.entries_of("series", walk.series[0].public_id)]
    assert any(one.event == "conversation.viewed" for one in entries)


def test_a_draft_without_conversations_leads_to_choosing_them(alice):
    address = alice.client.post("/drafts/", {})["Location"].replace("purpose", "messages/search")
    assert alice.client.get(address)["Location"].endswith("/conversations/")
