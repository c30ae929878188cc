"""How a surface gets an object: always through the person asking.

Every function takes the person first and returns what they may see, or raises ``NotFound``, which
looks the same for what is missing and for what is someone else's. ``within`` narrows to one
organisation, or to some matters of it: a program speaks for no more. Nothing here writes.
"""

from evidence.access.evidence import (
    acquisition_for,
    acquisitions_of,
    attachment_for,
    conversation_for,
    series_for,
    series_of,
)
from evidence.access.exports import (
    artifact_for,
    conversion_for,
    export_for,
    exports_of,
    issued_bundle,
    issued_file,
    job_for,
)
from evidence.access.holds import hold_for, holds_of
from evidence.access.log import LogPage, log_about, log_of
from evidence.access.matters import (
    matter_for,
    matter_to_change,
    matter_to_share,
    matters_of,
    may_share,
)
from evidence.access.people import (
    Bounds,
    Person,
    Within,
    api_token_for,
    api_tokens_of,
    invitation_for,
    invitation_with_token,
    may_change,
    membership_for,
    memberships_of,
    open_invitations,
    organisation_for,
    organisation_of,
    organisation_to_change,
    organisation_to_run,
    role_in,
    token_with_secret,
)

__all__ = [
    "Bounds", "LogPage", "Person", "Within", "acquisition_for", "acquisitions_of", "api_token_for",
    "api_tokens_of", "artifact_for", "attachment_for", "conversation_for", "conversion_for",
    "export_for",
    "exports_of", "hold_for", "holds_of", "invitation_for", "invitation_with_token",
    "issued_bundle", "issued_file", "job_for", "log_about", "log_of", "matter_for", "matter_to_change",
    "matter_to_share", "matters_of", "may_change", "may_share",
    "membership_for", "memberships_of", "open_invitations", "organisation_for", "organisation_of",
    "organisation_to_change", "organisation_to_run", "role_in", "series_for",
    "series_of", "token_with_secret",
]  # fmt: skip
