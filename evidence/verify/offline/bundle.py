"""The verdict on a bundle, offline and complete: container, files, PDFs, seals, custody, time.

The order matters where one answer rests on another: the ZIP's headers are re-created first, then
every file is hashed against the manifest, the manifest against the copy embedded in the signed
master, and everything else against the manifest. So no byte of a bundle is free: it is derived
from others, listed with its hash in the manifest, or covered by the master's own signature.

``verify_bundle`` never raises for what a file holds. An unpacked folder can be checked as well; then
nothing is said about the container.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path

from ...formats import bundle, manifest, proofs, shape
from ...formats.bundle import NotCanonical, TooLarge
from ...formats.checkpoint import Checkpoint, VerifierKey
from ...formats.hashes import SM3, sm3_available
from ...formats.manifest import FileEntry, Manifest
from . import bundle_receipt, custody, pdf, selection, x509
from .bundle_messages import Chunk, MessageReader
from .bundle_source import (
    WORTH_A_THREAD,
    FolderSource,
    WholeHash,
    ZipSource,
    hash_file,
    read_whole,
)
from .bundle_tokens import Material, check_token, read_material
from .custody import StampedCheckpoint
from .report import (
    FAILED,
    SIGNATURE_CHECKS,
    Finding,
    Report,
    failed,
    make_report,
    not_checked,
    passed,
)

REQUIRED = SIGNATURE_CHECKS | {
    "bag", "files", "manifest", "volumes", "messages", "seal", "selection", "custody", "log",
    "log_key", "log_time", "custody_times", "originals", "attachments",
}  # fmt: skip
"""The closed table of a bundle; ``container`` joins it for a ZIP."""

_ERRORS = (
    ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RecursionError,
    MemoryError,
)  # fmt: skip
_Source = ZipSource | FolderSource


@dataclass(frozen=True)
class Limits:
    """What the caller is willing to read; None means no limit of its own."""

    max_bytes: int | None = None
    max_members: int = 200_000


@dataclass(frozen=True)
class BundleFacts:
    """Everything learned about one bundle. Findings are unmarked; ``report`` judges them.

    manifest: as read; only as good as the findings say. pdfs: by path, the master first.
    stored_by: per series, the time-stamp before which it was sealed, as text.
    leaf_hashes: SHA-256 leaf hashes derived from the lines of ``data/messages.jsonl``, 32 bytes each.
    """

    findings: tuple[Finding, ...]
    is_zip: bool = True
    is_ours: bool = False
    trust: str = "none"
    sha256: str = ""
    size: int = 0
    manifest: Manifest | None = None
    pdfs: Mapping[str, pdf.PdfFacts] = field(default_factory=dict)
    stored_by: Mapping[str, str] = field(default_factory=dict)
    leaf_hashes: bytes = b""

    def report(self, file: str, seconds: float = 0.0) -> Report:
        kind = "bundle" if self.is_ours else "other"
        required = REQUIRED | {"container"} if self.is_zip else REQUIRED
        if not self.is_ours:
            required = frozenset({"recognised"})
        marks = tuple(
            replace(mark, where=f"{path}: {mark.where}")
            for path, facts in self.pdfs.items()
            for mark in facts.marks
        )
        return make_report(
            file, kind, self.findings, trust=self.trust, seconds=seconds, required=required,
            marks=marks,
        )  # fmt: skip


def report_bundle(
    path: str | Path,
    trust: x509.Trust,
    at: datetime | None = None,
    *,
    file: str = "",
    limits: Limits | None = None,
    receipt: bytes | None = None,
    witnesses: Sequence[VerifierKey] = (),
    processes: int | None = None,
) -> Report:
    """Return the report on one bundle; the arguments are those of ``verify_bundle``."""
    started = time.perf_counter()
    facts = verify_bundle(
        path,
        trust,
        at,
        limits=limits,
        receipt=receipt,
        witnesses=witnesses,
        processes=processes,
    )
    return facts.report(file or str(path), time.perf_counter() - started)


def verify_bundle(
    path: str | Path,
    trust: x509.Trust,
    at: datetime | None = None,
    *,
    limits: Limits | None = None,
    receipt: bytes | None = None,
    witnesses: Sequence[VerifierKey] = (),
    processes: int | None = None,
) -> BundleFacts:
    """Return what holds about a bundle: a ZIP, or the folder it was unpacked into.

    at: "now", aware; None reads the clock. receipt: the bytes that came beside the ZIP.
    witnesses: keys (type 0x04) of witnesses the caller trusts. processes: for reading messages; None
    decides by size. OSError of an unreadable *path* is the caller's; nothing else is raised.
    """
    limits = limits or Limits()
    is_zip = not Path(path).is_dir()
    if is_zip and limits.max_bytes is not None and Path(path).stat().st_size > limits.max_bytes:
        detail = f"The file has more than {limits.max_bytes} bytes."
        return BundleFacts((failed("limits", detail),), is_ours=True)
    try:
        opened: _Source = (ZipSource if is_zip else FolderSource)(
            str(path), max_members=limits.max_members
        )
    except TooLarge as error:
        return BundleFacts((failed("limits", f"Too large to judge: {error}."),), is_zip, True)
    except ValueError as error:
        return _not_opened(Path(path), is_zip, error)
    with closing(opened) as source:
        if not {bundle.MANIFEST, bundle.MASTER, bundle.BAGIT} & set(source.names()):
            finding = failed("recognised", "This archive is not one of our bundles.")
            return BundleFacts((finding,), is_zip)
        verification = _Verification(
            source, trust, at or datetime.now(timezone.utc), witnesses, processes
        )
        return verification.run(receipt)


def _not_opened(path: Path, is_zip: bool, error: ValueError) -> BundleFacts:
    """Answer for what cannot be opened: altered when it looks like ours, otherwise not ours."""
    if is_zip and not _looks_ours(path):
        finding = failed("recognised", "This is not one of our bundles.")
        return BundleFacts((finding,), is_zip)
    findings = [failed("container", f"The container is not as we make it: {error}.", path.name)]
    return BundleFacts(tuple(findings), is_zip, True)


def _looks_ours(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(1 << 16)
        file.seek(max(0, size - (1 << 16)))
        tail = file.read()
    return b"bag-info.txt" in head or b"data/manifest.json" in head + tail


class _Verification:
    """One pass over one bundle; each step adds findings and leaves what later steps need."""

    def __init__(
        self,
        source: _Source,
        trust: x509.Trust,
        at: datetime,
        witnesses: Sequence[VerifierKey],
        processes: int | None,
    ) -> None:
        self.source, self.trust, self.at = source, trust, at
        self.witnesses, self.processes = witnesses, processes
        self.findings: list[Finding] = []
        self.names = set(source.names())
        self.manifest: Manifest | None = None
        self.pdfs: dict[str, pdf.PdfFacts] = {}
        self.files: dict[str, FileEntry] = {}
        self.stamps: list[StampedCheckpoint] = []
        self.prepared: Checkpoint | None = None
        self.token_labels: list[str] = []
        self.stored_by: dict[str, str] = {}
        self.manifest_bytes = b""
        self.leaf_hashes = b""
        self._whole: WholeHash | None = None

    def run(self, receipt: bytes | None) -> BundleFacts:
        messages: MessageReader | None = None
        try:
            if self._read_manifest():
                messages = self._start_messages()
                self._start_hashing()
                self._check_files()
                self._check_pdfs()
                self._check_log()
                self._check_messages(messages)
                self._check_receipt(receipt)
        except TooLarge as error:
            self.findings.append(failed("limits", f"Too large to judge: {error}."))
        except _ERRORS as error:
            # The one boundary: whatever odd bytes provoke is an answer, never a crash or a pass.
            detail = f"The bundle cannot be read further ({type(error).__name__}: {error})."
            self.findings.append(failed("files", detail[:300]))
        finally:
            if messages is not None:
                messages.close()
            if self._whole is not None:
                self._whole.end()
        return BundleFacts(
            tuple(self.findings),
            is_zip=self.source.is_zip,
            is_ours=True,
            trust=self._trust_label(),
            sha256=self._zip_sha256 if self.source.is_zip else "",
            size=self.source.total if isinstance(self.source, ZipSource) else 0,
            manifest=self.manifest,
            pdfs=self.pdfs,
            stored_by=self.stored_by,
            leaf_hashes=self.leaf_hashes,
        )

    # Container, bag, files.

    def _read_manifest(self) -> bool:
        try:
            self.manifest_bytes = read_whole(self.source, bundle.MANIFEST)
            self.manifest = manifest.loads(self.manifest_bytes)
        except KeyError:
            self._fail("manifest", "The manifest is missing.", bundle.MANIFEST)
        except NotCanonical as error:
            self._fail("container", f"{error}.", bundle.MANIFEST)
        except TooLarge:
            raise
        except ValueError as error:
            self._fail("manifest", f"The manifest cannot be read: {error}.", bundle.MANIFEST)
        if self.manifest is None:
            self._check_pdf(bundle.MASTER)
        return self.manifest is not None

    def _check_files(self) -> None:
        """Hash every file once; compare with the manifest and with the derived BagIt files."""
        found = self._known()
        sm3 = found.uses_sm3 and sm3_available()
        damaged = ""
        for name in self.source.names():
            try:
                self.files[name] = hash_file(self.source, name, sm3=sm3)
            except NotCanonical as error:
                damaged = damaged or str(error)
        self._say_container(damaged)
        self._check_listed(found, sm3)
        self._check_bag(found, sm3)

    def _say_container(self, damaged: str) -> None:
        if not self.source.is_zip:
            detail = "An unpacked folder: nothing can be said about the archive it came in."
            self.findings.append(not_checked("container", detail, required=False))
        elif damaged:
            self._fail("container", f"{damaged}.")
        else:
            self._pass("container", f"The one ZIP these {len(self.names)} files can have.")

    def _check_listed(self, found: Manifest, sm3: bool) -> None:
        listed = {entry.path: entry for entry in found.files}
        expected = listed.keys() | bundle.UNLISTED
        if not found.uses_sm3:
            expected -= {bundle.PAYLOAD_SM3}
        for name in sorted(expected - self.names):
            self._fail("files", "A file of this bundle is missing.", name)
        for name in sorted(self.names - expected):
            self._fail("files", "This file does not belong to the bundle.", name)
        for name in sorted(listed.keys() & self.files.keys()):
            mine, entry = self.files[name], listed[name]
            stated = entry if sm3 else FileEntry(entry.path, entry.size, entry.sha256)
            if mine != stated:
                self._fail("files", "This file is not the one the manifest lists.", name)
        if listed.keys() & bundle.UNLISTED:
            self._fail("files", "The manifest lists a file it cannot vouch for.", bundle.MANIFEST)
        if not self._is_failed("files"):
            self._pass("files", f"All {len(listed)} listed files are here and as listed.")

    def _check_bag(self, found: Manifest, sm3: bool) -> None:
        """Derive the BagIt files again and compare; ``manifest-sm3.txt`` as far as SM3 is here."""
        if found.uses_sm3 and not sm3:
            detail = "This Python has no SM3: the SM3 hashes of the files were not checked."
            where = bundle.PAYLOAD_SM3
            self.findings.append(not_checked("sm3", detail, where, required=False))
            self._take_sm3_on_trust(found)
        derived = bundle.UNLISTED - {bundle.MANIFEST, bundle.MASTER} | {bundle.BAGIT}
        known = {name: entry for name, entry in self.files.items() if name not in derived}
        for name, data in bundle.bag_files(found, known).items():
            if name not in self.names or read_whole(self.source, name) != data:
                self._fail("bag", "This file is not the one that follows from the others.", name)
        if not self._is_failed("bag"):
            self._pass("bag", "The BagIt files follow from the others byte for byte.")

    def _take_sm3_on_trust(self, found: Manifest) -> None:
        """Fill in SM3 hashes from where they are stated, so that all else can be derived."""
        stated = {entry.path: entry.sm3 for entry in found.files}
        for line in self._optional(bundle.PAYLOAD_SM3).decode().splitlines():
            digest, _, name = line.partition("  ")
            stated.setdefault(name, shape.unhex(digest))
        for name, entry in self.files.items():
            self.files[name] = FileEntry(name, entry.size, entry.sha256, stated.get(name))

    # PDFs.

    def _check_pdfs(self) -> None:
        found = self._known()
        self._check_pdf(bundle.MASTER)
        master = self.pdfs.get(bundle.MASTER)
        if master is not None and master.manifest == self.manifest_bytes:
            self._pass("manifest", "The manifest is the copy embedded in the signed master.")
        else:
            detail = "The signed master embeds another manifest, or none: files were exchanged."
            self._fail("manifest", detail, bundle.MANIFEST)
        paths = [volume.path for volume in found.volumes]
        if not paths or paths[0] != bundle.MASTER or len(set(paths)) != len(paths):
            self._fail("volumes", "The volumes do not begin with the master.", bundle.MANIFEST)
        digest = manifest.selection_digest(found.parts)
        for number, path in enumerate(paths[1:], start=2):
            self._check_pdf(path)
            volume = self.pdfs.get(path)
            expected = manifest.volume_bytes(found.bundle, number, len(paths), digest)
            if volume is None or volume.embedded.get(pdf.VOLUME) != expected:
                self._fail("volumes", "This PDF is not that volume of this bundle.", path)
        for volume_entry in found.volumes:
            facts = self.pdfs.get(volume_entry.path)
            if facts is not None and facts.page_count != volume_entry.pages:
                self._fail("volumes", "This volume has another number of pages.", volume_entry.path)
        if not self._is_failed("volumes"):
            self._pass("volumes", f"All {len(paths)} volumes are here.")
            self._pass("completeness", f"All {len(paths)} volumes of the bundle are here.")

    def _check_pdf(self, path: str) -> None:
        if path not in self.names:
            self._fail("volumes", "A signed PDF is missing.", path)
            return
        try:
            data = read_whole(self.source, path)
        except NotCanonical:
            data = self._damaged(path)
        facts = pdf.verify_pdf(data, self.trust, self.at)
        self.pdfs[path] = facts
        for finding in facts.findings:
            if finding.check != "completeness":
                self.findings.append(_inside(finding, path))

    def _damaged(self, path: str) -> bytes:
        """Return the content of a member whose checksum is wrong: its signature says what broke."""
        region = self.source.region(path)
        with Path(region.path).open("rb") as file:
            file.seek(region.offset)
            return file.read(region.size)

    # Log and custody.

    def _check_log(self) -> None:
        found = self._known()
        note = self._optional(manifest.PREPARED_CHECKPOINT)
        try:
            lines = custody.read_lines(self._optional(bundle.CUSTODY))
        except ValueError as error:
            self._fail("custody", f"The custody record cannot be read: {error}.", bundle.CUSTODY)
            return
        self.findings.append(custody.check_chains(found, lines))
        finding, self.prepared = custody.check_log(found, lines, note, manifest.PREPARED_CHECKPOINT)
        self.findings.append(finding)
        material = read_material(self.source)
        if self.prepared is not None:
            self._check_stamp(
                manifest.PREPARED_CHECKPOINT, manifest.PREPARED_TOKEN, self.prepared, material
            )
            self._check_earlier(self.prepared, material)
        self._check_log_key(found)
        self.findings.append(custody.check_times(lines, self.stamps))
        for series, moment in custody.storage_times(found, self.stamps):
            self.stored_by[series] = shape.utc_text(moment)
            detail = f"Sealed in the store no later than {self.stored_by[series]}."
            self.findings.append(passed("stored_by", detail, series, required=False))
        self.findings.append(
            custody.check_single_view(self.prepared, self.witnesses, manifest.PREPARED_CHECKPOINT)
        )

    def _check_stamp(
        self, note_path: str, token_path: str, signed: Checkpoint, material: Material
    ) -> None:
        facts, findings = check_token(
            self._optional(token_path),
            self._optional(note_path),
            self.trust,
            self._known_until(),
            material,
            token_path,
        )
        self.findings += findings
        self.token_labels.append(facts.trust)
        if facts.time is not None and facts.outcome_of("integrity") == "passed":
            self.stamps.append(StampedCheckpoint(note_path, signed, facts.time))

    def _check_earlier(self, prepared: Checkpoint, material: Material) -> None:
        found = self._known()
        for stamp in found.earlier:
            note = self._optional(stamp.checkpoint)
            finding, earlier = custody.check_earlier(found, prepared, note, stamp)
            self.findings.append(finding)
            if earlier is not None:
                self._check_stamp(stamp.checkpoint, stamp.token, earlier, material)

    def _known_until(self) -> datetime:
        """Return the time by which everything the manifest lists existed, if a stamp proves one."""
        master = self.pdfs.get(bundle.MASTER)
        if master is not None and master.stamps:
            last = master.stamps[-1]
            if last.time is not None and last.holds:
                return last.time
        return self.at

    def _check_log_key(self, found: Manifest) -> None:
        master = self.pdfs.get(bundle.MASTER)
        self.findings.append(
            custody.check_log_key(
                found,
                self._optional(bundle.LOG_KEY),
                self._optional(bundle.LOG_KEY_SIGNATURE),
                master.signer if master is not None else None,
                self.stamps[0].moment if self.stamps else None,
                bundle.LOG_KEY,
            )
        )

    # Messages.

    def _start_messages(self) -> MessageReader | None:
        if bundle.MESSAGES not in self.names:
            return None
        sm3 = sm3_available() and any(
            info.head.sm3_root is not None for info in self._known().series
        )
        region = self.source.region(bundle.MESSAGES)
        return MessageReader(region, sm3=sm3, processes=self.processes)

    def _check_messages(self, reader: MessageReader | None) -> None:
        found = self._known()
        lines = reader.result() if reader is not None else Chunk(error="the file is missing")
        self.findings.append(selection.check_rows(found, lines))
        if lines.error:
            return
        self.leaf_hashes = bytes(lines.leaf_hashes)
        self.findings.append(selection.check_selection(found, lines))
        self.findings.append(selection.check_originals(found))
        self.findings.append(selection.check_attachments(found, lines.attachments))
        try:
            trees = proofs.loads(self._optional(bundle.PROOFS))
        except ValueError as error:
            self._fail("seal", f"The proofs cannot be read: {error}.", bundle.PROOFS)
            return
        self.findings += selection.check_trees(found, trees, lines)
        twins = [info.head.sm3_root is not None for info in found.series]
        if all(twins) and sm3_available():
            self.findings += selection.check_trees(found, trees, lines, SM3)
        elif any(twins):
            why = "has no SM3" if not sm3_available() else "finds SM3 on some series only"
            detail = f"This verifier {why}: the SM3 seals were not checked."
            self.findings.append(not_checked("sm3", detail, required=False))

    # Receipt and result.

    def _check_receipt(self, receipt: bytes | None) -> None:
        if not isinstance(self.source, ZipSource):
            return
        if receipt is None:
            detail = "No receipt beside the bundle: when this very ZIP was issued is not shown."
            self.findings.append(not_checked("receipt", detail, required=False))
            return
        context = bundle_receipt.Context(
            self._known(),
            self.prepared,
            self.stamps[0].moment if self.stamps else None,
            self._zip_sha256,
            self.source.total,
            {path: (facts.size, facts.sha256) for path, facts in self.pdfs.items()},
        )
        findings, label = bundle_receipt.check_receipt(receipt, self.trust, self.at, context)
        self.findings += findings
        self.token_labels.append(label)

    def _start_hashing(self) -> None:
        """Begin with the hash of the whole ZIP; its files are hashed meanwhile."""
        if self._whole is None and isinstance(self.source, ZipSource):
            path = self.source.region(self.source.names()[0]).path
            self._whole = WholeHash(path, beside=self.source.total >= WORTH_A_THREAD)

    @property
    def _zip_sha256(self) -> str:
        self._start_hashing()
        return self._whole.hex() if self._whole is not None else ""

    def _trust_label(self) -> str:
        master = self.pdfs.get(bundle.MASTER)
        labels = [facts.trust for facts in self.pdfs.values()] + self.token_labels
        labels += ["none"] if master is None else []
        return next(one for one in ("none", "development", "configured", "public") if one in labels)

    # Small helpers.

    def _known(self) -> Manifest:
        if self.manifest is None:
            raise ValueError("the manifest has not been read")
        return self.manifest

    def _optional(self, name: str) -> bytes:
        """Return a file's content, nothing when it is missing: its reader then refuses it."""
        return read_whole(self.source, name) if name in self.names else b""

    def _pass(self, check: str, detail: str, where: str = "") -> None:
        self.findings.append(passed(check, detail, where))

    def _fail(self, check: str, detail: str, where: str = "") -> None:
        self.findings.append(failed(check, detail, where))

    def _is_failed(self, check: str) -> bool:
        return any(one.check == check and one.outcome == FAILED for one in self.findings)


def _inside(finding: Finding, path: str) -> Finding:
    where = f"{path}: {finding.where}" if finding.where else path
    return Finding(
        finding.check, finding.outcome, finding.required, finding.detail, where, finding.reason
    )


__all__ = ["BundleFacts", "Limits", "report_bundle", "verify_bundle"]
