"""The receipt beside a bundle: was exactly this ZIP issued, and when?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

from ...formats import checkpoint, custody, merkle, receipt, shape
from ...formats.checkpoint import Checkpoint, VerifierKey
from ...formats.custody import CLOCK_TOLERANCE
from ...formats.manifest import Manifest
from ...formats.receipt import Receipt
from . import ed25519, x509
from .bundle_tokens import Material, check_token
from .report import Finding, Report, failed, make_report, not_checked, passed

REQUIRED = frozenset({"recognised", "log", "log_time", "custody_times", "log_signature"})


@dataclass(frozen=True)
class Context:
    """What the bundle itself says. prepared, stamped: its checkpoint and when that was stamped.

    pdfs: path → size and SHA-256 in hex, as found in the ZIP.
    """

    manifest: Manifest
    prepared: Checkpoint | None
    stamped: datetime | None
    zip_sha256: str
    zip_size: int
    pdfs: Mapping[str, tuple[int, str]]


def check_receipt(
    data: bytes, trust: x509.Trust, at: datetime, context: Context
) -> tuple[list[Finding], str]:
    """Return the findings about a receipt and the bundle beside it, and the trust of its token."""
    try:
        found = receipt.loads(data)
    except ValueError as error:
        return [failed("receipt", f"The receipt cannot be read: {error}.")], "none"
    problem = _mismatch(found, context) or _log_problem(found, context)
    if problem:
        return [failed("receipt", problem)], "none"
    findings, moment, label = _check_time(found, trust, at, "receipt")
    if (
        moment is not None
        and context.stamped is not None
        and moment < context.stamped - CLOCK_TOLERANCE
    ):
        findings.append(failed("receipt", "The receipt is older than the bundle it is about."))
    return findings, label


def report_receipt(
    data: bytes,
    trust: x509.Trust,
    at: datetime | None = None,
    *,
    file: str = "",
    log_key: VerifierKey | None = None,
) -> Report:
    """Return the report on a receipt alone.

    log_key: from its verified bundle; without it nobody can say whose log the receipt speaks of.
    """
    started = time.perf_counter()
    try:
        found = receipt.loads(data)
    except ValueError:
        finding = failed("recognised", "This is not a receipt of ours.")
        return make_report(file, "other", [finding], seconds=time.perf_counter() - started)
    signed = checkpoint.read(found.checkpoint)
    findings = [passed("recognised", f"The receipt of bundle {found.bundle}.")]
    if _is_included(found, signed):
        findings.append(passed("log", "The entry export.issued is in the log."))
    else:
        findings.append(failed("log", "The entry export.issued is not in the log as it stands."))
    stamp, moment, label = _check_time(found, trust, at or datetime.now(timezone.utc), "log_time")
    findings += [one for one in stamp if one.check == "log_time"]
    if moment is not None and shape.utc(found.entry.time) <= moment + CLOCK_TOLERANCE:
        findings.append(passed("custody_times", "Issued no later than its time-stamp."))
    else:
        findings.append(
            failed("custody_times", "Issued later than its time-stamp, or without one.")
        )
    findings.append(_log_signature(signed, log_key))
    return make_report(
        file,
        "receipt",
        findings,
        trust=label,
        seconds=time.perf_counter() - started,
        required=REQUIRED,
    )


def _log_signature(signed: Checkpoint, key: VerifierKey | None) -> Finding:
    if key is None:
        detail = "Whose log this is only the bundle can show: check both side by side."
        return not_checked("log_signature", detail)
    if checkpoint.verify_log(signed, key, ed25519.verify):
        return passed("log_signature", f"Signed by the log {key.name}.")
    return failed("log_signature", "The log of the bundle did not sign this checkpoint.")


def _mismatch(found: Receipt, context: Context) -> str:
    if found.bundle != context.manifest.bundle:
        return "The receipt is for another bundle."
    if (found.zip.sha256.hex(), found.zip.size) != (context.zip_sha256, context.zip_size):
        return "The receipt is for another ZIP: this one was changed after it was issued."
    issued = {pdf.path: (pdf.size, pdf.sha256.hex()) for pdf in found.pdfs}
    if issued != dict(context.pdfs):
        return "The receipt names other PDFs than those in the ZIP."
    return ""


def _log_problem(found: Receipt, context: Context) -> str:
    if context.prepared is None:
        return "The log of the bundle does not hold, so its receipt cannot."
    signed = checkpoint.read(found.checkpoint)
    key = checkpoint.read_vkey(context.manifest.log_vkey)
    if not checkpoint.verify_log(signed, key, ed25519.verify):
        return "The log did not sign the checkpoint of the receipt."
    if found.entry.log != signed.origin or not _is_included(found, signed):
        return "The entry export.issued is not in the log."
    if not merkle.verify_consistency(
        context.prepared.size,
        signed.size,
        context.prepared.root,
        signed.root,
        found.consistency,
    ):
        return "The log was rewritten between the bundle and its receipt."
    return ""


def _check_time(
    found: Receipt, trust: x509.Trust, at: datetime, check: str
) -> tuple[list[Finding], datetime | None, str]:
    material = Material(found.certificates, found.crls)
    facts, findings = check_token(
        found.token, found.checkpoint, trust, at, material, found.zip.path, check
    )
    moment = facts.time if facts.outcome_of("integrity") == "passed" else None
    if moment is not None and shape.utc(found.entry.time) > moment + CLOCK_TOLERANCE:
        findings.append(failed("receipt", "The bundle was issued later than the time-stamp says."))
    return findings, moment, facts.trust


def _is_included(found: Receipt, signed: Checkpoint) -> bool:
    leaf = custody.leaf_hash(found.entry.digest(found.salt))
    return merkle.verify_inclusion(
        found.entry.index, signed.size, leaf, found.inclusion, signed.root
    )
