"""Files taken apart and put together again wrongly: no exception, no time-out, no false "intact".

Changed are the parts a PDF is built of, not its bytes: numbers of tables and ranges, names, whole
objects, whole revisions, also those of other files. Whoever is called intact must show, page by page,
what an honest state of the same file shows, and begin with the very bytes of its first signature.
"""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pypdfium2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evidence.management.attacks.table import INTACT, word_of
from evidence.management.attacks.update import ranges, relisted
from tests.patience import FOREVER

FILES = (
    "approval B-B", "approval B-LTA", "certified P=1", "form filled at P=2, then archived",
    "two signers", "object and cross-reference streams", "linearised", "PKCS#7, not PAdES",
    "renewed twice", "rewritten by pyHanko", "hybrid, as Word writes it",
)  # fmt: skip
PER_FILE, PER_SWEEP = 5, 300

_NUMBER = re.compile(
    rb"/(?:Prev|Length|Size|N|First|XRefStm|P|F|Count|W|Index|SigFlags)\s+\[?\s*(\d+)"
    rb"|startxref\s+(\d+)|(?m:^)(\d{10}) \d{5} [nf]|(?m:^)(\d+) \d+ obj|[\s\[](\d+) 0 R"
    rb"|/ByteRange\s*\[\s*\d+\s+(\d+)|/ByteRange\s*\[\s*\d+\s+\d+\s+(\d+)|/ByteRange\s*\[[^\]]*?(\d+)\s*\]"
)
_NAME = re.compile(rb"/([A-Za-z][A-Za-z0-9.]{0,30})")
_OBJECT = re.compile(rb"(?m)^\d+ 0 obj\b.*?endobj", re.DOTALL)
_END = re.compile(rb"%%EOF(?:\r\n|\n|\r)?")
_PIECES = (
    b"\n", b" ", b"%%EOF\n", b"% remark\n", b"\x00", b"xref\n0 0\ntrailer\n<<>>\n",
    b"1 0 obj\n<< /Type /Catalog >>\nendobj\n", b"startxref\n0\n%%EOF\n", b"endobj\n", b"%PDF-1.7\n",
)  # fmt: skip


def renumbered(pdf, place, choice, others):
    found = list(_NUMBER.finditer(pdf))
    one = found[place % len(found)]
    group = next(index for index, text in enumerate(one.groups(), start=1) if text is not None)
    old = int(one[group])
    elsewhere = found[choice % len(found)]
    other = next(int(text) for text in elsewhere.groups() if text is not None)
    new = (old + 1, max(0, old - 1), 0, other, 10**9, old + 20, -old)[choice % 7]
    text = b"%d" % new
    if len(text) <= len(one[group]):
        text = text.rjust(len(one[group]), b"0")
    return pdf[: one.start(group)] + text + pdf[one.end(group) :]


def renamed(pdf, place, choice, others):
    found = list(_NAME.finditer(pdf))
    one, other = found[place % len(found)], found[choice % len(found)]
    new = (
        other[1], b"#%02x" % one[1][0] + one[1][1:], one[1].lower(), one[1] + b"#00", b"",
        one[1] + b" null /" + one[1],
    )[choice % 6]  # fmt: skip
    return pdf[: one.start(1)] + new + pdf[one.end(1) :]


def doubled(pdf, place, choice, others):
    """Write an object once more: where it was, before its table, behind everything, or another's."""
    found = list(_OBJECT.finditer(pdf))
    one, other = found[place % len(found)], found[choice % len(found)]
    copy = (one[0], re.sub(rb"^\d+", other[0].split(b" ")[0], one[0], count=1))[choice % 2]
    at = (one.end(), pdf.rindex(b"startxref"), len(pdf), other.start())[choice % 4]
    return pdf[:at] + b"\n" + copy + b"\n" + pdf[at:]


def exchanged(pdf, place, choice, others):
    """Put one object's body where another's is."""
    found = list(_OBJECT.finditer(pdf))
    one, other = found[place % len(found)], found[choice % len(found)]
    body = other[0].partition(b"obj")[2]
    return pdf[: one.start()] + one[0].partition(b"obj")[0] + b"obj" + body + pdf[one.end() :]


