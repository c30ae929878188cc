"""WeChat as three exporters write it, also after a spreadsheet or a wrong encoding."""

from __future__ import annotations

import csv
import io

import pytest

WECHATMSG = ["消息ID", "类型", "发送人", "时间", "内容", "备注", "昵称", "更多信息"]
V1 = ["localId", "TalkerId", "Type", "SubType", "IsSender", "CreateTime", "Status", "StrContent",
      "StrTime", "Remark", "NickName", "Sender"]  # fmt: skip
PYWXDUMP = ["id", "MsgSvrID", "type_name", "is_sender", "talker", "room_name", "msg", "src",
            "CreateTime"]  # fmt: skip


def table(header: list[str], *rows: list[str], end: str = "\r\n") -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator=end).writerows([header, *rows])
    return buffer.getvalue()


@pytest.fixture
def rows_of(written, reading_of):
    def read(*cells: tuple[str, str]):
        rows = [["1", kind, "张三", "2024-10-04 11:42:05", text, "", "", "more"]
                for kind, text in cells]  # fmt: skip
        return reading_of(written("张三.csv", "\ufeff" + table(WECHATMSG, *rows))).messages

    return read


def test_a_wechatmsg_export_is_one_conversation(written, reading_of):
    text = table(
        WECHATMSG,
        ["1", "文本", "张三", "2024-10-04 11:42:05", '两行\n第"二"行, 完', "老张", "张三", "more"],
        ["2", "文本", "我", "2024-10-04 11:42:09", "好", "", "", "more"],
    )
    reading = reading_of(written("张三.csv", "\ufeff" + text), timezone="Asia/Shanghai", owner="我")

    assert reading.examination.format == "wechat_csv_wechatmsg"
    assert reading.starts[0].title == "张三"
    assert reading.bodies() == ['两行\n第"二"行, 完', "好"]
    assert reading.utc()[0] == "2024-10-04T03:42:05Z"
    assert [message.direction for message in reading.messages] == ["in", "out"]
    assert reading.messages[0].time_raw == "2024-10-04 11:42:05"


def test_a_pywxdump_export_of_two_conversations_is_two_series(written, reading_of):
    path = written("all.csv", table(
        PYWXDUMP,
        ["1", "111", "文本", "0", "wxid_a", "5@chatroom", "hi", "", "2024-10-04 11:42:05"],
        ["2", "112", "文本", "1", "wxid_me", "wxid_b", "hello", "", "2024-10-04 11:42:06"],
        ["3", "113", "图片", "0", "wxid_c", "5@chatroom", "", "x\\y\\a.jpg", "2024-10-04 11:42:07"],
        end="\n",
    ))  # fmt: skip
    reading = reading_of(path)

    assert reading.examination.format == "wechat_csv_pywxdump"
    assert [start.platform_id for start in reading.starts] == ["5@chatroom", "wxid_b"]
    assert [end.message_count for end in reading.ends] == [2, 1]
    assert [message.direction for message in reading.messages] == ["in", "in", "out"]
    assert reading.messages[1].attachments[0]["name"] == "a.jpg"
    assert reading.messages[1].attachments[0]["included"] is False


def test_wechatmsg_1_states_epoch_times_and_needs_no_answer(written, reading_of):
    path = written("messages.csv", table(
        V1,
        ["1", "3", "1", "0", "1", "1728013325", "2", "你好", "2024-10-04 11:42:05", "老张", "", "w"],
        ["2", "3", "10000", "0", "0", "1728013326", "2", "以上是打招呼的内容", "", "老张", "", ""],
    ))  # fmt: skip
    reading = reading_of(path)

    assert reading.messages[0].time == {
        "utc": "2024-10-04T03:42:05Z", "offset": "+08:00", "zone": None, "basis": "epoch",
        "precision": "second", "ambiguous": False,
    }  # fmt: skip
    assert reading.kinds() == ["text", "system"]
    assert reading.starts[0].title == "老张"


def test_what_a_spreadsheet_destroyed_is_marked(written, reading_of):
    path = written("a.csv", table(
        PYWXDUMP,
        ["1", "7.43E+18", "文本", "0", "wxid_a", "wxid_a", "FALSE", "", "2024/10/4 11:42"],
        ["2", "7.43E+18", "文本", "0", "wxid_a", "wxid_a", "2.0156416", "", "2024/10/4 11:42"],
        ["3", "7429031415926535897", "文本", "0", "wxid_a", "wxid_a", "FALSE", "",
         "2024-10-04 11:42:05"],
    ))  # fmt: skip
    reading = reading_of(path)

    assert [message.warnings for message in reading.messages[:2]] == [
        ["excel_damaged_id", "excel_damaged_text"],
        ["excel_damaged_id", "excel_damaged_text"],
    ]
    assert reading.messages[2].warnings == []
    assert reading.messages[0].time["precision"] == "minute"
    assert {"excel_damaged_id", "excel_damaged_text"} <= reading.codes()


