"""Every check by its code, in the words of somebody who reads a report."""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a text for the catalogue."""
    return text


CHECKS: dict[str, str] = {
    "recognised": _("The kind of file is known to us"),
    "readable": _("The file can be read"),
    "limits": _("The file is within the limits of this page"),
    "structure": _("The file is built without tricks"),
    "integrity": _("The signed content is unchanged"),
    "coverage": _("Signature and time-stamps cover the whole file"),
    "revisions": _("Nothing was added after signing except proofs of time"),
    "docmdp": _("The signer's ban on changes was kept"),
    "filled": _("Fields filled in later draw the values they state"),
    "appearance": _("The pages look as they did when they were first signed"),
    "signer": _("The signer's certificate is there and fits"),
    "chain": _("The signer's certificate leads to an authority trusted here"),
    "validity": _("The certificate was valid when it was used"),
    "revocation": _("The certificate was not revoked"),
    "algorithms": _("The methods used are strong enough"),
    "level": _("Level of the signature (PAdES: B-B, B-T, B-LT, B-LTA)"),
    "signature_time_stamp": _("The signature carries a proof of time"),
    "time_stamp": _("The time-stamps are genuine"),
    "time": _("Proven time of signing"),
    "time_independence": _("The time comes from an authority other than the issuer"),
    "imprint": _("The time-stamp belongs to this content"),
    "verifiable_until": _("Verifiable without renewal until"),
    "completeness": _("All volumes are here"),
    "container": _("The archive is exactly as it was issued"),
    "bag": _("The lists of files agree with each other"),
    "files": _("Every file is here and unchanged, and none was added"),
    "manifest": _("The list of contents is the one inside the signed document"),
    "volumes": _("Every volume belongs to this bundle"),
    "messages": _("Every message fits its seal"),
    "seal": _("The messages are the ones that were sealed in the store"),
    "selection": _("The selection is the one that was fixed"),
    "custody": _("The record of custody has no gap"),
    "custody_times": _("The times in the record of custody are in order"),
    "log": _("The events stand in the custody log"),
    "log_key": _("The custody log was signed by the issuer's log key"),
    "log_signature": _("The log's signature could be tied to the issuer"),
    "log_time": _("The custody log was time-stamped"),
    "stored_by": _("In the store no later than"),
    "single_view": _("Independent witnesses saw the same log"),
    "originals": _("The originals are unchanged"),
    "attachments": _("The attachments are unchanged"),
    "receipt": _("The receipt fits the bundle"),
    "sm3": _("The second seal with SM3 fits as well"),
    "ours": _("The document was made by TrueThread"),
    "second_parser": _("A second, independent reader finds it sound and sees the same signatures"),
    "signatures": _("Two independent readers see the same signatures"),
    "ades": _("The signature follows the standard for advanced signatures (AdES)"),
}
"""Code → what holds when the check passed."""
