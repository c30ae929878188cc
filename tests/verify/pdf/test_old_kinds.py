"""Kinds of signatures from before PAdES, which neither reader judges: not intact, and not altered."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from evidence.management.attacks import forged, honest, paper
from evidence.management.attacks.update import ranges

RAW = b"\x04\x82\x01\x00" + b"\x17" * 256
"""A bare signature value, as /adbe.x509.rsa_sha1 has it."""


def of_kind(maker, kind, container, *, pdf=None, **changes):
    """Return a page signed by ``kind``; container: SHA-1 of what is signed → what stands in /Contents."""
    signed = maker.sign(pdf or paper.plain(1), stamped=False, cades=False, **changes)
    signed = signed.replace(b"/adbe.pkcs7.detached", kind.ljust(20), 1)
    ((_, before, after, _),) = ranges(signed)
    digest = hashlib.sha1(signed[:before] + signed[after:]).digest()  # noqa: S324  # of that time
    digits = container(digest).hex().encode().ljust(after - before - 2, b"0")
    return signed[: before + 1] + digits + signed[after - 1 :]


def enclosing(maker):
    def container(digest):
        signer = maker.pki.simple_signer()
        return asyncio.run(signer.async_sign_general_data(digest, "sha256", detached=False)).dump()

    return container


@pytest.fixture(params=["bare value", "digest inside", "a vendor's"])
def signed(request, maker):
    return {
        "bare value": lambda: of_kind(maker, b"/adbe.x509.rsa_sha1", lambda _: RAW),
        "digest inside": lambda: of_kind(maker, b"/adbe.pkcs7.sha1", enclosing(maker)),
        "a vendor's": lambda: of_kind(maker, b"/Vendor.sig", lambda _: b"\x30\x02\x05\x00"),
    }[request.param]()


def test_an_old_kind_of_signature_is_unreadable_alone_and_stamped(signed, maker, verdict):
    for data in (signed, maker.stamp(signed), maker.store(signed)):
        report = verdict(data)
        assert (report.indication, report.reason) == ("INDETERMINATE", "unreadable"), (
            report.findings
        )


def test_what_is_changed_under_it_is_never_intact_and_later_changes_are_altered(
    signed, maker, verdict
):
    assert verdict(forged.byte_in_page(signed, maker)).reason in ("unreadable", "altered")
    for attack in (
        forged.isa,
        forged.stamp_over_forgery,
        forged.isa_empty_table,
        forged.form_removed,
    ):
        assert verdict(attack(signed, maker)).reason == "altered"


def test_a_digest_that_is_not_the_documents_is_altered(maker, verdict):
    signed = of_kind(maker, b"/adbe.pkcs7.sha1", enclosing(maker))

    assert verdict(forged.byte_in_page(signed, maker)).reason == "altered"
    other = of_kind(maker, b"/adbe.pkcs7.sha1", lambda _: enclosing(maker)(b"x" * 20))
    assert verdict(other).reason == "altered"


@pytest.mark.parametrize(("certify", "reason"), [(honest.P1, "altered"), (honest.P2, "unreadable")])
def test_what_such_a_signature_forbids_is_forbidden(certify, reason, maker, verdict):
    kind = b"/adbe.x509.rsa_sha1"
    signed = of_kind(maker, kind, lambda _: RAW, pdf=paper.form(), certify=certify)
    filled = honest.filled(signed, "place", "Kyoto")

    assert verdict(signed).reason == "unreadable"
    assert verdict(maker.stamp(filled)).reason == reason


def test_a_container_that_should_be_read_and_cannot_is_altered(maker, verdict):
    """Else an attacker would break the container instead of the text."""
    assert verdict(of_kind(maker, b"/adbe.pkcs7.detached", lambda _: RAW)).reason == "altered"
