"""Prometheus' text format, version 0.0.4.

    # HELP truethread_jobs Exports by phase.
    # TYPE truethread_jobs gauge
    truethread_jobs{phase="ready"} 3

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Measure:
    """One named measure. samples: label values → number; without labels the key is empty."""

    name: str
    help: str
    samples: Mapping[tuple[tuple[str, str], ...], float]
    kind: str = "gauge"


def text(measures: Iterable[Measure]) -> str:
    """Return the measures in the text format, in their order."""
    return "".join(f"{line}\n" for measure in measures for line in _lines(measure))


def _lines(measure: Measure) -> Iterable[str]:
    yield f"# HELP {measure.name} {_escaped(measure.help)}"
    yield f"# TYPE {measure.name} {measure.kind}"
    for labels, value in measure.samples.items():
        pairs = ",".join(f'{name}="{_quoted(label)}"' for name, label in labels)
        yield f"{measure.name}{'{' + pairs + '}' if pairs else ''} {value!r}"


def _escaped(words: str) -> str:
    return words.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(label: str) -> str:
    return _escaped(label).replace('"', r"\"")
