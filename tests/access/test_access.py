"""What people reach: their own, their organisation's, and nothing of anyone else."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser

from evidence import access
from evidence.actions.create_api_token import create_api_token, revoke_api_token
from evidence.errors import NotAllowed, NotFound
from evidence.models import Export, Job, Matter, MatterMember, Membership, Selection, Series


@pytest.fixture
def matter(alice, now):
    return Matter.objects.create(
        organisation=alice.organisation,
        name_key=b"k" * 32,
        payload=b"",
        created_by=alice.user,
        created_at=now,
    )


@pytest.fixture
def export(alice, matter, now):
    selection = Selection.objects.create(
        organisation=alice.organisation, matter=matter, created_at=now, payload=b"",
        digest=b"d" * 32, disclosed_count=1, row_count=1, gap_count=0,
    )  # fmt: skip
    export = Export.objects.create(
        organisation=alice.organisation, matter=matter, selection=selection, created_by=alice.user,
        created_at=now, request_key=b"r" * 32, payload=b"",
    )  # fmt: skip
    Job.objects.create(export=export, created_at=now, changed_at=now)
    return export


def test_a_person_works_where_they_joined_last(alice, bob):
    assert access.organisation_of(alice.user) == alice.organisation
    assert access.organisation_of(bob.user) == alice.organisation


@pytest.mark.django_db
def test_nobody_signed_in_belongs_nowhere():
    with pytest.raises(NotFound):
        access.organisation_of(AnonymousUser())


def test_a_person_switched_off_reaches_nothing(alice, stored):
    series = stored(alice)
    alice.user.is_active = False
    alice.user.save()
    with pytest.raises(NotFound):
        access.series_for(alice.user, series.public_id)


def test_a_conversation_is_shared_with_colleagues_and_hidden_from_strangers(
    alice, bob, charlie, stored
):
    series = stored(alice)
    assert access.series_for(alice.user, series.public_id) == series
    assert access.series_for(bob.user, series.public_id) == series
    for person in (charlie.user, AnonymousUser()):
        with pytest.raises(NotFound):
            access.series_for(person, series.public_id)


def test_an_unsealed_or_erased_series_is_shown_to_nobody(alice, stored, now):
    series = stored(alice)
    Series.objects.filter(pk=series.pk).update(erased_at=now)
    assert not access.series_of(alice.user).exists()
    Series.objects.filter(pk=series.pk).update(erased_at=None, sealed_at=None)
    assert not access.series_of(alice.user).exists()


def test_a_token_speaks_for_one_organisation_only(alice, bob, stored):
    series = stored(alice)
    own = bob.user.memberships.exclude(organisation=alice.organisation).get().organisation
    with pytest.raises(NotFound):
        access.series_for(bob.user, series.public_id, own)


def test_a_member_reaches_a_matter_only_after_joining_it(alice, bob, charlie, matter, now):
    assert access.matter_for(alice.user, matter.public_id) == matter
    for person in (bob.user, charlie.user, AnonymousUser()):
        with pytest.raises(NotFound):
            access.matter_for(person, matter.public_id)

    MatterMember.objects.create(matter=matter, user=bob.user, created_at=now)

    assert access.matter_for(bob.user, matter.public_id) == matter


def test_joining_a_matter_is_worth_nothing_outside_its_organisation(charlie, matter, now):
    MatterMember.objects.create(matter=matter, user=charlie.user, created_at=now)
    with pytest.raises(NotFound):
        access.matter_for(charlie.user, matter.public_id)


def test_an_export_follows_its_matter(alice, bob, charlie, export, now):
    assert access.export_for(alice.user, export.public_id) == export
    for person in (bob.user, charlie.user, AnonymousUser()):
        with pytest.raises(NotFound):
            access.export_for(person, export.public_id)
        with pytest.raises(NotFound):
            access.job_for(person, export.public_id)

    MatterMember.objects.create(matter=export.matter, user=bob.user, created_at=now)

    assert access.job_for(bob.user, export.public_id) == export.job


def test_an_auditor_reads_every_matter_and_changes_nothing(alice, bob, export):
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).update(
        role=Membership.Role.AUDITOR
    )
    assert access.export_for(bob.user, export.public_id) == export
    with pytest.raises(NotAllowed):
        access.organisation_to_change(bob.user)


def test_a_file_can_be_had_only_once_its_bundle_is_issued(alice, export):
    with pytest.raises(NotFound):
        access.artifact_for(alice.user, export.public_id, "evidence.pdf")
    assert access.issued_file(b"0" * 32) is None


def test_a_revoked_token_opens_nothing(alice, now):
    token, secret = create_api_token(
        user=alice.user, organisation=alice.organisation, label="firm", at=now
    )
    assert access.token_with_secret(secret) == token
    assert access.token_with_secret(secret + "x") is None

    revoke_api_token(token=token, at=now)

    assert access.token_with_secret(secret) is None


def test_a_token_dies_with_the_membership(alice, bob, now):
    _token, secret = create_api_token(
        user=bob.user, organisation=alice.organisation, label="firm", at=now
    )
    Membership.objects.filter(user=bob.user, organisation=alice.organisation).delete()
    assert access.token_with_secret(secret) is None


def test_a_token_is_managed_by_the_person_who_made_it(alice, bob, now):
    token, _ = create_api_token(
        user=alice.user, organisation=alice.organisation, label="firm", at=now
    )
    assert access.api_token_for(alice.user, token.public_id) == token
    with pytest.raises(NotFound):
        access.api_token_for(bob.user, token.public_id)
