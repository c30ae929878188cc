"""The verdict on one PDF of ours, offline: certification, time-stamps, grammar, trust, level.

A file is *ours* when it carries a certification signature in the field ``TrueThreadSeal``. For
any other PDF the answer is ``not_ours`` or ``no_signature``: judging anybody's PDF needs the
full engine. Judged are, in this order: the certified revision, every byte after it (grammar),
the signature's own bytes, every time-stamp at the time the next one proves, then trust.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Union

from . import cms, der, pdf_grammar, tst, x509
from .marks import SIGNATURE, TIME_STAMP, Mark, mark_of
from .pdf_embedded import embedded_bytes, embedded_files, json_object, page_count
from .pdf_ranges import RangeHasher, find_ranges, raw_integrity
from .pdf_reader import (
    Buffer,
    Document,
    LimitExceeded,
    PdfError,
    Ref,
    Stream,
    Value,
    open_revision,
    text_of,
)
from .pdf_stamps import finding_of, stamp_finding, stray_parts, token_time, tolerance
from .report import (
    PASSED,
    TRUST_LABELS,
    Finding,
    Report,
    failed,
    make_report,
    not_checked,
    passed,
)

Source = Union[bytes, str, "os.PathLike[str]"]

SEAL_FIELD = "TrueThreadSeal"
MANIFEST = "manifest.json"
VOLUME = "volume.json"
MAX_SIGNATURES = 16
HEADER = b"%PDF-"
"""Other programs look for it in the first 1,024 bytes."""

_MARKS = (b"(TrueThreadSeal)", b"(TrueThreadTime1)")
"""Names of our fields: one altered byte in one of them must not make the file a stranger's."""

_ORDER = (
    "recognised", "structure", "integrity", "coverage", "revisions", "docmdp", "signer", "chain",
    "validity", "revocation", "signature_time_stamp", "time_stamp", "algorithms", "level",
    "completeness",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """Everything learned about one PDF. Findings are unmarked; ``report`` judges them."""

    findings: tuple[Finding, ...]
    kind: str = "pdf"
    is_ours: bool = False
    trust: str = "none"
    sha256: str = ""
    size: int = 0
    signer: x509.Certificate | None = None
    chain: x509.Chain | None = None
    signature_time: datetime | None = None
    """genTime of the token inside the signature."""
    stamps: tuple[tst.TokenFacts, ...] = ()
    """Document time-stamps in file order."""
    verifiable_until: datetime | None = None
    certified_length: int = 0
    prefixes: tuple[int, ...] = ()
    """Lengths at which the file was once complete: after the signature's own revision and after
    each time-stamp; a known file is a prefix of one of these lengths."""
    embedded: dict[str, bytes] = field(default_factory=dict, repr=False)
    """The embedded files named ``manifest.json`` and ``volume.json``."""
    embedded_names: tuple[str, ...] = ()
    bundle: str = ""
    page_count: int = 0
    marks: tuple[Mark, ...] = ()

    @property
    def manifest(self) -> bytes | None:
        return self.embedded.get(MANIFEST)

    def report(self, file: str, seconds: float = 0.0) -> Report:
        return make_report(
            file, self.kind, self.findings, trust=self.trust, seconds=seconds, marks=self.marks
        )


def report_pdf(
    source: Source, trust: x509.Trust, at: datetime | None = None, *, file: str = ""
) -> Report:
    """Return the report on one PDF; the time taken is stated in it."""
    started = time.perf_counter()
    facts = verify_pdf(source, trust, at)
    return facts.report(file, time.perf_counter() - started)


def verify_pdf(source: Source, trust: x509.Trust, at: datetime | None = None) -> PdfFacts:
    """Return what holds about a PDF given as bytes or path. Total over all bytes.

    at: "now", aware; None reads the clock. OSError of an unreadable *path* is the caller's.
    """
    moment = at or datetime.now(timezone.utc)
    with _opened(source) as data:
        return _guarded(data, trust, moment)


@contextmanager
def _opened(source: Source) -> Iterator[Buffer]:
    if isinstance(source, bytes):
        yield source
        return
    with Path(source).open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            yield view


def _guarded(data: Buffer, trust: x509.Trust, at: datetime) -> PdfFacts:
    """The one boundary between hostile bytes and our callers.

    Refusals are ordinary errors (PdfError, DerError) and are handled where they mean something.
    Whatever else the bytes provoke (arithmetic, recursion, memory, look-ups) must not become a
    crash of the caller and must not become a pass: it ends here as ``unreadable``.
    """
    try:
        return _verify(data, trust, at)
    except LimitExceeded as error:
        finding = failed("limits", f"Too large to judge: {error}.")
        return PdfFacts((finding,), is_ours=False)
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError) as error:
        finding = failed("readable", f"This file cannot be read ({type(error).__name__}).")
        return PdfFacts((finding,), is_ours=False)
    except (RecursionError, MemoryError, OverflowError):
        finding = failed("limits", "Too large or too deep to judge.")
        return PdfFacts((finding,), is_ours=False)


