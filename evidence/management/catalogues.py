"""Catalogues of translations without gettext: extracted and compiled with Babel.

``locale/<language>/LC_MESSAGES/django.po`` is kept and edited; the ``.mo`` beside it is made from
it and not kept. Extracted are the calls of Django's translation functions in Python and in
templates, and every ``sentence`` of an error class: rooms that know no Django write English
there, and surfaces translate it where it is shown.
"""

from __future__ import annotations

import ast
import io
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from babel.messages import pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.mofile import write_mo
from django.utils.translation.template import templatize

from evidence.verify.offline.checks import CHECKS
from evidence.verify.offline.details import REASONS, SENTENCES

SOURCE_LANGUAGE = "en"
LANGUAGES = ("zh_Hans",)
"""Languages with a catalogue; English is the source."""

_KEYWORDS: dict[str, Any] = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
_HEADER = (
    "# Translations of TrueThread. Edit the msgstr; `manage.py extract_catalogues` does the rest."
)

_TABLE_HEAD = '''"""What the verifier says, in Simplified Chinese; `manage.py extract_catalogues` writes this file."""

from __future__ import annotations

TEXTS: dict[str, str] = {'''

Extracted = Iterator[Any]
"""Tuples in Babel's own shape: line, function, messages, comments."""


def catalogue_file(root: Path, language: str) -> Path:
    """Return where the catalogue of ``language`` lies in the repository ``root``."""
    return root / "evidence" / "locale" / language / "LC_MESSAGES" / "django.po"


def compile_stale(root: Path) -> list[Path]:
    """Compile the catalogues that are newer than what was made from them; return these.

    A reader sees the old or the new file whole. Raises OSError when it cannot be written.
    """
    stale = [
        file
        for file in (catalogue_file(root, language) for language in LANGUAGES)
        if file.exists() and _is_stale(file)
    ]
    for file in stale:
        _compile(file)
    return stale


def extract_messages(root: Path) -> Catalog:
    """Return every message of the code and the templates under ``root``, untranslated."""
    catalogue = Catalog(charset="utf-8")
    for file in _sources(root):
        with file.open("rb") as stream:
            found = list(extract(_method(file), stream, _KEYWORDS, ["Translators:"]))
        for _line, message, comments, context in found:
            where = [(file.relative_to(root).as_posix(), 1)]
            catalogue.add(message, None, where, auto_comments=comments, context=context)
    return catalogue


def read(file: Path, language: str) -> Catalog:
    """Return the catalogue in ``file``, empty where there is none yet."""
    if not file.exists():
        return Catalog(locale=language, charset="utf-8")
    with file.open("rb") as stream:
        return pofile.read_po(stream, locale=language)


def update(root: Path, language: str) -> Catalog:
    """Bring the catalogue of ``language`` up to date with the code and return it.

    What the code no longer says is dropped; what is new has an empty translation. Nothing is
    guessed from similar messages.
    """
    file = catalogue_file(root, language)
    catalogue = read(file, language)
    catalogue.update(extract_messages(root), no_fuzzy_matching=True, update_header_comment=False)
    catalogue.obsolete.clear()
    catalogue.header_comment = _HEADER
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_po_bytes(catalogue))
    return catalogue


def verifier_table(root: Path) -> tuple[Path, str]:
    """Return where the verifier's Chinese lies, and what must stand there after the catalogue.

    ``verify.pyz`` knows no catalogue: its sentences come along as a plain module.
    """
    catalogue = read(catalogue_file(root, "zh_Hans"), "zh_Hans")
    texts = sorted({*SENTENCES, *REASONS, *CHECKS.values()})
    found = {one: str(catalogue[one].string) for one in texts if one in catalogue}
    lines = [f"    {_quoted(one)}: {_quoted(text)}," for one, text in found.items() if text]
    path = root / "evidence" / "verify" / "offline" / "chinese.py"
    return path, "\n".join((_TABLE_HEAD, *lines, "}", ""))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the messages of ``catalogue`` that lack a translation or have only a guess."""
    return [
        _first(message.id)
        for message in catalogue
        if message.id and (message.fuzzy or not _is_whole(message.string))
    ]


def _sources(root: Path) -> list[Path]:
    code = (root / "evidence").rglob("*.py")
    templates = [*(root / "templates").rglob("*.*"), *(root / "evidence").rglob("templates/**/*.*")]
    named = [root / "project" / "settings.py", root / "project" / "urls.py"]
    kept = (file for file in code if "migrations" not in file.parts)
    return sorted({*kept, *(file for file in templates if file.is_file()), *named})


def _method(file: Path) -> Any:
    if file.suffix != ".py":
        return _extract_template
    return _extract_sentences if file.name == "errors.py" else extract_python


def _extract_template(
    stream: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Extracted:
    """Extract from a Django template, through the form Django makes of it for xgettext.

    Lines are stripped: the indentation of a template would be wrong Python.
    """
    text = templatize(stream.read().decode("utf-8"))
    lines = "\n".join(line.strip() for line in text.splitlines())
    return extract_python(io.BytesIO(lines.encode("utf-8")), keywords, comment_tags, options)


def _extract_sentences(
    stream: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Extracted:
    """Extract what every class of the module says as its ``sentence``, and ordinary calls."""
    source = stream.read()
    yield from extract_python(io.BytesIO(source), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "sentence" in names:
                yield node.lineno, "gettext", node.value.value, []


def _po_bytes(catalogue: Catalog) -> bytes:
    """Return the catalogue sorted and without dates or line numbers, so that diffs stay small."""
    buffer = io.BytesIO()
    pofile.write_po(
        buffer, catalogue, width=100, sort_output=True, include_lineno=False, omit_header=True
    )
    header = (
        f'{_HEADER}\nmsgid ""\nmsgstr ""\n'
        f'"Language: {catalogue.locale_identifier}\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    return header.encode("utf-8") + buffer.getvalue()


def _is_stale(file: Path) -> bool:
    compiled = file.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < file.stat().st_mtime


def _compile(file: Path) -> None:
    draft = file.with_name(f".{file.stem}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as stream:
            write_mo(stream, read(file, file.parent.parent.name))
        draft.replace(file.with_suffix(".mo"))
    finally:
        draft.unlink(missing_ok=True)


def _is_whole(string: Any) -> bool:
    return all(string) if isinstance(string, (tuple, list)) else bool(string)


def _first(message_id: Any) -> str:
    return str(message_id[0] if isinstance(message_id, (tuple, list)) else message_id)