def test_a_file_in_gb18030_is_read_with_a_warning(written, reading_of):
    text = table(WECHATMSG, ["1", "文本", "张三", "2024-10-04 11:42:05", "你好", "", "", ""])
    reading = reading_of(written("a.csv", text.encode("gb18030")))

    assert reading.bodies() == ["你好"]
    assert "encoding_assumed_gb18030" in reading.codes()
    assert set(reading.messages[0].source_text) == {"hex"}


def test_text_that_went_through_the_wrong_encoding_is_marked(rows_of):
    garbled = "你好世界你好".encode().decode("gbk")
    (row,) = rows_of(("文本", garbled))

    assert row.warnings == ["possible_mojibake"]
    assert row.body == garbled


APP = "<msg><appmsg><title>{title}</title><type>{type}</type>{more}</appmsg></msg>"


@pytest.mark.parametrize(
    ("name", "number", "more", "kind", "key"),
    [
        ("卡片式链接", 5, "<url>https://example.org</url>", "link", "url"),
        ("转账", 2000, "<wcpayinfo><feedesc>￥1.00</feedesc></wcpayinfo>", "transfer", "feedesc"),
        ("红包", 2001, "<wcpayinfo><sendertitle>祝</sendertitle></wcpayinfo>", "transfer",
         "sendertitle"),
        ("合并转发的聊天记录", 19, "<des>a: b</des>", "merged", "des"),
        ("无名", 999, "<des>x</des>", "other", "des"),
    ],
)  # fmt: skip
def test_cards_keep_their_values(name, number, more, kind, key, rows_of):
    (row,) = rows_of((name, APP.format(title="t", type=number, more=more)))

    assert row.kind == kind
    assert row.details[key]


def test_a_quote_keeps_what_it_quotes(rows_of):
    refer = ("<refermsg><svrid>77</svrid><displayname>我</displayname>"
             "<content>早</content></refermsg>")  # fmt: skip
    (row,) = rows_of(("引用", APP.format(title="好的", type=57, more=refer)))

    assert (row.kind, row.body) == ("text", "好的")
    assert row.reply_to == {"platform_id": "77", "sequence": None, "quote": "我: 早"}


def test_a_file_names_itself_and_its_size(rows_of):
    more = "<appattach><totallen>33</totallen></appattach>"
    (row,) = rows_of(("文件", APP.format(title="a.pdf", type=6, more=more)))

    assert (row.kind, row.attachments[0]["name"]) == ("file", "a.pdf")
    assert row.attachments[0]["declared_size"] == "33"


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ('"张三" 撤回了一条消息', "张三"),
        ("你撤回了一条消息", "你"),
        ("<sysmsg type='revokemsg'><revokemsg><newmsgid>5</newmsgid>"
         "<replacemsg><![CDATA[\"张三\" 撤回了一条消息]]></replacemsg></revokemsg></sysmsg>", "张三"),
    ],
)  # fmt: skip
def test_a_recall_names_who_recalled(text, by, rows_of):
    (row,) = rows_of(("系统消息", text))

    assert (row.kind, row.deletion) == ("recalled", {"by": by, "time_raw": None})


def test_a_template_nobody_filled_in_is_marked(rows_of):
    (row,) = rows_of(("系统消息", "$username$邀请$names$加入了群聊"))

    assert row.system["template"] == "member_added"
    assert row.warnings == ["template_not_expanded"]


@pytest.mark.parametrize(
    "xml",
    [
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><msg>&b;</msg>',
        '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><msg>&a;</msg>',
        "<msg><appmsg>",
        "<msg>" * 2000 + "</msg>" * 2000,
        "<msg>&nope;</msg>",
        "<msg>\x01</msg>",
    ],
)
def test_xml_that_is_hostile_or_broken_stays_text(xml, rows_of):
    (row,) = rows_of(("分享链接", xml))

    assert (row.kind, row.body) == ("link", xml)
    assert row.warnings == ["unreadable_xml"]


def test_a_group_member_before_the_xml_is_found(written, reading_of):
    msg = "wxid_x:\n<msg><img length='5' md5='a'/></msg>"
    path = written("a.csv", table(PYWXDUMP, [
        "1", "1", "图片", "0", "5@chatroom", "5@chatroom", msg, "", "2024-10-04 11:42:05",
    ]))  # fmt: skip

    assert reading_of(path).messages[0].sender["id"] == "wxid_x"


def test_rows_that_do_not_fit_the_columns_are_unparsed_not_dropped(written, reading_of):
    text = table(WECHATMSG, ["1", "文本", "张", "2024-10-04 11:42:05", "a", "", "", ""])
    text += 'short,row\r\n\r\n2,文本,张,2024-10-04 11:42:06,"never closed\r\n3,x\r\n'
    reading = reading_of(written("a.csv", text))

    assert reading.kinds()[0] == "text"
    assert set(reading.kinds()[1:]) == {"unparsed"}


def test_an_order_two_readings_fit_is_asked(written, reading_of):
    path = written(
        "a.csv", table(WECHATMSG, ["1", "文本", "张", "3/4/2024 11:42", "a", "", "", ""])
    )
    reading = reading_of(path, date_order="mdy", timezone="UTC")

    assert reading.examination.survey.date_orders == ("dmy", "mdy")
    assert reading.utc() == ["2024-03-04T11:42:00Z"]
    assert reading.starts[0].date_order_basis == "stated"
