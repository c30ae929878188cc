"""Write ``push/v1.json``: a key, a signed batch byte for byte, its hash, and the rows it becomes.

Naive and on its own: nothing of the service is used but, at the end, for the rows. The key is that
of RFC 8037 appendix A; its signatures are deterministic. Only when the file is missing.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE = Path(__file__).parent / "push" / "v1.json"
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
MESSAGES = [
    {"body": "Good morning 早上好", "direction": "out", "kind": "text", "platform_id": "m-10",
     "sender": {"id": "u-ana", "name": "Ana"}, "time_raw": "2026-03-01T09:00:00+01:00"},
    {"body": "Good day 早上好", "direction": "out", "edit_of": "m-10", "kind": "text",
     "platform_id": "m-11", "sender": {"id": "u-ana", "name": "Ana"},
     "time_raw": "2026-03-01T09:01:00.250+01:00"},
    {"deletion": {"by": "u-li", "time_raw": None}, "kind": "recalled", "platform_id": "m-12",
     "recall_of": "m-9", "sender": {"id": "u-li", "name": "李雷"},
     "time_raw": "2026-03-01T08:02:00Z"},
]  # fmt: skip


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def url64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def build() -> dict[str, object]:
    lines = b"".join(canonical(one) + b"\n" for one in MESSAGES)
    envelope = canonical({
        "account": "u-ana", "conversation": "c-77", "count": 3,
        "cursor": {"from": 9, "to": 12}, "fills": None, "format": "truethread/push-batch/v1",
        "gap": {"from": 4, "reason": "kept for 90 days only", "to": 9},
        "messages": hashlib.sha256(lines).hexdigest(), "number": 2, "previous": "11" * 32,
        "provider": "chatcloud", "stream": "5" * 32, "time": "2026-03-01T08:05:00Z",
    })  # fmt: skip
    header = url64(canonical({"alg": "EdDSA", "b64": False, "crit": ["b64"], "kid": "2026-1"}))
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    signature = header + b".." + url64(key.sign(header + b"." + envelope))
    batch = envelope + b"\n" + signature + b"\n" + lines
    public = url64(key.public_key().public_bytes_raw()).decode()
    return {
        "key": {"crv": "Ed25519", "kty": "OKP", "x": public},
        "batch": batch.decode(),
        "hash": hashlib.sha256(b"truethread/push-batch/v1\0" + envelope).hexdigest(),
        "rows_before": 4,
        "rows": rows_of(batch),
    }


def rows_of(data: bytes) -> list[object]:
    from evidence.formats import push
    from evidence.ingest.push import PushedPeople, rows

    people = PushedPeople("u-ana")
    return [asdict(row) for row in rows(push.read_batch(data), people, 4)]


if __name__ == "__main__" and not FILE.exists():
    FILE.parent.mkdir(exist_ok=True)
    text = json.dumps(build(), ensure_ascii=False, indent=1, sort_keys=True)
    FILE.write_text(text + "\n", encoding="utf-8")
