"""The people that tests are played by."""

from __future__ import annotations


def test_a_colleague_shares_the_organisation_and_a_stranger_does_not(alice, bob, charlie):
    assert alice.organisation.memberships.count() == 2
    assert bob.organisation == alice.organisation
    assert charlie.organisation != alice.organisation
