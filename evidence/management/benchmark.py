"""Material and measuring for ``manage.py bench``: made-up chats, stages timed in processes of their own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence.render import bench as render_bench

_ENGLISH = (
    "the loan was agreed on friday and I will pay it back next month as we said in the office "
    "please send me the contract again thank you very much see you tomorrow at nine"
).split()
_CHINESE = (
    "我们昨天在办公室已经说好这笔借款下个月还清请把合同再发给我一次谢谢你明天见面详谈好的没问题"
)
_OTHER = (
    "Спасибо, до завтра!",
    "ありがとう、また明日。",
    "شكرا جزيلا 2026",
    "ok 👍🏽 好的 see you",
    "तुम कैसे हो?",
)
_PEOPLE = ("Ana Silva", "李雷", "Bob Müller")


def write_chat(path: Path, messages: int) -> None:
    """Write a WhatsApp text export: 45 % English, 45 % Chinese, 10 % mixed; about 80 letters each."""
    chance = random.Random(messages)  # noqa: S311 - the same made-up text every time
    at = datetime(2020, 1, 13, 8, 0)  # noqa: DTZ001 - written as the wall clock of the export
    with path.open("w", encoding="utf-8") as file:
        for _ in range(messages):
            at += timedelta(minutes=chance.randrange(20))
            stamp = f"{at.day:02d}/{at.month:02d}/{at.year}, {at:%H:%M}"
            file.write(f"{stamp} - {chance.choice(_PEOPLE)}: {_body(chance)}\n")


def write_photo_chat(path: Path, photos: int) -> None:
    """Write a WhatsApp export with media: a ZIP of a chat and ``photos`` twelve-megapixel photos."""
    at = datetime(2020, 1, 13, 8, 0)  # noqa: DTZ001 - written as the wall clock of the export
    with zipfile.ZipFile(path, "w") as archive:
        lines = []
        for number, data in enumerate(render_bench.photos(photos), start=1):
            name = f"IMG-20200113-WA{number:04d}.jpg"
            archive.writestr(name, data)
            at += timedelta(minutes=7)
            stamp = f"{at.day:02d}/{at.month:02d}/{at.year}, {at:%H:%M}"
            lines.append(f"{stamp} - {_PEOPLE[number % 3]}: {name} (file attached)\n")
        archive.writestr("WhatsApp Chat with Ana Silva.txt", "".join(lines))


def made_up_body(number: int) -> str:
    """Return the text of made-up message ``number``, the same every time."""
    return _body(random.Random(number))  # noqa: S311 - made-up text


def _body(chance: random.Random) -> str:
    kind = chance.random()
    if kind < 0.45:
        return " ".join(chance.choices(_ENGLISH, k=15))
    if kind < 0.9:
        return "".join(chance.choices(_CHINESE, k=40))
    return f"{chance.choice(_OTHER)} {' '.join(chance.choices(_ENGLISH, k=6))}"


@dataclass(frozen=True, slots=True)
class Measured:
    """One stage: wall seconds and peak memory of the process it ran in, and what it answered."""

    seconds: float
    peak_mb: float
    answer: dict[str, Any]


def run(arguments: list[str], folder: Path) -> Measured:
    """Run ``manage.py`` with ``arguments`` on the deployment in ``folder`` and measure it."""
    return _measured([sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments], folder)


def run_verifier(pyz: Path, root: Path, bundle: Path) -> Measured:
    """Run ``verify.pyz`` cold, as a stranger would."""
    command = [sys.executable, "-I", str(pyz), "--trust", str(root), "--json", str(bundle)]
    return _measured(command, bundle.parent)


def _measured(command: list[str], folder: Path) -> Measured:
    """Run ``command`` and watch the memory of it and of all processes under it."""
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
        command,
        stdout=subprocess.PIPE,
        env=os.environ | {"TRUETHREAD_VAR_DIR": str(folder)},
    )
    held = [0]
    watcher = threading.Thread(target=_watch, args=(process, held), daemon=True)
    watcher.start()
    out, _ = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command[1:4])} ended with {process.returncode}: {out[:300]!r}"
        )
    answer = json.loads(out.splitlines()[-1]) if out.strip() else {}
    return Measured(seconds, held[0] / 1024, answer)


def _watch(process: subprocess.Popen[bytes], held: list[int]) -> None:
    """Note the most memory (kB) that the process and all under it held at one time, until it ends.

    Memory that processes share is counted once (proportional set size). It is looked at ten times a
    second; a shorter peak shows in the high-water mark of a process, which is the least that is noted.
    """
    while process.returncode is None:
        everyone = [process.pid]
        for pid in everyone:
            everyone += _children(pid)
        together = sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in everyone)
        alone = max(_kilobytes(pid, "status", "VmHWM:") for pid in everyone)
        held[0] = max(held[0], together, alone)
        time.sleep(0.1)


def _children(pid: int) -> list[int]:
    """Return the processes that ``pid`` itself started, whichever of its threads did."""
    try:
        lists = list(Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:  # it ended while it was looked at
        return []
    found: list[int] = []
    for listed in lists:
        try:
            found += map(int, listed.read_text().split())
        except (OSError, ValueError):
            continue
    return found


def _kilobytes(pid: int, file: str, key: str) -> int:
    """Return one line of a process's account of its memory; 0 when the process is gone."""
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0
