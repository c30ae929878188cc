"""Many small files: all of them are there when the work ends, or an error says why not."""

from __future__ import annotations

import errno

import pytest

from evidence.exchange import small_files
from evidence.exchange.small_files import SmallFiles


@pytest.fixture(params=["few", "many"])
def batch(request, monkeypatch) -> None:
    """Few files are written by the process itself, many by a second one."""
    monkeypatch.setattr(small_files, "BATCH", 3 if request.param == "many" else 1_000)


def write_all(contents: dict[str, bytes]) -> None:
    with SmallFiles() as files:
        for path, data in contents.items():
            files.add(path, data)


def test_every_file_is_written(batch, tmp_path):
    contents = {f"{number} 信.txt": bytes([number]) * number for number in range(10)}
    write_all({str(tmp_path / name): data for name, data in contents.items()})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == contents


def test_a_file_that_cannot_be_written_is_an_error_of_that_kind(batch, tmp_path):
    with pytest.raises(OSError, match="No such file") as raised:
        write_all({str(tmp_path / "missing" / str(number)): b"text" for number in range(10)})
    assert raised.value.errno == errno.ENOENT


def test_the_second_process_does_not_outlive_a_failure(monkeypatch, tmp_path):
    monkeypatch.setattr(small_files, "BATCH", 1)
    started = []

    def work() -> None:
        with SmallFiles() as files:
            files.add(str(tmp_path / "one"), b"text")
            started.append(files._process)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert started[0].returncode is not None
