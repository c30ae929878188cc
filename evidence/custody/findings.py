"""What a recheck says: figures, what does not fit, and what could not be checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from evidence.values import Json

MAX_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit. code: stable; where: entry, checkpoint, series or message."""

    code: str
    where: str
    detail: str = ""

    def value(self) -> dict[str, Json]:
        """Return the JSON object."""
        return {"code": self.code, "where": self.where, "detail": self.detail}


class TooManyProblems(Exception):
    """Enough is wrong; going on would only name the consequences."""


@dataclass(slots=True)
class RecheckReport:
    """The outcome of ``recheck``. ``problems`` stand in the order in which they were met."""

    entries: int = 0
    nodes: int = 0
    checkpoints: int = 0
    stamps: int = 0
    series: int = 0
    messages: int = 0
    erased: int = 0
    pending: int = 0
    """Events still in the queue: not wrong, not yet in the log."""
    problems: list[Problem] = field(default_factory=list)
    not_checked: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether everything that was checked fits."""
        return not self.problems

    def add(self, code: str, where: str, detail: str = "") -> None:
        """Note a problem; TooManyProblems once there are ``MAX_PROBLEMS``."""
        self.problems.append(Problem(code, where, detail))
        if len(self.problems) >= MAX_PROBLEMS:
            raise TooManyProblems

    def value(self) -> dict[str, Json]:
        """Return the JSON object that ``recheck_custody --json`` prints."""
        return {
            "holds": self.holds,
            "entries": self.entries,
            "nodes": self.nodes,
            "checkpoints": self.checkpoints,
            "stamps": self.stamps,
            "series": self.series,
            "messages": self.messages,
            "erased": self.erased,
            "pending": self.pending,
            "first": self.problems[0].value() if self.problems else None,
            "problems": [problem.value() for problem in self.problems],
            "not_checked": list(self.not_checked),
            "milliseconds": round(self.seconds * 1000),
        }
