"""Pages as they were when first signed and as they are now, drawn side by side by PDFium.

Drawing is the riskiest thing done with a stranger's bytes, so ``draw`` runs in a confined child of
``worker`` alone; ``load`` fetches the library before the child gives up loading anything. The two
states are the file up to the end of its earliest signature that can be drawn, and the whole file.
What changed is told by pixels, not by objects: whatever way a change takes to the page, a reader
would see it here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from evidence.verify.offline.pdf_ranges import find_ranges
from evidence.verify.offline.report import (
    FAILED,
    NOT_CHECKED,
    PASSED,
    Finding,
    Report,
    failed,
    not_checked,
    passed,
    with_finding,
)

MAX_COMPARED = 40
"""Pages compared in one file: those the report names come first."""
MAX_INTACT = 8
"""Pages compared where nothing is wrong so far, beyond those the report names."""
MAX_SHOWN = 4
"""Changed pages of which pictures are made."""
COMPARED_PIXELS, SHOWN_PIXELS = 500, 1000
"""The longer side of a page, drawn to be compared and to be looked at."""
MAX_STATES = 8
CHECK = "appearance"
_SUSPECTS = frozenset({"revisions", "coverage", "docmdp", "structure", "signatures"})
_NEVER = frozenset({"limits", "readable"})


@dataclass(frozen=True, slots=True)
class Pair:
    """One changed page. number: 1-based; before, after: PNG, None where there is no such page."""

    number: int
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of a comparison. pages: as many as the longer state has."""

    pages: int
    compared: int
    changed: tuple[int, ...]
    pairs: tuple[Pair, ...]

    def to_dict(self) -> dict[str, Any]:
        return {
            "pages": self.pages,
            "compared": self.compared,
            "changed": list(self.changed),
            "pairs": [[one.number, _text(one.before), _text(one.after)] for one in self.pairs],
        }


def drawn_of(value: dict[str, Any]) -> Drawn:
    """Return what ``Drawn.to_dict`` wrote; raises KeyError, TypeError or ValueError."""
    pairs = [Pair(int(n), _bytes(before), _bytes(after)) for n, before, after in value["pairs"]]
    return Drawn(
        int(value["pages"]), int(value["compared"]), tuple(map(int, value["changed"])), tuple(pairs)
    )


def _text(picture: bytes | None) -> str | None:
    return None if picture is None else base64.b64encode(picture).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


# What to draw, and what it means for the report.


@dataclass(frozen=True, slots=True)
class Wish:
    """named: pages the report says were touched; at_most: how many pages to compare in all."""

    named: tuple[int, ...]
    at_most: int


def wish_of(report: Report) -> Wish | None:
    """Return which pages of a judged file to compare; None when there is nothing to compare.

    Our own intact files are left out: their grammar lets nothing near a page change.
    """
    checks = {one.check for one in report.findings}
    if report.kind != "pdf" or checks & _NEVER or not report.of("revisions"):
        return None
    revisions = report.of("revisions")
    if all(one.outcome == PASSED and not one.where for one in revisions):
        return None  # nothing follows the first signature
    named = tuple(sorted({page for one in revisions for page in _pages(one.where)}))
    if any(one.check in _SUSPECTS and one.outcome != PASSED for one in report.findings):
        return Wish(named, MAX_COMPARED)
    return Wish(named, len(named) + MAX_INTACT) if report.of("ours") else None


def _pages(where: str) -> Iterator[int]:
    _, found, numbers = where.partition(", page ")
    if found:
        yield from (int(one) for one in numbers.split(", ") if one.isascii() and one.isdecimal())


def noted(report: Report, wish: Wish, drawn: Drawn | None) -> Report:
    """Return the report with one more finding: what the pictures show.

    It only informs where the changes were found already. A page that looks different although no
    change of it was found makes the file altered.
    """
    return with_finding(report, _finding(report, wish, drawn))


