"""Pages before and after: what a reader would see, drawn where nothing can get out."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import PIL.Image
import pytest

from evidence.management.attacks import doubtful, forged, honest, keys, paper
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import Update, facts_of, stream
from evidence.verify import pictures, pool
from evidence.verify.offline.report import Report, failed, make_report, passed
from evidence.verify.pictures import Wish

NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)


@pytest.fixture(scope="module")
def maker():
    return Maker(keys.make_pki(NOW))


@pytest.fixture(scope="module")
def signed(maker):
    return maker.archived(paper.plain(3))


@pytest.fixture(scope="module")
def workers():
    made = pool.Pool(1)
    yield made
    made.close()


@pytest.fixture
def looked_at(workers, maker, tmp_path):
    """Judge a file and draw it, as the page does."""

    def look(data: bytes) -> tuple[Report, pictures.Drawn | None]:
        path = tmp_path / "file.pdf"
        path.write_bytes(data)
        report = workers.judge(path, "file.pdf", roots=[maker.pki.root.der])
        wish = pictures.wish_of(report)
        if wish is None:
            return report, None
        drawn = workers.draw(path, wish)
        return pictures.noted(report, wish, drawn), drawn

    return look


def only(report):
    (finding,) = report.of("appearance")
    return finding


def test_a_forged_page_is_shown_before_and_after_and_named(looked_at, signed, maker):
    report, drawn = looked_at(forged.isa(signed, maker))

    assert report.reason == "altered"
    assert (only(report).outcome, only(report).where) == ("failed", "page 1")
    assert drawn.changed == (1,)
    (pair,) = drawn.pairs
    before, after = (PIL.Image.open(io.BytesIO(one)) for one in (pair.before, pair.after))
    assert before.size == after.size == (708, 1000)
    assert before.convert("RGB").tobytes() != after.convert("RGB").tobytes()


def test_an_annotation_and_a_filled_form_are_seen(looked_at, signed, maker):
    _, drawn = looked_at(forged.evil_annotation(signed, maker))
    assert drawn.changed == (1,)

    form = maker.sign(paper.form(), certify=honest.P2)
    report, drawn = looked_at(honest.filled(form, "place", "Kyoto"))
    assert drawn.changed == (1,)
    assert (only(report).outcome, report.reason) == ("passed", "incomplete")


def test_an_intact_file_is_compared_and_looks_the_same(looked_at, signed):
    report, drawn = looked_at(signed)

    assert report.passed
    assert (only(report).outcome, drawn.changed, drawn.pairs) == ("passed", (), ())
    assert drawn.compared == 3


def test_a_page_added_behind_the_signature_has_no_before(looked_at, signed, maker):
    facts = facts_of(signed)
    number = facts.size
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents %d 0 R >>" % (
        number + 1
    )
    pages = next(
        one for one in range(1, number) if b"/Kids" in signed.split(b"\n%d 0 obj" % one)[-1][:200]
    )
    kids = b"<< /Type /Pages /Count 2 /Kids [%d 0 R %d 0 R] >>" % (facts.page, number)
    update = Update(
        signed, {pages: kids, number: page, number + 1: stream(b"1 0 0 rg 0 0 90 90 re f")}
    )
    report, drawn = looked_at(update.build())

    assert report.reason == "altered"
    assert {one.number: (one.before is None, one.after is None) for one in drawn.pairs}.get(3) == (
        False,
        True,
    )


def test_a_change_nobody_recorded_makes_the_file_altered():
    """Should the analysis of objects ever be fooled, the pixels still convict."""
    findings = [passed("ours", "x"), passed("revisions", "Allowed.", "revision 2")]
    report = make_report("a.pdf", "pdf", findings, required=frozenset({"revisions"}))
    drawn = pictures.Drawn(2, 2, (2,), ())

    noted = pictures.noted(report, Wish((1,), 9), drawn)

    assert report.passed
    assert (noted.indication, noted.reason) == ("TOTAL_FAILED", "altered")
    assert pictures.noted(report, Wish((2,), 9), drawn).passed


def test_pictures_never_make_a_verdict_better(looked_at, signed):
    report = make_report("a.pdf", "pdf", [failed("revisions", "Changed.", "revision 2")])

    for drawn in (None, pictures.Drawn(1, 1, (), ()), pictures.Drawn(1, 1, (1,), ())):
        noted = pictures.noted(report, Wish((), 9), drawn)
        assert (noted.indication, noted.reason) == (report.indication, report.reason)


def test_files_that_cannot_be_drawn_cost_no_worker(workers, tmp_path, maker):
    for number, (data, _) in enumerate(list(doubtful.bombs().values())[:4]):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(data)
        workers.draw(path, Wish((), 2), bounds=pool.Bounds(cpu_seconds=1, wall_seconds=2))

    path.write_bytes(maker.archived(paper.plain(1)))
    assert workers.draw(path, Wish((), 1)) is not None


@pytest.mark.parametrize("size", [b"0 0", b"-5 900", b"1e9 1e9", b"14400 14400", b"0.001 9"])
def test_no_size_of_a_page_costs_more_than_a_page(looked_at, signed, maker, size):
    facts = facts_of(signed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s] /Contents %d 0 R >>"
    report, drawn = looked_at(Update(signed, {facts.page: page % (size, facts.contents)}).build())

    assert report.reason == "altered"
    assert all(
        max(PIL.Image.open(io.BytesIO(one.after)).size) <= pictures.SHOWN_PIXELS
        for one in (drawn.pairs if drawn else ())
        if one.after
    )
