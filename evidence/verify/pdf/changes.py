"""What each revision after a signature changed, by object and by page, and whether it was allowed.

Allowed is what pyHanko's difference analysis explains (its rules for forms as ``filling`` mends them),
and of that only:

=====================================  ======================================================
proofs (security store, time-stamps)    always
further signatures, forms filled in     where the certification allows it (P=2, 3); without a
                                        certification only below a later signature that covers it
annotations                             never: what a page shows would no longer be what was signed
title, author, tags and the like        never: only the marks a program leaves of its own saving
version and extensions, upwards         with something allowed in the same revision
"draw the fields anew" set              never: a reader would draw something nobody signed
anything else                           never
=====================================  ======================================================

Revisions no signature covers may not hold a single object that nothing uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import DiffResult, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.policies import StandardDiffPolicy
from pyhanko.sign.validation.status import SignatureCoverageLevel

from evidence.verify.pdf import descriptions, filling
from evidence.verify.pdf.layout import Revision
from evidence.verify.pdf.opened import LIBRARY_ERRORS, Opened, in_a_line
from evidence.verify.pdf.signatures import Signature

MAX_PAGES = 10_000
MAX_NAMED = 12
MAX_WALK = 20_000

POLICY = filling.policy()
STRICT_POLICY = filling.policy(with_unused=False)

PROOFS, FILLING, FORBIDDEN, UNCLEAR = "proofs", "filling", "forbidden", "unclear"


@dataclass(frozen=True, slots=True)
class Review:
    """What happened after one signature: ``proofs``, ``filling``, ``forbidden`` or ``unclear``, and why."""

    level: str
    why: str = ""
    fields: tuple[str, ...] = ()


def review(one: Opened, signature: Signature) -> Review:
    """Return what later revisions did to what ``signature`` covers."""
    embedded = signature.embedded
    if embedded is None and not signature.is_other_kind:
        return Review(FORBIDDEN, "the signature cannot be read")
    if signature.reach == len(one.data):
        return Review(PROOFS)
    try:
        if embedded is not None:
            embedded.compute_integrity_info(skip_diff=True)
            if embedded.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
                return Review(FORBIDDEN, "Nonstandard signature coverage level")
        result = _reviewed(one, signature, POLICY)
        restated = _restated(one, _signed_revision(one, signature))
    except LIBRARY_ERRORS as error:
        return Review(UNCLEAR, f"the changes cannot be understood: {in_a_line(error)}")
    if not isinstance(result, DiffResult):
        return Review(FORBIDDEN, _first_line(result))
    if restated:
        return Review(FORBIDDEN, restated)
    fields = tuple(sorted(map(str, result.changed_form_fields)))
    if result.modification_level <= ModificationLevel.LTA_UPDATES:
        return Review(PROOFS, fields=fields)
    if result.modification_level == ModificationLevel.FORM_FILLING:
        return Review(FILLING, fields=fields)
    return Review(FORBIDDEN, "annotations were changed")


def _reviewed(
    one: Opened, signature: Signature, policy: StandardDiffPolicy
) -> DiffResult | SuspiciousModification:
    embedded = signature.embedded
    return policy.review_file(
        one.reader,
        _signed_revision(one, signature),
        field_mdp_spec=filling.locks_of(embedded) if embedded else None,
        doc_mdp=embedded.docmdp_level if embedded else None,
    )


def _signed_revision(one: Opened, signature: Signature) -> int:
    """Return the number of the revision a signature stands in, whatever its kind; ranges are sound."""
    if signature.embedded is not None:
        return int(signature.embedded.signed_revision)
    places = enumerate(section.meta_info for section in one.reader.xrefs._xref_sections)
    return max(number for number, info in places if info.declared_startxref < signature.reach)


def _restated(one: Opened, revision: int) -> str:
    """Return what was restated about the document since ``revision``, empty when nothing was."""
    numbers = range(revision, one.reader.xrefs.total_revisions)
    states = list(map(one.reader.get_historical_resolver, numbers))
    declared = (descriptions.redeclared(*each) for each in pairwise(states))
    return descriptions.restated(states[0], states[-1]) or next(filter(None, declared), "")


def level_of(one: Opened, number: int, signature: Signature) -> str:
    """Return what revision ``number`` alone did, compared with the one before it."""
    before = one.reader.get_historical_resolver(number - 1)
    after = one.reader.get_historical_resolver(number)
    try:
        if descriptions.restated(before, after) or descriptions.redeclared(before, after):
            return FORBIDDEN
        result = POLICY.apply(
            before,
            after,
            field_mdp_spec=filling.locks_of(signature.embedded) if signature.embedded else None,
            doc_mdp=signature.embedded.docmdp_level if signature.embedded else None,
        )
    except (*LIBRARY_ERRORS, SuspiciousModification):
        return FORBIDDEN
    if result.modification_level <= ModificationLevel.LTA_UPDATES:
        return PROOFS
    is_filling = result.modification_level == ModificationLevel.FORM_FILLING
    return FILLING if is_filling else FORBIDDEN


def has_unused(one: Opened, last: Signature) -> bool:
    """Tell whether revisions after the last signature hold objects that nothing uses."""
    try:
        result = _reviewed(one, last, STRICT_POLICY)
    except LIBRARY_ERRORS:
        return True
    return not isinstance(result, DiffResult)


def _first_line(error: object) -> str:
    text = " ".join(str(error).split())
    return text[:200] or "content was changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One revision in words. pages: 1-based, of those it touches directly."""

    number: int
    what: str
    pages: tuple[int, ...]


