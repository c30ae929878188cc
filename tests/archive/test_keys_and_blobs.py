"""What is stored opens only where it belongs."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.utils import timezone

from evidence.actions.create_account import create_organisation
from evidence.archive.blobs import open_blob, store_blob
from evidence.archive.keys import keyed, open_json, seal_json, tenant_key
from evidence.errors import Corrupt
from evidence.models import Blob, Organisation


@pytest.fixture
def ana(db) -> Organisation:
    return create_organisation(name="Ana", is_personal=True, at=timezone.now())


@pytest.fixture
def ben(db) -> Organisation:
    return create_organisation(name="Ben", is_personal=True, at=timezone.now())


def test_two_tenants_have_two_keys(ana, ben):
    assert tenant_key(ana) != tenant_key(ben)


def test_a_payload_opens_only_at_its_place(ana, ben):
    sealed = seal_json(ana, "object", "field", {"name": "李雷"})

    assert open_json(ana, "object", "field", sealed) == {"name": "李雷"}
    for tenant, thing, field in ((ben, "object", "field"), (ana, "other", "field"),
                                 (ana, "object", "other")):  # fmt: skip
        with pytest.raises(Corrupt):
            open_json(tenant, thing, field, sealed)


def test_an_index_tells_tenants_apart(ana, ben):
    assert keyed(ana, "matter", "Loan") != keyed(ben, "matter", "Loan")
    assert keyed(ana, "matter", "Loan") != keyed(ana, "conversation", "Loan")
    assert keyed(ana, "x", "ab", "c") != keyed(ana, "x", "a", "bc")


def test_the_same_content_is_kept_once_per_tenant(ana, ben):
    now = timezone.now()

    first, second = (store_blob(ana, BytesIO(b"slip"), at=now) for _ in range(2))
    other = store_blob(ben, BytesIO(b"slip"), at=now)

    assert first == second
    assert other.name != first.name
    with open_blob(other) as stream:
        assert stream.read() == b"slip"


def test_a_blob_changed_on_disk_does_not_open(ana, settings):
    blob = store_blob(ana, BytesIO(b"x" * 1000), at=timezone.now())
    path = settings.TRUETHREAD_VAR_DIR / "blobs" / blob.name[:2] / blob.name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    with pytest.raises(Corrupt):
        open_blob(blob)


def test_a_blob_that_is_gone_is_stored_again(ana, settings):
    blob = store_blob(ana, BytesIO(b"once"), at=timezone.now())
    (settings.TRUETHREAD_VAR_DIR / "blobs" / blob.name[:2] / blob.name).unlink()

    again = store_blob(ana, BytesIO(b"once"), at=timezone.now())

    assert Blob.objects.count() == 1
    with open_blob(again) as stream:
        assert stream.read() == b"once"