def spliced(pdf, place, choice, others):
    """Take a revision out, twice, from another file, or end the file with it."""
    other = others[choice % len(others)]
    mine, theirs = revisions(pdf), revisions(other)
    at, take = place % len(mine), theirs[(place // 7) % len(theirs)]
    kind = choice % 5
    if kind == 0:
        return b"".join(mine[:at] + mine[at + 1 :])
    if kind == 1:
        return b"".join(mine[: at + 1] + mine[at:])
    if kind == 2:
        return b"".join([*mine[:at], take, *mine[at + 1 :]])
    return b"".join([*mine, take]) if kind == 3 else b"".join(mine[: at + 1])


def revisions(pdf):
    ends = [0, *(one.end() for one in _END.finditer(pdf)), len(pdf)]
    return [pdf[a:b] for a, b in pairwise(ends) if a < b]


def fragment(pdf, place, choice, others):
    at = (len(pdf), 0, pdf.rindex(b"%%EOF"), place % len(pdf))[choice % 4]
    return pdf[:at] + _PIECES[place % len(_PIECES)] + pdf[at:]


KINDS = {one.__name__: one for one in (renumbered, renamed, doubled, exchanged, spliced, fragment)}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 9_999), st.integers(0, 9_999)),
    min_size=1,
    max_size=4,
)


def mutant(pdf, steps, others):
    for kind, place, choice in steps:
        try:
            pdf = KINDS[kind](pdf, place, choice, others)
        except (ValueError, ZeroDivisionError, StopIteration):
            continue
    return pdf


def pictures(pdf):
    """Return every page as one program draws it, small; None when it cannot."""
    try:
        with pypdfium2.PdfDocument(pdf) as opened:
            opened.init_forms()
            return [
                page.render(scale=0.4, may_draw_forms=True).to_numpy().tobytes() for page in opened
            ]
    except pypdfium2.PdfiumError:
        return None


def is_honest(data, base):
    """Tell whether ``data`` begins as ``base`` was signed and shows what a state of ``base`` shows."""
    _, _, after, length = ranges(base)[0]
    if data[: after + length] != base[: after + length]:
        return False
    ends = [one.end() for one in _END.finditer(base)]
    states = [pictures(base[:end]) for end in ends if end >= after + length]
    return pictures(data) in states


def check(base, steps, others, verdict):
    data = mutant(base, steps, others)
    if data == base:
        return
    started = time.process_time()
    report = verdict(data)
    assert time.process_time() - started < FOREVER
    if word_of(report.indication, report.reason) == INTACT:
        # Taken apart and put together it may have become another of them, whole.
        assert any(is_honest(data, one) for one in (base, *others) if ranges(one)), report.to_json()


QUIET = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="module")
def others(honest_files):
    return [honest_files[name] for name in FILES]


@pytest.mark.parametrize("name", FILES)
def test_no_file_put_together_wrongly_is_called_intact(name, honest_files, others, verdict):
    @settings(QUIET, max_examples=PER_FILE)
    @given(steps=STEPS)
    @example(steps=[("spliced", 0, 4)])
    def each(steps):
        check(honest_files[name], steps, others, verdict)

    each()


@pytest.mark.sweep
@pytest.mark.parametrize("name", FILES)
def test_no_file_of_thousands_put_together_wrongly_is_called_intact(
    name, honest_files, others, verdict
):
    @settings(QUIET, max_examples=PER_SWEEP)
    @given(steps=STEPS)
    def each(steps):
        check(honest_files[name], steps, others, verdict)

    each()


def test_the_measure_of_honesty_tells_a_forged_page_from_an_honest_one(honest_files, maker, kit):
    """Otherwise nothing above could fail."""
    base = honest_files["approval B-LTA"]
    assert is_honest(base, base)
    assert is_honest(maker.stamp(base, field="Time9"), base)
    assert not is_honest(kit.forged.isa(base, maker), base)
    assert not is_honest(kit.forged.evil_annotation(base, maker), base)
    changed = base.replace(b"Page 1: I agree", b"Page 1: I refuse", 1)
    assert not is_honest(changed, base)


# Deeper: a later revision rewritten so that its table fits, and a genuine time-stamp over the result.

