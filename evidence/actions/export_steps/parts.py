"""One part of the selection as every phase needs it: series, ranges, what is withheld."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from evidence.actions.request_export import rule_text, selection_parts
from evidence.archive.pushed import cut_back
from evidence.archive.read import SeriesFacts, StoredMessage, describe_series, messages
from evidence.errors import Corrupt
from evidence.formats import bundle, manifest, ranges
from evidence.formats.message import Withheld
from evidence.models import Attachment, Export, Series
from evidence.models import Message as MessageRow
from evidence.values import Participant, Ranges


@dataclass(frozen=True)
class Part:
    """place: 1-based order in the bundle. chosen: withheld sequences included."""

    place: int
    series: Series
    stored: dict[str, Any]

    @cached_property
    def chosen(self) -> Ranges:
        return ranges.parse(self.stored["chosen"])

    @cached_property
    def stated(self) -> manifest.Part:
        """Return the part as the manifest states it."""
        return manifest.Part(
            series=self.series.public_id,
            rule=rule_text(self.stored["rule"]),
            n_rows=self.series.size,
            disclosed=self.chosen,
            withheld={int(seq): tuple(items) for seq, items in self.stored["withheld"].items()},
            reasons={int(seq): text for seq, text in self.stored["reasons"].items()},
        )

    @cached_property
    def withheld(self) -> dict[int, Withheld]:
        return {
            seq: Withheld.parse(items, self.stated.reasons[seq])
            for seq, items in self.stated.withheld.items()
        }

    @cached_property
    def facts(self) -> SeriesFacts:
        return describe_series(self.series)

    @cached_property
    def attachments(self) -> dict[tuple[int, int], Attachment]:
        """Return the stored attachments of the chosen messages by (sequence, place)."""
        found = Attachment.objects.filter(series=self.series, blob__isnull=False)
        rows = found.select_related("blob__organisation").order_by("sequence", "place")
        return {(row.sequence, row.place): row for row in rows if row.sequence in self.chosen}

    @property
    def wholly_disclosed(self) -> bool:
        """True when every message of the series is chosen and nothing of it withheld."""
        return len(self.chosen) == self.series.size and not self.withheld

    def messages(self) -> Iterator[StoredMessage]:
        """Yield the chosen messages. Raises Corrupt when one was erased or does not open."""
        for stored in messages(self.series, self.chosen):
            if stored.is_erased:
                where = f"{self.series.public_id}:{stored.sequence}"
                raise Corrupt("an erased message is chosen", code="message_erased", where=where)
            yield stored

    def speakers(self) -> set[str]:
        """Return the keys of those whose name is disclosed with a chosen message."""
        hidden = {seq for seq, what in self.withheld.items() if "sender" in what.fields}
        first, last = self.chosen.spans[0][0], self.chosen.spans[-1][1]
        rows = MessageRow.objects.filter(
            series=self.series, sequence__gte=first, sequence__lte=last, participant__gt=0
        )
        gaps = len(self.chosen.spans) > 1
        return {
            f"p{participant}"
            for sequence, participant in rows.values_list("sequence", "participant").iterator(
                20_000
            )
            if sequence not in hidden and (not gaps or sequence in self.chosen)
        }

    def named(self) -> list[Participant]:
        """Return the participants who speak in the chosen messages, and the custodian.

        A person who only speaks outside the selection is not named: it would disclose what the
        selection leaves out. Nor is one whose every chosen message withholds its sender.
        """
        speaking = self.speakers()
        return [one for one in self.facts.participants if one.key in speaking or one.is_owner]

    def shows_attachments(self, sequence: int) -> bool:
        """True when the attachments of ``sequence`` are disclosed."""
        withheld = self.withheld.get(sequence)
        return withheld is None or "attachments" not in withheld.fields

    def attachment_path(self, sequence: int, place: int, name: str) -> str:
        """Return where an attachment stands in the bundle: never a name out of a chat."""
        return bundle.attachment_path(self.series.public_id, sequence, place + 1, name)


def parts_of(export: Export) -> list[Part]:
    """Return the parts of the export's selection, in the order of the bundle."""
    statements = selection_parts(export.selection)
    related = Series.objects.select_related(
        "organisation", "conversation__organisation", "acquisition__organisation"
    )
    found = {
        one.public_id: one
        for one in related.filter(public_id__in=[statement["series"] for statement in statements])
    }
    for statement in statements:
        if "cut" in statement:
            cut_back(found[statement["series"]], statement["cut"])
    return [
        Part(place, found[statement["series"]], statement)
        for place, statement in enumerate(statements, start=1)
    ]