def describe(one: Opened, revisions: list[Revision]) -> list[Change]:
    """Return what each revision changed; total, vague where the file is."""
    return [_described(one, revision) for revision in revisions]


def _described(one: Opened, revision: Revision) -> Change:
    before = one.reader.get_historical_resolver(revision.number - 1)
    after = one.reader.get_historical_resolver(revision.number)
    touched = set(revision.changed)
    pages: set[int] = set()
    kinds: dict[str, list[int]] = {}
    try:
        roles = _roles(after, touched)
    except (*LIBRARY_ERRORS, RecursionError):
        roles = {}
    for number, generation in sorted(touched):
        reference = generic.Reference(number, generation)
        page, role = roles.get((number, generation), (0, ""))
        if page:
            pages.add(page)
        kind = role or _kind(after, reference)
        verb = "changed" if _existed(before, reference) else "added"
        kinds.setdefault(f"{verb}: {kind}", []).append(number)
    parts = [f"{kind} ({_numbers(numbers)})" for kind, numbers in sorted(kinds.items())]
    return Change(revision.number, "; ".join(parts[:MAX_NAMED]), tuple(sorted(pages)))


def _numbers(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:8]))
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return f"object {shown}{more}" if len(numbers) == 1 else f"objects {shown}{more}"


def _existed(before: HistoricalResolver, reference: generic.Reference) -> bool:
    return before.reader.xrefs.get_historical_ref(reference, before.revision) is not None


def _kind(after: HistoricalResolver, reference: generic.Reference) -> str:
    try:
        value = after.get_object(generic.Reference(reference.idnum, reference.generation, after))
    except LIBRARY_ERRORS:
        return "something unreadable"
    if not isinstance(value, generic.DictionaryObject):
        return "a list" if isinstance(value, generic.ArrayObject) else "a value"
    kind, subtype = str(value.get("/Type", "")), str(value.get("/Subtype", ""))
    if value.get("/SubFilter") == "/ETSI.RFC3161":
        return "a time-stamp"
    if "/ByteRange" in value:
        return "a signature"
    if "/FT" in value:
        return f"the form field {str(value.get('/T', '?'))[:60]!r}"
    names = {
        "/Catalog": "the catalog", "/Page": "a page", "/Pages": "the page tree", "/Font": "a font",
        "/DSS": "the security store", "/Annot": f"an annotation {subtype}", "/Metadata": "metadata",
        "/ObjStm": "an object stream", "/XObject": f"a drawing {subtype}",
    }  # fmt: skip
    if kind in names:
        return names[kind]
    return "a stream" if isinstance(value, generic.StreamObject) else "a dictionary"


def _roles(
    after: HistoricalResolver, touched: set[tuple[int, int]]
) -> dict[tuple[int, int], tuple[int, str]]:
    """Return for touched objects near a page: its 1-based number and what they are to it."""
    roles: dict[tuple[int, int], tuple[int, str]] = {}
    left = set(touched)
    for index, (reference, page) in enumerate(_pages(after), start=1):
        for place, role in _near(reference, page):
            if place in left:
                roles[place] = (index, role)
                left.discard(place)
        if not left:
            break
    return roles


def _pages(
    after: HistoricalResolver,
) -> Iterator[tuple[tuple[int, int], generic.DictionaryObject]]:
    waiting: list[generic.PdfObject] = [after.root.raw_get("/Pages")]
    visited: set[tuple[int, int]] = set()
    count = 0
    while waiting and count < MAX_PAGES:
        entry = waiting.pop()
        place = (0, 0)
        if isinstance(entry, generic.IndirectObject):
            place = (entry.idnum, entry.generation)
            if place in visited:
                continue
            visited.add(place)
            entry = entry.get_object()
        if not isinstance(entry, generic.DictionaryObject):
            continue
        if "/Kids" in entry:
            waiting += reversed(_items(entry["/Kids"]))
        else:
            count += 1
            yield place, entry


def _near(
    place: tuple[int, int], page: generic.DictionaryObject
) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield what a page refers to, a few steps deep, with what it is to the page."""
    yield place, "a page"
    for key, role in (
        ("/Contents", "page content"),
        ("/Annots", "an annotation or form field on the page"),
        ("/Resources", "a font, picture or drawing of the page"),
    ):
        value = dict.get(page, key)
        waiting: list[tuple[object, int]] = [(value, 0)]
        visited: set[tuple[int, int]] = set()
        while waiting and len(visited) < MAX_WALK:
            entry, depth = waiting.pop()
            if isinstance(entry, generic.IndirectObject):
                target = (entry.idnum, entry.generation)
                if target in visited:
                    continue
                visited.add(target)
                yield target, role
                if depth >= 5:
                    continue
                entry = entry.get_object()
            waiting += [(child, depth + 1) for child in _children(entry)]


def _children(entry: object) -> list[object]:
    if isinstance(entry, generic.DictionaryObject):
        skipped = ("/P", "/Parent", "/Popup", "/V", "/Dest", "/A", "/StructParent")
        return [value for key, value in dict.items(entry) if key not in skipped]
    return list(_items(entry))


def _items(value: object) -> list[generic.PdfObject]:
    return list(list.__iter__(value)) if isinstance(value, generic.ArrayObject) else []
