"""The verifier that needs nothing of ours: standard library only, Python 3.10 or newer.

Together with ``evidence/formats`` this package is ``verify.pyz``. It trusts no byte of the file
under test, takes trust roots only from its caller and opens no network connection.

Whoever has a file asks ``verify``; the modules give more than a verdict to whoever needs it
(``bundle.verify_bundle``, ``pdf.verify_pdf``, ``tst.verify_token``).
"""

from .bundle import Limits
from .files import trust_of, verify
from .report import Finding, Report
from .x509 import Trust

__all__ = ["Finding", "Limits", "Report", "Trust", "trust_of", "verify"]
