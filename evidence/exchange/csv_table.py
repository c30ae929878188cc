r"""A table of all disclosed messages that spreadsheets open without running anything.

UTF-8 with BOM, comma, every cell in double quotes, CRLF after each row. A cell that begins, after
blanks and invisible marks, with ``= + - @`` (also full-width), with a tab, a line break or with
``'`` itself gets one ``'`` in front; taking it away again gives the exact cell. NUL becomes U+FFFD,
as does a lone surrogate; then ``body_wtf8`` holds the exact bytes of the body in hex.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from evidence.exchange.disclosed import Exchange
from evidence.exchange.flat_rows import COLUMNS, body_in_hex, flat
from evidence.exchange.plain_text import REPLACEMENT, valid

BOM = b"\xef\xbb\xbf"
# What spreadsheets skip before they look for a formula, and what some of them take for one.
_DANGEROUS = re.compile(
    "[\\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x20]*[=+\\-@＝＋－＠|%']|[\t\r\n]"
)


def write_csv(exchange: Exchange, path: Path) -> int:
    """Write the table of all series to ``path`` and return the number of rows below its head."""
    count = 0
    with path.open("wb") as out:
        out.write(BOM + _line(COLUMNS))
        for cells in _rows(exchange):
            out.write(_line(cells))
            count += 1
    return count


def safe_cell(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula."""
    return "'" + text if _DANGEROUS.match(text) else text


def original_cell(cell: str) -> str:
    """Return what ``safe_cell`` was given."""
    return cell[1:] if cell.startswith("'") else cell


def _rows(exchange: Exchange) -> Iterator[tuple[str, ...]]:
    for series in exchange.series:
        for row in series.rows():
            cells = {name: _writable(text) for name, text in flat(row, series, exchange).items()}
            if cells.get("body", "") != (row.text() or ""):
                cells["body_wtf8"] = body_in_hex(row)
            yield tuple(safe_cell(cells.get(name, "")) for name in COLUMNS)


def _writable(text: str) -> str:
    return valid(text).replace("\0", REPLACEMENT)


def _line(cells: tuple[str, ...]) -> bytes:
    return ('"' + '","'.join(cell.replace('"', '""') for cell in cells) + '"\r\n').encode()
