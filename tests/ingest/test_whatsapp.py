"""WhatsApp's text export in the shapes phones of many locales write, and its traps."""

from __future__ import annotations

import io
import zipfile

import pytest

from evidence.errors import IngestRefused
from evidence.ingest import Answers, examine, questions, read

NARROW, NO_BREAK, THIN, LEFT = "\u202f", "\u00a0", "\u2009", "\u200e"

HEADERS = [
    ("31/12/2023, 23:59 - ", "2023-12-31T23:59:00"),
    ("12/31/23, 11:59 PM - ", "2023-12-31T23:59:00"),
    (f"12/31/23, 11:59{NARROW}PM - ", "2023-12-31T23:59:00"),
    (f"12/31/23, 11:59{THIN}PM - ", "2023-12-31T23:59:00"),
    ("31/12/23, 11:59 pm - ", "2023-12-31T23:59:00"),
    ("31/12/23 11:59 p. m. - ", "2023-12-31T23:59:00"),
    (f"31/12/23, 11:59 p.{NO_BREAK}m. - ", "2023-12-31T23:59:00"),
    ("31/12/23, 12:05 a. m. - ", "2023-12-31T00:05:00"),
    ("31/12/23, 00:05 a. m. - ", "2023-12-31T00:05:00"),
    ("31/12/23, 12:05 p.m. - ", "2023-12-31T12:05:00"),
    ("31.12.23, 23:59 - ", "2023-12-31T23:59:00"),
    ("3.4.2023, 9:05 - ", "2023-04-03T09:05:00"),
    ("31.12.2023 klo 23.59 - ", "2023-12-31T23:59:00"),
    ("31/12/2023 às 23:59 - ", "2023-12-31T23:59:00"),
    ("31/12/2023 à 23:59 - ", "2023-12-31T23:59:00"),
    ("2023-12-31, 23:59 - ", "2023-12-31T23:59:00"),
    ("2023/04/03 23:59 - ", "2023-04-03T23:59:00"),
    ("2024/10/31 下午11:05 - ", "2024-10-31T23:05:00"),
    ("2024/10/31 上午12:05 - ", "2024-10-31T00:05:00"),
    ("23/4/3 下午11:05 - ", None),
    ("23/04/03 下午11:05 - ", "2023-04-03T23:05:00"),
    ("2023年12月31日 午後11:59 - ", "2023-12-31T23:59:00"),
    ("2023. 12. 31. 오후 11:59 - ", "2023-12-31T23:59:00"),
    ("2023년 12월 31일 오후 11:59 - ", "2023-12-31T23:59:00"),
    ("12-31-2023, 23:59 - ", "2023-12-31T23:59:00"),
    ("31-12-2023 23:59 - ", "2023-12-31T23:59:00"),
    ("09/17/19, 8:30:52 AM – ", "2019-09-17T08:30:52"),
    ("[31/12/2023, 23:59:58] ", "2023-12-31T23:59:58"),
    (f"{LEFT}[31/12/2023, 23:59:58] ", "2023-12-31T23:59:58"),
    (f"[12/31/23, 11:59:58{NARROW}PM] ", "2023-12-31T23:59:58"),
    ("[31.12.23, 23:59:58] ", "2023-12-31T23:59:58"),
    ("[2023/12/31 下午11:59:58] ", "2023-12-31T23:59:58"),
    ("[2023-12-31, 23:59:58] ", "2023-12-31T23:59:58"),
    ("[01/20/19 11:23] ", "2019-01-20T11:23:00"),
    ("31\u200f/12\u200f/2023, 11:59 م - ", "2023-12-31T23:59:00"),
    ("٣١/١٢/٢٠٢٣, ٢٣:٥٩ - ", "2023-12-31T23:59:00"),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_each_header_shape_is_read(header, expected, written, reading_of):
    path = written("chat.txt", f"{header}Ana: one\n{header}Ben: two: three\n")

    reading = reading_of(path, timezone="UTC")

    assert reading.senders() == ["Ana", "Ben"]
    assert reading.bodies() == ["one", "two: three"]
    assert reading.messages[0].time_raw == header.strip(f"{LEFT}[] -–")
    if expected is not None:
        assert reading.utc() == [expected + "Z"] * 2
    precision = "second" if expected and not expected.endswith(":00") else "minute"
    assert reading.messages[0].time["precision"] == precision


@pytest.mark.parametrize(
    ("dates", "orders"),
    [
        (["03/04/2023"], ("dmy", "mdy")),
        (["03/04/2023", "13/04/2023"], ("dmy",)),
        (["03/04/2023", "04/13/2023"], ("mdy",)),
        (["03/04/23", "30/04/23"], ("dmy",)),
        (["23/14/25", "23/04/26"], ("dmy",)),
        (["99/12/30"], ("ymd",)),
        (["13/04/2023", "04/13/2023"], ("dmy", "mdy")),
        (["03.04.2023"], ("dmy",)),
        (["2023-04-03"], ("ymd",)),
        (["2023/04/03"], ("ymd",)),
        (["31/12/99", "99/12/31"], ("dmy", "mdy")),
    ],
)
def test_the_order_of_a_date_is_what_the_file_leaves_possible(dates, orders, written):
    path = written("chat.txt", "".join(f"{date}, 10:00 - Ana: hi\n" for date in dates))

    assert examine(path, path.name).survey.date_orders == orders


def test_a_stated_order_the_file_contradicts_is_refused(written):
    path = written("chat.txt", "13/04/2023, 10:00 - Ana: hi\n")
    examination = examine(path, path.name)

    with pytest.raises(IngestRefused) as refused:
        list(read(path, examination, Answers(timezone="UTC", date_order="mdy")))

    assert refused.value.code == "date_order_impossible"


def test_reading_with_open_questions_is_refused(written):
    path = written("chat.txt", "13/04/2023, 10:00 - Ana: hi\n")
    examination = examine(path, path.name)

    with pytest.raises(IngestRefused) as refused:
        list(read(path, examination, Answers()))

    assert refused.value.code == "answers_missing"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "UTC+8", "x" * 300, "\0"])
