"""pyHanko's opinion: AdES indication (EN 319 102-1) and bottom line, from embedded data alone.

One vote among several. Known of it: the indication does not look at content changed later; with
nothing embedded about revocation it never passes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko.sign.ades.report import AdESFailure, AdESPassed
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager

from evidence.verify.offline import Trust
from evidence.verify.pdf.opened import LIBRARY_ERRORS, in_a_line
from evidence.verify.pdf.signatures import Signature


@dataclass(frozen=True, slots=True)
class Opinion:
    """What pyHanko says about one signature; None where it has no answer."""

    indication: str
    """``passed``, ``failed`` or ``indeterminate``."""
    detail: str
    bottom_line: bool
    is_intact: bool | None
    """The bytes fit the digest and the digest fits the signature value."""


def ask(signature: Signature, trust: Trust, at: datetime) -> Opinion:
    """Return the library's opinion on one signature that is no time-stamp. Total."""
    embedded = signature.embedded
    if embedded is None:
        return Opinion("indeterminate", signature.problem, False, None)
    try:
        if embedded.coverage is None:
            embedded.compute_integrity_info(skip_diff=True)
        result = asyncio.run(ades_lta_validation(embedded, _spec(trust), timing_info=_timing(at)))
    except (*LIBRARY_ERRORS, Exception) as error:
        return Opinion("indeterminate", in_a_line(error), False, None)
    status = result.api_status
    found = result.ades_subindic
    indication = "indeterminate"
    if found == AdESPassed.OK:
        indication = "passed"
    elif isinstance(found, AdESFailure):
        indication = "failed"
    return Opinion(
        indication,
        str(getattr(found, "standard_name", found))[:100],
        bool(status is not None and status.bottom_line),
        None if status is None else bool(status.intact and status.valid),
    )


def _spec(trust: Trust) -> PdfSignatureValidationSpec:
    roots = [asn1_x509.Certificate.load(root.certificate) for root in trust.roots]
    policy = CertValidationPolicySpec(
        trust_manager=SimpleTrustManager.build(trust_roots=roots),
        revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
    )
    gathering = RevocationInfoGatheringSpec(
        online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
        certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
    )
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(policy, revinfo_gathering_policy=gathering), diff_policy=None
    )


def _timing(at: datetime) -> ValidationTimingInfo:
    return ValidationTimingInfo(
        validation_time=at, best_signature_time=at, point_in_time_validation=False
    )
