"""The custody of a bundle as a CASE/UCO graph in JSON-LD.

Every entry of the custody chains is an ``InvestigativeAction`` with its time, performer, place and
purpose; an entry whose content is not disclosed is one too, with its digest and place in the log and
nothing else. Each acquisition is a ``ProvenanceRecord``, each conversation a ``MessageThread`` with
its seal, each PDF a ``File`` with its hash, and the bundle the result of its preparation. What CASE
has no word for stands under ``urn:truethread:custody#``: digest, index, number and previous digest.

Ids are derived from the bundle, so that the same bundle gives the same bytes. Messages are not
repeated here: RSMF, DAT and CSV hold them.

Source: CASE 1.4 and UCO 1.4, https://caseontology.org.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

from evidence.exchange.disclosed import Exchange, ExchangeSeries, ExchangeVolume
from evidence.exchange.plain_text import valid
from evidence.formats.custody import Entry, Line, Subject

CONTEXT = {
    "case-investigation": "https://ontology.caseontology.org/case/investigation/",
    "kb": "urn:truethread:bundle:",
    "truethread": "urn:truethread:custody#",
    "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
    "uco-core": "https://ontology.unifiedcyberontology.org/uco/core/",
    "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
    "uco-location": "https://ontology.unifiedcyberontology.org/uco/location/",
    "uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/",
    "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
    "uco-types": "https://ontology.unifiedcyberontology.org/uco/types/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
Node = dict[str, Any]


def write_case(exchange: Exchange, path: Path) -> int:
    """Write the graph to ``path`` and return how many custody entries it holds."""
    graph = _Graph(exchange)
    entries = sum(graph.add_line(line) for line in exchange.custody())
    value = {"@context": CONTEXT, "@graph": graph.nodes()}
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(valid(text) + "\n", encoding="utf-8", newline="\n")
    return entries


class _Graph:
    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._nodes: dict[str, Node] = {}
        self._bundle()

    def nodes(self) -> list[Node]:
        """Return all nodes, in order of their ids."""
        return [self._nodes[key] for key in sorted(self._nodes)]

    def _id(self, kind: str, *parts: str) -> str:
        name = "\0".join((self.exchange.bundle, kind, *parts))
        return f"kb:{kind}-{uuid.uuid5(uuid.NAMESPACE_URL, valid(name))}"

    def _put(self, key: str, node: Node) -> Node:
        self._nodes[key] = {"@id": key, **node}
        return {"@id": key}

    def _bundle(self) -> None:
        exchange = self.exchange
        parts = [self._thread(one) for one in exchange.series]
        parts += [self._pdf(one) for one in exchange.volumes]
        parts.append(self._subject_node("bundle", exchange.bundle))
        matter = {key: value for key, value in exchange.matter.items() if value}
        self._put(
            self._id("investigation"),
            {
                "@type": "case-investigation:Investigation",
                "uco-core:name": matter.get("name") or "Matter",
                "uco-core:description": "; ".join(
                    f"{key}: {matter[key]}"
                    for key in ("number", "purpose", "authority", "requester")
                    if key in matter
                )
                or "Nothing is stated about the matter.",
                "uco-core:object": parts,
            },
        )

    def _thread(self, series: ExchangeSeries) -> Node:
        node = self._subject_node("series", series.id)
        self._nodes[node["@id"]] |= {
            "@type": "uco-observable:MessageThread",
            "uco-core:name": series.title or series.id,
            "uco-core:description": f"{series.platform}; {series.size} rows; {series.parser}",
            "truethread:root": _hex(series.root),
        }
        return node

    def _pdf(self, volume: ExchangeVolume) -> Node:
        digest = hashlib.sha256()
        for piece in volume.load():
            digest.update(piece)
        name = volume.path.rpartition("/")[2]
        key = self._id("file", volume.path)
        return self._put(
            key,
            {
                "@type": "uco-observable:File",
                "uco-core:hasFacet": [
                    {
                        "@id": self._id("file-facet", volume.path),
                        "@type": "uco-observable:FileFacet",
                        "uco-observable:fileName": name,
                        "uco-observable:filePath": volume.path,
                        "uco-observable:sizeInBytes": _integer(volume.size),
                    },
                    {
                        "@id": self._id("content-facet", volume.path),
                        "@type": "uco-observable:ContentDataFacet",
                        "uco-observable:mimeType": "application/pdf",
                        "uco-observable:hash": [
                            {
                                "@id": self._id("hash", volume.path),
                                "@type": "uco-types:Hash",
                                "uco-types:hashMethod": "SHA256",
                                "uco-types:hashValue": _hex(digest.hexdigest()),
                            }
                        ],
                    },
                ],
            },
        )

    def _subject_node(self, kind: str, name: str) -> Node:
        key = self._id(kind, name)
        if key not in self._nodes:
            record = kind == "acquisition"
            node: Node = {
                "@type": "case-investigation:ProvenanceRecord"
                if record
                else "uco-observable:ObservableObject",
                "uco-core:name": f"{kind} {name}",
            }
            if record:
                node["case-investigation:exhibitNumber"] = name
                node["uco-core:object"] = [
                    self._subject_node("series", one.id)
                    for one in self.exchange.series
                    if one.acquisition == name
                ]
            self._put(key, node)
        return {"@id": key}

    def add_line(self, line: Line) -> int:
        """Add one entry of the log and return 1."""
        key = self._id("action", str(line.index))
        node: Node = {
            "@type": "case-investigation:InvestigativeAction",
            "truethread:digest": _hex(line.digest.hex()),
            "truethread:index": _integer(line.index),
            "truethread:log": self.exchange.log_origin,
            "truethread:chain": [self._link(line, one) for one in line.subjects],
            "uco-action:object": [self._subject_node(one.kind, one.id) for one in line.subjects],
        }
        if line.entry is None:
            node["uco-core:name"] = "Not disclosed"
            node["uco-core:description"] = (
                "An entry of the chain whose content this bundle does not disclose."
            )
        else:
            node |= self._disclosed(line.entry)
        self._put(key, node)
        return 1

    def _disclosed(self, entry: Entry) -> Node:
        node: Node = {
            "uco-core:name": entry.event,
            "uco-action:startTime": {"@type": "xsd:dateTime", "@value": entry.time},
            "uco-action:performer": self._performer(entry),
            "uco-action:instrument": [self._tool()],
            "uco-action:location": [self._location(entry)],
            "truethread:details": json.dumps(
                dict(entry.details), ensure_ascii=False, sort_keys=True
            ),
        }
        reasons = {"purpose": entry.purpose, "authority": entry.authority}
        words = [f"{name}: {text}" for name, text in reasons.items() if text]
        if words:
            node["uco-core:description"] = "; ".join(words)
        results = self._results(entry)
        if results:
            node["uco-action:result"] = results
        return node

    def _results(self, entry: Entry) -> list[Node]:
        kinds = {
            "acquisition.received": ("acquisition",),
            "series.sealed": ("series",),
            "export.prepared": ("bundle",),
        }
        wanted = kinds.get(entry.event, ())
        return [
            self._subject_node(one.kind, one.id) for one in entry.subjects if one.kind in wanted
        ]

    def _link(self, line: Line, subject: Subject) -> Node:
        node: Node = {
            "@id": self._id("link", str(line.index), subject.kind, subject.id),
            "@type": "truethread:Link",
            "truethread:number": _integer(subject.number),
            "truethread:subject": self._subject_node(subject.kind, subject.id),
        }
        if subject.previous is not None:
            node["truethread:previous"] = _hex(subject.previous.hex())
        return node

    def _performer(self, entry: Entry) -> Node:
        actor = entry.actor
        person = actor.kind in ("person", "operator")
        return self._put(
            self._id("actor", actor.kind, actor.id),
            {
                "@type": "uco-identity:Person" if person else "uco-identity:Identity",
                "uco-core:name": actor.name or actor.id,
                "uco-core:description": f"{actor.kind} {actor.id}, as the custody log names them",
            },
        )

    def _tool(self) -> Node:
        return self._put(
            self._id("tool"),
            {
                "@type": "uco-tool:Tool",
                "uco-core:name": f"TrueThread at {self.exchange.deployment}",
                "uco-tool:toolType": "Evidence service",
            },
        )

    def _location(self, entry: Entry) -> Node:
        address = f", {entry.address}" if entry.address else ""
        return self._put(
            self._id("location", entry.host, entry.address or ""),
            {"@type": "uco-location:Location", "uco-core:name": f"{entry.host}{address}"},
        )


def _integer(value: int) -> Node:
    return {"@type": "xsd:integer", "@value": str(value)}


def _hex(value: str) -> Node:
    return {"@type": "xsd:hexBinary", "@value": value.upper()}