def test_a_zone_that_is_none_is_refused(zone, written):
    path = written("chat.txt", "13/04/2023, 10:00 - Ana: hi\n")
    examination = examine(path, path.name)

    with pytest.raises(IngestRefused) as refused:
        questions(path, examination, Answers(timezone=zone))

    assert refused.value.code == "unknown_timezone"


def test_other_line_ends_stay_inside_the_body(written, reading_of):
    odd = "a\u0085b\u2028c\u2029d\x0be\x0cf\x1cg\x1dh\x1ei\rj"
    path = written("chat.txt", f"13/04/2023, 10:00 - Ana: {odd}\n13/04/2023, 10:01 - Ben: x")

    assert reading_of(path).bodies() == [odd, "x"]


def test_crlf_ends_the_line_and_lines_inside_keep_theirs(written, reading_of):
    path = written(
        "chat.txt", "13/04/2023, 10:00 - Ana: a\r\nb\r\n\r\nc\r\n13/04/2023, 10:01 - Ben: x\r\n"
    )

    assert reading_of(path).bodies() == ["a\r\nb\r\n\r\nc", "x"]


def test_byte_order_marks_at_line_starts_do_not_hide_a_message(written, reading_of):
    path = written(
        "chat.txt", "\ufeff13/04/2023, 10:00 - Ana: a\n\ufeff13/04/2023, 10:01 - Ben: x\n"
    )
    reading = reading_of(path)

    assert reading.bodies() == ["a", "x"]
    assert reading.starts[0].header_spans == (("", 0, 3),)


@pytest.mark.parametrize(
    ("written_name", "name", "platform_id"),
    [
        ("~ Name", "~ Name", None),
        (f"~{NARROW}Name", f"~{NARROW}Name", None),
        ("\u202a+49 151 1234567\u202c", "+49 151 1234567", "+491511234567"),
        (f"{LEFT}+49{NO_BREAK}151", f"+49{NO_BREAK}151", "+49151"),
        ("שרה", "שרה", None),
        ("\u202bأحمد\u202c", "أحمد", None),
        ("A" * 300, "A" * 300, None),
    ],
)
def test_a_sender_keeps_its_name_without_the_marks_around_it(
    written_name, name, platform_id, written, reading_of
):
    path = written("chat.txt", f"13/04/2023, 10:00 - {written_name}: hi\n")

    assert reading_of(path).messages[0].sender == {"key": "p1", "name": name, "id": platform_id}


def test_a_body_that_is_only_a_link_is_no_sender(written, reading_of):
    path = written("chat.txt", "13/04/2023, 10:00 - Ana: https://example.org/a: b\n")

    assert (reading_of(path).senders(), reading_of(path).bodies()) == (
        ["Ana"],
        ["https://example.org/a: b"],
    )


def test_a_sender_whose_messages_all_begin_alike_is_warned_of(written, reading_of):
    lines = "".join(f"13/04/2023, 10:0{i} - Dr: Ana: text {i}\n" for i in range(4))

    reading = reading_of(written("chat.txt", lines))

    assert reading.senders() == ["Dr"] * 4
    assert "sender_may_contain_colon" in reading.codes()


