"""The same PDF in a second parser: qpdf, by way of pikepdf. Nothing is unpacked here."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

import pikepdf

from evidence.verify.pdf.opened import MAX_SIGNATURES, TooLarge

HARMLESS = ("reported number of objects",)
"""A /Size a little off is a habit of many producers and hides nothing."""
_BUFFER = re.compile(r"stream <_io\.BytesIO object at 0x[0-9a-f]+>:?\s*")
MAX_FIELDS = 20_000
MAX_OBJECTS = 500_000
logging.getLogger("pikepdf").setLevel(logging.CRITICAL)  # what matters becomes a finding
ERRORS = (pikepdf.PdfError, ValueError, KeyError, TypeError, AttributeError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a parser sees of one signature; two parsers must see the same."""

    field: str
    byte_range: tuple[int, ...]
    contents: str
    """SHA-256 of the decoded /Contents, hex."""


@dataclass(frozen=True, slots=True)
class SecondReading:
    """What qpdf says. warnings: its words; an unreadable file has one that says so."""

    warnings: tuple[str, ...]
    signatures: frozenset[Seen]
    is_encrypted: bool = False


def read(data: bytes) -> SecondReading:
    """Return how qpdf reads ``data``. Total, apart from TooLarge."""
    try:
        with pikepdf.open(BytesIO(data), suppress_warnings=True) as pdf:
            if len(pdf.objects) > MAX_OBJECTS:
                raise TooLarge("too many objects")
            for one in pdf.objects:
                if isinstance(one, pikepdf.Object):
                    one.is_owned_by(pdf)  # reads the object; streams stay packed
            signatures = frozenset(_signatures(pdf))
            warnings = tuple(filter(None, map(_said, pdf.get_warnings()[:20])))
            return SecondReading(warnings, signatures)
    except pikepdf.PasswordError:
        return SecondReading(("the file is encrypted",), frozenset(), is_encrypted=True)
    except ERRORS as error:
        return SecondReading((_said(error) or "it cannot be read",), frozenset())


def _said(warning: object) -> str:
    """Return a warning without the name qpdf gives our buffer; empty for one that means nothing."""
    text = _BUFFER.sub("", str(warning))[:300]
    return "" if any(one in text for one in HARMLESS) else text


def _signatures(pdf: pikepdf.Pdf) -> list[Seen]:
    form = pdf.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary):
        return []
    found: list[Seen] = []
    waiting = [(one, "", False) for one in reversed(_list(form.get("/Fields")))]
    visited: set[tuple[int, int]] = set()
    steps = 0
    while waiting:
        steps += 1
        if steps > MAX_FIELDS or len(found) > MAX_SIGNATURES:
            raise TooLarge("too many form fields or signatures")
        node, path, inherited = waiting.pop()
        if not isinstance(node, pikepdf.Dictionary):
            continue
        if node.objgen != (0, 0):
            if node.objgen in visited:
                continue
            visited.add(node.objgen)
        name = ".".join(filter(None, (path, str(node.get("/T", "")))))
        is_signature = inherited if "/FT" not in node else node.get("/FT") == "/Sig"
        value = node.get("/V")
        if is_signature and isinstance(value, pikepdf.Dictionary):
            found.append(_seen(name, value))
        waiting += [(kid, name, is_signature) for kid in reversed(_list(node.get("/Kids")))]
    return found


def _seen(name: str, value: pikepdf.Dictionary) -> Seen:
    numbers = tuple(int(one) for one in _list(value.get("/ByteRange")) if isinstance(one, int))
    contents = value.get("/Contents")
    raw = bytes(contents) if isinstance(contents, pikepdf.String) else b""
    return Seen(name, numbers, sha256(raw).hexdigest())


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, pikepdf.Array) else []
