"""Files that were malformed when they were signed: not intact, and not called altered for what they were."""

from __future__ import annotations

import re

import pytest

from evidence.management.attacks import forged, paper
from evidence.management.attacks.update import (
    Update,
    body_of,
    facts_of,
    ranges,
    stream,
    with_entry,
)

TEXT = forged.FORGED_TEXT


def font(change):
    page = paper.plain(1)
    number = facts_of(page).font
    return Update(page, {number: change(body_of(page, number))}).build()


def contents(body):
    page = paper.plain(1)
    return Update(page, {facts_of(page).contents: body}).build()


def renamed(pdf, new):
    """Let the last object written be another one than the table says."""
    number = facts_of(pdf).font
    at = pdf.rindex(b"%d 0 obj" % number)
    return pdf[:at] + new % number + pdf[at + len(b"%d 0 obj" % number) :]


STRANGE = b"/BaseFont /ZapfDingbats"
MALFORMED = {
    "a key twice": font(lambda body: with_entry(body, STRANGE)),
    "a key twice, once escaped": font(lambda body: with_entry(body, b"/#42aseFont /ZapfDingbats")),
    "a value behind the object": font(lambda body: body + b" << " + STRANGE + b" >>"),
    "a stream too short": contents(b"<< /Length 10 >>\nstream\n" + TEXT + b"\nendstream"),
    "a stream too long": contents(b"<< /Length 999 >>\nstream\n" + TEXT + b"\nendstream"),
    "another generation": renamed(font(lambda body: body), b"%d 1 obj"),
    "another number": renamed(font(lambda body: body), b"9%d 0 obj"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_was_malformed_when_it_was_signed_is_unreadable_however_often_it_is_stamped(
    name, maker, verdict
):
    once = maker.sign(MALFORMED[name])
    stamped = maker.stamp(once)

    for data in (once, stamped, maker.stamp(stamped, field="Time2")):
        report = verdict(data)
        assert (report.indication, report.reason) == ("INDETERMINATE", "unreadable"), (
            report.findings
        )


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_changed_in_such_a_file_is_never_intact(name, maker, verdict, kit):
    signed = maker.archived(MALFORMED[name])

    for attack in (
        forged.isa,
        forged.stamp_over_forgery,
        forged.evil_annotation,
        forged.isa_packed,
    ):
        report = verdict(attack(signed, maker))
        assert report.reason in ("altered", "unreadable"), report.findings
    assert verdict(forged.isa_empty_table(signed, maker)).reason == "altered"
    assert verdict(forged.trailing_bytes(signed, maker)).reason == "altered"


def test_a_page_forged_in_a_file_with_a_key_twice_is_altered(maker, verdict):
    signed = maker.archived(MALFORMED["a key twice"])

    assert verdict(forged.isa(signed, maker)).reason == "altered"
    assert verdict(forged.evil_annotation(signed, maker)).reason == "altered"


def test_what_is_malformed_only_later_is_altered(maker, verdict):
    """Else an attacker would write what one of two parsers refuses, to be merely unclear."""
    signed = maker.archived(paper.plain(1))
    facts = facts_of(signed)
    twice = with_entry(body_of(signed, facts.page), b"/Rotate 90")
    cut = stream(TEXT).replace(b"/Length ", b"/Length 1")

    for later in ({facts.page: twice}, {facts.contents: cut}):
        assert verdict(Update(signed, later).build()).reason == "altered"


# What one of two programs does not see.

LONG = "Signature1XXXXXX"
NAMES = [
    b"(a\rb)",
    b"(a\r\nb)",
    b"(\x00\x01\x7f\xad)",
    b"<FEFFD8000041>",
    b"<FEFF00>",
    b"<EFBBBFFF41>",
]


def signed_anew(signed, maker, old, new):
    """Put ``new``, no longer than ``old``, into what is signed, and sign it so."""
    assert signed.count(old) == 1
    changed = signed.replace(old, new.ljust(len(old)))
    (whole,) = ranges(changed)
    return forged.resigned(changed, whole, whole[1], whole[2], maker)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_two_programs_read_differently_is_no_alteration(name, maker, verdict):
    plain = maker.sign(paper.plain(1), field=LONG, stamped=False)
    signed = signed_anew(plain, maker, b"(%s)" % LONG.encode(), name)

    assert verdict(signed).reason == "unreadable"
    assert verdict(forged.isa(signed, maker)).reason in ("altered", "unreadable")
    assert verdict(forged.byte_in_page(signed, maker)).reason == "altered"


def test_a_signature_no_field_named_when_it_was_made_is_no_alteration(maker, verdict):
    plain = maker.sign(paper.plain(1), stamped=False)
    listed = re.search(rb"/Fields \[[^\]]*\]", plain)[0]
    signed = signed_anew(plain, maker, listed, b"/Fields []")

    assert verdict(signed).reason == "unreadable"
    assert verdict(forged.isa(signed, maker)).reason != "incomplete"
    assert verdict(forged.byte_in_page(signed, maker)).reason == "altered"
    assert verdict(plain.replace(listed, b"/Fields []".ljust(len(listed)))).reason == "altered"
