"""Which product and layout a delivered file has.

Every module of ``products`` names its parsers in ``PARSERS``; they are found by listing that
package, so a further product costs one module there and its tests. Order is by module name; two
parsers never recognise the same bytes (a test holds every vector against all of them).
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from evidence.errors import IngestRefused
from evidence.ingest import products
from evidence.ingest.interface import Parser
from evidence.ingest.source import Source

_CHAT_ENDINGS = (".txt", ".json", ".csv")
MOST_CANDIDATES = 200
_WELL_KNOWN = ("_chat.txt", "result.json")


@cache
def parsers() -> tuple[Parser, ...]:
    """Return every parser of the room."""
    names = sorted(module.name for module in pkgutil.iter_modules(products.__path__))
    modules = [import_module(f"{products.__name__}.{name}") for name in names]
    return tuple(one for module in modules for one in getattr(module, "PARSERS", ()))


def parser_named(name: str) -> Parser:
    """Return the parser an earlier examination named. Raises ``unknown_format``."""
    for parser in parsers():
        if parser.name == name:
            return parser
    raise IngestRefused(f"no parser {name!r}", code="unknown_format")


def recognise(source: Source) -> tuple[Parser, str]:
    """Return the parser and the member that holds the chat ("" for a bare file).

    An archive may hold further chats that someone merely attached, so a file named ``_chat.txt``
    or ``result.json`` (the one nearest the top) or as the archive itself decides, and otherwise
    there must be one. Raises ``unknown_format`` or ``several_chats_in_archive``.
    """
    if not source.is_archive:
        parser = _parser_of(source, "")
        if parser is None:
            raise IngestRefused(source.name, code="unknown_format")
        return parser, ""
    found = {}
    for name in _candidates(source):
        parser = _parser_of(source, name)
        if parser is not None:
            found[name] = parser
    member = _chosen(source.name, list(found))
    return found[member], member


def _candidates(source: Source) -> list[str]:
    """Return the members that may hold the chat, likeliest first, not more than MOST_CANDIDATES."""
    names = [e.name for e in source.entries if e.size and e.name.lower().endswith(_CHAT_ENDINGS)]
    names.sort(key=lambda name: (name.rpartition("/")[2] not in _WELL_KNOWN, name.count("/")))
    return names[:MOST_CANDIDATES]


def _chosen(archive_name: str, members: list[str]) -> str:
    if not members:
        raise IngestRefused(archive_name, code="unknown_format")
    for wanted in (*_WELL_KNOWN, archive_name.rpartition(".")[0] + ".txt"):
        named = [name for name in members if name.rpartition("/")[2] == wanted]
        top = min((name.count("/") for name in named), default=0)
        nearest = [name for name in named if name.count("/") == top]
        if len(nearest) == 1:
            return nearest[0]
    if len(members) > 1:
        raise IngestRefused(", ".join(members[:5]), code="several_chats_in_archive")
    return members[0]


def _parser_of(source: Source, member: str) -> Parser | None:
    head = source.head(member)
    name = member or source.name
    return next((parser for parser in parsers() if parser.recognises(head, name)), None)
