"""Text that breaks renderers, each kind by its name: all of it must be on the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from evidence.render import pdfa

LONG_NAME = "N" * 4_990 + "end-of-name"
SHOWN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a lone surrogate": ({"body": "a\ud83db"}, ("a[U+D83D]b",)),
    "a surrogate pair in the wrong order": (
        {"body": "a\ude00\ud83db"}, ("a[U+DE00][U+D83D]b",),
    ),
    "control characters": (
        {"body": "a\x00b\x1b[31mc\x7fd\x9be"}, ("a[U+0000]b[U+001B][31mc[U+007F]d[U+009B]e",),
    ),
    "text that is turned round": (
        {"body": "pay \u202egnp.exe\u202c now"}, ("pay[U+202E]gnp.exe[U+202C]now",),
    ),
    "isolates": ({"body": "x\u2066y\u2069z"}, ("x[U+2066]y[U+2069]z",)),
    "tags that nobody sees": ({"body": "ok\U000e0041\U000e007f"}, ("ok[U+E0041][U+E007F]",)),
    "a message of ten thousand lines": (
        {"body": "\n".join(f"line-{n}" for n in range(10_000))},
        ("line-0line-1", "line-4999line-5000", "line-9998line-9999"),
    ),
    "a name of five thousand characters": (
        {"body": "hello", "sender": {"key": "p9", "name": LONG_NAME, "id": "x"}}, ("NNN…", "hello"),
    ),
    "a string without a break": ({"body": "A1b2" * 400 + "last"}, ("A1b2" * 400 + "last",)),
    "an empty body": ({"body": ""}, ("(emptymessage)",)),
    "a body of nothing but spaces": ({"body": "   "}, ()),
    "mark-up": (
        {"body": "<b>&amp; I <3 you</b><img src='/etc/passwd'>"},
        ("<b>&amp;I<3you</b><imgsrc='/etc/passwd'>",),
    ),
    "operators of PDF": (
        {"body": ") Tj ET endstream\nEMC Q (\\) \\"}, (")TjETendstreamEMCQ(\\)\\",),
    ),
    "a pile of combining marks": ({"body": "Z" + "\u0335" * 40 + "end"}, ("Z\u0335", "end")),
    "a character no font has": ({"body": "a\U00012000b"}, ("a[U+12000]b", "U+12000: once, on")),
    "no sender and no time": ({"body": "alone", "sender": None, "time": None}, ("nosender", "alone")),
    "bytes that were no text": (
        {"body": None, "kind": "unparsed", "source_text": {"hex": "ff00"}}, ("ff00",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHOWN)
def test_hostile_text_is_on_the_page(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str], name: str
):
    fields, phrases = SHOWN[name]
    hostile = samples.message(1, fields["body"], **{k: v for k, v in fields.items() if k != "body"})
    rows = [samples.whole(hostile), samples.whole(samples.message(2, "still here"))]

    made = render(samples.exhibit(rows=lambda: iter(rows)))

    text = "".join(text_of(made.master.path, "-raw").split())
    assert [
        phrase for phrase in (*phrases, "stillhere") if phrase.replace(" ", "") not in text
    ] == []
    if not name.startswith("a message of"):
        assert pdfa.check(made.master.path) == []


@pytest.mark.parametrize(
    ("name", "attachment", "phrases"),
    [
        ("a voice message", {"kind": "voice", "duration": 17}, ("Voice message", "duration 0:17")),
        ("a video", {"kind": "video", "duration": 75}, ("Video", "duration 1:15")),
        ("a missing picture", {"kind": "image", "included": False},
         ("The source does not include this file.",)),
        ("a missing video", {"kind": "video", "included": False},
         ("The source does not include this file.",)),
    ],
)  # fmt: skip
def test_an_attachment_that_cannot_be_drawn_is_a_labelled_row(
    render: Callable[..., Any], samples: Any, text_of: Callable[..., str],
    name: str, attachment: dict[str, Any], phrases: tuple[str, ...],
):  # fmt: skip
    sample, _file = samples.picture()
    sample |= {"name": "thing.bin", "media_type": None, **attachment}
    message = samples.message(1, None, kind=sample["kind"], attachments=[sample])

    made = render(samples.exhibit(rows=lambda: iter([samples.whole(message)])))

    text = " ".join(text_of(made.master.path, "-raw").split())
    assert [phrase for phrase in ("thing.bin", *phrases) if phrase not in text] == []
