"""Drafts of what a court wants beside the exhibit: separate, unsigned, with blanks.

A certified PDF cannot be filled in, and only a person can swear. So each draft says what the record
shows, leaves a line for everything a person must say, and says on every page that counsel must
review it. Article numbers are printed as the checklist gives them, not as legal advice.

- cn: 证据目录 and 电子数据取证说明 (in Chinese)
- us: certificates under FRE 902(13) and 902(14) with a table of hashes (in English)
- eu: statement on seal and time-stamps (in English)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evidence.render.exhibit import Exhibit, HashLine, Jurisdiction, Language
from evidence.render.flow import Flow, Mono
from evidence.render.fonts import FontLibrary
from evidence.render.front import Overview, moment
from evidence.render.rendering import Rendering
from evidence.render.sheet import SOFT, StripBuilder, geometry
from evidence.render.text import TextStyle
from evidence.render.volume import BatesLabel, Metadata, Volume, Wording

_STAMP: dict[Language, str] = {
    "en": "DRAFT, NOT SIGNED. Counsel must review, complete and adapt this before it is used.",
    "zh": "草稿，未签署。使用前须由律师审核、补充并修改。",
}
_PAGE_OF: dict[Language, str] = {
    "en": "Page {page} of {pages}", "zh": "第 {page} 页 / 共 {pages} 页",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """One kind of draft: file name, language, title, and what writes it."""

    file_name: str
    language: Language
    title: str
    write: Callable[[_Page], None]


def render_drafts(
    rendering: Rendering, folder: Path, *, fonts: FontLibrary, files: Sequence[HashLine] = ()
) -> list[Path]:
    """Write the drafts for the exhibit's jurisdiction into ``folder`` and return their paths.

    files: what the table of hashes lists, by path in the bundle; without them the exhibit's own.
    No jurisdiction: no drafts.
    """
    exhibit = rendering.exhibit
    if exhibit.jurisdiction is None:
        return []
    listed = tuple(files) or exhibit.hashes
    return [
        _render(draft, exhibit, rendering.overview, listed, folder, fonts)
        for draft in DRAFTS[exhibit.jurisdiction]
    ]


def _render(
    draft: Draft, exhibit: Exhibit, overview: Overview, files: Sequence[HashLine], folder: Path,
    fonts: FontLibrary,
) -> Path:  # fmt: skip
    path = folder / draft.file_name
    chinese = draft.language == "zh"
    volume = Volume(
        path,
        library=fonts,
        sheet=geometry(exhibit.paper),
        wording=Wording(_PAGE_OF[draft.language], exhibit.bundle_id, _STAMP[draft.language]),
        bates_prefix="DRAFT",
        forms="zh-Hans",
        cjk_first=chinese,
    )
    try:
        volume.header_left = " · ".join(filter(None, (exhibit.matter.number, exhibit.matter.name)))
        page = _Page(volume, exhibit, overview, files)
        page.flow.chapter(draft.title)
        draft.write(page)
        volume.close()
    except BaseException:
        volume.discard()
        raise
    issuer = exhibit.deployment
    about = Metadata(
        BatesLabel("DRAFT", 3), draft.title, issuer.name,
        f"{issuer.software} {issuer.version}".strip(), f"{exhibit.bundle_id}/{draft.file_name}",
        "zh-CN" if chinese else "en", exhibit.created,
    )  # fmt: skip
    volume.finish(bates_first=1, number=1, of=1, embedded={}, about=about)
    return path


class _Page:
    """What a draft is written with."""

    def __init__(
        self, volume: Volume, exhibit: Exhibit, overview: Overview, files: Sequence[HashLine]
    ) -> None:
        self.volume, self.exhibit, self.overview, self.files = volume, exhibit, overview, files
        self.flow = Flow(volume)

    def text(self, *paragraphs: str) -> None:
        """Set paragraphs."""
        for paragraph in paragraphs:
            self.flow.paragraph(paragraph, TextStyle(9.5))
            self.volume.skip(3)

    def heading(self, text: str) -> None:
        """Set the heading of a section."""
        self.flow.subheading(text)

    def blanks(self, *labels: str) -> None:
        """Set a line to write on for each label; a group of lines stays on one page."""
        if labels and self.volume.room < 28 * min(len(labels), 8):
            self.volume.begin_page()
        for label in labels:
            builder = StripBuilder()
            line = self.volume.engine.line(label, TextStyle(9), self.flow.measure - 200)
            builder.text(line, 0, -20, SOFT)
            builder.rule(line.width + 8, self.flow.measure, -22, 0.5, 0.2)
            self.volume.place(builder.build(28))
        self.volume.skip(6)

    def numbered(self, *items: str) -> None:
        """Set numbered statements."""
        self.text(*(f"{number}. {item}" for number, item in enumerate(items, 1)))

    def hashes(self, name: str, size: str, value: str) -> None:
        """Set the table of hashes."""
        rows = [
            [
                Mono(_in_two(line.name)),
                f"{line.size:,}" if line.size is not None else "",
                Mono(line.sha256),
            ]
            for line in self.files
        ]
        measure = self.flow.measure
        self.flow.table([name, size, value], rows, (measure - 306, 50, 256))

    def conversations(self) -> str:
        """Return the conversations in one line."""
        return "; ".join(f"“{t.title}” ({t.platform})" for t in self.exhibit.transcripts)


def _in_two(path: str) -> str:
    """Return a long path in two lines, the folders of the bundle on the first."""
    head = "/".join(path.split("/")[:2]) + "/"
    return f"{head}\n{path.removeprefix(head)}" if len(path) > 44 and path != head else path


# ---- China ---------------------------------------------------------------------------------------


def _evidence_list(page: _Page) -> None:
    exhibit, overview = page.exhibit, page.overview
    page.flow.facts(
        [("案号", exhibit.matter.number or "＿＿＿＿"), ("案由", exhibit.matter.name or "＿＿＿＿")]
    )
    rows = []
    for number, part in enumerate(exhibit.transcripts, 1):
        source = f"{part.platform}，账号持有人：{part.custodian or '＿＿＿＿'}"
        rows.append(
            [str(number), f"聊天记录：{part.title}", "1", str(overview.transcripts[number - 1]),
             source, exhibit.matter.object_of_proof or exhibit.matter.purpose or "＿＿＿＿＿＿"]
        )  # fmt: skip
    for _, place in overview.annexes:
        rows.append([str(len(rows) + 1), "附件册", "1", str(place), "同上", ""])
    head = ["序号", "证据名称", "份数", "页码", "证据来源", "证明对象和内容"]
    measure = page.flow.measure
    page.flow.table(head, rows, (30, 116, 32, 90, 106, measure - 374))
    page.text(
        "上述电子数据以电子原件提交（经电子签章的 PDF 及证据包），纸质件由该电子数据直接打印。"
        "依照《最高人民法院关于民事诉讼证据的若干规定》第十五条、第十九条编制，条文以现行文本为准。"
    )
    page.blanks("提交人（签名或盖章）：", "提交日期：", "签收人（法院）：", "对方当事人副本份数：")


def _extraction_note(page: _Page) -> None:
    exhibit = page.exhibit
    page.heading("一、基本情况")
    page.flow.facts(
        [
            ("案由", exhibit.matter.name or "＿＿＿＿"),
            ("提取对象", page.conversations()),
            ("证据包编号", Mono(exhibit.bundle_id)),
            ("出具方", exhibit.deployment.operator or exhibit.deployment.name),
            ("申请人", exhibit.matter.requester or "＿＿＿＿"),
            ("授权依据", exhibit.matter.authority or "＿＿＿＿"),
        ],
        100,
    )
    page.heading("二、提取过程")
    for acquisition in exhibit.acquisitions:
        page.flow.facts(
            [
                ("接收时间", moment(acquisition.received)),
                ("交付人", acquisition.received_by or "＿＿＿＿"),
                ("方式与格式", f"{acquisition.method}；{acquisition.format}"),
                ("解析程序", acquisition.parser),
                ("步骤", "\n".join(acquisition.steps) or "＿＿＿＿"),
                ("时间戳时间", moment(acquisition.stamped) or "＿＿＿＿"),
            ],
            100,
        )
    page.heading("三、软硬件环境")
    page.flow.facts(list(exhibit.environment), 150)
    page.heading("四、检查结果（对应证据规定第九十三条所列因素）")
    page.flow.facts(list(exhibit.checks), 250)
    page.heading("五、原始载体")
    if exhibit.original_carrier:
        page.text(exhibit.original_carrier)
    else:
        page.blanks("原始设备或账号、现存何处、由何人保管：", "")
    page.heading("六、完整性校验值清单")
    page.hashes("文件", "字节数", "SHA-256")
    if page.volume.room < 240:  # who signs, signs under the statement
        page.volume.begin_page()
    page.heading("七、说明")
    page.text(
        "哈希值与时间戳证明数据自存入时起未经改动，不证明存入之前的真实性，亦不证明消息由何人输入。"
    )
    page.blanks(
        "提取人（签名）：", "提取地点：", "账号持有人（签名）：", "见证人（签名）：", "日期："
    )


# ---- United States -------------------------------------------------------------------------------


def _declarant(page: _Page) -> None:
    page.blanks("Name:", "Position and employer:", "Address:")
    page.text(
        "The declarant must be a person qualified by knowledge of the system described below. State "
        "the training and experience on which that knowledge rests:"
    )
    page.blanks("", "")


def _oath(page: _Page) -> None:
    if page.volume.room < 160:
        page.volume.begin_page()
    page.text(
        "I declare under penalty of perjury under the laws of the United States of America that the "
        "foregoing is true and correct (28 U.S.C. § 1746)."
    )
    page.blanks("Executed on (date), at (place):", "Signature:")
    page.text(
        "Notice: Rule 902(11) requires reasonable written notice of the intent to offer the record, "
        "and that record and certification be made available for inspection before the trial or "
        "hearing."
    )


def _rule_902_13(page: _Page) -> None:
    exhibit = page.exhibit
    _declarant(page)
    page.text("I make this certification under Federal Rule of Evidence 902(13).")
    acquisitions = [
        f"On {moment(a.received)} the system received data in the format “{a.format}” from "
        f"{a.received_by} (method: {a.method}). It was read by {a.parser}."
        for a in exhibit.acquisitions
    ]
    environment = ", ".join(f"{name} {version}" for name, version in exhibit.environment)
    page.numbered(
        f"The exhibit with bundle number {exhibit.bundle_id} was generated by the electronic system "
        f"“{exhibit.deployment.software} {exhibit.deployment.version}”, operated by "
        f"{exhibit.deployment.operator or exhibit.deployment.name}.",
        *acquisitions,
        "On receipt the system computed a SHA-256 commitment of each message and a Merkle root "
        "(RFC 9162) over all messages, and logged it in an append-only log whose checkpoint was "
        f"time-stamped (RFC 3161) by {exhibit.stamp.name}.",
        "The exhibit was rendered from the stored values without change. Passages withheld and "
        f"messages not included are marked. Components used: {environment or '____________'}.",
        "The following checks were run and had the outcome stated: "
        + ("; ".join(f"{c}: {o}" for c, o in exhibit.checks) or "____________")
        + ".",
        "On the dates stated the system was in regular operation. Exceptions known to me:",
    )
    page.blanks("", "")
    page.text(
        "This certification does not state who typed the messages, nor what was deleted or edited "
        "before the data was received."
    )
    _oath(page)


def _rule_902_14(page: _Page) -> None:
    exhibit = page.exhibit
    _declarant(page)
    page.text("I make this certification under Federal Rule of Evidence 902(14).")
    page.numbered(
        f"The files listed below belong to the bundle {exhibit.bundle_id}, which reproduces data "
        f"held by {exhibit.deployment.operator or exhibit.deployment.name}: {page.conversations()}.",
        "Each file was identified by its SHA-256 hash value (FIPS 180-4). Two files with the same "
        "SHA-256 value are, for practical purposes, identical.",
        "I compared the hash value of each file in the bundle with the value recorded for the stored "
        "original, by the following means, on the following date, with the following result:",
    )
    page.blanks("Means:", "Date:", "Result:")
    page.hashes("File", "Bytes", "SHA-256")
    _oath(page)


# ---- European Union ------------------------------------------------------------------------------


def _eu_statement(page: _Page) -> None:
    exhibit = page.exhibit
    independent = f"The time-stamps were issued by {exhibit.stamp.name}, operated by {exhibit.stamp.operator}."
    if not exhibit.stamp.independent:
        independent += " This authority is not independent of the issuer."
    page.numbered(
        f"This statement concerns the bundle {exhibit.bundle_id}: {page.conversations()}.",
        f"The PDF files carry an electronic seal in the PAdES format (ETSI EN 319 142) of "
        f"{exhibit.deployment.operator or exhibit.deployment.name}. Under Article 35(1) of "
        "Regulation (EU) No 910/2014 an electronic seal shall not be denied legal effect solely "
        "because it is electronic; the presumption of Article 35(2) attaches to a qualified seal "
        "only. Whether this seal is qualified must be stated here:",
    )
    page.blanks("Status of the seal, certificate and provider:")
    page.text(
        f"{independent} The presumption of Article 41(2) attaches to a qualified electronic time "
        "stamp only. Whether these are qualified must be stated here:"
    )
    page.blanks("Status of the time-stamps and provider:")
    page.text(
        "Integrity: any later change of the sealed files is detectable by the verification described "
        f"in the bundle and at {exhibit.verification_url}.",
        "Personal data: legal basis, recipients and retention as stated by the requester: "
        f"{exhibit.privacy or '____________'}.",
        "The seal and time-stamps show that the data existed in this form no later than the time "
        "stated. They do not show who typed the messages or what was deleted before storage.",
    )
    page.hashes("File", "Bytes", "SHA-256")
    page.blanks("Name and function:", "Place and date:", "Signature:")


DRAFTS: dict[Jurisdiction, tuple[Draft, ...]] = {
    "cn": (
        Draft("cn-evidence-list.pdf", "zh", "证据目录（草稿）", _evidence_list),
        Draft("cn-extraction-note.pdf", "zh", "电子数据取证说明（草稿）", _extraction_note),
    ),
    "us": (
        Draft("us-902-13.pdf", "en", "Certification under FRE 902(13) (draft)", _rule_902_13),
        Draft("us-902-14.pdf", "en", "Certification under FRE 902(14) (draft)", _rule_902_14),
    ),
    "eu": (
        Draft("eu-statement.pdf", "en", "Statement on seal and time-stamps (draft)", _eu_statement),
    ),
}