def test_a_group_name_with_a_colon_makes_no_sender(written, reading_of):
    path = written(
        "chat.txt",
        '13/04/2023, 10:00 - Ana created group "a: b"\n'
        '13/04/2023, 10:01 - Ana changed the group name from "a: b" to "c: d"\n',
    )

    assert reading_of(path).kinds() == ["system", "system"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<Media omitted>", "file"),
        ("<Medien ausgeschlossen>", "file"),
        ("<Multimedia omitido>", "file"),
        ("<省略影音内容>", "file"),
        (f"{LEFT}image omitted", "image"),
        (f"{LEFT}Bild weggelassen", "image"),
        (f"{LEFT}圖片已略去", "image"),
        (f"{LEFT}貼圖已略去", "sticker"),
        (f"{LEFT}video omitted", "video"),
        (f"{LEFT}audio omitted", "voice"),
        ("PTT-20230413-WA0001.opus (file attached)", "voice"),
        ("IMG-1.jpg (archivo adjunto)", "image"),
        ("a b.pdf (Datei angehängt)", "file"),
        (f"{LEFT}<attached: 00000012-PHOTO-2023-04-13-10-00-00.jpg>", "image"),
        (f"{LEFT}<Anhang: 1-VIDEO.mp4>", "video"),
        (f"{LEFT}<已附加: 00000001-STICKER.webp>", "sticker"),
        (f"{LEFT}<attached: Ben.vcf>", "contact"),
    ],
)
def test_media_left_out_is_an_attachment_that_is_not_included(body, kind, written, reading_of):
    message = reading_of(written("c.txt", f"13/04/2023, 10:00 - Ana: {body}\n")).messages[0]

    assert (message.kind, message.body) == (kind, body)
    assert [attachment["included"] for attachment in message.attachments] == [False]


@pytest.mark.parametrize(
    "body",
    [
        "This message was deleted",
        "You deleted this message.",
        "Diese Nachricht wurde gelöscht.",
        "Se eliminó este mensaje.",
        "此消息已删除",
        "您已刪除此訊息",
        f"{LEFT}This message was deleted.",
    ],
)
def test_a_deleted_message_leaves_a_recalled_row(body, written, reading_of):
    message = reading_of(written("c.txt", f"13/04/2023, 10:00 - Ana: {body}\n")).messages[0]

    assert (message.kind, message.body) == ("recalled", body)
    assert message.deletion == {"by": None, "time_raw": None}


def test_an_edited_message_is_marked_without_history(written, reading_of):
    body = f"see you {LEFT}<This message was edited>"
    message = reading_of(written("c.txt", f"13/04/2023, 10:00 - Ana: {body}\n")).messages[0]

    assert (message.kind, message.body) == ("text", body)
    assert message.edits == [{"time_raw": None, "utc": None, "previous": None}]


@pytest.mark.parametrize(
    "row",
    ["Missed voice call", "Missed video call from Ana", "Verpasster Sprachanruf", "未接语音通话"],
)
def test_a_call_without_sender_is_a_call(row, written, reading_of):
    message = reading_of(written("c.txt", f"13/04/2023, 10:00 - {row}\n")).messages[0]

    assert (message.kind, message.sender) == ("call", None)
    assert message.details["outcome"] == "missed"


def test_typing_about_a_call_is_text(written, reading_of):
    path = written("c.txt", "13/04/2023, 10:00 - Ana: missed voice call yesterday\n")

    assert reading_of(path).kinds() == ["text"]


def test_a_poll_keeps_question_and_options(written, reading_of):
    poll = f"{LEFT}POLL:\nLunch?\n{LEFT}OPTION: Yes ({LEFT}2 votes)\n{LEFT}OPTION: No (0 votes)"
    message = reading_of(written("c.txt", f"[13/04/2023, 10:00:00] Ana: {poll}\n")).messages[0]

    assert message.kind == "poll"
    assert message.details["question"] == "Lunch?"
    assert len(message.details["options"]) == 2


def test_a_pasted_line_is_a_message_and_both_neighbours_are_flagged(written, reading_of):
    path = written(
        "c.txt",
        "13/04/2023, 10:00 - Ben: I remember:\n31/12/2022, 23:59 - Ana: I agree\n"
        "13/04/2023, 10:05 - Ana: what?\n",
    )
    reading = reading_of(path)

    assert reading.senders() == ["Ben", "Ana", "Ana"]
    assert ["possible_forgery" in message.warnings for message in reading.messages] == [
        True,
        True,
        False,
    ]


def test_a_pasted_line_from_the_future_is_flagged_too(written, reading_of):
    path = written(
        "c.txt",
        "13/04/2023, 10:00 - Ben: note\n31/12/2023, 23:59 - Ana: I agree\n"
        "13/04/2023, 10:05 - Ana: what?\n",
    )

    assert "possible_forgery" in reading_of(path).messages[1].warnings


