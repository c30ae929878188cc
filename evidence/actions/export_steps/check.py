"""Phase 6: check the finished ZIP as a stranger would, before anything is issued."""

from __future__ import annotations

import logging
from datetime import datetime

from evidence.actions import workspace
from evidence.actions.export_steps.pack import zip_name
from evidence.errors import SelfVerificationFailed
from evidence.gateways.current import current
from evidence.models import Job
from evidence.verify import beside

logger = logging.getLogger(__name__)


def run(job: Job, at: datetime) -> None:
    """Verify the ZIP against this deployment's own roots.

    Raises SelfVerificationFailed naming the first required finding that did not pass.
    """
    gateways = current()
    path = workspace.folder(job.export) / zip_name(job.export)
    report = beside.verify(path, roots=gateways.roots, trust=gateways.trust)
    if report.indication == "TOTAL_PASSED":
        return
    wrong = [f for f in report.findings if f.required and f.outcome != "passed"]
    for finding in wrong:
        logger.error("self-verification: %s %s %s", finding.check, finding.outcome, finding.detail)
    first = wrong[0].check if wrong else report.reason
    raise SelfVerificationFailed(first, where=first)
