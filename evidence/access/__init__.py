"""How a surface gets an object: always through the person asking.

Every function takes the person first and returns what they may see, or raises ``NotFound``, which
looks the same for what is missing and for what is someone else's. ``within`` narrows to one
organisation: an API token speaks for one only. Nothing here writes.
"""

from evidence.access.evidence import (
    acquisition_for,
    acquisitions_of,
    attachment_for,
    series_for,
    series_of,
)
from evidence.access.exports import (
    artifact_for,
    export_for,
    exports_of,
    issued_bundle,
    issued_file,
    job_for,
)
from evidence.access.matters import matter_for, matters_of
from evidence.access.people import (
    Person,
    api_token_for,
    api_tokens_of,
    may_change,
    organisation_of,
    organisation_to_change,
    token_with_secret,
)

__all__ = [
    "Person", "acquisition_for", "acquisitions_of", "api_token_for", "api_tokens_of",
    "artifact_for", "attachment_for", "export_for", "exports_of", "issued_bundle", "issued_file",
    "job_for", "matter_for",
    "matters_of", "may_change", "organisation_of", "organisation_to_change", "series_for",
    "series_of", "token_with_secret",
]  # fmt: skip
