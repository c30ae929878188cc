"""Write the sample exports."""

from __future__ import annotations

import csv
import io
import json
import struct
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

TELEGRAM = "sample-telegram.zip"
WECHAT = "sample-wechat.csv"
OWNER = "Lin Yue 林月"
OTHER = "Omar Haddad"
TIMEZONE = "Asia/Shanghai"
"""The WeChat export carries no zone; this is what its owner would state."""

_START = datetime(2026, 3, 2, 1, 15, tzinfo=UTC)
_SHOWN = timedelta(hours=8)


def build(folder: Path) -> list[Path]:
    """Write both samples into ``folder`` and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    telegram, wechat = folder / TELEGRAM, folder / WECHAT
    telegram.write_bytes(telegram_zip())
    wechat.write_bytes(wechat_csv())
    return [telegram, wechat]


def telegram_zip() -> bytes:
    """Return a Telegram Desktop export of one chat, as a ZIP with its media."""
    export = {
        "name": OTHER,
        "type": "personal_chat",
        "id": 5550001,
        "messages": [_telegram(number, row) for number, row in enumerate(_TELEGRAM, start=101)],
    }
    members = {
        "result.json": json.dumps(export, ensure_ascii=False, indent=1).encode(),
        "photos/photo_1@02-03-2026.jpg": receipt_picture(),
        "voice_messages/audio_1@02-03-2026.ogg": silent_voice_note(seconds=4),
        "files/loan-agreement.txt": (
            "Loan agreement / 借款协议\n\nLender / 出借人: Lin Yue 林月\nBorrower / 借款人: Omar Haddad\n"
            "Amount / 金额: CNY 48,000.00\nDue / 还款日: 2026-06-30\n"
        ).encode(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, (2026, 3, 20, 9, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


_TELEGRAM: list[tuple[int, bool, dict[str, Any]]] = [
    (
        0,
        True,
        {"text": "Good morning Omar. As agreed I can lend you 48,000 yuan until the end of June."},
    ),
    (2, False, {"text": "Good morning! Thank you, that saves my shop. 非常感谢 🙏🏽"}),
    (3, False, {"text": "إن شاء الله سأعيد المبلغ كاملاً قبل 30 يونيو 2026."}),
    (5, True, {"text": "I will trust your word. 我把协议发给你，请你看一下。"}),
    (
        6,
        True,
        {
            "text": "",
            "file": "files/loan-agreement.txt",
            "file_name": "loan-agreement.txt",
            "mime_type": "text/plain",
        },
    ),
    (
        14,
        False,
        {
            "text": "Read it. I agree to everything, also to 30 June.",
            "reply_to_message_id": 105,
        },
    ),
    (
        31,
        True,
        {
            "text": "转账凭证在这里。 Here is the bank slip.",
            "photo": "photos/photo_1@02-03-2026.jpg",
            "width": 640,
            "height": 400,
        },
    ),
    (
        36,
        False,
        {
            "text": "Received, 48,000.00 CNY. 👍",
            "edited_after": 2,
        },
    ),
    (
        37,
        False,
        {
            "text": "",
            "file": "voice_messages/audio_1@02-03-2026.ogg",
            "media_type": "voice_message",
            "mime_type": "audio/ogg",
            "duration_seconds": 4,
        },
    ),
    (60 * 24 * 95, True, {"text": "Omar, 还有一个月就到期了。Is everything on track? 👨‍👩‍👧‍👦☎️🇨🇳"}),
    (60 * 24 * 95 + 44, False, {"text": "Yes, do not worry. 我会按时还的。"}),
]
"""Minutes after the start, whether the owner speaks, and what is special about the message."""


def _telegram(number: int, row: tuple[int, bool, dict[str, Any]]) -> dict[str, Any]:
    minutes, mine, special = row
    at = _START + timedelta(minutes=minutes)
    message: dict[str, Any] = {
        "id": number,
        "type": "message",
        "date": (at + _SHOWN).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(int(at.timestamp())),
        "from": OWNER if mine else OTHER,
        "from_id": "user7770001" if mine else "user5550001",
    }
    rest = dict(special)
    edited_after = rest.pop("edited_after", None)
    if edited_after is not None:
        edited = at + timedelta(minutes=edited_after)
        message["edited"] = (edited + _SHOWN).strftime("%Y-%m-%dT%H:%M:%S")
        message["edited_unixtime"] = str(int(edited.timestamp()))
    text = rest["text"]
    entities = [{"type": "plain", "text": text}] if text else []
    return message | rest | {"text_entities": entities}


def wechat_csv() -> bytes:
    """Return a WeChatMsg 2.x export of one chat."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["消息ID", "类型", "发送人", "时间", "内容", "备注", "昵称", "更多信息"])
    for number, (at, kind, sender, content) in enumerate(_WECHAT, start=1):
        writer.writerow([f"48210000{number:04d}", kind, sender, at, content, "", sender, "more"])
    return out.getvalue().encode("utf-8-sig")