def _finding(report: Report, wish: Wish, drawn: Drawn | None) -> Finding:
    if drawn is None:
        detail = "The pages could not be drawn, so they were not compared."
        return not_checked(CHECK, detail, required=False)
    compared = f"{drawn.compared} of {drawn.pages} pages were compared"
    if not drawn.changed and any(one.outcome == FAILED for one in report.findings):
        detail = f"No difference can be seen as one program draws the file: {compared}."
        return not_checked(CHECK, f"{detail} Another program may show others.", required=False)
    if not drawn.changed:
        detail = f"No difference can be seen: {compared} with the state that was first signed."
        return passed(CHECK, detail, required=False)
    pages = ", ".join(map(str, drawn.changed))
    is_explained = any(
        one.check in _SUSPECTS and one.outcome in (FAILED, NOT_CHECKED) for one in report.findings
    )
    if is_explained:
        allowed = all(one.outcome != FAILED for one in report.findings if one.check in _SUSPECTS)
        detail = f"Pages that look different since the first signature: {pages} ({compared})."
        make = passed if allowed else failed
        return make(CHECK, detail, f"page {pages}", required=False)
    if set(drawn.changed) <= set(wish.named):
        detail = f"Pages that look different, by changes that were allowed: {pages} ({compared})."
        return passed(CHECK, detail, f"page {pages}", required=False)
    detail = f"Pages look different although no change of them is recorded: {pages} ({compared})."
    return failed(CHECK, detail, f"page {pages}")


# Drawing.


def load() -> None:
    """Load PDFium and the writer of PNG, so that nothing is loaded later."""
    import PIL.Image
    import PIL.PngImagePlugin
    import pypdfium2

    pypdfium2.PdfDocument.new().close()
    PIL.Image.init()


def draw(data: bytes, wish: Wish) -> Drawn | None:
    """Return the comparison of ``data`` with its earliest signed state; None when neither can be.

    Raises whatever the libraries raise over odd bytes: call it in a confined process.
    """
    now = _opened(data)
    if now is None:
        return None
    earlier = next((one for one in map(_opened, _states(data)) if one is not None), None)
    if earlier is None:
        return None
    pages = max(len(now), len(earlier))
    numbers = list(_order(wish, pages))
    changed = [n for n in numbers if _shot(earlier, n) != _shot(now, n)]
    pairs = [Pair(n, _picture(earlier, n), _picture(now, n)) for n in sorted(changed)[:MAX_SHOWN]]
    return Drawn(pages, len(numbers), tuple(sorted(changed)), tuple(pairs))


def _states(data: bytes) -> Iterator[bytes]:
    """Yield what each signature covers, the smallest first, the whole file left out."""
    ends = sorted({after + length for _, after, length in find_ranges(data)})
    for end in ends[:MAX_STATES]:
        if 0 < end < len(data):
            yield data[:end]


def _order(wish: Wish, pages: int) -> Iterable[int]:
    named = [one for one in wish.named if 1 <= one <= pages]
    others = (one for one in range(1, pages + 1) if one not in set(named))
    return [*named, *others][: max(1, wish.at_most)]


def _opened(data: bytes) -> Any:
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        return None
    document.init_forms()  # without this, form fields and stamps of signatures are not drawn
    return document if len(document) else None


def _render(document: Any, number: int, pixels: int) -> Any:
    """Return one page as an RGB picture; None where there is none or it has no size."""
    import pypdfium2

    if number > len(document):
        return None
    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        return None
    try:
        longer = max(page.get_size())
        if not 0 < longer < 1e6:
            return None
        bitmap = page.render(scale=min(pixels / longer, 4.0), rev_byteorder=True)
        return bitmap.to_pil().convert("RGB")
    finally:
        page.close()


def _shot(document: Any, number: int) -> tuple[tuple[int, int], bytes] | None:
    picture = _render(document, number, COMPARED_PIXELS)
    return None if picture is None else (picture.size, picture.tobytes())


def _picture(document: Any, number: int) -> bytes | None:
    picture = _render(document, number, SHOWN_PIXELS)
    if picture is None:
        return None
    out = io.BytesIO()
    picture.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()
