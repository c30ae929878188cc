"""Rebuild the vectors that are ours: ``python tests/vectors/build.py``.

Message vectors come from the naive implementation below, written from the specification in
``evidence/formats/message.py`` with ``hmac`` and ``json`` and sharing no code with it. Published
vectors (merkle, checkpoint) are written down by hand from their sources and never rebuilt.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FIELDS = (
    "sequence kind platform_id time_raw time sender direction body reply_to forward edits deletion "
    "reactions receipts attachments system details source source_text warnings"
).split()


def canonical(value: Any) -> bytes:
    """ASCII keys and no lone surrogates: here Python's own JSON is RFC 8785 already."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def salt(seed: bytes, field: str) -> bytes:
    return hmac.new(seed, b"truethread/salt/v1\0" + field.encode() + b"\x01", "sha256").digest()


def commitment(name: str, seed: bytes, field: str, value: Any) -> bytes:
    def digest(data: bytes) -> bytes:
        return hashlib.new(name, data).digest()

    end = b"-sm3/v1\0" if name == "sm3" else b"/v1\0"
    if field != "body" or value is None:
        tag = b"truethread/field" + end + field.encode() + b"\0"
        return digest(tag + salt(seed, field) + canonical(value))
    parts = re.findall("[A-Za-z]+|[0-9]+|[^A-Za-z0-9]", value)
    length = 32 * (len(parts) + 1)
    stream = hashlib.shake_256(b"truethread/segments/v1\0" + salt(seed, "body")).digest(length)
    blocks = [stream[at : at + 32] for at in range(0, length, 32)]
    joined = b"".join(
        digest(b"truethread/segment" + end + block + part.encode())
        for block, part in zip(blocks[1:], parts, strict=True)
    )
    return digest(b"truethread/body" + end + blocks[0] + len(parts).to_bytes(8, "big") + joined)


def message_vector(description: str, seed: bytes, **given: Any) -> dict[str, Any]:
    vectors = ("edits", "reactions", "receipts", "attachments", "warnings")
    values = {field: given.get(field, [] if field in vectors else None) for field in FIELDS}
    vector: dict[str, Any] = {"description": description, "seed": seed.hex(), "values": values}
    for name in ("sha256", "sm3"):
        found = [commitment(name, seed, field, values[field]) for field in FIELDS]
        tag = b"truethread/leaf-sm3/v1\0" if name == "sm3" else b"truethread/leaf/v1\0"
        vector[name] = {
            "commitments": {field: item.hex() for field, item in zip(FIELDS, found, strict=True)},
            "leaf_hash": hashlib.new(name, b"\0" + tag + b"".join(found)).hexdigest(),
        }
    return vector


def message_vectors() -> list[dict[str, Any]]:
    sender = {"key": "p1", "name": "张伟", "id": None}
    return [
        message_vector(
            "plain English text",
            bytes(range(32)),
            sequence=1,
            kind="text",
            time_raw="31/12/2023, 23:59",
            sender=sender,
            direction="in",
            body="Pay 35000 USD by Friday, ok?",
            source={"file": "_chat.txt", "offset": 0, "length": 53},
            source_text="31/12/2023, 23:59 - 张伟: Pay 35000 USD by Friday, ok?",
        ),
        message_vector(
            "Chinese, emoji beyond the basic plane, line feed, control character",
            bytes(range(32, 64)),
            sequence=2,
            kind="text",
            sender=sender,
            body="合同abc已签\n👍🏽\u0001é",
            source={"file": "", "offset": 54, "length": 40},
            reactions=[{"emoji": "❤️", "count": 2, "senders": ["Ana", "李"]}],
        ),
        message_vector(
            "no body at all: a system row",
            b"\xff" * 32,
            sequence=3,
            kind="system",
            system={"template": "joined", "values": {"who": "Ana"}},
            source={"file": "", "offset": 94, "length": 11},
            source_text="Ana joined\n",
            warnings=["time_backwards"],
        ),
        message_vector(
            "an empty body is not an absent one",
            b"\x11" * 32,
            sequence=4,
            kind="text",
            body="",
            source={"file": "", "offset": 105, "length": 0},
            source_text="",
        ),
    ]


def main() -> None:
    text = json.dumps(message_vectors(), ensure_ascii=False, indent=1)
    (HERE / "message" / "v1.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
