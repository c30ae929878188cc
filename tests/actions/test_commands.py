"""The command line's answers are contracts: keys, exit statuses, codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.actions.conftest import CHAT


@pytest.fixture
def chat(run_manage, tmp_path: Path) -> Path:
    path = tmp_path / "chat.txt"
    path.write_text(CHAT, encoding="utf-8")
    return path


def test_acquire_answers_with_the_promised_keys(run_manage, chat):
    done = run_manage(
        "acquire", str(chat), "--timezone", "Europe/Madrid", "--owner", "Ana", "--json"
    )

    answer = json.loads(done.stdout)
    assert done.returncode == 0
    assert answer.keys() >= {
        "acquisition", "format", "sha256", "conversations", "questions", "warnings", "unparsed",
    }  # fmt: skip
    assert answer["conversations"][0].keys() == {
        "id", "title", "messages", "participants", "first", "last",
    }  # fmt: skip
    assert answer["conversations"][0]["first"] == "2024-01-13T07:00:00Z"


def test_questions_end_with_three_and_name_their_choices(run_manage, chat):
    done = run_manage("acquire", str(chat), "--json")

    answer = json.loads(done.stdout)
    assert done.returncode == 3
    assert answer["acquisition"] is None
    assert answer["questions"][0]["code"] == "timezone"
    assert answer["questions"][0]["choices"]


def test_a_refused_file_ends_with_two_and_a_code(run_manage, chat):
    chat.write_bytes(b"\x89PNG nothing here")

    done = run_manage("acquire", str(chat), "--json")

    assert (done.returncode, json.loads(done.stdout)) == (2, {"error": "unknown_format"})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--messages", "5-90"], "message_out_of_range"),
        (["--messages", "x"], "invalid_range"),
        (["--redact", "3:body:1"], "redaction_outside_selection"),
        (["--messages", "1-3", "--redact", "2:colour"], "invalid_redaction"),
        (["--participant", "Nobody"], "unknown_participant"),
        (["--from", "yesterday"], "invalid_time"),
        (["--from", "2030-01-01"], "nothing_selected"),
    ],
)
def test_an_impossible_choice_is_refused_by_name(
    run_manage, stored_chat, tmp_path, arguments, code
):
    chosen = [] if "--redact" not in arguments or "--messages" in arguments else ["--messages", "1"]

    done = run_manage(
        "export", "--conversation", stored_chat, *chosen, *arguments,
        "--out", str(tmp_path / "out"), "--json",
    )  # fmt: skip

    assert (done.returncode, json.loads(done.stdout)["error"]) == (2, code)


def test_a_day_is_a_day_where_the_chat_took_place(run_manage, stored_chat, tmp_path):
    done = run_manage(
        "export", "--conversation", stored_chat, "--from", "2024-01-14",
        "--to", "2024-01-14", "--context", "1", "--out", str(tmp_path / "out"), "--json",
        "--object", "a loan", "--carrier", "a phone", "--privacy", "consent",
    )  # fmt: skip

    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert (answer["messages"], answer["of"], answer["contiguous"], answer["gaps"]) == (
        3,
        6,
        True,
        0,
    )


def test_verify_prints_one_object_per_file_and_ends_with_one_unless_all_pass(
    run_manage, stored_chat, tmp_path
):
    made = json.loads(
        run_manage(
            "export", "--conversation", stored_chat, "--out", str(tmp_path),
            "--json",
        ).stdout
    )  # fmt: skip
    good, other = run_manage("verify", made["zip"], "--json"), tmp_path / "chat.txt"

    both = run_manage("verify", made["zip"], str(other), "--json")

    assert good.returncode == 0
    assert both.returncode == 1
    reports = [json.loads(line) for line in both.stdout.splitlines()]
    assert reports[0]["indication"] == "TOTAL_PASSED"
    assert reports[1]["indication"] != "TOTAL_PASSED"
    assert reports[0].keys() >= {
        "file", "indication", "reason", "trust", "kind", "findings", "seconds",
    }  # fmt: skip
    assert reports[0]["findings"][0].keys() >= {"check", "outcome", "required", "detail"}


def test_recheck_names_the_first_row_that_does_not_fit(run_manage, stored_chat, tmp_path):
    import sqlite3

    assert run_manage("recheck_custody").returncode == 0
    connection = sqlite3.connect(tmp_path / "truethread.sqlite3")
    connection.execute("UPDATE evidence_message SET leaf_hash = zeroblob(32) WHERE sequence = 3")
    connection.commit()
    connection.close()

    done = run_manage("recheck_custody", "--json")

    assert done.returncode == 1
    assert "3" in done.stdout
