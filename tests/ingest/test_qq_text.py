"""QQ's message manager export and what looks like it inside messages."""

from __future__ import annotations

import pytest

RULE = "=" * 64
BANNER = "消息记录（此消息记录为文本格式，不支持重新导入）\n\n"


def block(name: str, group: str = "我的好友") -> str:
    return f"{RULE}\n消息分组:{group}\n{RULE}\n消息对象:{name}\n{RULE}\n\n"


def test_each_partner_is_one_series(written, reading_of):
    text = (
        BANNER
        + block("番茄")
        + "2017-08-29 20:28:30 番茄\n你好\n\n2017-08-29 20:28:31 我\n在\n\n"
        + block("大群", "我的QQ群")
        + "2019-07-16 18:15:05 【管理员】昵称(12345678)\nhi\n\n"
    )
    reading = reading_of(written("记录.txt", "\ufeff" + text.replace("\n", "\r\n")))

    assert [start.title for start in reading.starts] == ["番茄", "大群"]
    assert [start.conversation_type for start in reading.starts] == ["direct", "group"]
    assert [end.message_count for end in reading.ends] == [2, 1]
    assert reading.bodies() == ["你好", "在", "hi"]
    assert reading.senders() == ["番茄", "我", "昵称"]
    assert reading.ends[1].participants[0].details == {"group_title": "管理员"}


def test_an_empty_partner_between_two_others_is_structure(written, reading_of):
    text = (
        BANNER
        + block("甲")
        + "2017-08-29 20:28:30 甲\na\n\n"
        + block("乙")
        + block("丙")
        + "2017-08-29 20:28:30 丙\nc\n\n"
    )
    reading = reading_of(written("a.txt", text))

    assert [start.title for start in reading.starts] == ["甲", "丙"]


@pytest.mark.parametrize(
    ("header", "name", "number", "utc"),
    [
        ("2019-07-16 18:15:05 昵称(12345678)", "昵称", "12345678", "2019-07-16T10:15:05Z"),
        ("2019-07-16 18:15:05 a (b)(12345678)", "a (b)", "12345678", "2019-07-16T10:15:05Z"),
        ("2019-07-16 18:15:05 名<a@b.com>", "名", "a@b.com", "2019-07-16T10:15:05Z"),
        ("2019-09-23 8:43:38 PM 骰娘(87200175)", "骰娘", "87200175", "2019-09-23T12:43:38Z"),
        ("2019-09-23 12:00:38 AM 骰娘(87200175)", "骰娘", "87200175", "2019-09-22T16:00:38Z"),
        ("2019-09-23 8:43:38 番茄", "番茄", None, "2019-09-23T00:43:38Z"),
    ],
)
def test_each_header_shape_is_read(header, name, number, utc, written, reading_of):
    path = written("a.txt", BANNER + block("x") + f"{header}\nhi\n\n")
    reading = reading_of(path, timezone="Asia/Shanghai")

    assert reading.messages[0].sender == {"key": "p1", "name": name, "id": number}
    assert reading.utc() == [utc]


def test_a_date_in_a_body_opens_no_message(written, reading_of):
    path = written("a.txt", "2019-07-16 18:15:05 A(123123)\n2006-01-02 15:04:05\nx\n\n")

    assert reading_of(path).bodies() == ["2006-01-02 15:04:05\nx"]


def test_a_header_without_an_empty_line_before_it_stays_inside_and_is_marked(written, reading_of):
    path = written(
        "a.txt",
        "2019-07-16 18:15:05 A(123123)\nx\n2019-07-16 18:15:06 B(456456)\ny\n\n"
        "2019-07-16 18:15:07 B(456456)\nz\n\n",
    )
    reading = reading_of(path)

    assert reading.senders() == ["A", "B"]
    assert reading.messages[0].warnings == ["header_like_line"]


def test_a_copy_that_lost_all_empty_lines_is_still_read(written, reading_of):
    path = written("a.txt", "2019-07-16 18:15:05 A(123123)\nx\n2019-07-16 18:15:06 B(456456)\ny\n")

    assert reading_of(path).senders() == ["A", "B"]


def test_pictures_are_attachments_that_are_not_included(written, reading_of):
    path = written(
        "a.txt",
        "2019-07-16 18:15:05 A(123123)\n[图片][图片]\n\n2019-07-16 18:15:06 A(123123)\na[图片]\n\n",
    )
    reading = reading_of(path)

    assert reading.kinds() == ["image", "text"]
    assert [len(message.attachments) for message in reading.messages] == [2, 1]
    assert not any(a["included"] for m in reading.messages for a in m.attachments)


@pytest.mark.parametrize(
    ("body", "kind"), [("张三撤回了一条消息", "recalled"), ("李四加入本群。", "system")]
)
def test_the_system_account_speaks_in_system_rows(body, kind, written, reading_of):
    path = written("a.txt", f"2019-07-16 18:15:05 系统消息(10000)\n{body}\n\n")
    reading = reading_of(path)

    assert (reading.kinds(), reading.senders()) == ([kind], [None])


def test_rules_inside_a_message_that_name_no_partner_stay_in_it(written, reading_of):
    body = f"a\n\n{RULE}\nnot a header\n{RULE}\nb"
    path = written("a.txt", f"2019-07-16 18:15:05 A(123123)\n{body}\n\n")

    assert reading_of(path).bodies() == [body]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "gb18030", "utf-8"])
def test_older_encodings_are_read_byte_for_byte(encoding, written, reading_of):
    text = BANNER + block("番茄") + "2017-08-29 20:28:30 番茄(12345)\r\n上\n\u0a0a\n\n"
    data = text.encode(encoding)
    path = written("a.txt", b"\xfe\xff" + data if encoding == "utf-16-be" else data)

    assert reading_of(path).bodies() == ["上\n\u0a0a"]
