"""The bench measures the parts asked for, and no other."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

from evidence.management.commands import bench


def test_each_part_can_be_measured_alone(monkeypatch):
    asked = []

    def part(name):
        def lines(what):
            asked.append((name, what.sizes, what.photos))
            yield f"line of {name}"

        return lines

    parts = {name: (what, part(name)) for name, (what, _) in bench.PARTS.items()}
    monkeypatch.setattr(bench, "PARTS", parts)
    out = StringIO()
    call_command("bench", "--only", "pipeline", "verdicts", "--sizes", "10", stdout=out)
    assert asked == [("pipeline", [10], 0), ("verdicts", [10], 0)]
    assert "line of pipeline" in out.getvalue()
    asked.clear()
    call_command("bench", "--full", stdout=out)
    assert [name for name, _, _ in asked] == list(parts)
    assert asked[0][1:] == ([*bench.SIZES, bench.FULL_SIZE], bench.PHOTOS)
