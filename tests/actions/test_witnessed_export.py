"""An export asks the witnesses; what they confirm is in the bundle, and a reader can check it."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.actions.advance import run_to_end
from evidence.actions.deliver import deliver
from evidence.formats import checkpoint as notes
from evidence.gateways.current import current
from evidence.models import Export, Job
from evidence.verify import offline
from tests.actions.conftest import OPERATOR
from tests.custody.witness import ReferenceWitness, serving


@pytest.fixture
def witness() -> ReferenceWitness:
    return ReferenceWitness(lambda: current().log_key.public, time.time)


@pytest.fixture
def witnessed(settings, witness):
    """Let the deployment ask the reference witness."""
    with serving(witness) as url:
        settings.TRUETHREAD_WITNESSES = [str(witness.key)]
        settings.TRUETHREAD_WITNESS_URLS = [url]
        yield


def bundle(export: Export, folder: Path) -> Path:
    job = run_to_end(export.job.pk)
    assert (job.phase, job.error_code) == (Job.Phase.READY, "")
    export.refresh_from_db()
    answer = deliver(export=export, folder=folder, actor=OPERATOR, at=timezone.now())
    return Path(answer["zip"])


def single_view(path: Path, *keys: notes.VerifierKey) -> str:
    trust = offline.trust_of(current().roots)
    report = offline.verify(path, trust=trust, witnesses=keys)
    assert report.passed
    return report.of("single_view")[0].outcome


def test_a_reader_who_names_the_witness_learns_that_everyone_is_shown_this_log(
    ask, witnessed, witness, tmp_path
):
    path = bundle(ask(), tmp_path)

    assert single_view(path, witness.key) == "passed"
    assert single_view(path) == "not_checked"
    with zipfile.ZipFile(path) as archive:
        note = notes.read(archive.read("data/checkpoints/prepared.txt"))
    assert [line.name for line in note.signatures[1:]] == [witness.name]


def test_a_stranger_who_cosigned_nothing_confirms_nothing(ask, witnessed, tmp_path):
    stranger = ReferenceWitness(lambda: b"", time.time)
    assert single_view(bundle(ask(), tmp_path), stranger.key) == "not_checked"


def test_without_its_witness_the_bundle_is_issued_and_says_so(ask, settings, witness, tmp_path):
    settings.TRUETHREAD_WITNESSES = [str(witness.key)]
    settings.TRUETHREAD_WITNESS_URLS = ["http://127.0.0.1:9/w"]

    assert single_view(bundle(ask(), tmp_path), witness.key) == "not_checked"
