"""One file of any kind → its report: bundle, PDF, receipt, token, or something else."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from ...formats.checkpoint import VerifierKey, read_vkey
from . import bundle, bundle_receipt, pdf, tst, x509
from .bundle import Limits
from .bundle_source import FolderSource
from .bundle_tokens import Material, read_material
from .report import Report, failed, make_report

MAX_SMALL_BYTES = 64 * 1024 * 1024
RECEIPT_ENDING = ".receipt.json"


def verify(
    path: str | Path,
    *,
    trust: x509.Trust,
    at: datetime | None = None,
    limits: Limits | None = None,
    receipt: bytes | None = None,
    witnesses: Sequence[VerifierKey] = (),
    processes: int | None = None,
) -> Report:
    """Return the report on the file (or unpacked bundle) at ``path``. Total over all bytes.

    trust: roots that count; none is ever read from the file. at: "now"; None reads the clock.
    receipt: of a bundle; when None, ``<path>.receipt.json`` beside it is used if it is there.
    OSError of an unreadable path is the caller's; nothing else is raised.
    """
    path = Path(path)
    name = str(path)
    if path.is_dir():
        return bundle.report_bundle(path, trust, at, witnesses=witnesses, processes=processes)
    if not path.is_file():
        path.stat()
        raise OSError(errno.EINVAL, "Not a regular file", name)
    with path.open("rb") as file:
        start = file.read(1024)
    size = path.stat().st_size
    if limits is not None and limits.max_bytes is not None and size > limits.max_bytes:
        return _too_large(name, limits.max_bytes)
    if start.startswith(b"PK") or (not start.startswith(b"%PDF-") and _ends_as_bundle(path)):
        report = bundle.report_bundle(
            path,
            trust,
            at,
            limits=limits,
            receipt=receipt_beside(path) if receipt is None else receipt,
            witnesses=witnesses,
            processes=processes,
        )
        if report.kind != "other" or pdf.HEADER not in start:
            return report
    if pdf.HEADER in start and not start.startswith(b"{"):
        return pdf.report_pdf(path, trust, at, file=name)
    if size > MAX_SMALL_BYTES:
        return make_report(name, "other", [failed("recognised", "This is no file of ours.")])
    data = path.read_bytes()
    if start.startswith(b"{"):
        key = _log_key(path, data, trust, at)
        return bundle_receipt.report_receipt(data, trust, at, file=name, log_key=key)
    stamped, material = _around(path)
    return tst.report_token(
        data,
        trust,
        at,
        stamped=stamped,
        certificates=material.certificates,
        crls=material.crls,
        file=name,
    )


def trust_of(roots: Iterable[bytes], label: str = "configured") -> x509.Trust:
    """Return trust in certificates (DER); label: public, configured or development."""
    return x509.Trust(tuple(x509.Root(root, label) for root in roots))


def _ends_as_bundle(path: Path) -> bool:
    """Tell whether a file that does not begin as a ZIP ends as a bundle: something was put in front."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - (1 << 16)))
        tail = file.read()
    return b"PK\x05\x06" in tail and b"data/manifest.json" in tail


def receipt_beside(path: Path) -> bytes | None:
    """Return the receipt that lies beside a ZIP, if one does."""
    candidate = path.with_name(path.name + RECEIPT_ENDING)
    if not candidate.is_file() or candidate.stat().st_size > MAX_SMALL_BYTES:
        return None
    return candidate.read_bytes()


def _log_key(
    path: Path, receipt: bytes, trust: x509.Trust, at: datetime | None
) -> VerifierKey | None:
    """Return the key of the log from the bundle beside a receipt, when the two pass together."""
    name = path.name.removesuffix(RECEIPT_ENDING)
    beside = path.with_name(name) if name else path
    if beside == path or not beside.is_file():
        return None
    facts = bundle.verify_bundle(beside, trust, at, receipt=receipt)
    if facts.manifest is None or not facts.report(str(beside)).passed:
        return None
    return read_vkey(facts.manifest.log_vkey)


def _around(path: Path) -> tuple[bytes | None, Material]:
    """Return what a token is over and what helps to judge it, when it lies in an unpacked bundle."""
    data = path.parent.parent
    note = data / "checkpoints" / f"{path.stem}.txt"
    if path.parent.name != "tokens" or not note.is_file():
        return None, Material()
    try:
        source = FolderSource(str(data.parent), max_members=Limits().max_members)
        return note.read_bytes(), read_material(source)
    except ValueError:
        return note.read_bytes(), Material()


def _too_large(name: str, limit: int) -> Report:
    detail = f"The file has more than {limit} bytes."
    return make_report(name, "other", [failed("limits", detail)], required=frozenset({"limits"}))
