"""What a person chose in one series, before it is frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from evidence.values import Ranges


@dataclass(frozen=True, slots=True)
class Redaction:
    """What is withheld of one chosen message.

    targets: ``"*"`` for the whole message, a field name (``"body"``, ``"attachments"`` …) or
    ``"body:3-5,8"`` for segments 3 to 5 and 8 of the body, 1-based (formats/message).
    reason: shown in the bundle; may be empty.
    """

    targets: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The rule by which messages of one series are chosen; what is None does not limit.

    period_from, period_to: aware; a message counts when its interpreted time lies in
    [from, to). A message without a readable time is outside every stated period.
    participant: a participant key of the series (``p2``), or a name it was shown under.
    messages: sequences; combined with the other rules by "and".
    context: as many neighbours on both sides of every chosen message are added.
    """

    period_from: datetime | None = None
    period_to: datetime | None = None
    participant: str | None = None
    messages: Ranges | None = None
    context: int = 0
    redactions: Mapping[int, Redaction] = field(default_factory=dict)
