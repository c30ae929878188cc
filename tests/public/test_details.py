"""What findings say is said in the reader's language, whatever the engine can write."""

from __future__ import annotations

import ast
import re

import pytest
from django.utils import translation

from evidence.public.details import spoken
from evidence.verify.offline.details import SENTENCES
from tests.patience import FOREVER

MAKERS = {"failed", "passed", "not_checked", "_fail", "_pass", "_limits", "_loose"}
FRAGMENTS = {
    "finds SM3 on some series only", "proofs for later checks", "what was filled in as allowed (7)",
    "7 numbered places in 7 chains without a gap", "7; 7 entries known by their hash alone.",
    "7 Another program may show others.", "This verifier 7: the SM3 seals were not checked.",
    "The last 7 bytes hold 7 and are covered by no signature.", "A prefix of 7 entries, signed earlier7.",
    "The certification 7; it was respected.", "No difference can be seen as one program draws the file: 7.",
    "Stamped bytes not at hand; 7 7.",
}  # fmt: skip
"""Written in parts that are only put together while judging."""


def written(repository):
    """Every sentence the engine can write into a finding, 7 for what is put in."""
    for file in sorted((repository / "evidence" / "verify").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in MAKERS:
                yield from (one for part in node.args[:2] for one in _texts(part))
            if isinstance(node, ast.Assign) and _name(node.targets[0]) in {"detail", "what"}:
                yield from _texts(node.value)


NEVER_SHOWN = {
    "no such outcome: 7", "no such reason: 7", "no such kind or trust: 7 7", "no such trust label: 7",
    "no answer", "a worker without pipes", "7 is not allowed here",
}  # fmt: skip
"""Errors of this program, or answered by another sentence."""


def raised(repository):
    """Every reason a reader of formats or files can give for refusing, 7 for what is put in."""
    rooms = [repository / "evidence" / room for room in ("formats", "verify")]
    for file in (one for room in rooms for one in sorted(room.rglob("*.py"))):
        if file.name == "push.py":
            continue  # of batches, which no verifier reads
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield from (one for part in node.exc.args[:1] for one in _texts(part))


def _name(node) -> str:
    return getattr(node, "id", getattr(node, "attr", ""))


def _texts(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "7" for part in node.values]
        text = "".join(map(str, parts))
        if re.search("[a-z] ", text):
            yield text
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def test_every_sentence_of_the_engine_is_said_in_chinese(repository):
    found = set(written(repository)) - FRAGMENTS
    assert len(found) > 150
    with translation.override("zh-hans"):
        english = {one for one in found if not re.search("[\u4e00-\u9fff]", spoken(one))}
    assert english == set()


def test_every_reason_of_the_readers_is_said_in_chinese(repository):
    found = set(raised(repository)) - NEVER_SHOWN
    assert len(found) > 250
    with translation.override("zh-hans"):
        english = {one for one in found if not re.search("[\u4e00-\u9fff]", spoken(one))}
    assert english == set()


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("The last 246 bytes are covered by no signature.", "最后 246 字节没有任何签名覆盖。"),
        ("Signed by CN=Signer; with; semicolons, O=A.", "签名人：CN=Signer; with; semicolons, O=A。"),
        (
            "Allowed: added: a dictionary (object 23); changed: page content (objects 7, 8).",
            "允许的改动：新增：字典（对象 23）；改动：页面内容（对象 7, 8）。",
        ),
        ("The last 9 bytes hold proofs for later checks and are covered by no signature.",
         "最后 9 字节是供日后核验的证明材料，没有签名覆盖。"),
        ("revision 4, page 1, 2", "第 4 次修订，第 1, 2 页"),
        ("something no engine writes %s %(a)s", "something no engine writes %s %(a)s"),
    ],
)  # fmt: skip
def test_names_and_numbers_keep_their_place(detail, said):
    assert spoken(detail) == detail
    with translation.override("zh-hans"):
        assert spoken(detail) == said


def test_a_hostile_detail_costs_little_and_changes_nothing():
    import time

    started = time.process_time()
    with translation.override("zh-hans"):
        for text in ("(object " * 240, "; " * 900, "a of b of " * 190, "%(a)s" * 300, "x" * 10_000):
            assert spoken(text)
    assert time.process_time() - started < FOREVER
    assert len(set(SENTENCES)) == len(SENTENCES)