def _verify(data: Buffer, trust: x509.Trust, at: datetime) -> PdfFacts:
    if HEADER not in bytes(data[:1024]):
        return PdfFacts((failed("recognised", "This is not a PDF file."),), kind="other")
    if all(data.find(mark) < 0 for mark in _MARKS):
        return _foreign(data)
    if bytes(data[:5]) != HEADER:
        return _behind_junk(data)
    return _Verifier(data, trust, at).run()


def _behind_junk(data: Buffer) -> PdfFacts:
    """Answer for a PDF of ours with something in front, which other programs pass over."""
    findings = (
        passed("recognised", "This PDF carries the name of our seal."),
        failed("structure", "Bytes stand before the beginning of the PDF."),
    )
    return PdfFacts(findings, is_ours=True, size=len(data))


def _foreign(data: Buffer) -> PdfFacts:
    """Answer for a PDF that is not ours: not judged, but a broken signature is named."""
    if data.find(b"/ByteRange") < 0:
        finding = failed("recognised", "This PDF carries no signature.", reason="no_signature")
        return PdfFacts((finding,))
    hasher = RangeHasher(data)
    try:
        integrity = [
            raw_integrity(data, hasher, one, is_ours=False)
            for one in islice(find_ranges(data), MAX_SIGNATURES)
        ]
    finally:
        hasher.release()
    finding = failed("recognised", "This PDF is signed, but not by TrueThread.")
    return PdfFacts((finding, *integrity))


@dataclass(slots=True)
class _Material:
    """Certificates and revocation data of the security store, as DER."""

    certificates: list[bytes] = field(default_factory=list)
    crls: list[bytes] = field(default_factory=list)
    ocsps: list[bytes] = field(default_factory=list)


