"""A person's choice of messages becomes a frozen, described selection."""

from evidence.select.choice import Choice, Redaction
from evidence.select.freeze import FrozenPart, freeze_part, pick, rule_of
from evidence.select.notation import parse_ranges, parse_redactions
from evidence.select.picked import Picked

__all__ = [
    "Choice",
    "FrozenPart",
    "Picked",
    "Redaction",
    "freeze_part",
    "parse_ranges",
    "parse_redactions",
    "pick",
    "rule_of",
]
