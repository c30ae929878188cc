"""Telegram Desktop's JSON: single chats, whole accounts, and what its fields do not mean."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from evidence.errors import IngestRefused
from evidence.formats import canonical
from evidence.ingest import examine

NOT_INCLUDED = "(File not included. Change data exporting settings to download.)"


def message(number: int = 1, **fields: object) -> dict[str, object]:
    return {
        "id": number,
        "type": "message",
        "date": "2023-04-13T12:00:00",
        "date_unixtime": "1681380000",
        "from": "Ana",
        "from_id": "user1",
        "text": "hi",
        **fields,
    }


def chat(*messages: object, **head: object) -> str:
    shown = {"name": "Ana", "type": "personal_chat", "id": 1, **head, "messages": list(messages)}
    return json.dumps(shown, ensure_ascii=False, indent=1)


@pytest.fixture
def rows_of(written, reading_of):
    def read(*messages, **head):
        return reading_of(written("result.json", chat(*messages, **head))).messages

    return read


def test_text_in_parts_is_joined_and_hidden_links_are_kept(rows_of):
    parts = ["see ", {"type": "bold", "text": "this"}, {
        "type": "text_link", "text": " page", "href": "https://example.org",
    }]  # fmt: skip
    (row,) = rows_of(message(text=parts))

    assert row.body == "see this page"
    assert row.details["links"] == [{"text": " page", "href": "https://example.org"}]


def test_epoch_time_is_the_basis_and_the_local_string_gives_the_offset(rows_of):
    (row,) = rows_of(message())

    assert row.time == {
        "utc": "2023-04-13T10:00:00Z",
        "offset": "+02:00",
        "zone": None,
        "basis": "epoch",
        "precision": "second",
        "ambiguous": False,
    }
    assert row.time_raw == "2023-04-13T12:00:00"


def test_a_local_string_that_contradicts_the_epoch_is_marked(rows_of):
    (row,) = rows_of(message(date="2023-04-13T12:07:00"))

    assert row.warnings == ["time_fields_disagree"]
    assert row.time["offset"] == "+00:00"


def test_an_edit_beside_reactions_is_not_believed(rows_of):
    edited = {"edited": "2023-04-13T12:05:00", "edited_unixtime": "1681380300"}
    reactions = [{"type": "emoji", "count": 2, "emoji": "👍", "recent": [
        {"from": "Ben", "from_id": "user2", "date": "2023-04-13T12:05:00"},
    ]}]  # fmt: skip
    plain, reacted = rows_of(message(1, **edited), message(2, **edited, reactions=reactions))

    assert plain.edits == [
        {"time_raw": "2023-04-13T12:05:00", "utc": "2023-04-13T10:05:00Z", "previous": None}
    ]
    assert plain.warnings == []
    assert reacted.warnings == ["edited_flag_unreliable"]
    assert reacted.reactions == [{"emoji": "👍", "count": 2, "senders": ["Ben"]}]


def test_replies_point_to_their_row_and_forwards_to_their_source(rows_of):
    _, reply, lost, forward = rows_of(
        message(5),
        message(6, reply_to_message_id=5),
        message(7, reply_to_message_id=4),
        message(8, forwarded_from="Eve"),
    )

    assert reply.reply_to == {"platform_id": "5", "sequence": 1, "quote": None}
    assert lost.reply_to == {"platform_id": "4", "sequence": None, "quote": None}
    assert forward.forward == {"from": "Eve", "time_raw": None}


@pytest.mark.parametrize("number", [10**30, -(10**30), 1 << 63, -(1 << 63)])
def test_a_number_larger_than_any_machine_counts_is_a_row_like_others(number, rows_of):
    first, second, reply = rows_of(
        message(number), message(5), message(6, reply_to_message_id=number)
    )

    assert (first.body, second.body) == ("hi", "hi")
    assert reply.reply_to == {"platform_id": str(number), "sequence": None, "quote": None}


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"photo": NOT_INCLUDED}, "image"),
        ({"file": NOT_INCLUDED, "media_type": "voice_message", "duration_seconds": 3}, "voice"),
        ({"file": NOT_INCLUDED, "media_type": "video_message"}, "video"),
        ({"file": NOT_INCLUDED, "media_type": "sticker", "sticker_emoji": "🙂"}, "sticker"),
        ({"file": NOT_INCLUDED, "mime_type": "application/pdf", "file_name": "a.pdf"}, "file"),
    ],
)
def test_media_left_out_is_named_and_not_included(fields, kind, rows_of):
    (row,) = rows_of(message(text="", **fields))

    assert row.kind == kind
    assert row.attachments[0]["included"] is False
    assert row.attachments[0]["name"] == fields.get("file_name")


@pytest.mark.parametrize(
    ("fields", "kind", "key", "value"),
    [
        ({"location_information": {"latitude": 52.50, "longitude": 13.4}}, "location", "latitude",
         "52.5"),
        ({"contact_information": {"first_name": "B", "phone_number": "+49"}}, "contact",
         "phone_number", "+49"),
        ({"poll": {"question": "Q", "closed": False, "answers": [{"text": "A", "voters": 1}]}},
         "poll", "question", "Q"),
    ],
)  # fmt: skip
def test_places_contacts_and_polls_keep_their_values_as_written(fields, kind, key, value, rows_of):
    (row,) = rows_of(message(text="", **fields))

    assert (row.kind, row.details[key]) == (kind, value)


def test_a_number_is_kept_as_the_source_spells_it(written, reading_of):
    text = chat(message(text="", location_information={"latitude": 0, "longitude": 1}))
    path = written("result.json", text.replace('"latitude": 0', '"latitude": 52.5000'))

    assert reading_of(path).messages[0].details["latitude"] == "52.5000"


def test_service_rows_keep_actor_action_and_values(rows_of):
    call, joined = rows_of(
        message(1, type="service", actor="Ana", actor_id="user1", action="phone_call",
                duration_seconds=56, discard_reason="hangup", text=""),
        message(2, type="service", actor="Ana", actor_id="user1", action="invite_members",
                members=["Ben", None], text=""),
    )  # fmt: skip

    assert (call.kind, call.details["discard_reason"]) == ("call", "hangup")
    assert joined.system["template"] == "invite_members"
    assert joined.system["values"]["members"] == ["Ben", None]
    assert joined.sender["id"] == "user1"


def test_keys_that_mean_something_to_the_canonical_form_are_renamed(written, reading_of):
    row = message(type="service", action="x", extra={"wtf8": "61"}, wtf8={"\ud800": 1})
    (found,) = reading_of(written("result.json", json.dumps({"messages": [row]}))).messages

    assert found.system["values"]["extra"] == {"wtf8_": "61"}
    assert found.system["values"]["wtf8"] == {"\ufffd": "1"}
    canonical.dumps(found.system)


def test_a_deleted_account_is_a_participant_without_name(rows_of, written, reading_of):
    reading = reading_of(written("result.json", chat(message(**{"from": None}))))

    assert reading.messages[0].sender == {"key": "p1", "name": "user1", "id": "user1"}


def test_one_person_under_two_names_is_one_participant(written, reading_of):
    reading = reading_of(written("result.json", chat(message(), message(2, **{"from": "Anna"}))))

    (person,) = reading.ends[0].participants
    assert person.names == ("Ana", "Anna")
    assert reading.senders() == ["Ana", "Anna"]


def account(*chats: object, **more: object) -> str:
    return json.dumps(
        {
            "about": "Here is the data you requested.",
            "personal_information": {"user_id": 9, "first_name": "Me", "last_name": "Self"},
            "contacts": {"list": [{"first_name": "Ana"}]},
            "chats": {"about": "…", "list": list(chats)},
            **more,
        },
        indent=1,
    )


def test_an_account_gives_one_series_for_each_chat_and_knows_its_owner(written, reading_of):
    first = json.loads(chat(message(), message(2, from_id="user9", **{"from": "Me Self"})))
    empty = {"name": "E", "type": "private_group", "id": 3, "messages": []}
    group = json.loads(chat(message(), name="G", type="private_group", id=2))
    left = json.loads(chat(message(), name="L", type="public_channel", id=4))
    path = written("result.json", account(first, empty, group, left_chats={"list": [left]}))

    reading = reading_of(path)

    assert [start.title for start in reading.starts] == ["Ana", "G", "L"]
    assert [start.conversation_type for start in reading.starts] == [
        "direct",
        "group",
        "channel",
    ]
    assert [end.message_count for end in reading.ends] == [2, 1, 1]
    assert (reading.starts[0].owner_name, reading.starts[0].owner_id) == ("Me Self", "user9")
    assert [message.direction for message in reading.messages][:2] == ["in", "out"]
    assert len({start.identity for start in reading.starts}) == 3
    named = {w.where for w in reading.ends[0].warnings if w.code == "account_data_not_in_rows"}
    assert named == {"about", "personal_information", "contacts"}


def test_a_field_of_a_chat_nobody_knows_is_an_unparsed_row(written, reading_of):
    text = chat(message())
    text = text.replace('"messages"', '"secret": {"a": [1]},\n "messages"')
    text = text[:-1] + ', "more": "x"}'
    reading = reading_of(written("result.json", text))

    assert reading.kinds() == ["unparsed", "text", "unparsed"]
    assert reading.bodies()[0] == '"secret": {"a": [1]}'
    assert reading.bodies()[2] == '"more": "x"'


def test_name_and_id_behind_the_messages_are_found(written, reading_of):
    text = json.dumps({"messages": [message()], "id": 7, "name": "Late", "type": "bot_chat"})

    start = reading_of(written("result.json", text)).starts[0]

    assert (start.title, start.platform_id, start.identity) == ("Late", "7", "telegram:user:7")


@pytest.mark.parametrize(
    "damage",
    [
        '{"id": 2, "type": "message", "date_unixtime": "1", "text": "cut',
        '{"id": 2, "text": bad}',
        "garbage",
        "}",
        '{"id": 2, "text": "\x00\x01"',
        "[" * 5000,
        "[" * 5000 + "]" * 5000,
        '{"a":' * 3000 + "1" + "}" * 3000,
        "1" * 5000,
        '"just text"',
        "null",
    ],
)
def test_damage_among_the_messages_loses_neither_bytes_nor_the_rest(damage, written, reading_of):
    text = chat(message(1, text="before")).rstrip("}\n] ") + "}," + damage + "\n]}"

    reading = reading_of(written("result.json", text))

    assert reading.bodies()[0] == "before"
    assert "unparsed" in reading.kinds()


def test_half_a_surrogate_pair_in_a_body_is_kept_and_in_a_name_replaced(written, reading_of):
    text = chat(message()).replace('"hi"', '"a\\ud83d"').replace('"Ana"', '"A\\udc00"')
    reading = reading_of(written("result.json", text))

    assert reading.bodies() == ["a\ud83d"]
    assert reading.senders() == ["A\ufffd"]
    assert reading.starts[0].title == "A\ufffd"


def test_slices_are_whole_objects_in_bytes_not_characters(written, reading_of):
    path = written("result.json", chat(message(text="日本語 👀"), message(2)))
    content = path.read_bytes()

    for row in reading_of(path).messages:
        start, length = int(row.source["offset"]), int(row.source["length"])
        assert json.loads(content[start : start + length])["id"] == row.sequence
        assert row.source_text == content[start : start + length].decode()


def test_files_of_an_archived_export_are_found_beside_the_json(tmp_path, reading_of):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("Export/result.json", chat(message(photo="photos/a.jpg", text="")))
        file.writestr("Export/photos/a.jpg", b"abc")
    path = tmp_path / "export.zip"
    path.write_bytes(buffer.getvalue())

    (row,) = reading_of(path).messages

    assert row.attachments[0]["member"] == "Export/photos/a.jpg"
    assert row.source["file"] == "Export/result.json"


def test_the_name_of_the_file_does_not_matter(written, reading_of):
    assert reading_of(written("export.txt", chat(message(), message(2)))).kinds() == ["text"] * 2


def test_an_export_without_any_message_is_refused(written):
    path = written("result.json", chat())

    with pytest.raises(IngestRefused) as refused:
        examine(path, path.name)

    assert refused.value.code == "no_messages"
