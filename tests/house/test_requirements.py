"""What is imported is required, what is required is used, and every version is pinned."""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LINE = re.compile(r"^(?P<name>[\w.-]+)(\[\w+\])?==(?P<version>[\w.]+)(\s+# .+)?$")
USED_BY_NAME_ONLY = {
    "argon2-cffi": "Django's password hasher imports it",
    "gunicorn": "started by the operator",
    "psycopg": "Django's PostgreSQL backend imports it",
    "tzdata": "zoneinfo reads it",
}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _required(file: str) -> dict[str, str]:
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    found = [LINE.match(line) for line in lines if line and not line.startswith(("#", "-"))]
    return {_normal(one["name"]): one["version"] for one in found if one}


@cache
def _distributions() -> dict[str, set[str]]:
    return {
        module: {_normal(name) for name in names}
        for module, names in packages_distributions().items()
    }


def _imported(folder: str) -> set[str]:
    names = set()
    for file in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"evidence", "project", "tests"}


@pytest.mark.parametrize(
    "file", ["requirements.txt", "requirements-dev.txt", "deploy/constraints.txt"]
)
def test_every_package_is_pinned(file):
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith(("#", "-"))]
    assert [line for line in packages if not LINE.match(line)] == []


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_a_package_is_listed_once_and_run_time_ones_say_why(file):
    lines = (REPOSITORY / file).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith(("#", "-"))]
    assert len(_required(file)) == len(packages)
    assert file != "requirements.txt" or all(" # " in line for line in packages)


# A development tool beside its room: compares our pages with those of other libraries.
COMPARES_WITH_OTHERS = {"fpdf", "typst"}


@pytest.mark.parametrize("folder", ["evidence", "project"])
def test_what_the_service_imports_is_required(folder):
    run_time = set(_required("requirements.txt"))
    imported = _imported(folder) - COMPARES_WITH_OTHERS
    assert {name for name in imported if not _distributions().get(name, set()) & run_time} == set()


def test_what_the_tests_import_is_required():
    known = set(_required("requirements.txt")) | set(_required("requirements-dev.txt"))
    missing = {
        name for name in _imported("tests")
        if name != "conftest" and not _distributions().get(name, set()) & known
    }  # fmt: skip
    assert not missing


def test_what_is_required_is_used():
    imported = _imported("evidence") | _imported("project")
    code = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("evidence", "project")
        for file in (REPOSITORY / folder).rglob("*.py")
    )

    def is_used(package: str) -> bool:
        modules = {module for module, names in _distributions().items() if package in names}
        return bool(modules & imported) or any(f'"{module}' in code for module in modules)

    required = set(_required("requirements.txt")) - set(USED_BY_NAME_ONLY)
    assert {package for package in required if not is_used(package)} == set()
