"""Any signed PDF of anybody: a verdict stricter than the libraries, with pyHanko and pikepdf.

No Django, no database, no network. The verdict is a conjunction; each part alone is known to
accept forged files:

``opened``      the file as pyHanko reads it, and which problems it had
``second``      the same file as qpdf reads it (pikepdf): warnings, and the signatures seen
``signatures``  every signature: where it stands, what it covers, what hides beside it
``layout``      every byte after the first signature accounted for, revision by revision
``changes``     what each later revision changed, by object and page, and whether that was allowed
``opinion``     pyHanko's AdES indication and bottom line, from embedded data alone
``trusting``    certificates, revocation, time-stamps and algorithms, by the offline verifier
``levels``      how far each signature is provided for later checks (B-B … B-LTA), and until when
``judge``       all of it together, and the closed table of what must hold
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from evidence.verify.offline import Report, Trust


def report_pdf(path: Path, trust: Trust, at: datetime | None = None) -> Report:
    """Return the report on the PDF at ``path``. Total over all bytes.

    at: "now", aware; None reads the clock. OSError of an unreadable path is the caller's.
    """
    from evidence.verify.pdf.judge import report_pdf as judged

    return judged(path, trust, at)


def load() -> None:
    """Import everything now, so that the first file does not wait for it."""
    from evidence.verify.pdf import judge

    judge.load()


__all__ = ["load", "report_pdf"]
