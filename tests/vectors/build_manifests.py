"""Write the worked examples of heads, log, manifest, proofs and receipt: only when they are missing.

They were made once with the code of version 1 and looked through by hand; they guard version 1
against change. Delete a file only together with a new format version.
"""

from __future__ import annotations

from pathlib import Path

from evidence.formats import checkpoint, custody, manifest, message, proofs, ranges, receipt
from evidence.formats.checkpoint import Signature, VerifierKey
from evidence.formats.merkle import Tree, leaf_hash
from evidence.formats.receipt import IssuedFile
from evidence.formats.series_head import Original, SeriesHead

HERE = Path(__file__).parent / "manifests"
SERIES, ACQUISITION, CONVERSATION, BUNDLE, MATTER = (digit * 32 for digit in "12345")
ORIGIN = "evidence.example/log/1"
KEY = VerifierKey(ORIGIN, bytes(range(32)))


def tree() -> Tree:
    return Tree(leaf_hash(bytes([number])) for number in range(5))


def original() -> Original:
    return Original("聊天记录.txt", "张伟", b"\x0a" * 32, 1234)


def head() -> SeriesHead:
    return SeriesHead(
        series=SERIES,
        acquisition=ACQUISITION,
        conversation=CONVERSATION,
        size=5,
        root=tree().root(),
        sm3_root=None,
        parser_name="whatsapp",
        parser_version="1",
        timezone="Asia/Shanghai",
        date_order=None,
        original=original().commitment(b"\x0b" * 32),
        members=1,
        first_utc="2024-03-01T04:00:00Z",
        last_utc="2024-03-01T05:00:00.250000Z",
    )


def part() -> manifest.Part:
    withheld = message.Withheld.parse(["body:2"], "privilege").closed().items()
    return manifest.Part(
        series=SERIES,
        rule="messages 2-3 and 5",
        n_rows=5,
        disclosed=ranges.parse("2-3,5"),
        withheld={3: withheld, 5: ("*",)},
        reasons={3: "privilege", 5: "privacy"},
    )


def proof() -> proofs.SeriesProof:
    shown = part().disclosed
    return proofs.SeriesProof(SERIES, 5, tree().root(), shown, tuple(tree().prune(shown)))


def entry(event: str = "series.sealed", **details: object) -> custody.Entry:
    return custody.Entry(
        log=ORIGIN,
        index=3,
        time="2024-03-02T08:00:00Z",
        event=event,
        actor=custody.Actor("person", "u-17", "Ana"),
        host="evidence.example",
        purpose="case 17",
        subjects=(
            custody.Subject("series", SERIES, 1),
            custody.Subject("bundle", BUNDLE, 2, b"\x0c" * 32),
        ),
        details=details or {"head": head().digest().hex()},  # type: ignore[arg-type]
    )


def custody_lines() -> bytes:
    path = tree().inclusion_proof(3)
    shown = custody.disclosed_line(entry(), b"\x0d" * 32, path)
    subject = custody.Subject("series", SERIES, 2)
    hidden = custody.undisclosed_line(4, b"\x0e" * 32, [subject], tree().inclusion_proof(4))
    return shown + b"\n" + hidden + b"\n"


def whole_manifest() -> manifest.Manifest:
    return manifest.Manifest(
        bundle=BUNDLE,
        created="2024-03-02T09:00:00Z",
        deployment_name="Example Chambers",
        deployment_origin="https://evidence.example",
        deployment_trust="configured",
        language="zh",
        jurisdiction="cn",
        matter=manifest.Matter(id=MATTER, name="甲诉乙", purpose="诉讼"),
        series=(
            manifest.SeriesInfo(
                head=head(),
                head_entry=3,
                title="张伟",
                platform="whatsapp",
                custodian="Ana",
                original=original(),
                original_seed=b"\x0b" * 32,
                participants=({"key": "p1", "names": ["张伟"]},),
            ),
        ),
        siblings=(manifest.Sibling("6" * 32, SERIES, b"\x0f" * 32, 3, 0, 0, 1),),
        parts=(part(),),
        log_origin=ORIGIN,
        log_vkey=str(KEY),
        prepared_index=7,
        volumes=(
            manifest.Volume("data/evidence.pdf", 3, 1, 3),
            manifest.Volume("data/evidence-002.pdf", 2, 4, 5),
        ),
        stated={"timezone": "Ana"},
        files=(
            manifest.FileEntry("README.txt", 10, b"\x01" * 32),
            manifest.FileEntry("data/messages.jsonl", 20, b"\x02" * 32),
        ),
        earlier=(manifest.EarlierStamp(4, tuple(tree().consistency_proof(4))),),
    )


def whole_receipt() -> receipt.Receipt:
    zip_file = IssuedFile("bundle.zip", 1000, b"\x03" * 32)
    pdfs = (IssuedFile("data/evidence.pdf", 500, b"\x04" * 32),)
    text = checkpoint.checkpoint_text(ORIGIN, 5, tree().root())
    note = checkpoint.join_note(text, [Signature(ORIGIN, KEY.key_id, b"\x05" * 64)])
    return receipt.Receipt(
        bundle=BUNDLE,
        zip=zip_file,
        pdfs=pdfs,
        entry=entry("export.issued", **receipt.issued_details(zip_file, pdfs)),
        salt=b"\x06" * 32,
        inclusion=tuple(tree().inclusion_proof(3)),
        consistency=tuple(tree().consistency_proof(3)),
        checkpoint=note,
        token=b"0\x00",
        certificates=(b"0\x01\x00",),
        crls=(),
    )


def examples() -> dict[str, bytes]:
    from evidence.formats import canonical

    return {
        "series_head.json": canonical.dumps(head().value()),
        "custody.jsonl": custody_lines(),
        "proofs.json": proofs.dumps([proof()]),
        "manifest.json": manifest.dumps(whole_manifest()),
        "receipt.json": receipt.dumps(whole_receipt()),
    }


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for name, data in examples().items():
        path = HERE / name
        if not path.exists():
            path.write_bytes(data)


if __name__ == "__main__":
    main()
