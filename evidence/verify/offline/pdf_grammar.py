"""The strict grammar of everything after the certification signature of one of our PDFs.

Anyone can append a document time-stamp of any authority, so that the last time-stamp covers the
whole file proves nothing by itself. What may follow the certified bytes is therefore a closed
language, read from the first byte to the last::

    tail     = revision*
    revision = object+ xref trailer "startxref" "%%EOF"
    object   = "N 0 obj" LF value LF "endobj" LF            no comment, nothing in between

- the cross-reference table lists exactly the objects of its revision, each at its offset;
- ``/Prev`` names the table before, ``/Root``, ``/Info`` and the first ``/ID`` stay;
- an object that existed may only come back unchanged, except: the catalog in ``/DSS``,
  ``/AcroForm`` and ``/Extensions``; the interactive form in ``/Fields``, by one entry at the end;
  one page in ``/Annots``, by the same entry at the end; the security store, by entries at the end;
- an object that is new carries a number never used before and is part of the security store
  (certificates, revocation lists, OCSP answers) or the one time-stamp field with its signature
  dictionary, invisible and without any text of its own;
- each revision ends with a document time-stamp over every byte of the file up to its end.

Example of what fails: a revision that appends a page's ``/Contents`` and a fresh token over it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from . import der
from .pdf_reader import (
    MAX_REVISIONS,
    Buffer,
    Document,
    LimitExceeded,
    Parser,
    PdfError,
    Ref,
    Section,
    Stream,
    String,
    Value,
    read_object,
    read_section,
)

MAX_NEW_OBJECTS = 512
MAX_STAMPS = 15
MAX_STORE_BYTES = 16 * 1024 * 1024
MAX_CONTENTS_DIGITS = 1024 * 1024

_LINE_END = re.compile(rb"\n")
_NUMBERED = re.compile(rb"\d")
_FIELD_NAME = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_FIELD_KEYS = frozenset({"FT", "T", "Type", "Subtype", "F", "Rect", "P", "TU", "V"})
_STAMP_KEYS = frozenset({"Type", "Filter", "SubFilter", "Contents", "ByteRange"})
_TRAILER_KEYS = frozenset({"Root", "Info", "ID", "Size", "Prev"})
_STORE_LISTS = ("Certs", "CRLs", "OCSPs")
_EXTENSION_KEYS = frozenset({"Type", "BaseVersion", "ExtensionLevel", "URL", "ExtensionRevision"})
_HIDDEN_FLAGS = frozenset({0, 2, 4, 6, 128, 130, 132, 134})


@dataclass(frozen=True, slots=True)
class SignatureValue:
    """Where one signature stands: ``[0, before, after, length]`` and its DER bytes."""

    field_name: str
    byte_range: tuple[int, int, int, int]
    contents: bytes

    @property
    def end(self) -> int:
        return self.byte_range[2] + self.byte_range[3]


@dataclass(frozen=True, slots=True)
class Tail:
    """The revisions after the certified one, in file order, all within the grammar."""

    stamps: tuple[SignatureValue, ...]
    document: Document
    """The file as its last revision shows it."""


def read_tail(data: Buffer, certified: Document) -> Tail:
    """Return what follows the certified revision; raises PdfError for any byte out of grammar."""
    document, stamps = certified, list[SignatureValue]()
    while document.end < len(data):
        if len(stamps) >= MAX_STAMPS or len(document.sections) >= MAX_REVISIONS:
            raise LimitExceeded("too many time-stamps")
        document, stamp = _read_revision(data, document)
        stamps.append(stamp)
    return Tail(tuple(stamps), document)


def signature_value(
    data: Buffer, entries: dict[str, Value], field_name: str, end: int
) -> SignatureValue:
    """Return a signature dictionary's value; its range must be exact and reach ``end``.

    The gap must be the ``/Contents`` string and nothing else: lower-case hex, one DER value,
    zeros up to the closing bracket.
    """
    numbers, contents = entries.get("ByteRange"), entries.get("Contents")
    if not isinstance(numbers, list) or not isinstance(contents, String):
        raise PdfError("the signature has no /ByteRange or /Contents")
    if len(numbers) != 4 or any(type(number) is not int for number in numbers):
        raise PdfError("the /ByteRange is malformed")
    first, before, after, length = (int(number) for number in numbers if type(number) is int)
    if (first, before, after) != (0, contents.start, contents.end) or not contents.is_hex:
        raise PdfError("the /ByteRange does not leave out exactly the /Contents")
    if after + length != end:
        raise PdfError("the signature does not reach the end of its revision")
    digits = bytes(data[before + 1 : after - 1])
    return SignatureValue(field_name, (0, before, after, length), read_padded(digits))


def gap_sha256(data: Buffer, value: SignatureValue) -> str:
    """Return the SHA-256 of the ``/Contents`` as it stands, padding included, in hexadecimal."""
    _, before, after, _ = value.byte_range
    digits = bytes(data[before + 1 : after - 1])
    return hashlib.sha256(bytes.fromhex(digits.decode("ascii"))).hexdigest()


def read_padded(digits: bytes) -> bytes:
    """Return the DER value at the start of lower-case hex digits padded with zeros."""
    if len(digits) > MAX_CONTENTS_DIGITS:
        raise PdfError("the /Contents are too long")
    if re.fullmatch(rb"(?:[0-9a-f]{2})+", digits) is None:
        raise PdfError("the /Contents are not lower-case hexadecimal")
    padded = bytes.fromhex(digits.decode("ascii"))
    try:
        node, end = der.read(padded, 0)
    except der.DerError as error:
        raise PdfError(f"the /Contents hold no DER value: {error}") from error
    if padded.count(0, end) != len(padded) - end:
        raise PdfError("the /Contents are not padded with zeros")
    return node.raw


def _read_revision(data: Buffer, before: Document) -> tuple[Document, SignatureValue]:
    objects, position = _read_objects(data, before.end)
    section = read_section(data, position, len(data), comments=False)
    last_lines = b"startxref\n%d\n%%%%EOF\n" % section.start
    if bytes(data[section.end - len(last_lines) : section.end]) != last_lines:
        raise PdfError("the revision does not end as ours do")
    _check_table(section, objects, before)
    after = Document(data, [section, *before.sections])
    stamp = _Changes(data, before, after, objects).check()
    return after, stamp


def _read_objects(data: Buffer, start: int) -> tuple[dict[Ref, tuple[int, Value]], int]:
    objects: dict[Ref, tuple[int, Value]] = {}
    position = start
    while _NUMBERED.match(data, position):
        parser = Parser(data, position, len(data), comments=False)
        found = read_object(parser)
        parser.take(_LINE_END, "a line end after endobj")
        if found.ref in objects or found.ref.generation != 0 or found.ref.number == 0:
            raise PdfError(f"object {found.ref.number} stands twice or has a generation")
        if len(objects) >= MAX_NEW_OBJECTS:
            raise LimitExceeded("too many objects in one revision")
        objects[found.ref] = (found.start, found.value)
        position = parser.position
    return objects, position


def _check_table(section: Section, objects: dict[Ref, tuple[int, Value]], before: Document) -> None:
    expected = {ref.number: (offset, 0) for ref, (offset, _) in objects.items()}
    if section.entries != expected or section.free not in ({}, {0: 65535}):
        raise PdfError("the cross-reference table does not list exactly the objects before it")
    trailer, old = section.trailer, before.trailer
    if not trailer.keys() <= _TRAILER_KEYS or not _same(
        trailer.get("Prev"), before.sections[0].start
    ):
        raise PdfError("the trailer has other keys or does not lead to the revision before")
    if trailer.get("Root") != old.get("Root") or trailer.get("Info") != old.get("Info"):
        raise PdfError("the trailer changes /Root or /Info")
    highest = max((ref.number for ref in objects), default=0)
    if not _same(trailer.get("Size"), max(before.size, highest + 1)):
        raise PdfError("the trailer gives a wrong /Size")
    new_id, old_id = trailer.get("ID"), old.get("ID")
    if not isinstance(new_id, list) or not isinstance(old_id, list) or len(new_id) != 2:
        raise PdfError("the trailer has no /ID")
    if new_id[0] != old_id[0] or not isinstance(new_id[1], String) or len(new_id[1].value) > 64:
        raise PdfError("the trailer changes the first /ID")


class _Changes:
    """What one revision changes, checked object by object against the revision before."""

    def __init__(
        self,
        data: Buffer,
        before: Document,
        after: Document,
        objects: dict[Ref, tuple[int, Value]],
    ) -> None:
        self.data, self.before, self.after = data, before, after
        self.values = {ref: value for ref, (_, value) in objects.items()}
        self.unexplained = set(self.values)
        self.store_budget = MAX_STORE_BYTES

    def check(self) -> SignatureValue:
        for ref in self.values:
            if not self.before.has(ref) and ref.number < self.before.size:
                raise PdfError(f"object {ref.number} reuses a number")
        self._catalog()
        field_ref = self._form()
        stamp = self._field(field_ref)
        self._page(field_ref)
        self._store()
        for ref in sorted(self.unexplained):
            self._unchanged(ref)
        return stamp

    def _explain(self, value: Value) -> None:
        if isinstance(value, Ref):
            self.unexplained.discard(value)

    def _is_new(self, value: Value) -> bool:
        return isinstance(value, Ref) and value in self.values and not self.before.has(value)

    def _explain_container(self, old: Value, new: Value, what: str) -> None:
        """A part of the catalog, form or page stays the object it was, or is a new one.

        Otherwise a reference to some other old object would lend it our leave to change.
        """
        if isinstance(old, Ref) and new != old:
            raise PdfError(f"the {what} was replaced")
        if isinstance(new, Ref) and new != old and not self._is_new(new):
            raise PdfError(f"the {what} is another object's")
        self._explain(new)

    def _catalog(self) -> None:
        old, new = self.before.catalog, self.after.catalog
        self._explain(self.after.root)
        _same_except(old, new, {"DSS", "AcroForm", "Extensions"}, "catalog")
        old_value, new_value = old.get("Extensions"), new.get("Extensions")
        self._explain_container(old_value, new_value, "list of extensions")
        _check_extensions(self.before.get(old_value), self.after.get(new_value))

    def _form(self) -> Ref:
        """Return the one field the form gained."""
        old_value, new_value = self.before.catalog["AcroForm"], self.after.catalog.get("AcroForm")
        self._explain_container(old_value, new_value, "form")
        old, new = self.before.dictionary(old_value), self.after.dictionary(new_value)
        _same_except(old, new, {"Fields"}, "form")
        return self._appended(old.get("Fields"), new.get("Fields"), "form fields")

    def _appended(self, old_value: Value, new_value: Value, what: str) -> Ref:
        """Return the one new reference at the end of a list; all others must stay."""
        old = [] if old_value is None else self.before.array(old_value)
        new = self.after.array(new_value)
        self._explain_container(old_value, new_value, f"list of {what}")
        if new[:-1] != old or not new or not isinstance(new[-1], Ref):
            raise PdfError(f"the {what} gained or lost something else than one entry")
        if not self._is_new(new[-1]):
            raise PdfError(f"the new entry of the {what} is not new")
        return new[-1]

    def _field(self, ref: Ref) -> SignatureValue:
        entries = self.after.dictionary(ref)
        self._explain(ref)
        name, value = entries.get("T"), entries.get("V")
        if not entries.keys() <= _FIELD_KEYS or entries.get("FT") != "Sig":
            raise PdfError("the new field is no plain time-stamp field")
        if not isinstance(name, String) or _FIELD_NAME.fullmatch(name.value) is None:
            raise PdfError("the new field has an unusual name")
        if name.value in self._known_names():
            raise PdfError("the new field takes a name in use")
        label = entries.get("TU")
        if label is not None and not (isinstance(label, String) and label.value == b"Timestamp"):
            raise PdfError("the new field carries a text")
        if not _same(entries.get("Rect", [0, 0, 0, 0]), [0, 0, 0, 0]):
            raise PdfError("the new field is visible")
        if entries.get("Type", "Annot") != "Annot" or entries.get("Subtype") not in (
            None,
            "Widget",
        ):
            raise PdfError("the new field is no widget")
        flags = entries.get("F", 0)
        if type(flags) is not int or flags not in _HIDDEN_FLAGS:
            raise PdfError("the new field has unusual flags")
        if not isinstance(value, Ref) or not self._is_new(value) or value == ref:
            raise PdfError("the new field has no new signature")
        return self._stamp(value, name.value.decode("ascii"))

    def _known_names(self) -> set[bytes]:
        form = self.before.dictionary(self.before.catalog["AcroForm"])
        fields = [self.before.dictionary(one) for one in self.before.array(form.get("Fields"))]
        return {name.value for name in (one.get("T") for one in fields) if isinstance(name, String)}

    def _stamp(self, ref: Ref, name: str) -> SignatureValue:
        entries = self.after.dictionary(ref)
        self._explain(ref)
        expected = {
            "Type": "DocTimeStamp",
            "Filter": "Adobe.PPKLite",
            "SubFilter": "ETSI.RFC3161",
        }
        if entries.keys() != _STAMP_KEYS or any(
            entries[key] != value for key, value in expected.items()
        ):
            raise PdfError("the new signature is no plain document time-stamp")
        return signature_value(self.data, entries, name, self.after.end)

    def _page(self, field_ref: Ref) -> None:
        """Allow the page the field names to gain exactly the field's own annotation."""
        page = self.after.dictionary(field_ref).get("P")
        if page is None:
            return
        if not isinstance(page, Ref) or not self.before.has(page):
            raise PdfError("the new field names no page")
        old, new = self.before.dictionary(page), self.after.dictionary(page)
        if old.get("Type") != "Page":
            raise PdfError("the new field names no page")
        if page in self.values:
            self._explain(page)
            _same_except(old, new, {"Annots"}, "page")
        listed = old.get("Annots")
        is_changed = new.get("Annots") != listed or (
            isinstance(listed, Ref) and listed in self.values
        )
        if is_changed and self._appended(listed, new.get("Annots"), "annotations") != field_ref:
            raise PdfError("a page gained another annotation")

    def _store(self) -> None:
        old_value, new_value = self.before.catalog.get("DSS"), self.after.catalog.get("DSS")
        if new_value is None:
            if old_value is not None:
                raise PdfError("the security store was removed")
            return
        self._explain_container(old_value, new_value, "security store")
        old = {} if old_value is None else self.before.dictionary(old_value)
        new = self.after.dictionary(new_value)
        if not new.keys() <= {"Type", *_STORE_LISTS} or new.get("Type", "DSS") != "DSS":
            raise PdfError("the security store has other entries")
        for kind in _STORE_LISTS:
            self._store_list(old.get(kind), new.get(kind), kind)

    def _store_list(self, old_value: Value, new_value: Value, kind: str) -> None:
        old = [] if old_value is None else self.before.array(old_value)
        new = [] if new_value is None else self.after.array(new_value)
        self._explain_container(old_value, new_value, f"list /{kind}")
        if new[: len(old)] != old:
            raise PdfError(f"the list /{kind} lost an entry")
        for ref in new[len(old) :]:
            if ref in old:
                continue
            if not isinstance(ref, Ref) or not self._is_new(ref):
                raise PdfError(f"an entry of /{kind} is not a new stream")
            self._store_stream(ref)

    def _store_stream(self, ref: Ref) -> None:
        stream = self.after.get(ref)
        if not isinstance(stream, Stream) or not stream.entries.keys() <= {"Length", "Filter"}:
            raise PdfError("the security store holds something else than a plain stream")
        try:
            data = self.after.stream_bytes(stream, self.store_budget)
            self.store_budget -= len(data)
            der.parse(data).children(der.SEQUENCE)
        except der.DerError as error:
            raise PdfError("the security store holds something else than DER") from error
        self._explain(ref)

    def _unchanged(self, ref: Ref) -> None:
        """An object nobody explained may only be the old one, written again."""
        if not self.before.has(ref):
            raise PdfError(f"object {ref.number} has no place in a time-stamp revision")
        old, new = self.before.get(ref), self.after.get(ref)
        if isinstance(old, Stream) and isinstance(new, Stream):
            same = _same(dict(old.entries), dict(new.entries)) and bytes(
                self.data[old.start : old.end]
            ) == bytes(self.data[new.start : new.end])
        else:
            same = _same(old, new)
        if not same:
            raise PdfError(f"object {ref.number} was changed")


