"""Files embedded in a PDF (ISO 32000-1 7.11.4), found through the name tree, read within limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .pdf_reader import Document, LimitExceeded, PdfError, Stream, Value, text_of

MAX_EMBEDDED = 4096
MAX_NAME_NODES = 4096


def embedded_files(document: Document) -> Iterator[tuple[str, Value]]:
    """Yield name and file specification of each embedded file (name tree, ISO 32000-1 7.9.6)."""
    names = document.get(document.catalog.get("Names"))
    if not isinstance(names, dict) or "EmbeddedFiles" not in names:
        return
    waiting: list[Value] = [names["EmbeddedFiles"]]
    seen = 0
    while waiting:
        node = document.dictionary(waiting.pop())
        seen += 1
        if seen > MAX_NAME_NODES:
            raise LimitExceeded("the name tree is too large")
        pairs = document.array(node["Names"]) if "Names" in node else []
        if len(pairs) % 2 or len(pairs) > 2 * MAX_EMBEDDED:
            raise PdfError("the name tree is malformed")
        for index in range(0, len(pairs), 2):
            yield text_of(pairs[index]), pairs[index + 1]
        if "Kids" in node:
            waiting.extend(document.array(node["Kids"]))


def embedded_bytes(document: Document, value: Value) -> bytes:
    specification = document.dictionary(value)
    files = document.dictionary(specification.get("EF"))
    stream = document.get(files.get("F", files.get("UF")))
    if not isinstance(stream, Stream):
        raise PdfError("an embedded file is no stream")
    return document.stream_bytes(stream)


def json_object(data: bytes | None) -> dict[str, object]:
    try:
        value = json.loads(data) if data else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def page_count(document: Document) -> int:
    pages = document.get(document.catalog.get("Pages"))
    count = pages.get("Count") if isinstance(pages, dict) else 0
    return count if type(count) is int else 0
