"""Exhibits for the tests and the bench: complete, small, every field filled."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from PIL import Image

from evidence.render.exhibit import (
    Acquisition,
    AttachmentFile,
    Bates,
    CustodyLine,
    Deployment,
    Exhibit,
    HashLine,
    LogState,
    Matter,
    Party,
    Redacted,
    Row,
    Sibling,
    StampAuthority,
    Statement,
    Transcript,
)
from evidence.values import Message, Participant

START = datetime(2024, 2, 27, 8, 30, 5, tzinfo=UTC)
PEOPLE = {
    "p1": {"key": "p1", "name": "Alice Zhang 张敏", "id": "wxid_alice88"},
    "p2": {"key": "p2", "name": "Bob O’Brien", "id": "wxid_bob_1970"},
}


def leaf_hash(sequence: int) -> str:
    return hashlib.sha256(b"%d" % sequence).hexdigest()


def when(step: int, precision: str = "second") -> dict[str, Any]:
    moment = START + timedelta(minutes=37 * step)
    return {
        "utc": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "offset": "+08:00", "zone": "Asia/Shanghai",
        "basis": "stated_zone", "precision": precision, "ambiguous": False,
    }  # fmt: skip


def message(sequence: int, body: str | None = None, **more: Any) -> Message:
    fields: dict[str, Any] = {
        "kind": "text", "source": {"file": "", "offset": 0, "length": 1}, "source_text": body,
        "time": when(sequence), "time_raw": "2024-02-27 16:30",
        "sender": PEOPLE["p1" if sequence % 2 else "p2"],
    }  # fmt: skip
    return Message(sequence=sequence, body=body, **{**fields, **more})


def whole(item: Message, *files: AttachmentFile) -> Row:
    return Row("whole", item, leaf_hash(item.sequence), files=files)


def photo(width: int = 1600, height: int = 1200, **save: Any) -> bytes:
    image = Image.radial_gradient("L").resize((width, height))
    out = io.BytesIO()
    Image.merge("RGB", (image, image.rotate(90), image.transpose(Image.Transpose.ROTATE_180))).save(
        out, "JPEG", quality=85, **save
    )
    return out.getvalue()


def picture(name: str = "IMG_0012.jpg", data: bytes | None = None) -> tuple[dict[str, Any], Any]:
    data = data or photo()
    attachment = {
        "name": name, "kind": "image", "media_type": "image/jpeg", "declared_size": None,
        "duration": None, "included": True, "member": name, "size": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }  # fmt: skip
    return attachment, AttachmentFile(load=lambda: data, path=f"data/attachments/{name}")


def rich_rows() -> list[Row]:
    """One row of each kind a transcript can hold."""
    attachment, file = picture()
    missing = {
        **attachment,
        "included": False,
        "sha256": None,
        "size": None,
        "name": "IMG_0013.jpg",
    }
    voice = {
        **attachment, "name": "AUD-0001.opus", "kind": "voice", "media_type": "audio/ogg",
        "duration": "00:17", "size": 20480,
    }  # fmt: skip
    joined: dict[str, Any] = {"template": "member_joined", "values": {"who": "Bob O’Brien"}}
    return [
        whole(message(1, "Chat started with Bob", kind="system", sender=None, system=joined)),
        whole(message(2, "Good morning Alice. The container left Rotterdam on Friday, 23 February; "
                         "the bill of lading is attached below. Please confirm that payment of "
                         "EUR 48,250.00 will be made by Thursday.")),
        whole(message(3, "早上好。提单已收到，我方财务会在周四之前付款。请注意：合同编号 HT-2024/017，"
                         "金额为欧元48,250.00元整；如有变动，请提前“书面”通知（微信、邮件均可）。",
                      reply_to={"platform_id": None, "sequence": 2,
                                "quote": "Good morning Alice. The container left Rotterdam"})),
        whole(message(4, None, kind="image", attachments=[attachment]), file),
        whole(message(5, "看起来没问题 👍🏽 谢谢！", reactions=[
            {"emoji": "❤️", "count": 2, "senders": ["Bob O’Brien", "Alice Zhang 张敏"]}])),
        whole(message(6, None, kind="image", attachments=[missing])),
        whole(message(7, None, kind="voice", attachments=[voice]),
              AttachmentFile(load=lambda: b"OggS", path="data/attachments/AUD-0001.opus")),
        whole(message(8, "Final price: 47,900", edits=[
            {"time_raw": "17:02", "utc": None, "previous": "Final price: 48,250"}])),
        whole(message(9, None, kind="recalled", deletion={"by": "Alice Zhang", "time_raw": "17:05"})),
        Row("gap", first=10, last=21, count=12),
        Row("withheld", message(22), leaf_hash(22), reason="Personal matter without relation"),
        Row("partly", message(23, None), leaf_hash(23), frozenset({"body", "source_text"}),
            ("My number is ", Redacted(segments=11), ", call me."), "Telephone number"),
        whole(message(24, None, kind="transfer", details={
            "amount": "¥48,250.00", "status": "received", "memo": "HT-2024/017"})),
        whole(message(25, "مرحبا، المبلغ 48,250 يورو (الدفعة الأولى) شكراً لك")),
        whole(message(26, "pay\u202egnp.exe to account", warnings=["possible_forgery"])),
        whole(message(27, "𠮷野家 and 𡃁 and \ud83d lone", time=when(27, "minute"))),
        whole(message(28, "", )),
        whole(message(29, "Line one\nLine two\n\nLine four with a very long unbroken string: "
                          + "A1b2" * 60)),
        whole(message(30, "Agreed. Thank you, 谢谢你 🙏", forward={"from": "Carol", "time_raw": None})),
        whole(message(31, "Next day", time=when(300))),
    ]  # fmt: skip


def transcript(rows: Callable[[], Iterator[Row]], size: int = 31, **more: Any) -> Transcript:
    parties = tuple(
        Party(
            participant=Participant(
                key,
                (person["name"], *(["Alice (work)"] if key == "p1" else [])),
                person["id"],
                {"phone": "+86 138 0000 0000"} if key == "p1" else {},
                key == "p1",
                size // 2,
                1,
                size,
            ),
            basis="",
            stated_identity=Statement(what="Legal name", value=person["name"], by="the requester"),
        )
        for key, person in PEOPLE.items()
    )
    fields: dict[str, Any] = {
        "series": "5e1f" * 8, "title": "Bob O’Brien — 货运 HT-2024/017", "platform": "WeChat",
        "rows": rows, "size": size, "span": (1, size), "shown": size - 13, "withheld": 1, "partly": 1,
        "gaps": 1, "omitted": 12, "rule": "All messages from 2024-02-27 to 2024-03-06",
        "acquisition": "a1b2" * 8, "custodian": "Alice Zhang", "zone": "Asia/Shanghai",
        "zone_stated_by": "Alice Zhang", "first_time": START, "last_time": START + timedelta(days=8),
        "root": leaf_hash(-1), "sm3_root": "", "head_digest": leaf_hash(-2), "parties": parties,
        "siblings": (Sibling(series="77aa" * 8, description="Android export of 2024-03-02", same=18,
                             different=0, missing=0, extra=0),),
        "reasons": ("Personal matter without relation", "Telephone number"),
    }  # fmt: skip
    return Transcript(**{**fields, **more})


def exhibit(
    language: Any = "en", rows: Callable[[], Iterator[Row]] | None = None, **more: Any
) -> Exhibit:
    rows = rows or (lambda: iter(rich_rows()))
    zh = language == "zh"
    fields: dict[str, Any] = {
        "bundle_id": "0f8c2a91d4e64b7f9a3c5e7d1b2f4a68",
        "language": language,
        "created": datetime(2024, 3, 20, 9, 15, 0, tzinfo=UTC),
        "deployment": Deployment(name="TrueThread 信证" if zh else "TrueThread",
                                 origin="example.org/log/2024", trust="development",
                                 operator="Example Evidence Ltd", version="0.1"),
        "matter": Matter(
            name="恒通物流 诉 O’Brien 贸易公司" if zh else "Hengtong Logistics v O’Brien Trading",
            number="(2024)沪0115民初1234号" if zh else "HC-2024-000123",
            purpose="证明付款约定" if zh else "Proof of the agreed payment",
            authority="账号持有人书面同意" if zh else "Written consent of the account holder",
            requester="王律师（示例律师事务所）" if zh else "Jane Doe, Example LLP",
            object_of_proof="双方约定于周四前付款" if zh else
            "That the parties agreed on payment by Thursday",
        ),
        "stamp": StampAuthority(name="Local development authority", operator="Example Evidence Ltd",
                                independent=False),
        "transcripts": (transcript(rows),),
        "selection_digest": leaf_hash(-3),
        "verification_url": "https://example.org/verify/0f8c2a91d4e64b7f9a3c5e7d1b2f4a68",
        "acquisitions": (Acquisition(
            id="a1b2" * 8, received=START + timedelta(days=9), received_by="Alice Zhang",
            method="upload", format="WeChat CSV (WeChatMsg 2.x)", parser="wechat_csv 1",
            original_name="chat.csv", original_size=18231, original_sha256=leaf_hash(-4),
            original_in_bundle=True,
            answers=(Statement(what="Time zone", value="Asia/Shanghai", by="Alice Zhang"),),
            warnings=("possible_forgery: row 26",), series=("5e1f" * 8,),
            stamped=START + timedelta(days=9, minutes=1),
            steps=("Original stored and hashed", "Rows read", "Rows sealed", "Seal logged"),
        ),),
        "custody": tuple(
            CustodyLine(index=i, time=START + timedelta(days=9, minutes=i), event=event,
                        actor="Alice Zhang", where="192.0.2.17", why="Proof of the agreed payment",
                        subjects=(f"series 5e1f… no. {i}",), digest=leaf_hash(i))
            for i, event in enumerate(
                ("acquisition.received", "series.sealed", "", "selection.frozen",
                 "export.requested", "export.prepared"), 40)
        ),
        "log": LogState(size=46, root=leaf_hash(-5), stamped=START + timedelta(days=9, minutes=2)),
        "hashes": (HashLine(name="data/attachments/IMG_0012.jpg", sha256=leaf_hash(-6), size=123456),),
        "statements": (Statement(what="Owner of wxid_alice88", value="Alice Zhang", by="the requester"),),
        "environment": (("Python", "3.11.7"), ("ReportLab", "5.1.0")),
        "checks": (("Original re-hashed after storage", "passed"), ("Every row accounted for", "passed")),
        "bates": Bates(prefix="HT", first=1),
        "jurisdiction": "cn" if zh else "us",
        "verifiable_until": datetime(2034, 3, 20, tzinfo=UTC),
        "privacy": "Consent of the account holder; recipient: the court; kept for 5 years",
        "original_carrier": "iPhone 13 of Alice Zhang, kept by her, can be shown in court",
        "neutrality": "The operator is no party and has no interest in the outcome.",
    }  # fmt: skip
    return Exhibit(**{**fields, **more})
