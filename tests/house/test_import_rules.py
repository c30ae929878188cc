"""Rooms import what they may: the layers by import-linter, the rest by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PURE_ROOMS = (
    "ingest",
    "seal",
    "render",
    "sign",
    "bundle",
    "exchange",
    "verify",
    "samples",
    "formats",
)
FRAMEWORKS = {"django", "rest_framework", "django_htmx", "allauth", "celery", "project"}
NETWORK = {
    "socket", "ssl", "http", "ftplib", "smtplib", "imaplib", "poplib", "socketserver", "xmlrpc",
    "urllib.request", "urllib.robotparser", "requests", "httpx", "urllib3", "aiohttp",
}  # fmt: skip
OFFLINE = ("evidence/formats", "evidence/verify/offline")
BELOW_ALL = ("evidence/values.py", "evidence/errors.py")


def _modules(folder: Path) -> list[Path]:
    """Return the Python files of a folder, or the one file; a room not built yet has none."""
    return sorted(folder.rglob("*.py")) if folder.suffix != ".py" else [folder]


def _imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Yield each imported module and whether its import runs only for the type checker."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in typing_only
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(file, node)
            yield module, node in typing_only
            for alias in node.names:
                yield f"{module}.{alias.name}", node in typing_only


def _absolute(file: Path, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = file.relative_to(REPOSITORY).parts[: -node.level]
    return ".".join([*package, node.module] if node.module else package)


def _within(name: str, forbidden: set[str]) -> bool:
    return any(name == item or name.startswith(f"{item}.") for item in forbidden)


def test_the_layers_hold(repository):
    command = "from importlinter.cli import lint_imports_command as lint; lint()"
    run = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"], cwd=repository, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_knows_no_framework_and_no_network(repository, room):
    for file in _modules(repository / "evidence" / room):
        found = {name for name, _ in _imports(file) if _within(name, FRAMEWORKS | NETWORK)}
        assert not found, file.relative_to(repository)


@pytest.mark.parametrize("folder", [*OFFLINE, *BELOW_ALL])
def test_what_verifies_offline_needs_the_standard_library_only(repository, folder):
    inside = {"evidence.formats", "evidence.verify.offline", "evidence.values", "evidence.errors"}
    for file in _modules(repository / folder):
        for name, for_types_only in _imports(file):
            is_own = name.partition(".")[0] == "evidence"
            fits = (
                _within(name, inside)
                if is_own
                else name.partition(".")[0] in sys.stdlib_module_names
            )
            assert for_types_only or fits or name == "evidence", (
                file.relative_to(repository),
                name,
            )


@pytest.mark.parametrize("folder", [*OFFLINE, *BELOW_ALL])
def test_what_verifies_offline_is_written_for_python_3_10(repository, folder):
    for file in _modules(repository / folder):
        source = file.read_text(encoding="utf-8")
        ast.parse(source, filename=str(file), feature_version=(3, 10))
        newer = {"datetime.UTC", "typing.Self", "typing.assert_never", "enum.StrEnum", "tomllib",
                 "hashlib.file_digest", "typing.override", "itertools.batched"}  # fmt: skip
        assert not newer & {name for name, _ in _imports(file)}, file.relative_to(repository)


def _appends(file: Path) -> bool:
    """Return whether a module reaches for the log's one door, by import or through the room."""
    door = {"evidence.custody.append"}
    if any(_within(name, door) for name, _ in _imports(file)):
        return True
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return any(
        isinstance(node, ast.Attribute) and ast.unparse(node).endswith("custody.append")
        for node in ast.walk(tree)
    )


def test_only_actions_append_to_the_custody_log(repository):
    users = {
        file.relative_to(repository).parts[1]
        for file in _modules(repository / "evidence")
        if _appends(file)
    }
    assert users <= {"actions", "custody"}
