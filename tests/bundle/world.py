"""Synthetic bundles made with real parts: development PKI, local authority, real signatures.

No database and no surface: what a deployment does for an export, in one function whose steps a
test can bend (``Plan``). A test that bends a step before signing plays a dishonest operator; one
that changes the parts afterwards (``repack``) plays anybody else.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pikepdf
from cryptography.hazmat.primitives.asymmetric import ed25519

from evidence.bundle import describe, pack, readme
from evidence.formats import bundle, checkpoint, custody, manifest, message, proofs, ranges, receipt
from evidence.formats.checkpoint import VerifierKey
from evidence.formats.merkle import Tree
from evidence.formats.series_head import Original, SeriesHead
from evidence.gateways.clock import FixedClock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from evidence.gateways.keys import FileLogKey, development_seal_key
from evidence.seal import SeriesSealer, disclose, prove
from evidence.sign.pdf import sign_pdf
from evidence.values import Message
from evidence.verify.offline import Trust, pyz, trust_of
from tests.pki.world import stampers, write_pdf

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
BUNDLE, MATTER, ACQUISITION, CONVERSATION = (digit * 32 for digit in "bcde")
SERIES = ("0" * 31 + "1", "0" * 31 + "2")
ORIGIN = "evidence.example/log/1"
PHOTO = b"\x89PNG a picture of a contract"

Change = Callable[[Any], None]


def nothing(_: Any) -> None:
    """Bend nothing."""


@dataclass
class Deployment:
    """What one installation holds: keys, an authority, a stopped clock."""

    folder: Path
    pki: DevelopmentPki = field(init=False)
    clock: FixedClock = field(init=False)

    def __post_init__(self) -> None:
        self.pki = ensure(self.folder / "pki", NOW - timedelta(days=40))
        self.clock = FixedClock(NOW)
        self.seal = development_seal_key(self.pki)
        self.log_key = FileLogKey(ed25519.Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
        self.vkey = VerifierKey(ORIGIN, self.log_key.public)
        self.stamper = stampers(self.pki, self.clock)

    @property
    def trust(self) -> Trust:
        return trust_of([self.pki.root.der])


@dataclass
class Plan:
    """What a test wants in its bundle, and which step it bends.

    bend_entries: list of dicts for ``custody.Entry`` before they enter the log. bend_lines: the lines of
    custody.jsonl. bend_parts: path → bytes before the manifest is written. bend_manifest: keyword
    arguments of ``Manifest``.
    """

    rows: int = 12
    disclosed: str = "2-6,9-10"
    withheld: Mapping[int, list[str]] = field(
        default_factory=lambda: {4: ["*"], 5: ["body:3"], 9: ["sender"]}
    )
    series: int = 1
    volumes: int = 1
    sm3: bool = False
    bend_entries: Change = nothing
    bend_lines: Change = nothing
    bend_parts: Change = nothing
    bend_manifest: Change = nothing


@dataclass
class Built:
    """A finished bundle."""

    path: Path
    parts: dict[str, bytes]
    manifest: manifest.Manifest
    receipt: bytes


def row(sequence: int, attached: bool = False) -> Message:
    body = f"Row {sequence}: transfer 35000 to 张伟 by Friday 👍"
    clock = f"09:{sequence % 60:02d}"
    attachment: dict[str, Any] = {
        "name": "photo.png",
        "kind": "image",
        "media_type": "image/png",
        "declared_size": None,
        "duration": None,
        "included": True,
        "member": "photo.png",
        "size": len(PHOTO),
        "sha256": hashlib.sha256(PHOTO).hexdigest(),
    }
    return Message(
        sequence=sequence,
        kind="image" if attached else "text",
        source={"file": "_chat.txt", "offset": 60 * sequence, "length": 60},
        source_text=f"{clock} - Ana: {body}",
        time_raw=clock,
        time={
            "utc": f"2024-03-01T09:{sequence % 60:02d}:00Z",
            "offset": "+00:00",
            "zone": None,
            "basis": "stated_zone",
            "precision": "minute",
            "ambiguous": False,
        },
        sender={"key": "p1", "name": "Ana", "id": None},
        direction="in",
        body=body,
        attachments=[attachment] if attached else [],
    )


def seed(series: int, sequence: int) -> bytes:
    return hashlib.sha256(f"seed {series} {sequence}".encode()).digest()


def salt(index: int) -> bytes:
    return hashlib.sha256(f"salt {index}".encode()).digest()


def build(deployment: Deployment, out: Path, plan: Plan | None = None) -> Built:
    """Make one bundle in ``out`` as ``plan`` says."""
    plan = plan or Plan()
    parts: dict[str, bytes] = {}
    infos, chosen, trees, lines = [], [], [], bytearray()
    for number in range(plan.series):
        info, part, proof, text = _series(plan, number, parts)
        infos.append(info)
        chosen.append(part)
        trees.append(proof)
        lines += text
    parts[bundle.MESSAGES] = bytes(lines)
    parts[bundle.PROOFS] = proofs.dumps(trees)
    log = _log(deployment, plan, infos, chosen)
    _stamp(deployment, parts, log)
    _lay_down(deployment, parts)
    arguments: dict[str, Any] = {
        "bundle": BUNDLE,
        "created": "2026-03-14T09:26:53Z",
        "deployment_name": "Example Chambers",
        "deployment_origin": "https://evidence.example",
        "deployment_trust": "development",
        "language": "en",
        "jurisdiction": None,
        "matter": manifest.Matter(id=MATTER, name="A v. B", requester="Ana"),
        "series": tuple(
            manifest.SeriesInfo(
                head=info.head,
                head_entry=log.sealed[info.head.series],
                title=info.title,
                platform=info.platform,
                original=info.original,
                original_seed=info.original_seed,
            )
            for info in infos
        ),
        "siblings": (),
        "parts": tuple(chosen),
        "log_origin": ORIGIN,
        "log_vkey": str(deployment.vkey),
        "prepared_index": log.prepared,
        "stated": {"timezone": "Ana"},
        "earlier": (
            manifest.EarlierStamp(
                log.early, tuple(log.tree.consistency_proof(log.early, log.prepared + 1))
            ),
        ),
    }
    plan.bend_parts(parts)
    return _sign_and_pack(deployment, out, plan, parts, arguments, log)


def _series(
    plan: Plan, number: int, parts: dict[str, bytes]
) -> tuple[manifest.SeriesInfo, manifest.Part, proofs.SeriesProof, bytes]:
    series = SERIES[number]
    rows = [row(sequence, attached=sequence == 3) for sequence in range(1, plan.rows + 1)]
    sealer = SeriesSealer(sm3=plan.sm3)
    leaves = [sealer.add(one, seed(number, one.sequence)) for one in rows]
    sealed = sealer.finish()
    original = Original("chat.txt", None, hashlib.sha256(b"chat").digest(), 4)
    head = SeriesHead(
        series=series,
        acquisition=ACQUISITION,
        conversation=CONVERSATION,
        size=sealed.size,
        root=sealed.root,
        sm3_root=sealed.sm3_root,
        parser_name="whatsapp",
        parser_version="1",
        timezone="UTC",
        date_order=None,
        original=original.commitment(b"\x05" * 32),
        members=1,
        first_utc=sealed.first_utc,
        last_utc=sealed.last_utc,
    )
    shown = ranges.parse(plan.disclosed)
    hidden = {
        sequence: message.Withheld.parse(items, "privilege")
        for sequence, items in plan.withheld.items()
    }
    text = b"".join(
        disclose(
            series,
            rows[sequence - 1],
            seed(number, sequence),
            hidden.get(sequence),
            sm3=plan.sm3,
        )
        for sequence in ranges.sequences(shown)
    )
    if 3 in shown:
        parts[bundle.attachment_path(series, 3, 1, "photo.PNG")] = PHOTO
    parts[bundle.original_path(ACQUISITION, "chat.txt")] = b"chat"
    part = manifest.Part(
        series=series,
        rule="chosen by hand",
        n_rows=plan.rows,
        disclosed=shown,
        withheld={key: item.closed().items() for key, item in hidden.items()},
        reasons={key: item.reason for key, item in hidden.items()},
    )
    sm3_leaves = [leaf.sm3 or b"" for leaf in leaves] if plan.sm3 else None
    proof = prove(head, shown, [leaf.sha256 for leaf in leaves], sm3_leaves)
    info = manifest.SeriesInfo(head, 0, "Ana", "whatsapp", None, original, b"\x05" * 32)
    return info, part, proof, text


@dataclass
class Log:
    """A small custody log: entries, their tree, and where the important ones stand."""

    entries: list[custody.Entry] = field(default_factory=list)
    tree: Tree = field(default_factory=Tree)
    digests: list[bytes] = field(default_factory=list)
    chains: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    sealed: dict[str, int] = field(default_factory=dict)
    early: int = 0
    prepared: int = 0
    custody: bytes = b""

    def add(self, at: datetime, event: str, subjects: list[tuple[str, str]], **details: Any) -> int:
        index = len(self.entries)
        named = []
        for key in subjects:
            chain = self.chains.setdefault(key, [])
            named.append(custody.Subject(*key, len(chain) + 1, chain[-1] if chain else None))
        entry = custody.Entry(
            log=ORIGIN,
            index=index,
            time=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            event=event,
            actor=custody.Actor("person", "ana", "Ana"),
            host="evidence.example",
            subjects=tuple(named),
            details=details,
        )
        digest = entry.digest(salt(index))
        for key in subjects:
            self.chains[key].append(digest)
        self.entries.append(entry)
        self.digests.append(digest)
        self.tree.append(custody.leaf_hash(digest))
        return index


def _log(
    deployment: Deployment,
    plan: Plan,
    infos: list[manifest.SeriesInfo],
    chosen: list[manifest.Part],
) -> Log:
    steps: list[dict[str, Any]] = []
    earlier = NOW - timedelta(days=30)
    for info in infos:
        subject = ("series", info.head.series)
        steps.append(
            {
                "at": earlier,
                "event": "acquisition.received",
                "subjects": [subject, ("acquisition", ACQUISITION)],
            }
        )
        steps.append(
            {
                "at": earlier,
                "event": "series.sealed",
                "subjects": [subject],
                "head": info.head.digest().hex(),
            }
        )
    every = [("series", info.head.series) for info in infos]
    steps += [
        {"at": NOW, "event": "conversation.viewed", "subjects": every},
        {"at": NOW, "event": "matter.opened", "subjects": [("matter", MATTER)]},
        {"at": NOW, "event": "hold.placed", "subjects": [("matter", "f" * 32)]},
        {"at": NOW, "event": "export.requested", "subjects": [("bundle", BUNDLE), ("matter", MATTER)]},
        {
            "at": NOW,
            "event": "export.prepared",
            "subjects": [("bundle", BUNDLE), ("matter", MATTER), *every],
            "selection": manifest.selection_digest(chosen).hex(),
        },
    ]  # fmt: skip
    plan.bend_entries(steps)
    log = Log(early=2 * len(infos))
    for step in steps:
        log.add(**step)
    log.prepared = len(log.entries) - 1
    for index, entry in enumerate(log.entries):
        if entry.event == "series.sealed":
            log.sealed[entry.subjects[0].id] = index
    relevant = {subject.key for subject in log.entries[-1].subjects}
    lines = []
    for index, entry in enumerate(log.entries):
        named = [subject for subject in entry.subjects if subject.key in relevant]
        proof = log.tree.inclusion_proof(index)
        if not named:
            continue
        if entry.event == "conversation.viewed":
            lines.append(custody.undisclosed_line(index, log.digests[index], named, proof))
        else:
            lines.append(custody.disclosed_line(entry, salt(index), proof))
    plan.bend_lines(lines)
    log.custody = b"".join(line + b"\n" for line in lines)
    return log


def note_of(deployment: Deployment, log: Log, size: int) -> bytes:
    text = checkpoint.checkpoint_text(ORIGIN, size, log.tree.root(size))
    return checkpoint.sign_note(text, deployment.vkey, deployment.log_key.sign)


def _stamp(deployment: Deployment, parts: dict[str, bytes], log: Log) -> None:
    size = len(log.entries)
    note = note_of(deployment, log, size)
    stamp = deployment.stamper.stamp(checkpoint.imprint(note))
    parts[bundle.CUSTODY] = log.custody
    parts[manifest.PREPARED_CHECKPOINT] = note
    parts[manifest.PREPARED_TOKEN] = stamp.token
    early = manifest.EarlierStamp(log.early, ())
    old = note_of(deployment, log, log.early)
    before = FixedClock(NOW - timedelta(days=29))
    parts[early.checkpoint] = old
    parts[early.token] = stampers(deployment.pki, before).stamp(checkpoint.imprint(old)).token
    parts[f"{bundle.CERTIFICATES}stamp-chain.pem"] = _pem(*stamp.certificates)
    parts[f"{bundle.CERTIFICATES}seal-chain.pem"] = _pem(
        deployment.seal.certificate, *deployment.seal.chain
    )
    for number, crl in enumerate(stamp.crls, start=1):
        parts[f"{bundle.CERTIFICATES}stamp-{number}.crl"] = crl


def _lay_down(deployment: Deployment, parts: dict[str, bytes]) -> None:
    certificate = checkpoint.log_key_bytes(deployment.vkey, "2026-01-01T00:00:00Z")
    parts[bundle.LOG_KEY] = certificate
    parts[bundle.LOG_KEY_SIGNATURE] = deployment.seal.sign_raw(certificate)
    parts[bundle.VERIFIER] = pyz.build_bytes()
    parts[bundle.README] = readme(
        bundle=BUNDLE,
        deployment="Example Chambers",
        verifier_url="https://evidence.example/verify.pyz",
        verifier_sha256=hashlib.sha256(parts[bundle.VERIFIER]).digest(),
    )


def _sign_and_pack(
    deployment: Deployment,
    out: Path,
    plan: Plan,
    parts: dict[str, bytes],
    arguments: dict[str, Any],
    log: Log,
) -> Built:
    volumes = [manifest.Volume(bundle.MASTER, 2, 1, 2)]
    digest = manifest.selection_digest(arguments["parts"])
    for number in range(2, plan.volumes + 1):
        path = f"data/evidence-{number:03d}.pdf"
        note = manifest.volume_bytes(BUNDLE, number, plan.volumes, digest)
        parts[path] = signed_pdf(deployment, out, {"volume.json": note})
        volumes.append(manifest.Volume(path, 2, 2 * number - 1, 2 * number))
    arguments |= {"volumes": tuple(volumes), "files": describe(parts, sm3=plan.sm3)}
    plan.bend_manifest(arguments)
    found = manifest.Manifest(**arguments)
    parts[bundle.MANIFEST] = manifest.dumps(found)
    parts[bundle.MASTER] = signed_pdf(deployment, out, {"manifest.json": parts[bundle.MANIFEST]})
    path = out / f"{BUNDLE}.zip"
    zip_file = pack(parts, path)
    return Built(path, parts, found, _receipt(deployment, parts, zip_file, found, log))


def signed_pdf(deployment: Deployment, out: Path, embedded: Mapping[str, bytes]) -> bytes:
    """Return a two-page PDF with files embedded, certified and time-stamped."""
    plain = write_pdf(out / "plain.pdf")
    with pikepdf.open(plain, allow_overwriting_input=True) as pdf:
        for name, data in embedded.items():
            pdf.attachments[name] = pikepdf.AttachedFileSpec(
                pdf, data, filename=name, mime_type="application/json"
            )
        buffer = io.BytesIO()
        pdf.save(
            buffer,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            force_version="1.7",
            deterministic_id=True,
        )
    plain.write_bytes(buffer.getvalue())
    target = out / "signed.pdf"
    target.unlink(missing_ok=True)
    sign_pdf(
        plain,
        target,
        signer=deployment.seal,
        stamper=deployment.stamper,
        reason="Evidence bundle",
        at=NOW,
    )
    return target.read_bytes()


def _receipt(
    deployment: Deployment,
    parts: dict[str, bytes],
    zip_file: receipt.IssuedFile,
    found: manifest.Manifest,
    log: Log,
) -> bytes:
    pdfs = tuple(
        receipt.IssuedFile(
            volume.path, len(parts[volume.path]), hashlib.sha256(parts[volume.path]).digest()
        )
        for volume in found.volumes
    )
    prepared = len(log.entries)
    details = receipt.issued_details(zip_file, pdfs)
    index = log.add(NOW, "export.issued", [("bundle", BUNDLE)], **details)
    note = note_of(deployment, log, prepared + 1)
    stamp = deployment.stamper.stamp(checkpoint.imprint(note))
    return receipt.dumps(
        receipt.Receipt(
            bundle=BUNDLE,
            zip=zip_file,
            pdfs=pdfs,
            entry=log.entries[index],
            salt=salt(index),
            inclusion=tuple(log.tree.inclusion_proof(index)),
            consistency=tuple(log.tree.consistency_proof(prepared, prepared + 1)),
            checkpoint=note,
            token=stamp.token,
            certificates=stamp.certificates,
            crls=stamp.crls,
        )
    )


def repack(
    built: Built, out: Path, changes: Mapping[str, bytes | None], *, relist: bool = False
) -> Path:
    """Write the bundle with changed, added or (None) removed parts and fresh BagIt files.

    relist: also bring the manifest's file list into line, as a forger without the seal key would.
    """
    parts = {**built.parts}
    for path, data in changes.items():
        if data is None:
            parts.pop(path)
        else:
            parts[path] = data
    found = manifest.loads(parts[bundle.MANIFEST])
    if relist:
        value = {**vars(found), "files": describe(parts, sm3=found.uses_sm3)}
        found = manifest.Manifest(**value)
        parts[bundle.MANIFEST] = manifest.dumps(found)
    known = {
        path: manifest.FileEntry(path, len(data), hashlib.sha256(data).digest())
        for path, data in parts.items()
        if path != bundle.BAGIT
    }
    members = {**parts, **bundle.bag_files(found, known)}
    target = out / "changed.zip"
    with target.open("w+b") as file:
        bundle.write_zip(file, {name: (len(data), _once(data)) for name, data in members.items()})
    return target


def _once(data: bytes) -> Callable[[], Any]:
    return lambda: iter([data])


def _pem(*certificates: bytes) -> bytes:
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        for der in certificates
    )
