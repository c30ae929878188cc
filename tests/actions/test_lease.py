"""Whose lease has ended with its process, and whose has not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from evidence.actions.lease import take_lease, this_holder
from evidence.models import Job


@pytest.fixture
def sleeper():
    """A process of this machine that does nothing."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def held(alice, requested, sleeper):
    """A job whose lease a process of this machine holds for an hour."""
    job = requested(alice).job
    until = timezone.now() + timedelta(hours=1)
    holder = f"{socket.gethostname()}:{sleeper.pid}:1"
    Job.objects.filter(pk=job.pk).update(lease_holder=holder, lease_until=until)
    return Job.objects.get(pk=job.pk)


def taken(job):
    return take_lease(job, this_holder(), timezone.now())


def test_the_lease_of_a_living_process_is_left_alone(held):
    assert not taken(held)


def test_the_lease_of_a_process_that_is_gone_is_taken(held, sleeper):
    sleeper.kill()
    sleeper.wait()
    assert taken(held)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_the_lease_of_a_process_that_was_killed_and_nobody_has_asked_after_is_taken(held, sleeper):
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    os.kill(sleeper.pid, 0)  # its number is still there

    assert taken(held)
