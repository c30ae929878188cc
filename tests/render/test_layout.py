"""What a reader stumbled over once: sides, durations, headings without their pictures, codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
import zxingcpp

from evidence.actions.export_steps.wording import subject_name
from evidence.formats.message import FIELDS
from evidence.render import words
from evidence.render.attachments import duration
from evidence.render.sheet import geometry


@pytest.mark.parametrize(
    ("stated", "shown"),
    [(4, "0:04"), ("75", "1:15"), (3723, "1:02:03"), ("00:17", "00:17"), ("4.5 s", "4.5 s"), ("٣", "٣")],
)  # fmt: skip
def test_a_duration_in_seconds_is_printed_as_a_clock_would(stated: Any, shown: str):
    assert duration(stated) == shown


def test_every_field_that_can_be_withheld_has_a_name_in_both_languages():
    assert set(FIELDS) <= set(words.FIELDS) | {"sequence"}


@pytest.mark.parametrize("owner", [True, False])
def test_conversation_style_says_whose_side_is_whose(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], owner: bool
):
    part = samples.transcript(lambda: iter([samples.whole(samples.message(1, "hello"))]))
    parties = tuple(
        replace(p, participant=replace(p.participant, is_owner=owner and p.participant.is_owner))
        for p in part.parties
    )

    made = render(
        samples.exhibit(style="conversation", transcripts=(replace(part, parties=parties),))
    )

    text = " ".join(text_of(made.master.path, "-raw").split())
    assert ("right: messages of the account holder" in text) is owner
    assert ("all messages stand left" in text) is not owner


def test_a_picture_is_not_torn_from_its_heading(render: Callable[..., Any], samples: Any):
    attachment, file = samples.picture()
    rows = [samples.whole(samples.message(i, "filler")) for i in range(1, 40)]
    for step in range(0, 39, 4):
        more = samples.message(40 + step, None, kind="image", attachments=[attachment])
        rows.append(samples.whole(more, file))
        rows += [samples.whole(samples.message(41 + step + i, "filler")) for i in range(3)]

    made = render(samples.exhibit(style="conversation", rows=lambda: iter(rows)))

    with pikepdf.open(made.master.path) as pdf:
        text = b"".join(page.Contents[0].read_bytes() for page in pdf.pages)
    assert "continued".encode("utf-16-be") not in text


def test_an_attachment_names_its_conversation_where_there_are_several(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    attachment, file = samples.picture()
    rows = [samples.whole(samples.message(3, None, kind="image", attachments=[attachment]), file)]
    part = samples.transcript(lambda: iter(rows))

    made = render(samples.exhibit(transcripts=(part, part)))

    text = " ".join(text_of(made.master.path, "-raw").split())
    assert "Attachment to no. 3 of conversation 1" in text
    assert "Attachment to no. 3 of conversation 2" in text


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("CN=Stamp Authority,O=Firm\\, Ltd,C=DE", "Stamp Authority; Firm, Ltd"),
        ("O=Firm,2.5.4.97=VATDE-1,CN=TSA 1", "TSA 1; Firm"),
        ("Example Evidence Ltd", "Example Evidence Ltd"),
        ("", ""),
    ],
)
def test_a_certificate_name_is_printed_as_people_write_it(subject: str, shown: str):
    assert subject_name(subject) == shown


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_left_margin_can_be_bound_or_punched(paper: Any):
    sheet = geometry(paper)

    assert sheet.left >= 62  # 22 mm
    assert sheet.right >= 28
    assert sheet.left + sheet.measure + sheet.right == sheet.width


def test_nothing_on_a_page_is_told_by_colour(render: Callable[..., Any], samples: Any):
    made = render(samples.exhibit(style="conversation"))

    with pikepdf.open(made.master.path) as pdf:
        for page in pdf.pages:
            used = {str(step.operator) for step in pikepdf.parse_content_stream(page)}
            assert not used & {"rg", "RG", "k", "K", "cs", "CS", "sc", "SC", "scn", "SCN", "sh"}


def test_the_code_on_the_cover_leads_to_the_verification_page(
    render: Callable[..., Any], samples: Any, tmp_path: Path
):
    exhibit = samples.exhibit()
    made = render(exhibit)

    with pypdfium2.PdfDocument(made.master.path) as pdf:
        picture = pdf[0].render(scale=2.5, grayscale=True).to_pil()
    codes = zxingcpp.read_barcodes(picture)

    assert [code.text for code in codes] == [exhibit.verification_url]


@pytest.mark.parametrize(
    ("language", "hidden", "said"),
    [
        ("en", 0, "; nothing is withheld."),
        ("en", 1, "; 1 of them is withheld, in whole or in part."),
        ("en", 2, "; 2 of them are withheld, in whole or in part."),
        ("zh", 0, "，无遮盖。"),
        ("zh", 1, "，其中 1 条被全部或部分遮盖。"),
        ("zh", 2, "，其中 2 条被全部或部分遮盖。"),
    ],
)
def test_the_cover_counts_what_is_withheld_as_one_says_it(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str],
    language: str, hidden: int, said: str,
):  # fmt: skip
    part = replace(samples.transcript(lambda: iter(samples.rich_rows())), withheld=hidden, partly=0)

    made = render(samples.exhibit(language, transcripts=(part,)))

    cover = "".join(text_of(made.master.path, "-raw").split("\f")[0].split())
    assert "".join(said.split()) in cover


def test_a_single_row_is_one_row_at_one_position(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str]
):
    rows = [samples.whole(samples.message(1, "hello"))]
    part = replace(
        samples.transcript(lambda: iter(rows), size=1),
        shown=1, withheld=0, partly=0, gaps=0, omitted=0,
    )  # fmt: skip

    made = render(samples.exhibit(transcripts=(part,)))

    text = " ".join(text_of(made.master.path, "-raw").split())
    assert "held 1 row as delivered; this one stands at position 1; nothing is withheld." in text


@pytest.mark.parametrize("style", ["record", "conversation"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_last_page_is_never_left_with_two_rows(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], language: str, style: str
):
    whole = samples.exhibit(language, style=style)
    for entries in range(1, 30, 3):
        lines = tuple(replace(whole.custody[0], index=i) for i in range(entries))

        made = render(replace(whole, custody=lines), f"{language}{style}{entries}")

        last = text_of(made.master.path, "-layout").rstrip("\f").split("\f")[-1]
        title = {"en": "Colophon", "zh": "制作说明"}[language]
        shown = last.count("acquisition.received")
        assert title in [line.strip() for line in last.splitlines()]
        assert shown >= min(entries, 6), entries


@pytest.mark.parametrize("fill", range(0, 60, 7))
def test_the_end_of_a_table_stays_together(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], fill: int
):
    checks = tuple((f"check-{i}", "passed") for i in range(20 + fill))

    made = render(samples.exhibit(checks=checks))

    pages = text_of(made.master.path).split("\f")
    last = next(page for page in pages if f"check-{19 + fill} " in page)
    assert f"check-{17 + fill} " in last
