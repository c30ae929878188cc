"""Words an exhibit needs for what only the store knows: rules, warnings, formats. en and zh."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

_EN = {
    "basis": "As named in the source; identity not verified by this service.",
    "identity": "Person or company",
    "identity_known": "{0} ({1})",
    "known_known": "known in person",
    "known_number": "by telephone number",
    "known_account": "by account name or number",
    "known_said": "as said in the conversation",
    "known_document": "by a contract or another document",
    "known_other": "on other grounds",
    "method_upload": "Upload of an exported file",
    "timezone": "Time zone of the exported times",
    "date_order": "Order of day and month in dates",
    "owner": "Account holder as named in the source",
    "sibling": "sealed {sealed}, read by {parser}, {size} messages",
    "all": "All messages",
    "from": "from {0}",
    "to": "until before {0}",
    "participant": "sent by {0}",
    "messages": "messages no. {0}",
    "context": "with {0} neighbouring messages on each side",
    "join": "; ",
    "actor": "{name} ({kind})",
    "actor_person": "person",
    "actor_client": "client",
    "actor_system": "system",
    "actor_operator": "operator",
    "subject": "{kind} {id}… no. {number}",
    "subject_series": "conversation",
    "subject_matter": "matter",
    "subject_bundle": "bundle",
    "subject_acquisition": "acquisition",
    "subject_log": "log",
    "subject_organisation": "organisation",
    "step_stored": "Original stored byte for byte, encrypted, and hashed with SHA-256.",
    "step_read": "Every record read by {parser}; {unparsed} fitted no known form.",
    "step_sealed": "Each of {size} messages hashed and the conversation sealed at {time} UTC.",
    "step_logged": "Delivery and seal entered into the append-only custody log.",
    "step_stamped": "Head of the log time-stamped under RFC 3161.",
    "stated_requester": "Person requesting this exhibit",
    "stated_purpose": "Purpose",
    "stated_authority": "Authority or consent",
    "stated_custodian": "Custodian of the source",
    "check_bytes": "Stored messages decrypted and compared with their sealed hashes",
    "check_log": "Custody log walked to the prepared entry",
    "passed": "passed",
    "warning_possible_forgery": "Lines inside a message look like another message's header and "
    "break the order of time: they may have been pasted by a participant.",
    "warning_time_backwards": "Messages stand in the source in an order that goes back in time.",
    "warning_ambiguous_local_time": "Some local times occur twice because clocks were set back.",
    "warning_nonexistent_local_time": "Some local times do not exist because clocks were set "
    "forward.",
    "warning_media_not_included": "The source mentions media files it does not include.",
    "warning_owner_not_found": "The name stated for the account holder does not appear in the "
    "conversation.",
    "warning_unparsed": "Some source lines fit no known form; they are included as they stand.",
    "format_whatsapp_text": "WhatsApp text export",
    "format_whatsapp_zip": "WhatsApp export with media (ZIP)",
    "format_telegram_json": "Telegram Desktop export (JSON)",
    "format_telegram_zip": "Telegram Desktop export (ZIP)",
    "format_wechat_csv_wechatmsg": "WeChat history as CSV (WeChatMsg)",
    "format_wechat_csv_pywxdump": "WeChat history as CSV (PyWxDump)",
    "format_qq_text": "QQ message manager text export",
    "other_warning": "Remark of the parser: {0}.",
    "sealed_by": "Sealed by {0}",
    "sealed_bundle": "Bundle {0}, volume {1} of {2}",
    "sealed_how": "PAdES B-LTA, no changes allowed; the time is in the time-stamp",
    "sealed_development": "DEVELOPMENT KEYS: not evidence",
}

_ZH = {
    "basis": "名称取自来源文件，本服务未核实身份。",
    "identity": "对应的个人或单位",
    "identity_known": "{0}（{1}）",
    "known_known": "本人认识",
    "known_number": "依据电话号码",
    "known_account": "依据账号名称或号码",
    "known_said": "对方在会话中自述",
    "known_document": "依据合同或其他文件",
    "known_other": "其他依据",
    "method_upload": "上传导出文件",
    "timezone": "导出时间所属时区",
    "date_order": "日期中日、月的先后",
    "owner": "来源中显示的账号持有人",
    "sibling": "{sealed} 封存，解析器 {parser}，共 {size} 条消息",
    "all": "全部消息",
    "from": "自 {0} 起",
    "to": "至 {0} 之前",
    "participant": "发送者为{0}",
    "messages": "第 {0} 条消息",
    "context": "前后各附 {0} 条相邻消息",
    "join": "；",
    "actor": "{name}（{kind}）",
    "actor_person": "个人",
    "actor_client": "程序客户端",
    "actor_system": "系统",
    "actor_operator": "运营人员",
    "subject": "{kind} {id}… 第 {number} 项",
    "subject_series": "会话",
    "subject_matter": "案件",
    "subject_bundle": "证据包",
    "subject_acquisition": "提取批次",
    "subject_log": "日志",
    "subject_organisation": "所属单位",
    "step_stored": "原始文件逐字节加密存储，并计算 SHA-256。",
    "step_read": "由 {parser} 读取全部记录，其中 {unparsed} 条不符合已知格式。",
    "step_sealed": "对 {size} 条消息逐条计算哈希，会话于 {time} UTC 封存。",
    "step_logged": "接收与封存均已登记于只增保管日志。",
    "step_stamped": "日志头部已按 RFC 3161 加盖时间戳。",
    "stated_requester": "申请出具人",
    "stated_purpose": "目的",
    "stated_authority": "依据或同意",
    "stated_custodian": "来源保管人",
    "check_bytes": "已解密所存消息并与封存哈希比对",
    "check_log": "已逐条核对保管日志至本次登记",
    "passed": "通过",
    "warning_possible_forgery": "某条消息内含有形似其他消息开头、且打乱时间先后的文字，可能是参与者粘贴而成。",
    "warning_time_backwards": "来源文件中部分消息的排列顺序与时间先后不一致。",
    "warning_ambiguous_local_time": "因时钟回拨，部分当地时间出现两次，无法确定是哪一次。",
    "warning_nonexistent_local_time": "因时钟拨快，部分当地时间实际并不存在。",
    "warning_media_not_included": "来源文件提到的部分媒体文件未随文件提供。",
    "warning_owner_not_found": "交付时陈述的账号持有人名称未在该会话中出现。",
    "warning_unparsed": "部分内容不符合任何已知格式，已按原样收录。",
    "format_whatsapp_text": "WhatsApp 文本导出",
    "format_whatsapp_zip": "WhatsApp 导出（含媒体，ZIP）",
    "format_telegram_json": "Telegram Desktop 导出（JSON）",
    "format_telegram_zip": "Telegram Desktop 导出（ZIP）",
    "format_wechat_csv_wechatmsg": "微信聊天记录 CSV（WeChatMsg／留痕）",
    "format_wechat_csv_pywxdump": "微信聊天记录 CSV（PyWxDump）",
    "format_qq_text": "QQ 消息管理器文本导出",
    "other_warning": "解析器提示：{0}。",
    "sealed_by": "签章人：{0}",
    "sealed_bundle": "证据包 {0}，第 {1} 卷，共 {2} 卷",
    "sealed_how": "PAdES B-LTA 电子签章，禁止改动；时间以时间戳为准",
    "sealed_development": "开发用密钥，不得作为证据",
}

_PLATFORMS = {
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "wechat": "WeChat",
    "qq": "QQ",
}


def of(language: str) -> dict[str, str]:
    """Return the words of ``language`` (``en`` or ``zh``)."""
    return _ZH if language == "zh" else _EN


def platform(code: str) -> str:
    """Return the product name of a platform code."""
    return _PLATFORMS.get(code, code)


def subject_name(name: str) -> str:
    """Return a certificate's subject (RFC 4514) as people write it: its common name, then its firm.

    A text that is no such name comes back as it is.
    """
    parts = dict(
        (key.upper(), re.sub(r"\\(.)", r"\1", value))
        for key, value in re.findall(r"(?:^|,)([A-Za-z]+)=((?:\\.|[^,\\])*)", name)
    )
    found = [parts[key] for key in ("CN", "O") if parts.get(key)]
    return "; ".join(found) or name


def warning(code: str, words: dict[str, str]) -> str:
    """Return the sentence for a warning code, with the bare code where there is none."""
    return words.get(f"warning_{code}") or words["other_warning"].format(code)


def rule(stated: dict[str, Any], words: dict[str, str]) -> str:
    """Return the rule of a selection part in words."""
    given = defaultdict(str, stated)
    parts = [
        words[name].format(given[name])
        for name in ("messages", "from", "to", "participant")
        if given[name]
    ]
    if given["context"]:
        parts.append(words["context"].format(given["context"]))
    return words["join"].join(parts) or words["all"]