DEEP = ("approval B-LTA", "two signers", "renewed twice", "certified P=1", "certified P=3")
"""Without forms: whoever may fill in a field decides what it shows."""
PER_DEEP, PER_DEEP_SWEEP = 3, 120
_COUNT = re.compile(rb"(?<=[\s\[/])\d{1,5}(?=[\s\]/>])")
_OPENED = re.compile(rb"(?<!stream)\n?<<(?=\s*/)")
ENTRIES = (
    b"/Rotate 90", b"/Annots []", b"/NeedAppearances true", b"/AP << >>", b"/Kids []", b"/V (x)",
    b"/Parent 1 0 R", b"/Ff 1", b"/TU (9000)", b"/F 4", b"/Contents 4 0 R", b"/Resources << >>",
    b"/OpenAction [3 0 R /Fit]", b"/DA (/Helv 0 Tf)", b"/MK << /CA (9000) >>", b"/XFA (x)",
    b"/Rect [60 690 400 720]", b"/AA << >>", b"/Lock << >>", b"/OC 1 0 R", b"/Type /Page",
    b"/MediaBox [0 0 9 9]", b"/Perms << >>", b"/DSS << >>", b"/Names << >>", b"/Length 3",
)  # fmt: skip


def rewritten(pdf, kind, place, choice, revision):
    """Return ``pdf`` up to one of its later revisions, that one changed and listed anew."""
    _, _, after, length = ranges(pdf)[0]
    head = len(revisions(pdf[: after + length]))
    parts = revisions(pdf)
    if len(parts) == head:
        raise ValueError("nothing follows the first signature")
    at = head + revision % (len(parts) - head)
    start, tail = len(b"".join(parts[:at])), parts[at]
    table = tail.rindex(b"xref\n", 0, tail.rindex(b"startxref"))
    objects, rest = tail[:table], tail[table:]
    found = {"number": _COUNT, "name": _NAME, "entry": _OPENED, "body": _OBJECT}[kind]
    tokens = list(found.finditer(objects))
    one, other = tokens[place % len(tokens)], tokens[choice % len(tokens)]
    if kind == "entry":
        changed = (
            objects[: one.end()] + b" " + ENTRIES[choice % len(ENTRIES)] + objects[one.end() :]
        )
    elif kind == "body":
        body = other[0].partition(b"obj")[2]
        number = one[0].partition(b"obj")[0]
        changed = objects[: one.start()] + number + b"obj" + body + objects[one.end() :]
    elif kind == "name":
        changed = objects[: one.start(1)] + other[1] + objects[one.end(1) :]
    else:
        new = b"%d" % (choice % 40)
        changed = objects[: one.start()] + new + objects[one.end() :]
    return relisted(pdf[:start] + changed + rest, start)


DEEP_STEP = st.tuples(
    st.sampled_from(("number", "name", "entry", "body")),
    st.integers(0, 999), st.integers(0, 999), st.integers(0, 3),
)  # fmt: skip


def check_deep(base, step, maker, verdict):
    try:
        data = rewritten(base, *step)
        stamped = maker.stamp(data, field="Fresh", with_store=False)
    except Exception:
        return  # what the attacker's own tools cannot read is no attack
    started = time.process_time()
    for one in (data, stamped):
        report = verdict(one)
        if word_of(report.indication, report.reason) == INTACT:
            assert is_honest(one, base), report.to_json()
    assert time.process_time() - started < FOREVER


@pytest.mark.parametrize("name", DEEP)
def test_no_later_revision_rewritten_and_stamped_is_called_intact(
    name, honest_files, maker, verdict
):
    @settings(QUIET, max_examples=PER_DEEP)
    @given(step=DEEP_STEP)
    def each(step):
        check_deep(honest_files[name], step, maker, verdict)

    each()


@pytest.mark.sweep
@pytest.mark.parametrize("name", DEEP)
def test_no_later_revision_of_hundreds_rewritten_and_stamped_is_called_intact(
    name, honest_files, maker, verdict
):
    @settings(QUIET, max_examples=PER_DEEP_SWEEP)
    @given(step=DEEP_STEP)
    def each(step):
        check_deep(honest_files[name], step, maker, verdict)

    each()
