"""The sample conversations: the same bytes every time, read without a loss."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from evidence import ingest, samples
from evidence.ingest import Answers, SeriesEnd
from evidence.samples.build import receipt_picture, silent_voice_note
from evidence.values import Message


def read(path) -> list[object]:
    answers = Answers(timezone=samples.TIMEZONE, owner=samples.OWNER)
    examination = ingest.examine(path, path.name)
    assert ingest.questions(path, examination, answers) == []
    return list(ingest.read(path, examination, answers))


def test_the_same_call_gives_the_same_bytes(tmp_path):
    first = [path.read_bytes() for path in samples.build(tmp_path / "a")]

    assert first == [path.read_bytes() for path in samples.build(tmp_path / "b")]


def test_the_samples_hold_what_a_first_look_should_show(tmp_path):
    events = [event for path in samples.build(tmp_path) for event in read(path)]

    rows = [event for event in events if isinstance(event, Message)]
    kinds = {row.kind for row in rows}
    assert {"text", "image", "voice", "file", "transfer", "recalled"} <= kinds
    assert any(row.reply_to for row in rows)
    assert any(row.edits for row in rows)
    assert any("سأعيد" in (row.body or "") for row in rows)
    assert any("👨‍👩‍👧‍👦" in (row.body or "") for row in rows)
    assert sum(e.unparsed_count for e in events if isinstance(e, SeriesEnd)) == 0


def test_the_picture_is_a_picture():
    with Image.open(BytesIO(receipt_picture())) as picture:
        assert (picture.format, picture.size) == ("JPEG", (640, 400))


@pytest.mark.parametrize("seconds", [1, 4])
def test_the_voice_note_ends_where_it_says(seconds):
    data = silent_voice_note(seconds=seconds)

    last = data.rindex(b"OggS")
    assert data.startswith(b"OggS")
    assert int.from_bytes(data[last + 6 : last + 14], "little") == 48_000 * seconds
