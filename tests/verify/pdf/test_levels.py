"""Each signature has its own level, and its own end (EN 319 142-1)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from evidence.public.verdicts import cards
from evidence.verify.offline import Trust

FURTHER = {"field": "Signature2"}


@pytest.fixture
def levels(verdict):
    """Field → level and until when, of a file judged a minute after it was made."""

    def of(data, **options):
        report = verdict(data, **options)
        until = {one.where: one.detail for one in report.of("verifiable_until")}
        return {
            one.where: (one.detail.split()[-1].rstrip("."), until.get(one.where, ""))
            for one in report.of("level")
        }

    return of


@pytest.fixture(scope="module")
def end(maker):
    return f"{maker.pki.authority.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"


def test_one_signature_has_the_level_its_parts_give_it(honest_files, levels, end):
    for name, level in (
        ("approval B-B", "B-B"),
        ("approval B-T", "B-T"),
        ("approval B-LT", "B-LT"),
        ("approval B-LTA", "B-LTA"),
        ("approval B-LTA, store renewed behind", "B-LTA"),
    ):
        ((found, until),) = levels(honest_files[name]).values()
        assert found == level, name
        assert (until == end) == (level in ("B-LT", "B-LTA")), name
        assert until.startswith("Not verifiable unaided") == (level in ("B-B", "B-T")), name


def test_who_signs_behind_an_archived_signature_does_not_share_its_level(kit, maker, levels, end):
    first = maker.archived(kit.paper.plain())
    both = maker.sign(first, who=maker.pki.second, stamped=False, **FURTHER)

    found = levels(both)
    assert found["Signature1"] == ("B-LTA", end)
    assert found["Signature2"][0] == "B-B"
    assert found["Signature2"][1].startswith("Not verifiable")


def test_a_later_time_stamp_and_store_lift_the_earlier_signatures_too(kit, maker, levels, end):
    plain = maker.sign(kit.paper.plain(), stamped=False)
    both = maker.sign(plain, who=maker.pki.second, **FURTHER)

    assert {name: one for name, (one, _) in levels(both).items()} == {
        "Signature1": "B-B",
        "Signature2": "B-T",
    }
    assert levels(maker.stamp(both)) == {"Signature1": ("B-LTA", end), "Signature2": ("B-LTA", end)}


def test_a_time_stamp_without_a_store_gives_a_time_and_no_more(kit, maker, levels):
    stamped = maker.stamp(maker.sign(kit.paper.plain(), stamped=False), with_store=False)
    assert levels(stamped)["Signature1"][0] == "B-T"


def test_a_store_behind_the_last_time_stamp_is_not_archived_by_it(kit, maker, levels):
    stamped = maker.stamp(maker.sign(kit.paper.plain()), with_store=False)
    assert levels(maker.store(stamped))["Signature1"][0] == "B-LT"


def test_a_store_that_speaks_of_other_people_lifts_nobody(kit, maker, levels, now):
    """A list of revocations of another authority, well-formed and useless."""
    from evidence.management.attacks.honest import Maker

    stranger = Maker(kit.keys.make_pki(now, name="Elsewhere"))
    signed = maker.sign(kit.paper.plain())
    assert levels(stranger.store(signed))["Signature1"][0] == "B-T"
    assert levels(maker.store(signed))["Signature1"][0] == "B-LT"


def test_without_roots_the_level_is_what_is_inside(honest_files, levels):
    assert levels(honest_files["approval B-LTA"], roots=Trust())["Signature1"][0] == "B-LTA"
    assert levels(honest_files["approval B-T"], roots=Trust())["Signature1"][0] == "B-T"


def test_the_end_is_that_of_the_last_renewal(kit, maker, levels, now):
    """Whoever stamps last moves the end, by a certificate that lives shorter too."""
    brief = kit.keys.make_identity(
        "Paperworks Brief Time", maker.pki.issuing, now, after=now + timedelta(days=90),
        purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
    )  # fmt: skip
    renewed = maker.stamp(maker.archived(kit.paper.plain()), field="Time2", who=brief)

    ends = {f"{brief.certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"}
    assert {until for _, until in levels(renewed).values()} == ends


def test_every_card_of_the_page_shows_its_own_level(kit, maker, verdict):
    first = maker.archived(kit.paper.plain())
    both = maker.sign(first, who=maker.pki.second, stamped=False, **FURTHER)

    shown = {
        card.where: [one.detail for one in card.lines if "PAdES" in one.detail]
        for card in cards(verdict(both))
    }
    assert shown == {"Signature1": ["PAdES B-LTA."], "Signature2": ["PAdES B-B."], "Time1": []}


def test_a_renewal_much_later_keeps_the_level(honest_files, levels, now):
    found = levels(honest_files["renewed twice"], at=now + timedelta(days=10))
    assert found["Signature1"][0] == "B-LTA"
