"""Originals and attachments go from the store into the bundle, checked, and never lie about."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest
from django.utils import timezone

from evidence.actions import workspace
from evidence.actions.advance import advance, run_to_end
from evidence.actions.export_steps.laid import Keeping, files_of, known_entries
from evidence.archive.blobs import open_artifact, open_blob, store_blob
from evidence.errors import Corrupt, StampUnavailable, StorageFailed
from evidence.gateways.current import current
from evidence.models import Artifact, Attachment, Blob, CustodyEntry, Job, Series
from evidence.verify import offline

PHOTO = b"\xff\xd8 a receipt, not really a photo \xff\xd9" * 50_000
CHAT = """[05/03/2024, 21:14:07] Ana: I lent you 3000 euros.
[05/03/2024, 21:15:10] Li Lei: \u200e<attached: 00000002-PHOTO-2024-03-05-21-15-10.jpg>
"""


@pytest.fixture
def series(acquire):
    """A stored conversation with one attachment."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("_chat.txt", CHAT)
        archive.writestr("00000002-PHOTO-2024-03-05-21-15-10.jpg", PHOTO)
    taken = acquire(packed.getvalue(), name="WhatsApp Chat - Li Lei.zip", date_order="dmy")
    return Series.objects.get(acquisition=taken.acquisition)


@pytest.fixture
def asked(ask):
    """A bundle asked for."""
    return ask()


def reach(export, phase):
    job = export.job
    while job.phase != phase:
        job, moved = advance(job.pk, at=timezone.now())
        assert moved, job.error_code
    return job


def test_what_is_stored_stands_in_the_bundle_and_never_in_plain_text_beside_it(asked):
    reach(asked, Job.Phase.PACKING)
    folder = workspace.folder(asked)
    for path in folder.rglob("*"):
        assert not path.is_file() or path.suffix == ".pdf" or PHOTO[:200] not in path.read_bytes()
    laid = files_of(folder / "bag")
    (attachment,) = (laid[name] for name in laid if "attachments" in name)
    with attachment.open("rb") as file:
        assert file.read() == PHOTO
    assert set(known_entries(folder / "bag")) < set(laid)

    run_to_end(asked.job.pk)

    with open_blob(asked.artifacts.get(kind=Artifact.Kind.ZIP).blob) as stream:
        with zipfile.ZipFile(stream) as archive:
            (name,) = (one for one in archive.namelist() if "/attachments/" in one)
            assert archive.read(name) == PHOTO
        path = folder.parent / "again.zip"
        stream.seek(0)
        path.write_bytes(stream.read())
    report = offline.verify(path, trust=offline.trust_of(current().roots))
    assert report.of("attachments")[0].outcome == "passed"


@pytest.mark.parametrize("phase", [Job.Phase.PREPARING, Job.Phase.SIGNING, Job.Phase.PACKING])
def test_stored_bytes_that_are_gone_end_the_export_and_nothing_is_issued(asked, phase):
    reach(asked, phase)
    (attachment,) = Attachment.objects.filter(blob__isnull=False)
    current().blobs.delete(attachment.blob.name)

    job = run_to_end(asked.job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "stored_bytes_missing")
    assert not asked.artifacts.exists()


def test_the_row_of_kept_bytes_that_is_gone_is_told(organisation, tmp_path):
    blob = store_blob(organisation, io.BytesIO(b"x"), at=timezone.now())
    with Keeping(tmp_path / "bag") as keeping:
        keeping.take("data/attachments/x", blob, digest_of(b"x"), Corrupt("other"))
    assert keeping.lines()[0]["size"] == 1
    Blob.objects.all().delete()

    with pytest.raises(Corrupt) as caught:
        files_of(tmp_path / "bag")
    assert caught.value.code == "stored_bytes_missing"