class _Verifier:
    """One run over one file of ours; findings gather in ``findings``."""

    def __init__(self, data: Buffer, trust: x509.Trust, at: datetime) -> None:
        self.data, self.trust, self.at = data, trust, at
        self.findings: list[Finding] = []
        self.hasher = RangeHasher(data)
        self.stamps: list[tst.TokenFacts] = []
        self.material = _Material()

    def run(self) -> PdfFacts:
        try:
            return self._run()
        finally:
            self.hasher.release()

    def _run(self) -> PdfFacts:
        sha256 = self.hasher.whole()
        try:
            seal, certified = self._find_seal()
        except PdfError as error:
            return self._broken_seal(error, sha256)
        self.findings.append(passed("recognised", "A PDF sealed by TrueThread."))
        tail = self._read_tail(certified)
        if tail is not None:
            self._read_store(tail.document)
            self._check_stamps(tail)
        signer, signature_time, chain = self._check_seal(seal)
        self._check_trust(chain)
        self._check_level(signature_time, tail)
        embedded, names, pages = self._inside(certified)
        bundle = self._check_completeness(embedded)
        return PdfFacts(
            tuple(sorted(self.findings, key=_place)),
            is_ours=True,
            trust=self._trust_label(chain),
            sha256=sha256,
            size=len(self.data),
            signer=signer,
            chain=chain,
            signature_time=signature_time,
            stamps=tuple(self.stamps),
            verifiable_until=self._verifiable_until(),
            certified_length=certified.end,
            prefixes=(seal.end, *(stamp.end for stamp in tail.stamps)) if tail else (seal.end,),
            embedded=embedded,
            embedded_names=names,
            bundle=bundle,
            page_count=pages,
            marks=tuple(self._marks(seal, tail, signer, chain, signature_time)),
        )

    def _marks(
        self,
        seal: pdf_grammar.SignatureValue,
        tail: pdf_grammar.Tail | None,
        signer: x509.Certificate | None,
        chain: x509.Chain | None,
        moment: datetime | None,
    ) -> Iterator[Mark]:
        token, size = self._signature_token, len(self.data)
        yield mark_of(
            SEAL_FIELD, SIGNATURE, signer, chain, time=moment,
            authority=token.authority if token else None, byte_range=seal.byte_range,
            contents=pdf_grammar.gap_sha256(self.data, seal), size=size,
        )  # fmt: skip
        for stamp, facts in zip(tail.stamps if tail else (), self.stamps):  # noqa: B905
            yield mark_of(
                stamp.field_name, TIME_STAMP, facts.authority, facts.chain, time=facts.time,
                authority=facts.authority, byte_range=stamp.byte_range,
                contents=pdf_grammar.gap_sha256(self.data, stamp), size=size,
            )  # fmt: skip

    # The certified revision.

    def _find_seal(self) -> tuple[pdf_grammar.SignatureValue, Document]:
        """Return the certification signature and the revision it certifies.

        That is the first ``/ByteRange`` in the file which ends a revision with our seal; all is
        then read from this revision, not from what later bytes claim. (Other places that look
        like a ``/ByteRange``, in a picture say, are passed over.)
        """
        errors: list[PdfError] = []
        for _, after, length in find_ranges(self.data):
            if b"%%EOF" not in bytes(self.data[after + length - 8 : after + length]):
                errors.append(PdfError("the signature does not end where a revision ends"))
                continue
            try:
                return self._seal_of(after + length)
            except LimitExceeded:
                raise
            except PdfError as error:
                errors.append(error)
            if len(errors) >= MAX_SIGNATURES:
                break
        raise errors[0] if errors else PdfError("there is no /ByteRange")

    def _seal_of(self, end: int) -> tuple[pdf_grammar.SignatureValue, Document]:
        certified = open_revision(self.data, end)
        form = certified.dictionary(certified.catalog.get("AcroForm"))
        fields = certified.array(form.get("Fields"))
        if len(fields) != 1:
            raise PdfError("the certified revision has other form fields beside the seal")
        entries = certified.dictionary(fields[0])
        if text_of(entries.get("T")) != SEAL_FIELD or entries.get("FT") != "Sig":
            raise PdfError("the one field is not the seal")
        reference = entries.get("V")
        permissions = certified.dictionary(certified.catalog.get("Perms"))
        if not isinstance(reference, Ref) or permissions.get("DocMDP") != reference:
            raise PdfError("the seal is not the certification signature")
        signature = certified.dictionary(reference)
        expected = {"Type": "Sig", "Filter": "Adobe.PPKLite", "SubFilter": "ETSI.CAdES.detached"}
        if any(signature.get(key) != value for key, value in expected.items()):
            raise PdfError("the seal is no CAdES signature")
        value = pdf_grammar.signature_value(self.data, signature, SEAL_FIELD, end)
        self._check_permission(certified, signature)
        return value, certified

    def _check_permission(self, certified: Document, signature: dict[str, Value]) -> None:
        references = certified.array(signature.get("Reference"))
        transforms = [certified.dictionary(one) for one in references]
        methods = [one.get("TransformMethod") for one in transforms]
        levels = [
            certified.dictionary(one.get("TransformParams")).get("P")
            for one in transforms
            if one.get("TransformMethod") == "DocMDP"
        ]
        if methods != ["DocMDP"] or levels != [1] or type(levels[0]) is not int:
            self.findings.append(failed("docmdp", "The seal does not forbid all changes."))

    def _broken_seal(self, error: PdfError, sha256: str) -> PdfFacts:
        """Say what can still be said when the certified revision cannot be read."""
        if isinstance(error, LimitExceeded):
            raise error
        self.findings.append(passed("recognised", "This PDF carries the name of our seal."))
        self.findings.append(failed("structure", f"The certified part is damaged: {error}."))
        readable = (
            raw_integrity(self.data, self.hasher, one, is_ours=True, where=SEAL_FIELD)
            for one in find_ranges(self.data)
        )
        unreadable = failed("integrity", "The signature is missing or cannot be read.", SEAL_FIELD)
        self.findings.append(next(readable, unreadable))
        return PdfFacts(tuple(self.findings), is_ours=True, sha256=sha256, size=len(self.data))

    # Everything after it.

    def _read_tail(self, certified: Document) -> pdf_grammar.Tail | None:
        try:
            tail = pdf_grammar.read_tail(self.data, certified)
        except LimitExceeded:
            raise
        except PdfError as error:
            detail = f"Bytes after the seal are not a plain time-stamp: {error}."
            for check in ("structure", "coverage", "revisions", "docmdp"):
                self.findings.append(failed(check, detail))
            return None
        self.findings.append(passed("structure", "Every byte of the file has its place."))
        count = len(tail.stamps)
        self.findings.append(
            passed("revisions", f"Only {count} time-stamp revision(s) follow the seal.")
        )
        if not any(one.check == "docmdp" for one in self.findings):
            self.findings.append(passed("docmdp", "Nothing the seal forbids was done."))
        if tail.stamps:
            detail = "The last time-stamp covers the entire file."
            self.findings.append(passed("coverage", detail))
        else:
            detail = "No document time-stamp covers the file."
            self.findings.append(not_checked("coverage", detail))
        return tail

    def _read_store(self, document: Document) -> None:
        store = document.get(document.catalog.get("DSS"))
        if not isinstance(store, dict):
            return
        lists = (
            ("Certs", self.material.certificates),
            ("CRLs", self.material.crls),
            ("OCSPs", self.material.ocsps),
        )
        for kind, target in lists:
            if kind in store:
                streams = [document.get(one) for one in document.array(store[kind])]
                target.extend(
                    document.stream_bytes(one) for one in streams if isinstance(one, Stream)
                )

    # Time-stamps.

    def _token(self, token: bytes, imprint: bytes | pdf_grammar.SignatureValue, at: datetime,
               where: str) -> tst.TokenFacts:  # fmt: skip
        def digest(name: str) -> bytes:
            if isinstance(imprint, bytes):
                return hashlib.new(name, imprint).digest()
            return self.hasher.digest(name, imprint.byte_range)

        return tst.verify_token(
            token, digest, self.trust, self.material.certificates, self.material.crls, at,
            ocsps=self.material.ocsps, where=where,
        )  # fmt: skip

    def _check_stamps(self, tail: pdf_grammar.Tail) -> None:
        """Verify each document time-stamp at the time the next one proves, the last one now."""
        infos = [token_time(stamp.contents) for stamp in tail.stamps]
        moments = [*infos[1:], self.at]
        for stamp, moment in zip(tail.stamps, moments):  # noqa: B905  # as many of each
            facts = self._token(stamp.contents, stamp, moment or self.at, stamp.field_name)
            self.stamps.append(facts)
            self.findings.append(stamp_finding("time_stamp", facts, stamp.field_name))
            self.findings.extend(
                stray_parts(facts, stamp.field_name, self.material.certificates, self.trust)
            )
            self.findings.append(finding_of(facts, "integrity", stamp.field_name))
        if not self.stamps:
            detail = "The file carries no document time-stamp."
            self.findings.append(not_checked("time_stamp", detail))
        times = [one for one in infos if one is not None]
        if times != sorted(times):
            self.findings.append(failed("time_stamp", "The time-stamps are not in order."))

    # The seal.

    def _check_seal(
        self, seal: pdf_grammar.SignatureValue
    ) -> tuple[x509.Certificate | None, datetime | None, x509.Chain | None]:
        try:
            signed = cms.parse(seal.contents)
            if signed.content is not None or signed.content_type != cms.DATA:
                raise der.DerError("the signature carries content of its own")
            pool = x509.read_pool((*signed.certificates, *self.material.certificates))
            checked = cms.check(
                signed, lambda name: self.hasher.digest(name, seal.byte_range), pool, cades=True
            )
        except (ValueError, IndexError, KeyError) as error:
            detail = f"The signature cannot be read: {error}."
            self.findings.append(failed("integrity", detail, SEAL_FIELD))
            return None, None, None
        self._say_integrity(checked, signed)
        moment = self._check_signature_stamp(signed)
        if checked.signer is None:
            return None, moment, None
        chain = self._check_signer(checked.signer, pool, moment)
        return checked.signer, moment, chain

    def _say_integrity(self, checked: cms.Check, signed: cms.SignedData) -> None:
        problems = list(checked.broken)
        if not signed.unsigned.keys() <= {cms.TIME_STAMP}:
            problems.append("it carries unsigned additions")
        if problems:
            detail = f"Altered: {'; '.join(problems)}."
            self.findings.append(failed("integrity", detail, SEAL_FIELD))
        else:
            detail = "The signed bytes are exactly those that were sealed."
            self.findings.append(passed("integrity", detail, SEAL_FIELD))
        if checked.weak:
            detail = f"Not strong enough: {'; '.join(checked.weak)}."
            self.findings.append(failed("algorithms", detail, SEAL_FIELD))
        else:
            detail = "All algorithms are strong enough."
            self.findings.append(passed("algorithms", detail, SEAL_FIELD))

    def _check_signature_stamp(self, signed: cms.SignedData) -> datetime | None:
        """Verify the token over the signature value at the time the first time-stamp proves."""
        token = signed.unsigned.get(cms.TIME_STAMP)
        if token is None:
            detail = "The signature carries no time-stamp."
            self.findings.append(not_checked("signature_time_stamp", detail, SEAL_FIELD))
            return None
        first = self.stamps[0].time if self.stamps else None
        facts = self._token(token.raw, signed.signature, first or self.at, SEAL_FIELD)
        finding = stamp_finding("signature_time_stamp", facts, SEAL_FIELD)
        if first is not None and facts.time is not None and facts.time > first + tolerance(facts):
            detail = "The signature's time-stamp is later than the document's."
            finding = failed("signature_time_stamp", detail, SEAL_FIELD)
        self.findings.append(finding)
        self._signature_token = facts
        return facts.time if facts.outcome_of("integrity") == PASSED else None

    _signature_token: tst.TokenFacts | None = None

    def _check_signer(
        self, signer: x509.Certificate, pool: list[x509.Certificate], moment: datetime | None
    ) -> x509.Chain | None:
        self.findings.append(self._signer_finding(signer))
        at = moment or self.at
        chain = x509.find_chain(signer, pool, self.trust, at)
        if chain is None:
            self.findings.append(tst.untrusted(signer, SEAL_FIELD))
            return None
        top = chain.certificates[-1].subject_text
        self.findings.append(passed("chain", f"Chain to {top}.", SEAL_FIELD))
        problem = x509.outside_validity(chain.certificates, at)
        if problem is None:
            detail = "All certificates were valid at the time of the seal."
            self.findings.append(passed("validity", detail, SEAL_FIELD))
        else:
            detail = f"At the time of the seal: {problem}."
            self.findings.append(failed("validity", detail, SEAL_FIELD))
        self.findings.append(
            tst.chain_revocation(
                chain,
                at,
                crls=self.material.crls,
                ocsps=self.material.ocsps,
                pool=pool,
                where=SEAL_FIELD,
            )
        )
        return chain

    def _signer_finding(self, signer: x509.Certificate) -> Finding:
        name = signer.subject_text
        may_sign = signer.may("digital_signature") or signer.may("content_commitment")
        purposes = signer.purposes
        if signer.is_ca or not may_sign or signer.unknown_critical:
            return failed("signer", f"{name} may not sign documents.", SEAL_FIELD)
        if purposes is not None and not x509.DOCUMENT_PURPOSES & set(purposes):
            return failed("signer", f"{name} may not sign documents.", SEAL_FIELD)
        if self.trust.signers and signer.fingerprint not in self.trust.signers:
            return failed("signer", f"{name} is not the expected signer.", SEAL_FIELD)
        return passed("signer", f"Sealed by {name}.", SEAL_FIELD)

    def _check_trust(self, chain: x509.Chain | None) -> None:
        label = self._trust_label(chain)
        if label == "development":
            detail = "TIME_NOT_INDEPENDENT: the time comes from a development authority."
            finding = not_checked("time_independence", detail, required=False)
        elif label == "none":
            finding = not_checked("time_independence", "No authority is trusted.", required=False)
        else:
            detail = "The time comes from a trusted authority."
            finding = passed("time_independence", detail, required=False)
        self.findings.append(finding)

    def _trust_label(self, chain: x509.Chain | None) -> str:
        """Return the weakest label among the signer's and all time-stamps' chains."""
        labels = [chain.label_shown if chain else "none", *(one.trust for one in self.stamps)]
        if self._signature_token is not None:
            labels.append(self._signature_token.trust)
        return max(labels, key=TRUST_LABELS.index)

    def _check_level(self, moment: datetime | None, tail: pdf_grammar.Tail | None) -> None:
        has_material = bool(self.material.crls or self.material.ocsps)
        if moment is None:
            level = "B-B"
        elif not has_material:
            level = "B-T"
        elif tail is None or not tail.stamps:
            level = "B-LT"
        else:
            level = "B-LTA"
        detail = f"PAdES {level}."
        self.findings.append((passed if level == "B-LTA" else failed)("level", detail, SEAL_FIELD))
        until = self._verifiable_until()
        if until is not None:
            self.findings.append(
                passed(
                    "verifiable_until", f"{until:%Y-%m-%dT%H:%M:%SZ}", SEAL_FIELD, required=False
                )
            )

    def _verifiable_until(self) -> datetime | None:
        if not self.stamps or self.stamps[-1].chain is None:
            return None
        return min(one.not_after for one in self.stamps[-1].chain.certificates)

    # What is inside.

    def _inside(self, certified: Document) -> tuple[dict[str, bytes], tuple[str, ...], int]:
        """Return embedded files, their names and the page count; damage fails ``structure``."""
        try:
            embedded, names = self._embedded(certified)
            return embedded, names, page_count(certified)
        except LimitExceeded:
            raise
        except PdfError as error:
            self.findings.append(failed("structure", f"The certified part is damaged: {error}."))
            return {}, (), 0

    def _embedded(self, certified: Document) -> tuple[dict[str, bytes], tuple[str, ...]]:
        found: dict[str, bytes] = {}
        names: list[str] = []
        for name, value in embedded_files(certified):
            names.append(name)
            if name in (MANIFEST, VOLUME):
                if name in found:
                    raise PdfError(f"{name} is embedded twice")
                found[name] = embedded_bytes(certified, value)
        return found, tuple(names)

    def _check_completeness(self, embedded: dict[str, bytes]) -> str:
        """Say whether this one file is the whole record, and return the bundle id."""
        manifest = json_object(embedded.get(MANIFEST))
        volume = json_object(embedded.get(VOLUME))
        volumes = manifest.get("volumes")
        count = len(volumes) if isinstance(volumes, list) else volume.get("of")
        number = 1 if manifest else volume.get("volume")
        if not isinstance(count, int) or not isinstance(number, int):
            detail = "The file does not say which part of a bundle it is."
            self.findings.append(not_checked("completeness", detail))
        elif count > 1:
            detail = f"Intact, incomplete: volume {number} of {count}."
            self.findings.append(not_checked("completeness", detail))
        else:
            self.findings.append(passed("completeness", "The only volume of its bundle."))
        bundle = (manifest or volume).get("bundle")
        return bundle if isinstance(bundle, str) else ""


def _place(finding: Finding) -> tuple[int, bool]:
    """Return where a finding stands in a report: by subject, the seal before the time-stamps."""
    order = _ORDER.index(finding.check) if finding.check in _ORDER else len(_ORDER)
    return order, finding.where != SEAL_FIELD


__all__ = ["SEAL_FIELD", "PdfFacts", "RangeHasher", "report_pdf", "verify_pdf"]