def test_a_line_of_another_layout_stays_in_the_body_and_is_flagged(written, reading_of):
    path = written("c.txt", "13/04/2023, 10:00 - Ben: note\n[13/04/2023, 10:01:02] Ana: I agree\n")
    reading = reading_of(path)

    assert reading.senders() == ["Ben"]
    assert reading.messages[0].warnings == ["header_like_line"]


@pytest.mark.parametrize(
    ("local", "utc", "warning"),
    [
        ("29/10/2023, 02:30", "2023-10-29T00:30:00Z", "ambiguous_local_time"),
        ("26/03/2023, 02:30", "2023-03-26T01:30:00Z", "nonexistent_local_time"),
    ],
)
def test_a_time_the_zone_had_twice_or_never_is_marked(local, utc, warning, written, reading_of):
    path = written("c.txt", f"{local} - Ana: hi\n")
    message = reading_of(path, timezone="Europe/Berlin").messages[0]

    assert (message.time["utc"], message.time["ambiguous"]) == (utc, True)
    assert message.warnings == [warning]


def test_lines_before_the_first_message_are_unparsed_rows(written, reading_of):
    path = written("c.txt", "Exported by someone\n\n13/04/2023, 10:00 - Ana: hi\n")
    reading = reading_of(path)

    assert reading.kinds() == ["unparsed", "text"]
    assert reading.ends[0].unparsed_count == 1


def test_bytes_that_are_no_utf8_stay_exact_in_the_source_text(written, reading_of):
    line = b"13/04/2023, 10:00 - Ana: caf\xe9 \xff\n"
    message = reading_of(written("c.txt", line)).messages[0]

    assert message.source_text == {"hex": line.hex()}
    assert message.body == "caf\ufffd \ufffd"
    assert message.warnings == ["invalid_utf8"]


def test_a_very_long_line_is_read_in_bounded_rows(written, reading_of):
    path = written("c.txt", "13/04/2023, 10:00 - Ana: " + "x" * 9_000_000 + "\n")
    reading = reading_of(path)

    assert reading.messages[0].kind == "text"
    assert {message.kind for message in reading.messages[1:]} == {"unparsed"}
    assert all(int(message.source["length"]) <= 4 << 20 for message in reading.messages)


def test_an_archive_gives_its_attachments_with_hash_and_names_what_nobody_mentions(
    tmp_path, reading_of
):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(
            "_chat.txt",
            f"[13/04/2023, 10:00:00] Ana: {LEFT}<attached: 1-PHOTO.jpg>\r\n"
            f"[13/04/2023, 10:00:01] Ana: {LEFT}<attached: gone.jpg>\r\n"
            "[13/04/2023, 10:00:02] Ben: own-word.pdf (something else)\r\n",
        )
        file.writestr("1-PHOTO.jpg", b"abc")
        file.writestr("own-word.pdf", b"")
        file.writestr("stray.mp4", b"x")
    path = tmp_path / "WhatsApp Chat - Ana & Ben.zip"
    path.write_bytes(buffer.getvalue())

    reading = reading_of(path)

    first, second, third = (message.attachments[0] for message in reading.messages)
    assert (first["included"], first["size"], first["member"]) == (True, 3, "1-PHOTO.jpg")
    assert str(first["sha256"]).startswith("ba7816bf")
    assert (second["included"], third["included"]) == (False, True)
    assert [w.where for w in reading.ends[0].warnings if w.code == "member_not_referenced"] == [
        "stray.mp4"
    ]
    assert reading.starts[0].title == "Ana & Ben"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("WhatsApp Chat with Ana.txt", "Ana"),
        ("WhatsApp Chat with Ana (2).txt", "Ana"),
        ("与张三的 WhatsApp 聊天.txt", "张三"),
        ("與張三的WhatsApp對話.txt", "張三"),
        ("WhatsApp Chat mit Ana.txt", "Ana"),
        ("Chat de WhatsApp con Ana.txt", "Ana"),
        ("_chat.txt", None),
    ],
)
def test_the_title_comes_from_the_name_of_the_file(name, title, written, reading_of):
    reading = reading_of(written("x", "13/04/2023, 10:00 - Ana: hi\n"), name)

    assert reading.starts[0].title == title


def test_the_stated_owner_gives_every_row_its_direction(written, reading_of):
    path = written("c.txt", "13/04/2023, 10:00 - Ana: hi\n13/04/2023, 10:00 - Ben: ho\n")
    reading = reading_of(path, owner="Ben")

    assert [message.direction for message in reading.messages] == ["in", "out"]
    assert [person.is_owner for person in reading.ends[0].participants] == [False, True]
    assert "owner_not_found" in reading_of(path, owner="Eve").codes()