def _same(old: Value, new: Value) -> bool:
    """Tell whether two values are equal, kinds included (1 is not true, a name no string)."""
    if type(old) is not type(new):
        return False
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return old == new


def _same_except(old: dict[str, Value], new: dict[str, Value], free: set[str], what: str) -> None:
    fixed_old = {key: value for key, value in old.items() if key not in free}
    fixed_new = {key: value for key, value in new.items() if key not in free}
    if not _same(fixed_old, fixed_new):
        raise PdfError(f"the {what} was changed")


def _check_extensions(old: Value, new: Value) -> None:
    """Developer extensions may be added, as the plain declarations ISO 32000-1 7.12 describes."""
    if new is None and old is None:
        return
    before = old if isinstance(old, dict) else {}
    if not isinstance(new, dict) or any(
        key not in new or not _same(value, new[key]) for key, value in before.items()
    ):
        raise PdfError("a developer extension was removed or changed")
    for key, value in new.items():
        if key in before or (key == "Type" and value == "Extensions"):
            continue
        if key not in ("ADBE", "ESIC", "ISO_") or not _is_extension(value):
            raise PdfError("an unusual developer extension was added")


def _is_extension(value: Value) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, dict) and _is_extension(one) for one in value)
    return (
        isinstance(value, dict)
        and value.keys() <= _EXTENSION_KEYS
        and all(isinstance(one, (str, int, String)) for one in value.values())
    )
