"""The renderer against its peers on one transcript, in one run.

``python -m evidence.render.bench FONTS [--messages N] [--engines ours,platypus,fpdf2,typst]`` prints
one JSON object per engine. Each engine runs in a process of its own, so peak memory is its own.
The mix: 45 % English, 45 % Chinese, 10 % mixed and other scripts, 1 % pictures of 0.3 megapixels.
``--engines photos`` renders as many twelve-megapixel photos instead, each in its row and in the annex.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from evidence.render.exhibit import (
    AttachmentFile,
    Deployment,
    Exhibit,
    Limits,
    Matter,
    Row,
    StampAuthority,
    Transcript,
)
from evidence.render.fonts import SOURCES, FontLibrary
from evidence.render.rendering import render_master, render_volumes
from evidence.values import Json, Message

ENGINES = ("ours", "platypus", "fpdf2", "typst")
SLOW = {"fpdf2": 10}
"""Engines measured on a share of the messages, because all of them take minutes."""
START = datetime(2023, 1, 2, 8, 0, 0, tzinfo=UTC)
_ENGLISH = (
    "the contract payment container Friday please confirm invoice we will send it tomorrow thanks "
    "meeting office could you check number address delivery agreed price is still open and nobody "
    "has answered since last week so I call you later today about the shipment from Rotterdam"
).split()
_CHINESE = (
    "合同已经签好了请你确认一下付款时间我们这边周四之前会把货发出去谢谢发票号码地址没有问题明天再说"
    "公司那边还没有回复价格需要重新谈一下麻烦你尽快处理晚上见好的收到了图片文件仓库上海广州北京"
)
_OTHER = (
    "Пожалуйста, подтвердите оплату до пятницы, спасибо.",
    "من فضلك أرسل الفاتورة رقم 2024 قبل يوم الخميس",
    "אנא אשר את התשלום עד יום חמישי, תודה",
    "कृपया भुगतान की पुष्टि करें, धन्यवाद",
    "กรุณายืนยันการชำระเงินภายในวันพฤหัสบดี",
    "好的👍🏽 see you at 5pm 😂😂 谢谢",
    "Payment 已付 ✅ ¥48,250.00 ❤️",
    "木曜日までにお支払いをお願いします。ありがとうございます😊",
    "목요일까지 지불해 주세요 🙏",
    "OK 👨‍👩‍👧‍👦 周末一起吃饭吧",
)


def bodies(count: int) -> Iterator[str]:
    """Yield ``count`` message texts of the mix, the same each time, about 80 characters each."""
    dice = random.Random(20240320)  # noqa: S311  # a benchmark's dice, not a secret
    for _ in range(count):
        kind = dice.random()
        if kind < 0.45:
            words = dice.choices(_ENGLISH, k=dice.randint(4, 28))
            yield " ".join(words).capitalize() + "."
        elif kind < 0.90:
            length = dice.randint(8, 120)
            yield (
                "，".join(
                    "".join(dice.choices(_CHINESE, k=min(18, length - at)))
                    for at in range(0, length, 18)
                )
                + "。"
            )
        else:
            yield dice.choice(_OTHER)


def _photo(size: tuple[int, int] = (640, 480), quality: int = 70) -> bytes:
    image = Image.effect_noise(size, 40).convert("RGB")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def photos(count: int) -> Iterator[bytes]:
    """Yield ``count`` different twelve-megapixel photos: one picture, each with its own comment."""
    data = _photo((4000, 3000), 30)
    for number in range(count):
        comment = b"%08d" % number
        yield data[:2] + b"\xff\xfe\x00\x0a" + comment + data[2:]


def photo_rows(count: int) -> Iterator[Row]:
    """Yield a transcript of twelve-megapixel photos, as ``rows`` does with few and small ones."""
    for row, data in zip(rows(count), photos(count), strict=True):
        assert row.message is not None  # noqa: S101  # the bench makes no gaps
        name = f"IMG_{row.message.sequence}.jpg"
        attachment: dict[str, Json] = {
            "name": name, "kind": "image", "media_type": "image/jpeg", "declared_size": None,
            "duration": None, "included": True, "member": name, "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
        message = replace(row.message, kind="image", body=None, attachments=[attachment])
        file = AttachmentFile(load=partial(bytes, data), path=f"data/attachments/{name}")
        yield Row("whole", message, row.leaf, files=(file,))


def rows(count: int) -> Iterator[Row]:
    """Yield the benchmark transcript."""
    data = _photo()
    digest = hashlib.sha256(data).hexdigest()
    file = AttachmentFile(load=lambda: data, path="data/attachments/a.jpg")
    senders: list[dict[str, Json]] = [
        {"key": "p1", "name": "Alice Zhang", "id": "wxid_alice"},
        {"key": "p2", "name": "李伟", "id": "wxid_liwei"},
    ]
    for sequence, body in enumerate(bodies(count), 1):
        moment = START + timedelta(seconds=97 * sequence)
        attachments: list[Json] = []
        if sequence % 100 == 0:
            attachments = [
                {
                    "name": f"IMG_{sequence}.jpg", "kind": "image", "media_type": "image/jpeg",
                    "declared_size": None, "duration": None, "included": True, "member": "a.jpg",
                    "size": len(data), "sha256": digest,
                }
            ]  # fmt: skip
        message = Message(
            sequence=sequence,
            kind="image" if attachments else "text",
            source={"file": "", "offset": 0, "length": 1},
            source_text="",
            time={
                "utc": moment.strftime("%Y-%m-%dT%H:%M:%SZ"), "offset": "+08:00",
                "zone": "Asia/Shanghai", "basis": "stated_zone", "precision": "second",
                "ambiguous": False,
            },
            sender=senders[sequence % 2],
            body=body,
            attachments=attachments,
        )  # fmt: skip
        leaf = hashlib.sha256(b"%d" % sequence).hexdigest()
        yield Row("whole", message, leaf, files=(file,) if attachments else ())


def prepared(count: int) -> Callable[[], Iterator[Row]]:
    """Return the rows, made before the clock starts where they fit into memory."""
    if count > 20_000:
        return lambda: rows(count)
    kept = list(rows(count))
    return lambda: iter(kept)


def exhibit(count: int, made: Callable[[], Iterator[Row]]) -> Exhibit:
    """Return an exhibit of ``count`` benchmark rows."""
    part = Transcript(
        series="0" * 32, title="Benchmark", platform="WeChat", rows=made, size=count,
        span=(1, count), shown=count, withheld=0, partly=0, gaps=0, omitted=0, rule="all",
    )  # fmt: skip
    return Exhibit(
        bundle_id="0" * 32,
        language="en",
        created=START,
        deployment=Deployment(name="Bench", origin="bench", trust="configured"),
        matter=Matter(name="Bench"),
        stamp=StampAuthority(name="-", operator="-", independent=True),
        transcripts=(part,),
        selection_digest="0" * 64,
        verification_url="https://example.org/verify/0",
    )


Rows = Callable[[], Iterator[Row]]


def _ours(count: int, made: Rows, fonts: FontLibrary, folder: Path) -> tuple[int, int]:
    rendering = render_volumes(exhibit(count, made), folder, fonts=fonts, limits=Limits())
    master = render_master(rendering, embed={})
    found = [*rendering.volumes, master]
    return sum(v.pages for v in found), sum(v.path.stat().st_size for v in found)


def _platypus(count: int, made: Rows, fonts: FontLibrary, folder: Path) -> tuple[int, int]:
    """ReportLab's flowables: two paragraphs a message, one font (it has no fallback)."""
    from html import escape

    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.platypus import Image as Picture
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(TTFont("Sans", str(fonts.folder / "sans.ttf")))
    head = ParagraphStyle("head", fontName="Sans", fontSize=7.5, leading=10)
    text = ParagraphStyle("text", fontName="Sans", fontSize=9.5, leading=13, wordWrap="CJK")
    path = folder / "platypus.pdf"
    story = []
    for row in made():
        story.append(Paragraph(escape(_heading(row)), head))
        story.append(Paragraph(escape(_body(row)), text))
        for data in _pictures(row):
            story.append(Picture(io.BytesIO(data), 118, 88))
    template = SimpleDocTemplate(str(path), pagesize=A4)
    template.build(story)
    return template.page, path.stat().st_size


