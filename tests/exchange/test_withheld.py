"""What a bundle withholds appears in no format, in no encoding, in no file name."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from evidence.exchange import FORMATS, NotConvertible, convert, from_bundle
from tests.exchange.bundles import Conversation, attachment, custom, read_rsmf, row, write_bundle

SECRET = "Geheimnis-4711-秘密"
FILE = b"secret file " + SECRET.encode()


def secret_rows():
    """Seven messages, each of which holds the secret in another place."""
    edit = {"time_raw": None, "utc": None, "previous": f"was {SECRET}"}
    quote = {"platform_id": None, "sequence": 1, "quote": SECRET}
    sender = {"key": "p9", "name": SECRET, "id": SECRET}
    return [
        row(1, SECRET, sender=sender, source_text=SECRET, platform_id=SECRET),
        row(2, f"pay {SECRET} now", source_text=SECRET, edits=[edit]),
        row(3, "a picture", attachments=[attachment(f"{SECRET}.png", FILE)], source_text=SECRET),
        row(4, "a reply", reply_to=quote, source_text=SECRET),
        row(5, "from somebody", sender=sender, source_text=SECRET),
        row(6, SECRET, source_text=SECRET, sender=sender),
        row(7, "the end"),
    ]


def secret_bundle(path: Path) -> Path:
    secret = [number for number, one in enumerate(_segments(f"pay {SECRET} now"), start=1)
              if one in _segments(SECRET) and one.strip()]  # fmt: skip
    withheld = {
        1: ["*"], 2: [f"body:{','.join(_spans(secret))}"], 3: ["attachments"], 4: ["reply_to"],
        5: ["sender"],
    }  # fmt: skip
    one = Conversation(secret_rows(), disclosed="1-5,7", withheld=withheld)
    return write_bundle(path, [one])


def _segments(text: str) -> list[str]:
    from evidence.formats.message import segments

    return segments(text)


def _spans(numbers: list[int]) -> list[str]:
    from evidence.formats import ranges

    return str(ranges.of(numbers)).split(",")


def everything_in(folder: Path) -> bytes:
    """Return every name and byte in ``folder``, RSMF files unpacked as well."""
    found = []
    for path in sorted(folder.rglob("*")):
        found.append(str(path).encode())
        if path.is_file():
            found.append(path.read_bytes())
        if path.suffix == ".rsmf":
            one = read_rsmf(path)
            found += [str(one.manifest).encode(), one.text.encode(), *one.files.values()]
            found += [name.encode() for name in one.files]
            found.append(str(one.headers).encode())
    return b"\n".join(found)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_withheld_appears_in_any_format(tmp_path, format):
    exchange = from_bundle(secret_bundle(tmp_path / "bundle.zip"), pages=False)
    convert(exchange, format, tmp_path / "out")
    data = everything_in(tmp_path / "out")

    for piece in (SECRET, "Geheimnis", "4711", "秘密"):
        assert piece.encode() not in data
        assert piece.encode().hex().encode() not in data.lower()
        assert base64.b64encode(piece.encode()).rstrip(b"=")[:-1] not in data


def test_withheld_rows_are_counted_and_say_why(tmp_path):
    exchange = from_bundle(secret_bundle(tmp_path / "bundle.zip"), pages=False)
    made = convert(exchange, "rsmf", tmp_path / "out")
    events = [event for path in made.files for event in read_rsmf(path).events()]

    facts = [custom(event) for event in events]
    assert [one["number"] for one in facts] == ["1", "2", "3", "4", "5", "7"]
    assert [one.get("disclosure") for one in facts] == ["withheld", *["partly"] * 4, None]
    assert (events[0]["type"], facts[0]["reason"]) == ("disclaimer", "privilege")
    assert events[1]["body"] == "pay █████ now"
    assert "participant" not in events[4]


def test_a_changed_message_is_refused(tmp_path):
    path = secret_bundle(tmp_path / "bundle.zip")
    data = path.read_bytes()
    assert data.count(b"the end") == 1
    path.write_bytes(data.replace(b"the end", b"the_end"))
    exchange = from_bundle(path, pages=False)
    with pytest.raises(NotConvertible):
        convert(exchange, "csv", tmp_path / "out")


def test_a_file_that_is_no_bundle_is_refused(tmp_path):
    path = tmp_path / "chat.zip"
    path.write_bytes(b"PK\5\6" + bytes(18))
    with pytest.raises(NotConvertible):
        from_bundle(path)


def test_an_unknown_format_is_refused(tmp_path):
    exchange = from_bundle(secret_bundle(tmp_path / "bundle.zip"), pages=False)
    with pytest.raises(ValueError, match="format"):
        convert(exchange, "docx", tmp_path / "out")
