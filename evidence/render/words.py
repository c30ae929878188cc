"""The fixed sentences of the exhibit in English and Chinese.

They are part of the evidence, not of the user interface, so they live here and not in the
catalogues: an exhibit must read the same whoever renders it. ``words("zh")["cover.title"]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from evidence.render.exhibit import Language

_TABLE: dict[str, tuple[str, str]] = {
    "title": ("Exhibit of stored conversations", "聊天记录电子数据证据"),
    "file_title": ("Conversation exhibit {bundle}", "聊天记录证据 {bundle}"),
    "page_of": ("Page {page} of {pages}", "第 {page} 页 / 共 {pages} 页"),
    "volume_of": ("Volume {number} of {of}", "第 {number} 卷，共 {of} 卷"),
    "bundle": ("Bundle", "证据包"),
    "bundle_id": ("Bundle number", "证据包编号"),
    "development": (
        "DEVELOPMENT KEYS: THIS DOCUMENT IS NOT EVIDENCE",
        "开发环境密钥签署：本文件不得作为证据使用",
    ),
    "development.mark": ("DEVELOPMENT", "开发环境"),
    "filing.mark": ("FILING COPY", "提交用副本"),
    "filing.stamp": (
        "FILING COPY, NOT SIGNED. The signed master is {master} of bundle {bundle}.",
        "提交用副本（未签名）。经签名的主文件为证据包 {bundle} 中的 {master}。",
    ),
    "all": ("all", "全部"),
    "none": ("none", "无"),
    "not_stated": ("not stated", "未说明"),
    "stated_by": ("{value} (stated by {by})", "{value}（由{by}陈述）"),
    "by_requester": ("as stated by the requester", "由申请人陈述"),
    "utc": ("UTC", "协调世界时（UTC）"),
    "to": ("{first} to {last}", "{first} 至 {last}"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    # cover
    "cover.matter": ("Matter", "案件"),
    "cover.number": ("Matter number", "案号"),
    "cover.purpose": ("Purpose", "用途"),
    "cover.authority": ("Authority or consent", "依据（授权或同意）"),
    "cover.requester": ("Requested by", "申请人"),
    "cover.custodian": ("Custodian", "账号持有人"),
    "cover.jurisdiction": ("Prepared for", "适用法域"),
    "jurisdiction.cn": ("courts of the People's Republic of China", "中华人民共和国法院"),
    "jurisdiction.us": ("courts of the United States", "美国法院"),
    "jurisdiction.eu": ("courts of the European Union", "欧盟法院"),
    "cover.conversations": ("Conversations", "会话"),
    "cover.period": ("Period", "期间"),
    "cover.zone": ("Times are shown in", "时间显示所用时区"),
    "cover.zone.rows": (
        "the offset with which each time was read (printed on every row)",
        "各条时间读取时的时差（逐条标明）",
    ),
    "cover.messages": ("Messages", "消息"),
    "cover.counts": (
        "{shown} shown of {size} delivered; {withheld} withheld, {partly} shown in part, "
        "{omitted} not included (gaps: {gaps})",
        "共交付 {size} 条，展示 {shown} 条；整条遮盖 {withheld} 条，部分遮盖 {partly} 条，"
        "{gaps} 处间断共未收录 {omitted} 条",
    ),
    "cover.pages": ("Pages and Bates numbers", "页数与页码编号"),
    "cover.pages.one": ("{pages} pages, {first} to {last}", "共 {pages} 页，编号 {first} 至 {last}"),
    "cover.pages.value": (
        "{pages} pages in {volumes} files, {first} to {last}",
        "{volumes} 个文件共 {pages} 页，编号 {first} 至 {last}",
    ),
    "cover.created": ("Prepared", "制作时间"),
    "cover.issuer": ("Issued by", "出具方"),
    "cover.stamp": ("Time-stamp authority", "时间戳服务机构"),
    "cover.stamp.value": ("{name}, operated by {operator}", "{name}（运营方：{operator}）"),
    "cover.stamp.local": (
        "It is run by the issuer itself: time is NOT independent.",
        "由出具方自行运营：时间来源不具有独立性。",
    ),
    "cover.until": ("Verifiable unaided until", "可独立验证至"),
    "cover.verify": ("Verify", "验证"),
    "cover.verify.how": (
        "Open this address and upload the PDF or the bundle, or run verify.pyz on any computer.",
        "打开该网址上传 PDF 或证据包，或在任意电脑上运行 verify.pyz。",
    ),
    "cover.witness.none": (
        "No independent witness has co-signed the custody log (single view).",
        "保管日志尚无独立见证方共同签署（单一视角）。",
    ),
    "cover.witness": ("Custody log witnessed by {names}.", "保管日志见证方：{names}。"),
    "cover.proved": ("What this exhibit proves", "本证据证明的内容"),
    "cover.not_proved": ("What it does not prove", "本证据不证明的内容"),
    "cover.seal": ("Electronic seal", "电子签章"),
    "cover.seal.filing": ("Unsigned copy", "未签名副本"),
    "cover.language": ("Language and format", "语言与格式"),
    "cover.version": ("English; bundle format {version}", "中文；证据包格式版本 {version}"),
    "claim.proved": (
        "These bytes were in our store no later than {time}, and this excerpt is unchanged from "
        "them. The source held {rows} as delivered; {place}; {withheld}.",
        "上述数据不晚于 {time} 即已存入本系统，本摘录与其一致、未经改动。"
        "来源交付时共 {rows}，{place}，{withheld}。",
    ),
    "claim.rows": ("{count} rows", "{count} 条"),
    "claim.rows.one": ("1 row", "1 条"),
    "claim.place": (
        "these stand at positions {first} to {last}",
        "本摘录位于第 {first} 至第 {last} 条",
    ),
    "claim.place.one": ("this one stands at position {first}", "本摘录为其中第 {first} 条"),
    "claim.withheld": (
        "{count} of them are withheld, in whole or in part",
        "其中 {count} 条被全部或部分遮盖",
    ),
    "claim.withheld.one": (
        "1 of them is withheld, in whole or in part", "其中 1 条被全部或部分遮盖",
    ),
    "claim.withheld.none": ("nothing is withheld", "无遮盖"),
    "claim.proved.many": ("Conversation {number} ({title}): ", "会话 {number}（{title}）："),
    "claim.time.stamp": (
        "the time in the time-stamp inside this bundle", "证据包内时间戳所载时间",
    ),
    "claim.not": (
        "Who typed the messages; what was deleted or edited before delivery; whether the source's "
        "clocks were right. Identity, authority and time zone are printed as stated by the person "
        "named.",
        "不证明消息由何人输入；不证明交付之前有无删除或编辑；不证明来源设备的时钟是否准确。"
        "身份、权限与时区均按所列人员的陈述载明。",
    ),
    # evidence list
    "list.title": ("Evidence list", "证据目录"),
    "list.no": ("No.", "序号"),
    "list.name": ("Name of evidence", "证据名称"),
    "list.pages": ("Pages", "页码"),
    "list.count": ("Page count", "页数"),
    "list.bates": ("Bates numbers", "页码编号"),
    "list.source": ("Source", "证据来源"),
    "list.object": ("Object and content of proof", "证明对象和内容"),
    "list.copies": ("Form and copies", "形式与份数"),
    "list.copies.value": ("electronic original, 1", "电子数据原件，1 份"),
    "list.annex": ("Attachments of conversation {number}", "会话 {number} 的附件"),
    "list.submitted": ("Submitted by (signature or seal)", "提交人（签名或盖章）"),
    "list.date": ("Date", "提交日期"),
    "list.volume": ("Volume {number}: {file}", "第 {number} 卷：{file}"),
    "list.contents": ("Contents", "目录"),
    "list.volumes": ("Volumes", "分卷"),
    "list.files": ("File", "文件"),
    # participants
    "people.title": ("Participants", "参与人"),
    "people.names": ("Names in the source", "来源中的名称"),
    "people.id": ("Platform id", "平台账号"),
    "people.basis": ("Basis of identification", "身份依据"),
    "people.messages": ("Messages", "消息数"),
    "people.range": ("First to last", "首末条"),
    "people.pages": ("Pages", "页码"),
    "people.pictures": ("Pictures supplied for participants", "为参与人提供的图片"),
    "people.pictures.how": (
        "These were supplied to show who is behind an account. Nobody checked whom or what they show. "
        "The files themselves are in the bundle, untouched; what is printed here is a smaller copy.",
        "以下图片用于说明账号的使用人，其内容未经核实。原文件未经改动地收录于证据包内，此处印制的是缩小的副本。",
    ),
    "people.picture.by": ("Supplied by {by}, {time}", "由{by}提供，{time}"),
    "people.owner": ("account holder", "账号持有人"),
    "people.basis.default": (
        "as named by the source; not verified",
        "按来源所载；未经核验",
    ),
    "people.basis.all": ("Basis of identification, for all: {basis}", "身份依据（全体）：{basis}"),
    "people.then": (" → ", " → "),
    # transcript
    "chat.title": ("Conversation {number}", "会话 {number}"),
    "chat.named": ("Conversation {number}: {title}", "会话 {number}：{title}"),
    "chat.transcript": ("Transcript: {title}", "聊天记录：{title}"),
    "chat.platform": ("Platform", "平台"),
    "chat.series": ("Series", "数据系列"),
    "chat.rule": ("Selection", "选取规则"),
    "chat.extent": ("Extent", "范围"),
    "chat.complete": (
        "positions {first} to {last} of {size}, without a gap",
        "第 {first} 至第 {last} 条（共 {size} 条），连续无间断",
    ),
    "chat.gaps": (
        "positions {first} to {last} of {size}; {count} messages are not included (gaps: {gaps})",
        "第 {first} 至第 {last} 条（共 {size} 条）；{gaps} 处间断共 {count} 条未收录",
    ),
    "chat.gaps.one": (
        "positions {first} to {last} of {size}; 1 message is not included",
        "第 {first} 至第 {last} 条（共 {size} 条）；有 1 条未收录",
    ),
    "chat.withheld": ("Withheld", "遮盖"),
    "chat.withheld.value": (
        "{withheld} whole, {partly} in part", "整条 {withheld} 条，部分 {partly} 条",
    ),
    "chat.reasons": ("Reasons", "遮盖理由"),
    "chat.zone": ("Time zone", "时区"),
    "chat.root": ("Seal (root)", "封存根哈希"),
    "chat.siblings": ("Other series held", "持有的其他系列"),
    "chat.sibling": (
        "{description}: {same} same, {different} different, {missing} missing, {extra} extra",
        "{description}：相同 {same}，不同 {different}，缺少 {missing}，多出 {extra}",
    ),
    "chat.sides": (
        "On a grey ground with a double edge, right: messages of the account holder. On white, left: "
        "messages of all others.",
        "右侧灰底、双线边框为账号持有人的消息，左侧白底为其他人的消息。",
    ),
    "chat.sides.unknown": (
        "The source does not say which participant is the account holder: all messages stand left.",
        "来源未载明哪一方为账号持有人，故全部消息列于左侧。",
    ),
    "chat.legend": (
        "Each row: number, date and time with offset from UTC, first half of the leaf hash; sender "
        "and id as the source names them. After a time, m = the source gives minutes only; "
        "a = this local time occurred twice. Characters on grey, such as [U+202E], cannot be seen "
        "or have no glyph. Technical fields of the source (sizes of pictures, type codes) are in "
        "data/messages.jsonl only.",
        "每条依次为：编号、日期与时间（含与 UTC 的时差）、叶哈希前半；发送人及其账号按来源所载。"
        "时间后 m 表示来源仅精确到分钟；a 表示该当地时间出现两次。"
        "灰底字符（如 [U+202E]）为不可见或无字形的字符。来源中的技术字段（图片尺寸、类型代码等）"
        "仅载于 data/messages.jsonl。",
    ),
    "chat.continued": ("{title} (continued)", "{title}（续）"),
    "row.continued": ("continued", "续上页"),
    "row.gap": (
        "{count} messages not included (no. {first} to {last})",
        "此处 {count} 条消息未收录（第 {first} 至第 {last} 条）",
    ),
    "row.gap.one": ("1 message not included (no. {first})", "此处 1 条消息未收录（第 {first} 条）"),
    "row.withheld": ("Withheld: {reason}", "已遮盖：{reason}"),
    "row.withheld.fields": ("Withheld in this row: {fields}.", "本条遮盖的内容：{fields}。"),
    "row.withheld.reason": (" Reason: {reason}", "理由：{reason}"),
    "and": (", ", "、"),
    "row.reason.none": ("no reason given", "未说明理由"),
    "row.no_time": ("no time given", "来源未载时间"),
    "row.no_sender": ("no sender", "无发送人"),
    "row.system": ("System", "系统消息"),
    "row.empty": ("(empty message)", "（空消息）"),
    "row.reply": ("In reply to no. {number}", "回复第 {number} 条"),
    "row.reply.unknown": ("In reply to", "回复"),
    "row.forward": ("Forwarded from {name}", "转发自 {name}"),
    "row.forward.unknown": ("Forwarded", "转发"),
    "row.edited": ("Edited {time}. Before: {previous}", "编辑于 {time}，编辑前：{previous}"),
    "row.edited.lost": (
        "Edited {time}. The source keeps no earlier text.",
        "编辑于 {time}，来源未保留编辑前内容。",
    ),
    "row.recalled": ("Recalled or deleted by {by} {time}", "由 {by} 撤回或删除 {time}"),
    "row.someone": ("unknown", "未载明"),
    "row.reactions": ("Reactions: ", "表情回应："),
    "row.receipts": ("Receipts: ", "回执："),
    "row.delivered": ("delivered", "已送达"),
    "row.read": ("read", "已读"),
    "row.note": ("Note: {text}", "提示：{text}"),
    "row.raw_time": ("time as written: {raw}", "原始时间：{raw}"),
    "file.missing": (
        "The source does not include this file.", "来源数据未包含该文件。",
    ),
    "file.size": ("{size} bytes", "{size} 字节"),
    "file.duration": ("duration {duration}", "时长 {duration}"),
    "file.annex": ("Annex, page ", "见附件册，页码 "),
    "file.withheld": ("Attachment withheld", "附件已遮盖"),
    "file.undrawn": (
        "This picture cannot be drawn ({why}); its bytes are in the bundle.",
        "该图片无法显示（{why}）；原始文件在证据包中。",
    ),
    "file.unnamed": ("(no name)", "（未命名）"),
    # annex
    "annex.title": ("Annex: attachments", "附件册"),
    "annex.item": ("Attachment to no. {number}", "第 {number} 条消息的附件"),
    "annex.item.of": (
        "Attachment to no. {number} of conversation {conversation}",
        "会话 {conversation} 第 {number} 条消息的附件",
    ),
    "annex.name": ("Name", "文件名"),
    "annex.type": ("Type", "类型"),
    "annex.size": ("Size", "大小"),
    "annex.path": ("In the bundle", "证据包内路径"),
    "annex.untouched": (
        "Shown from the stored file, unchanged.", "按存储的原始文件显示，未作改动。",
    ),
    "annex.scaled": (
        "Converted or scaled down for print; the original bytes are in the bundle.",
        "为打印作过转换或缩小；原始文件在证据包中。",
    ),
    "annex.listed": ("Listed only: this kind of file cannot be printed.", "仅列目录：该类文件无法打印。"),
    # acquisition
    "source.title": ("Sources and acquisition", "数据来源与提取记录"),
    "source.acquisition": ("Acquisition {id}", "提取批次 {id}"),
    "source.received": ("Received", "接收时间"),
    "source.by": ("Delivered by", "交付人"),
    "source.method": ("Method", "方式"),
    "source.format": ("Source format", "来源格式"),
    "source.parser": ("Read by", "解析程序"),
    "source.original": ("Original", "原始文件"),
    "source.original.withheld": (
        "held by the issuer; not disclosed, because it contains more than this exhibit",
        "由出具方保存；因含有本证据以外的内容，未予披露",
    ),
    "source.original.included": ("included in the bundle byte for byte", "已逐字节收入证据包"),
    "source.answers": ("Stated on delivery", "交付时的陈述"),
    "source.warnings": ("Irregularities", "异常情况"),
    "source.stamped": ("Time-stamped", "时间戳时间"),
    "source.steps": ("Steps", "步骤"),
    "source.carrier": ("Original device or account", "原始载体"),
    "source.neutrality": ("Position of the issuer", "出具方的中立性说明"),
    "source.privacy": ("Third parties' data", "第三人信息的处理"),
    "source.statements": ("Stated facts, not checked", "未经核验的陈述"),
    "source.by_column": ("Stated by", "陈述人"),
    "source.fact": ("Fact", "事项"),
    "source.value": ("Statement", "陈述内容"),
    "tool.title": ("Tools and environment", "工具与运行环境"),
    "tool.name": ("Component", "组件"),
    "tool.version": ("Version", "版本"),
    "tool.checks": ("Checks", "检查"),
    "tool.outcome": ("Outcome", "结果"),
    "tool.changes": (
        "No text was changed, corrected, translated or normalised for this exhibit. Line breaks "
        "within a message are kept; lines are wrapped to fit the page. Withheld parts are marked.",
        "本证据未对任何文本作修改、更正、翻译或规范化处理。消息内换行予以保留，长行为排版自动折行。"
        "遮盖部分均有标记。",
    ),
    # hashes
    "hash.title": ("Hash appendix", "完整性校验值"),
    "hash.how": (
        "SHA-256 (FIPS 180-4). The seal of a conversation is the root of an RFC 9162 Merkle tree "
        "over all its rows; README.txt in the bundle says how to recompute every value.",
        "采用 SHA-256（FIPS 180-4）。会话封存值为其全部消息按 RFC 9162 构成的默克尔树根；"
        "证据包内 README.txt 载明逐项重新计算的方法。",
    ),
    "hash.name": ("Item", "对象"),
    "hash.value": ("Value", "校验值"),
    "hash.leaves": ("Leaf hashes of conversation {number}", "会话 {number} 的叶哈希"),
    "hash.leaves.elsewhere": (
        "The full leaf hash of every row is in data/messages.jsonl and data/proofs.json of the "
        "bundle; each row above prints its first half.",
        "每条消息的完整叶哈希见证据包 data/messages.jsonl 与 data/proofs.json；正文每条印有其前半。",
    ),
    "hash.selection": ("Selection digest", "选取摘要值"),
    "hash.root": ("Seal root, conversation {number}", "会话 {number} 封存根"),
    "hash.root.sm3": ("Seal root SM3, conversation {number}", "会话 {number} 封存根（SM3）"),
    "hash.head": ("Head digest, conversation {number}", "会话 {number} 系列头摘要"),
    "hash.original": ("Original of acquisition {id}", "提取批次 {id} 原始文件"),
    "hash.log": ("Custody log root", "保管日志根"),
    # custody
    "custody.title": ("Custody log", "保管日志"),
    "custody.how": (
        "Entries of the append-only log {origin} that concern this exhibit, up to entry {size}. "
        "Other entries appear as digests only.",
        "只增日志 {origin} 中与本证据有关的记录，截至第 {size} 条。其他记录仅列摘要。",
    ),
    "custody.index": ("Entry", "序号"),
    "custody.time": ("Time (UTC)", "时间（UTC）"),
    "custody.event": ("Event", "事件"),
    "custody.actor": ("Who, where", "何人、何处"),
    "custody.why": ("Why, what", "事由与内容"),
    "custody.undisclosed": ("not disclosed", "未披露"),
    # colophon
    "colophon.title": ("Colophon", "制作说明"),
    "colophon.text": (
        "Rendered by {software} with ReportLab, HarfBuzz and Pillow. The file is made to the rules "
        "of PDF/A-3u (ISO 19005-3).",
        "由 {software} 使用 ReportLab、HarfBuzz 与 Pillow 制作，按 PDF/A-3u（ISO 19005-3）规则生成。",
    ),
    "colophon.fonts": ("Fonts", "字体"),
    "colophon.licence": ("Licence", "许可"),
    "colophon.missing": ("Characters no font has", "无字形字符"),
    "colophon.missing.none": ("none", "无"),
    "colophon.missing.row": (
        "U+{code}: {count} times, first on {bates}", "U+{code}：{count} 次，首见于 {bates}",
    ),
    "colophon.missing.row.one": ("U+{code}: once, on {bates}", "U+{code}：1 次，见于 {bates}"),
    "colophon.software": ("Software", "软件"),
    # volume cover
    "volume.part": (
        "This file is one part of an exhibit. The master, evidence.pdf, holds the cover, lists, "
        "hashes and custody log; alone this file is intact but incomplete.",
        "本文件为证据的一部分。主文件 evidence.pdf 载有封面、目录、校验值与保管日志；"
        "单独使用时本文件完好但不完整。",
    ),
    "volume.selection": ("Selection digest", "选取摘要值"),
}  # fmt: skip

KINDS: dict[str, tuple[str, str]] = {
    "text": ("Text", "文本"),
    "image": ("Picture", "图片"),
    "voice": ("Voice message", "语音"),
    "video": ("Video", "视频"),
    "file": ("File", "文件"),
    "sticker": ("Sticker", "表情"),
    "location": ("Location", "位置"),
    "contact": ("Contact card", "名片"),
    "link": ("Link", "链接"),
    "call": ("Call", "通话"),
    "transfer": ("Transfer", "转账"),
    "merged": ("Merged messages", "合并转发"),
    "poll": ("Poll", "投票"),
    "recalled": ("Recalled or deleted", "已撤回或删除"),
    "system": ("System", "系统消息"),
    "other": ("Other kind", "其他类型"),
    "unparsed": ("Could not be read; shown as in the source", "未能解析，按来源原样显示"),
}

EVENTS: dict[str, tuple[str, str]] = {
    "access.granted": ("Access granted", "授予访问权"),
    "access.revoked": ("Access revoked", "撤销访问权"),
    "acquisition.received": ("Source received", "接收来源数据"),
    "acquisition.recognised": ("Source recognised again", "识别为已接收的来源"),
    "admin.viewed": ("Viewed by an administrator", "管理员查看"),
    "bundle.downloaded": ("Bundle downloaded", "下载证据包"),
    "bundle.renewed": ("Time-stamps renewed", "续期时间戳"),
    "bundle.superseded": ("Bundle superseded", "证据包被替代"),
    "bundle.withdrawn": ("Bundle withdrawn", "撤回证据包"),
    "checkpoint.stamped": ("Log head time-stamped", "日志头部加盖时间戳"),
    "conversation.erased": ("Conversation erased", "删除会话"),
    "conversation.viewed": ("Conversation viewed", "查看会话"),
    "epoch.opened": ("New epoch of the log", "启用新日志期"),
    "export.cancelled": ("Export cancelled", "取消导出"),
    "export.failed": ("Export failed", "导出失败"),
    "export.issued": ("Exhibit issued", "出具证据"),
    "export.prepared": ("Exhibit prepared", "备妥证据"),
    "export.requested": ("Exhibit requested", "申请出具证据"),
    "hold.placed": ("Hold placed", "设置保全"),
    "hold.released": ("Hold released", "解除保全"),
    "key.rotated": ("Key changed", "更换密钥"),
    "matter.changed": ("Matter changed", "变更案件信息"),
    "matter.opened": ("Matter opened", "建立案件"),
    "original.downloaded": ("Original downloaded", "下载原始文件"),
    "selection.frozen": ("Selection fixed", "固定选取范围"),
    "series.sealed": ("Conversation sealed", "封存会话"),
    "verification.requested": ("Verification requested", "申请验证"),
}

TEMPLATES: dict[str, tuple[str, str]] = {
    "push_gap": ("Not delivered by the provider", "平台未能提供"),
    "push_gap_filled": ("Delivered later, for a gap stated above", "补充提供（对应上文所述缺口）"),
    "announcement": ("Announcement", "群公告"),
    "clear_history": ("History cleared", "清空聊天记录"),
    "create_channel": ("Channel created", "创建频道"),
    "create_group": ("Group created", "创建群组"),
    "delete_chat_photo": ("Group picture removed", "移除群头像"),
    "edit_chat_theme": ("Theme changed", "更换主题"),
    "edit_group_photo": ("Group picture changed", "更换群头像"),
    "edit_group_title": ("Group name changed", "更改群名称"),
    "invite_members": ("Members invited", "邀请成员"),
    "join_group_by_link": ("Joined by link", "通过链接加入"),
    "joined_telegram": ("Joined Telegram", "加入 Telegram"),
    "member_joined": ("Joined", "加入"),
    "member_left": ("Left", "退出"),
    "migrate_from_group": ("Continues an earlier group", "由原群组升级"),
    "migrate_to_supergroup": ("Group continues as supergroup", "升级为超级群组"),
    "notice": ("Notice", "提示"),
    "pat": ("Pat", "拍一拍"),
    "pin_message": ("Message pinned", "置顶消息"),
    "remove_members": ("Members removed", "移除成员"),
    "set_messages_ttl": ("Self-deletion of messages set", "设置消息自动删除"),
    "topic_created": ("Topic created", "创建话题"),
    "topic_edit": ("Topic changed", "更改话题"),
}

FIELDS: dict[str, tuple[str, str]] = {
    "body": ("text", "正文"), "attachments": ("attachments", "附件"), "sender": ("sender", "发送人"),
    "time": ("time", "时间"), "reply_to": ("quoted message", "引用"), "edits": ("edits", "编辑记录"),
    "source_text": ("source slice", "来源片段"), "reactions": ("reactions", "表情回应"),
    "details": ("details", "详情"), "forward": ("forward", "转发信息"),
    "source": ("place in the source", "来源位置"), "kind": ("kind", "类型"),
    "platform_id": ("platform's number", "平台消息编号"), "time_raw": ("time as written", "原始时间"),
    "direction": ("direction", "收发方向"), "deletion": ("recall", "撤回信息"),
    "receipts": ("receipts", "回执"), "system": ("system notice", "系统提示"),
    "warnings": ("remarks", "提示"), "sequence": ("number", "编号"),
}  # fmt: skip

WARNINGS: dict[str, tuple[str, str]] = {
    "possible_forgery": (
        "a line inside this message looks like the head of another message",
        "本条内有形似另一条消息开头的行",
    ),
    "nonexistent_local_time": ("this local time did not exist", "该当地时间实际不存在"),
    "media_not_included": ("the source does not include the file", "来源数据未包含该文件"),
    "unparsed": ("fits no known form", "不符合已知格式"),
    "time_backwards": ("earlier than the row before it", "时间早于上一条"),
    "ambiguous_local_time": ("this local time occurred twice", "该当地时间出现两次"),
}


def words(language: Language) -> Mapping[str, str]:
    """Return all fixed texts in one language."""
    place = 1 if language == "zh" else 0
    return MappingProxyType({key: pair[place] for key, pair in _TABLE.items()})


def counted(words: Mapping[str, str], key: str, count: int, **values: object) -> str:
    """Return the sentence ``key`` as one says it of ``count`` things: ``key.one`` of a single one."""
    return words[f"{key}.one" if count == 1 else key].format(count=count, **values)


def term(table: dict[str, tuple[str, str]], key: str, language: Language) -> str:
    """Return an entry of KINDS, FIELDS or WARNINGS; an unknown key stands for itself."""
    pair = table.get(key)
    return key if pair is None else pair[1 if language == "zh" else 0]