def _fpdf2(count: int, made: Rows, fonts: FontLibrary, folder: Path) -> tuple[int, int]:
    from fpdf import FPDF

    from evidence.render.scripts import peer_cjk

    pdf = FPDF()
    keys = [source.key for source in SOURCES if source.key != "sans-bold"]
    for key in keys:
        pdf.add_font(key, fname=str(fonts.folder / f"{key}.ttf"))
    pdf.add_font("cjk", fname=str(peer_cjk(fonts, folder)))
    pdf.set_fallback_fonts(["cjk", *keys[1:]], exact_match=False)
    pdf.add_page()
    pdf.set_text_shaping(use_shaping_engine=True)
    for row in made():
        pdf.set_font("sans", size=7.5)
        pdf.multi_cell(0, 4, _heading(row), new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("sans", size=9.5)
        pdf.multi_cell(0, 5, _body(row), new_x="LMARGIN", new_y="NEXT")
        for data in _pictures(row):
            pdf.image(io.BytesIO(data), w=42)
    path = folder / "fpdf2.pdf"
    pdf.output(str(path))
    return pdf.page, path.stat().st_size


def _typst(count: int, made: Rows, fonts: FontLibrary, folder: Path) -> tuple[int, int]:
    import typst

    from evidence.render.scripts import _typst_string

    source, path = folder / "bench.typ", folder / "typst.pdf"
    parts = [
        '#set page(paper: "a4")\n#set text(font: ("Noto Sans", "Noto Sans CJK SC"), size: 9.5pt)\n'
    ]
    for row in made():
        heading, body = _typst_string(_heading(row)), _typst_string(_body(row))
        parts.append(f"#text(7.5pt, {heading})\\\n#text({body})\n\n")
        for data in _pictures(row):
            (folder / "a.jpg").write_bytes(data)
            parts.append('#image("a.jpg", width: 118pt)\n\n')
    source.write_text("".join(parts), "utf-8")
    typst.compile(str(source), output=str(path), font_paths=[str(fonts.folder)])
    return _count_pages(path), path.stat().st_size


def _count_pages(path: Path) -> int:
    import pikepdf

    with pikepdf.open(path) as pdf:
        return len(pdf.pages)


def _heading(row: Row) -> str:
    message = row.message
    assert message is not None  # noqa: S101  # the bench makes no gaps
    sender = message.sender or {}
    time_shown = (message.time or {}).get("utc")
    return (
        f"{message.sequence}  {time_shown}  {sender.get('name')} {sender.get('id')} {row.leaf[:16]}"
    )


def _pictures(row: Row) -> Iterator[bytes]:
    return (file.load() for file in row.files if file.load is not None)


def _body(row: Row) -> str:
    return (row.message.body or "") if row.message else ""


def _photo_annex(count: int, made: Rows, fonts: FontLibrary, folder: Path) -> tuple[int, int]:
    return _ours(count, lambda: photo_rows(count), fonts, folder)


_MAKERS: dict[str, Callable[[int, Rows, FontLibrary, Path], tuple[int, int]]] = {
    "ours": _ours, "platypus": _platypus, "fpdf2": _fpdf2, "typst": _typst, "photos": _photo_annex,
}  # fmt: skip


def measure(engine: str, count: int, fonts_folder: Path) -> dict[str, object]:
    """Render with one engine in this process; return seconds, rate, pages, bytes, peak memory."""
    fonts = FontLibrary(fonts_folder)
    made = prepared(count)
    with tempfile.TemporaryDirectory() as name:
        start, cpu = time.perf_counter(), time.process_time()
        pages, size = _MAKERS[engine](count, made, fonts, Path(name))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "engine": engine,
        "messages": count,
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "messages_per_second": round(count / seconds),
        "pages": pages,
        "bytes": size,
        "peak_mb": round(_peak_kilobytes() / 1024),
    }


def _peak_kilobytes() -> int:
    """Return the most memory this program held; getrusage would count that of its parent, too."""
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def compare(count: int, fonts_folder: Path, engines: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each engine, each measured in a fresh process."""
    for engine in engines:
        share = count // SLOW.get(engine, 1)
        command = [
            sys.executable, "-W", "ignore", "-m", "evidence.render.bench", str(fonts_folder),
            "--messages", str(share), "--one", engine,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if lines:
            yield json.loads(lines[-1])
        else:
            yield {"engine": engine, "error": done.stderr.strip().splitlines()[-1:]}


def main(arguments: list[str]) -> int:
    """Print one JSON object per engine."""
    parser = argparse.ArgumentParser(prog="python -m evidence.render.bench")
    parser.add_argument("fonts", type=Path)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--one", choices=tuple(_MAKERS))
    chosen = parser.parse_args(arguments)
    if chosen.one:
        found = [measure(chosen.one, chosen.messages, chosen.fonts)]
    else:
        found = list(compare(chosen.messages, chosen.fonts, chosen.engines.split(",")))
    for figures in found:
        sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
