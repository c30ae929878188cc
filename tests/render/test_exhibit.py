from __future__ import annotations

import hashlib
import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from evidence.render import pdfa
from evidence.render.exhibit import Limits, Row


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_equal_exhibits_give_equal_bytes(render: Callable[..., Any], samples: Any):
    first = render(samples.exhibit(), "first").master.path.read_bytes()
    second = render(samples.exhibit(), "second").master.path.read_bytes()

    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()


@pytest.mark.parametrize(("language", "paper"), [("en", "A4"), ("zh", "A4"), ("en", "Letter")])
def test_the_file_keeps_every_rule_of_pdf_a_that_we_check(
    render: Callable[..., Any], samples: Any, language: str, paper: str
):
    made = render(samples.exhibit(language, paper=paper))

    assert pdfa.check(made.master.path) == []


def test_qpdf_finds_nothing_to_complain_about(render: Callable[..., Any], samples: Any):
    if shutil.which("qpdf") is None:
        pytest.skip("foreign tool missing: qpdf")

    made = render(samples.exhibit())

    subprocess.run(["qpdf", "--check", str(made.master.path)], check=True, capture_output=True)


def test_the_manifest_is_embedded_as_associated_data(render: Callable[..., Any], samples: Any):
    made = render(samples.exhibit(), embed={"manifest.json": b'{"a":1}'})

    with pikepdf.open(made.master.path) as pdf:
        assert bytes(pdf.attachments["manifest.json"].get_file().read_bytes()) == b'{"a":1}'
        assert str(pdf.Root.AF[0].AFRelationship) == "/Data"
        assert b'"volume":1' in pdf.attachments["volume.json"].get_file().read_bytes()


ENGLISH_POINTS = {
    "1 bundle, matter, pages, Bates, language": ["0f8c2a91d4e64b7f9a3c5e7d1b2f4a68",
        "HC-2024-000123", "HT-000001to", "bundleformat1"],
    "2 requester and authority": ["JaneDoe,ExampleLLP", "Writtenconsent"],
    "3 evidence list": ["Evidencelist", "Objectandcontentofproof", "Nameofevidence"],
    "4 account holder and parties": ["wxid_alice88", "Alice(work)", "+861380000000", "notverified"],
    "5 source": ["WeChatCSV", "chat.csv", "18,231bytes"],
    "6 original carrier": ["iPhone13ofAliceZhang"],
    "7 acquisition record": ["Acquisition", "Received", "Originalstoredandhashed"],
    "8 complete or excerpt": ["positions1to31of31", "12messagesarenotincluded", "18same"],
    "9 per message": ["17:44:05+08:00", "BobO’Brien", "wxid_bob_1970", "d4735e3a265e16ee",
        "Inreplytono.2", "Edited17:02", "RecalledordeletedbyAliceZhang", "Reactions"],
    "10 hashes": ["SHA-256", "Selectiondigest", "Sealroot", "RFC9162"],
    "11 time source": ["Localdevelopmentauthority", "NOTindependent", "2024-03-0708:31:05 UTC"],
    "12 seal": ["Electronicseal", "Verifiableunaideduntil"],
    "13 custody log": ["Custodylog", "acquisition.received", "192.0.2.17", "notdisclosed"],
    "14 changes": ["Withheld:Personalmatter", "Notextwaschanged"],
    "15 limits": ["Whatitdoesnotprove", "Whotypedthemessages"],
    "16 neutrality": ["isnopartyandhasnointerest"],
    "18 verification": ["verify.pyz", "example.org/"],
    "19 privacy": ["keptfor5years"],
}  # fmt: skip


@pytest.mark.parametrize("point", ENGLISH_POINTS)
def test_the_exhibit_holds_each_point_of_the_checklist(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], point: str
):
    text = squeezed(text_of(render(samples.exhibit()).master.path, "-raw"))

    assert [phrase for phrase in ENGLISH_POINTS[point] if squeezed(phrase) not in text] == []


