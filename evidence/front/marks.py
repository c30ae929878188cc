"""Text of strangers on our pages: escaped, isolated, and with nothing invisible in it."""

from __future__ import annotations

import regex
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

_UNSEEN = regex.compile(
    r"[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u2800\ufffc\p{Default_Ignorable_Code_Point}]"
)
_NEEDED = regex.compile(
    # What holds an emoji together, and what Indic, Persian and Mongolian words are spelt with.
    r"(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f\u20e3])\u200d(?=\p{Extended_Pictographic})"
    r"|(?<=[\p{L}\p{M}])[\u200c\u200d](?=[\p{L}\p{M}])"
    r"|(?<=[\p{Emoji}\p{So}])[\ufe0e\ufe0f]"
    r"|(?<=\p{Han})[\U000e0100-\U000e01ef]"
)
_LAYOUT = "\n\t"


def visible(text: object) -> SafeString:
    """Return ``text`` as HTML in an isolate, every invisible character drawn as its code point.

    Nothing is removed: what is on the page is what was sent, plus marks where the eye would have
    been deceived.
    """
    return format_html("<bdi>{}</bdi>", marked(str(text)))


def marked(text: str) -> SafeString:
    """Return ``text`` escaped, with marks in the place of what cannot be seen."""
    text = text.replace("\r\n", "\n")
    kept = {match.start() for match in _NEEDED.finditer(text)}
    pieces, done = [], 0
    for match in _UNSEEN.finditer(text):
        start = match.start()
        if start in kept or match[0] in _LAYOUT:
            continue
        pieces += [escape(text[done:start]), _mark(match[0])]
        done = match.end()
    pieces.append(escape(text[done:]))
    return mark_safe("".join(pieces))  # noqa: S308  every piece is escaped just above


def _mark(character: str) -> str:
    return f'<span class="unseen">U+{ord(character):04X}</span>'


def filed(name: str) -> str:
    """Return ``name`` as a file may be saved under it: one line, one place, nothing invisible.

    A name that reorders itself shows another ending than it has.
    """
    return _UNSEEN.sub("_", name).replace("/", "_").replace("\\", "_").strip() or "_"


def plain(text: object) -> str:
    """Return ``text`` for places without mark-up, such as titles: one line, marks in brackets."""
    line = " ".join(str(text).split())
    kept = {match.start() for match in _NEEDED.finditer(line)}

    def shown(match: regex.Match[str]) -> str:
        return match[0] if match.start() in kept else f"[U+{ord(match[0]):04X}]"

    return _UNSEEN.sub(shown, line)
