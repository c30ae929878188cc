"""A phase that was killed in the middle leaves files behind; the next run is not misled by them."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.utils import timezone

from evidence.actions import workspace
from evidence.actions.advance import advance, run_to_end
from evidence.actions.deliver import download, released
from evidence.values import Actor


@pytest.mark.parametrize("phase", ["stamping", "signing"])
def test_what_a_phase_left_half_done_does_not_get_into_the_bundle(alice, requested, phase):
    export = requested(alice)
    job = export.job
    while job.phase != phase:
        job, _ = advance(job.pk, at=timezone.now())
    data = workspace.folder(export) / "bag" / "data"
    left = ("evidence.pdf.partial", "certificates/.seal-chain.pem.part", "checkpoints/99.txt")
    for name in left:
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"half")

    job = run_to_end(job.pk)

    assert (job.phase, job.error_code) == ("ready", "")
    export.refresh_from_db()
    whole = next(one for one in released(export) if one.name.endswith(".zip"))
    with (
        download(artifact=whole, actor=Actor("system", "test"), at=timezone.now()) as file,
        zipfile.ZipFile(io.BytesIO(file.read())) as packed,
    ):
        assert not {f"data/{name}" for name in left} & set(packed.namelist())