def test_the_chinese_exhibit_speaks_chinese(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    text = squeezed(text_of(render(samples.exhibit("zh")).master.path))

    for phrase in ("证据目录", "证明对象和内容", "本证据不证明的内容", "参与人", "完整性校验值",
                   "保管日志", "第1页/共", "2024年2月27日星期二", "此处12条消息未收录"):  # fmt: skip
        assert phrase in text


def test_a_withheld_row_shows_nothing_but_its_number_and_reason(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    secret = samples.message(1, "the secret body")
    rows = [Row("withheld", secret, samples.leaf_hash(1), reason="privileged")]

    text = text_of(render(samples.exhibit(rows=lambda: iter(rows))).master.path)

    assert "secret" not in text
    assert "Withheld: privileged" in text


def test_development_keys_are_named_on_every_page(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    made = render(samples.exhibit())

    assert text_of(made.master.path).count("THIS DOCUMENT IS NOT EVIDENCE") == made.master.pages


def test_an_exhibit_too_long_for_one_file_becomes_volumes(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    rows = [samples.whole(samples.message(i, f"Message number {i}. " * 12)) for i in range(1, 400)]
    limits = Limits(max_pages=12, leaf_list_rows=10)

    made = render(samples.exhibit(rows=lambda: iter(rows)), limits=limits)

    assert len(made.volumes) > 2
    assert all(volume.pages <= 12 for volume in made.volumes)
    numbers = [(v.bates_first, v.bates_last) for v in (made.master, *made.volumes)]
    ends = [(int(first[3:]), int(last[3:])) for first, last in numbers]
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ends))
    whole = "".join(text_of(volume.path) for volume in made.volumes)
    assert all(f"Message number {i}." in whole for i in range(1, 400))
    assert "Volume 2 of" in text_of(made.volumes[0].path)
    assert all(pdfa.check(volume.path) == [] for volume in (*made.volumes, made.master))


def test_the_master_lists_its_volumes(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    rows = [samples.whole(samples.message(i, "word " * 60)) for i in range(1, 200)]

    made = render(samples.exhibit(rows=lambda: iter(rows)), limits=Limits(max_pages=10))

    text = text_of(made.master.path)
    for volume in made.volumes:
        assert volume.path.name in text
        assert volume.bates_first in text


def test_the_seal_box_lies_free_on_the_cover(render: Callable[..., Any], samples: Any):
    made = render(samples.exhibit())
    box = made.master.seal_box

    assert box.page == 0
    assert 150 < box.rect[2] - box.rect[0] < 300


def test_bookmarks_lead_to_conversation_month_and_day(render: Callable[..., Any], samples: Any):
    made = render(samples.exhibit())

    with pikepdf.open(made.master.path) as pdf, pdf.open_outline() as outline:
        conversation = next(i for i in outline.root if i.title.startswith("Conversation 1"))
        assert [month.title for month in conversation.children] == ["February 2024", "March 2024"]
        assert conversation.children[0].children[0].title == "Tuesday, 27 February 2024"


def test_a_filing_copy_names_the_master_and_is_marked(
    render: Callable[..., Any], samples: Any, text_of: Callable[[Path], str]
):
    made = render(samples.exhibit(), filing_copy=True)

    text = text_of(made.master.path)
    assert made.master.path.name == "filing-copy.pdf"
    assert (
        text.count("FILING COPY, NOT SIGNED. The signed master is evidence.pdf")
        >= made.master.pages
    )


def test_emoji_in_names_and_titles_are_pictures_with_text(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    attachment, file = samples.picture("🎉party.jpg")
    sender = {"key": "p1", "name": "Ana 🌻", "id": "ana🌙"}
    rows = [
        samples.whole(samples.message(1, "hi", sender=sender)),
        samples.whole(samples.message(2, None, sender=sender, attachments=[attachment]), file),
    ]
    part = samples.transcript(lambda: iter(rows), title="Club 🎷")

    made = render(samples.exhibit(transcripts=(part,)))

    with pikepdf.open(made.master.path) as pdf:
        drawn = {key for page in pdf.pages for key in page.obj.Resources.get("/XObject", {})}
    assert len([key for key in drawn if str(key).startswith("/E")]) >= 4
    text = text_of(made.master.path)
    assert all(emoji in text for emoji in "🌻🌙🎉🎷")
    assert pdfa.check(made.master.path) == []


def test_a_very_long_file_name_is_shown_whole(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    attachment, _ = samples.picture("long " * 1000 + "end.jpg")
    rows = [samples.whole(samples.message(1, None, kind="file", attachments=[attachment]))]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    assert text_of(made.master.path).count("long") >= 1000


def test_withheld_fields_are_blacked_out(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    hidden = frozenset({"sender", "time", "body"})
    bare = samples.message(1, None, sender=None, time=None, time_raw=None)
    rows = [Row("partly", bare, samples.leaf_hash(1), hidden, reason="identity protected")]

    text = text_of(render(samples.exhibit(rows=lambda: iter(rows))).master.path)

    assert text.count("██████") >= 3
    assert "Withheld in this row: text, sender, time" in text
    assert "no time given" not in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_conversation_style_keeps_number_full_time_and_sender_id(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], language: str
):
    made = render(samples.exhibit(language, style="conversation"))

    text = squeezed(text_of(made.master.path, "-raw"))
    assert "wxid_bob_1970" in text
    assert "22024-02-2717:44:05+08:00" in text
    assert samples.leaf_hash(2)[:16] in text
    assert pdfa.check(made.master.path) == []


def test_a_row_that_runs_over_a_page_says_which_row_goes_on(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    rows = [samples.whole(samples.message(7, "many words " * 2000))]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    pages = text_of(made.master.path).split("\f")
    assert sum("7   continued" in page or "7 continued" in page for page in pages) >= 3