_WECHAT = [
    ("2026-07-01 09:02:11", "文本", OWNER, "Omar，昨天是 6 月 30 日，我没有收到还款。"),
    ("2026-07-01 09:40:53", "文本", OTHER, "Sorry, the shop had a bad month. 先还你 3000 好吗？"),
    ("2026-07-01 09:41:20", "转账", OTHER, "[转账] 3000.00 元"),
    ("2026-07-01 10:05:00", "引用消息", OWNER, "收到 3000 元，还差 45000 元。什么时候能还？"),
    ("2026-07-01 10:06:37", "系统消息", OTHER, '"Omar Haddad" 撤回了一条消息'),
    ("2026-07-01 10:07:15", "文本", OTHER, "End of August, I promise. 八月底之前一定还清。"),
    ("2026-07-01 10:08:02", "文本", OWNER, "好，我记下来了。😐"),
]


def receipt_picture() -> bytes:
    """Return a small JPEG that looks like a bank slip."""
    picture = Image.new("RGB", (640, 400), (250, 248, 242))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((20, 20, 620, 380), outline=(60, 60, 60), width=2)
    draw.rectangle((20, 20, 620, 70), fill=(32, 74, 110))
    for line, text in enumerate(
        (
            "TRANSFER SLIP",
            "",
            "From:    LIN YUE",
            "To:      OMAR HADDAD",
            "Amount:  CNY 48,000.00",
            "Date:    2026-03-02 09:44",
            "Status:  COMPLETED",
        )
    ):
        colour = (255, 255, 255) if line == 0 else (30, 30, 30)
        draw.text((40, 36 + 44 * line), text, fill=colour, font_size=22)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def silent_voice_note(*, seconds: int) -> bytes:
    """Return an Ogg Opus file of silence (RFC 7845; frames of 20 ms)."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 4) + b"none" + struct.pack("<I", 0)
    frames = [b"\xf8\xff\xfe"] * (50 * seconds)
    pages = [_ogg_page([head], 0, 0, 0x02), _ogg_page([tags], 0, 1, 0)]
    for number, at in enumerate(range(0, len(frames), 50), start=2):
        last = at + 50 >= len(frames)
        granule = (at + 50) * 960
        pages.append(_ogg_page(frames[at : at + 50], granule, number, 0x04 if last else 0))
    return b"".join(pages)


def _ogg_page(packets: list[bytes], granule: int, number: int, flags: int) -> bytes:
    lacing = bytes(len(packet) for packet in packets)
    header = struct.pack("<4sBBqIII", b"OggS", 0, flags, granule, 1, number, 0)
    page = header + bytes([len(lacing)]) + lacing + b"".join(packets)
    return page[:22] + struct.pack("<I", _ogg_crc(page)) + page[26:]


def _ogg_crc(data: bytes) -> int:
    """Return the checksum of an Ogg page: CRC-32 with polynomial 0x04C11DB7, not reflected."""
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7) & 0xFFFFFFFF if crc & 0x80000000 else crc << 1
    return crc & 0xFFFFFFFF
