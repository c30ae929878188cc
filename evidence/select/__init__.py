"""A person's choice of messages becomes a frozen, described selection."""

from evidence.select.choice import Choice, Redaction
from evidence.select.freeze import FrozenPart, freeze_part
from evidence.select.notation import parse_ranges, parse_redactions

__all__ = [
    "Choice",
    "FrozenPart",
    "Redaction",
    "freeze_part",
    "parse_ranges",
    "parse_redactions",
]
