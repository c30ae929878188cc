"""The template library ``truethread``: text of strangers, times, sizes, words for codes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext

from evidence.formats.custody import Entry
from evidence.front import marks, sentences
from evidence.front.thumbnails import is_picture
from evidence.front.times import local_time
from evidence.render.details import duration, shown_details
from evidence.values import Json, Message

register = template.Library()

register.filter("visible", marks.visible)
register.filter("plain", marks.plain)
register.filter("warning_sentence", sentences.warning_sentence)
register.filter("code_sentence", sentences.code_sentence)
register.filter("format_name", sentences.format_name)
register.filter("is_picture", is_picture)
register.filter("duration", duration)

_STEPS = ("B", "kB", "MB", "GB", "TB")


@register.filter
def kind_name(code: str) -> str:
    """Return the word for a kind of message."""
    return str(sentences.KINDS.get(code, code))


@register.filter
def named_details(message: Message) -> list[str]:
    """Return the details of a message as the exhibit prints them, in the language of the page."""
    return list(shown_details(message, "zh" if language_tag() == "zh-Hans" else "en"))


@register.filter
def phase_name(code: str) -> str:
    """Return the words for a phase of a job."""
    return str(sentences.PHASES.get(code, code))


@register.filter
def upload_phase_name(code: str) -> str:
    """Return the words for a phase of a file on its way in."""
    return str(sentences.UPLOAD_PHASES.get(code, code))


@register.filter
def event_name(code: str) -> str:
    """Return the words for an event of the custody log."""
    return str(sentences.EVENTS.get(code, code))


@register.filter
def entry_name(entry: Entry) -> str:
    """Return the words for an entry of the custody log: its event, and what came in if it says so."""
    if entry.event == "acquisition.received" and "picture" in entry.details:
        return gettext("Picture of a participant received")
    return event_name(entry.event)


@register.filter
def subject_name(kind: str) -> str:
    """Return the word for what an entry of the custody log is about."""
    return str(sentences.SUBJECTS.get(kind, kind))


@register.filter
def detail_name(name: str) -> str:
    """Return what a detail of an entry is called; a name of later days stays as it is."""
    return str(sentences.DETAILS.get(name, name))


@register.filter
def as_json(value: Json) -> str:
    """Return a detail of an entry of the custody log as text: what is no text, as JSON."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(map(str, value)) or "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@register.filter
def detail_value(value: Json, name: str) -> str:
    """Return the value of a detail: in words where it is a code we know, otherwise as it is."""
    words = sentences.DETAIL_VALUES.get(name, {})
    return str(words[value]) if isinstance(value, str) and value in words else as_json(value)


@register.filter
def role_name(code: str) -> str:
    """Return the word for a role in an organisation."""
    return str(sentences.ROLES.get(code, code))


@register.filter
def artifact_name(code: str) -> str:
    """Return the words for a kind of released file."""
    return str(sentences.ARTIFACTS.get(code, code))


@register.filter
def size(octets: int) -> str:
    """Return a size in decimal units, as file managers show it."""
    amount, step = float(octets), 0
    while amount >= 999.5 and step < len(_STEPS) - 1:
        amount, step = amount / 1000, step + 1
    digits = 0 if step == 0 or amount >= 10 else 1
    return f"{amount:.{digits}f} {_STEPS[step]}"


@register.filter
def moment(value: datetime | str | None) -> SafeString:
    """Return a time in UTC with its zone named, never without."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if value is None:
        return format_html("{}", "—")
    exact = value.astimezone(UTC)
    return format_html(
        '<time datetime="{}">{} UTC</time>', exact.isoformat(), exact.strftime("%Y-%m-%d %H:%M:%S")
    )


@register.filter
def message_time(time: dict[str, Any] | None) -> SafeString:
    """Return a message's time as its source meant it, with the offset from UTC."""
    if not time:
        return format_html("{}", "—")
    local = local_time(time)
    shape = "%Y-%m-%d %H:%M" if time.get("precision") == "minute" else "%Y-%m-%d %H:%M:%S"
    return format_html(
        '<time datetime="{}">{}</time> <span class="offset">{}</span>',
        local.isoformat(),
        local.strftime(shape),
        f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:5],
    )


@register.filter
def hex_groups(digest: bytes | memoryview | str) -> SafeString:
    """Return a digest in hexadecimal, in groups that a narrow screen may break between."""
    text = digest if isinstance(digest, str) else bytes(digest).hex()
    groups = [text[start : start + 8] for start in range(0, len(text), 8)]
    return SafeString("<wbr>".join(groups)) if text.isalnum() else SafeString("")


@register.simple_tag(takes_context=True)
def page_address(context: Context, parameter: str, number: int) -> str:
    """Return the address of the same page with ``parameter`` of its query changed."""
    query = context["request"].GET.copy()
    query[parameter or "page"] = str(number)
    return f"?{query.urlencode()}"


@register.simple_tag
def language_tag() -> str:
    """Return the language of the page as HTML names it."""
    return {"zh-hans": "zh-Hans"}.get(get_language() or "en", "en")


_BROWSERS = ("Edg", "OPR", "SamsungBrowser", "MicroMessenger", "Firefox", "Chrome", "Safari")
_SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS X", "Linux")
_KNOWN_AS = {"Edg": "Edge", "OPR": "Opera", "MicroMessenger": "WeChat", "Mac OS X": "macOS"}


@register.filter
def browser_name(user_agent: str) -> str:
    """Return what a browser says it is, in words people know; nothing else of what it sent."""
    found = [
        next((_KNOWN_AS.get(word, word) for word in words if word in user_agent), "")
        for words in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(filter(None, found)) or gettext("Another program")