@pytest.mark.parametrize("number", [1, 9])
def test_other_bytes_than_were_sealed_are_refused_and_nothing_is_noted(
    organisation, tmp_path, number
):
    def take_all() -> None:
        with Keeping(tmp_path / "bag") as keeping:
            for place in range(number):
                blob = store_blob(organisation, io.BytesIO(b"%d" % place), at=timezone.now())
                expected = digest_of(b"x" if place == number - 1 else b"%d" % place)
                keeping.take(f"data/{place}", blob, expected, Corrupt("the last"))

    with pytest.raises(Corrupt, match="the last"):
        take_all()
    assert not (tmp_path / "kept.json").exists()


def test_a_zip_that_changed_after_it_was_checked_is_neither_logged_nor_kept(asked):
    reach(asked, Job.Phase.ISSUING)
    before = set(current().blobs.names())
    (path,) = workspace.folder(asked).glob("truethread-*.zip")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    job = run_to_end(asked.job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "self_verification_failed")
    assert not CustodyEntry.objects.filter(event="export.issued").exists()
    assert set(current().blobs.names()) == before


def test_what_cannot_be_stamped_when_it_is_issued_is_not_kept(asked, monkeypatch):
    reach(asked, Job.Phase.ISSUING)
    before = set(current().blobs.names())

    def dead(_self: object, _digest: bytes) -> None:
        raise StampUnavailable("authority.example: timeout")

    monkeypatch.setattr(type(current().stamper), "stamp", dead)
    job = run_to_end(asked.job.pk)

    assert (job.phase, job.error_code) == (Job.Phase.FAILED, "stamp_unavailable")
    assert set(current().blobs.names()) == before
    assert not asked.artifacts.exists()


def test_a_blob_is_not_kept_when_the_stream_gave_other_bytes(organisation):
    with pytest.raises(StorageFailed):
        store_blob(
            organisation, io.BytesIO(b"changed"), at=timezone.now(), sha256=bytes.fromhex("00" * 32)
        )
    assert not Blob.objects.exists()


def test_a_pdf_is_stored_once_and_handed_out_from_the_zip(asked):
    run_to_end(asked.job.pk)
    found = {one.kind: one for one in asked.artifacts.all()}
    pdf = found[Artifact.Kind.PDF]
    assert pdf.blob == found[Artifact.Kind.ZIP].blob
    assert pdf.blob != found[Artifact.Kind.RECEIPT].blob

    for artifact in found.values():
        with open_artifact(artifact) as file:
            data = file.read()
            assert sha256(data).digest() == bytes(artifact.sha256)
            assert len(data) == artifact.size == file.seek(0, io.SEEK_END)
            assert file.read(1) == b""
            assert file.seek(-7, io.SEEK_END) == len(data) - 7
            assert file.read(100) == data[-7:]
            file.seek(1000)
            file.seek(11, io.SEEK_CUR)
            assert file.read(200_000) == data[1011 : 1011 + 200_000]


def test_a_pdf_that_was_stored_by_itself_is_handed_out_as_before(asked, organisation):
    asked_at = timezone.now()
    blob = store_blob(organisation, io.BytesIO(b"%PDF-1.7 earlier"), at=asked_at)
    stored = Artifact.objects.create(
        export=asked, kind="pdf", name="evidence.pdf", size=16, sha256=bytes(32), blob=blob
    )
    with open_artifact(Artifact.objects.get(pk=stored.pk)) as file:
        assert file.read() == b"%PDF-1.7 earlier"


def test_a_stored_file_that_ends_too_early_is_corrupt(asked, organisation):
    blob = store_blob(organisation, io.BytesIO(b"%PDF-1.7"), at=timezone.now())
    stored = Artifact.objects.create(
        export=asked, kind="pdf", name="evidence.pdf", size=3, begins=6, sha256=bytes(32), blob=blob
    )
    with open_artifact(stored) as file, pytest.raises(Corrupt):
        file.read()
    with open_artifact(stored) as file, pytest.raises(ValueError, match="negative"):
        file.seek(-4, io.SEEK_END)


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()
