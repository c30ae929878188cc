"""Details of a message as a court reads them: named in its language, without what says nothing.

Sources call their details by the names of their own fields. Known ones are printed by name, unknown
ones as they stand. Left to messages.jsonl is what only a program asks for: dimensions of a picture,
codes of a kind the row already names, and what the row prints elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evidence.render.exhibit import Language
from evidence.values import Json, Message

TECHNICAL = frozenset((
    "width", "height", "media_type", "mime_type", "duration_seconds", "scale", "cdnurl", "newmsgid",
    "msgid", "thumbnail", "thumbnail_file_size", "file_size", "photo_file_size",
))  # fmt: skip

DETAILS: dict[str, tuple[str, str]] = {
    "action": ("Action", "操作"),
    "address": ("Address", "地址"),
    "after": ("After position", "起始位置（不含）"),
    "alias": ("Alias", "别名"),
    "amount": ("Amount", "金额"),
    "author": ("Author", "署名"),
    "begintransfertime": ("Transfer begun (Unix time)", "转账发起时间（Unix）"),
    "city": ("City", "城市"),
    "contact_vcard": ("Contact card file", "名片文件"),
    "des": ("Description", "描述"),
    "desc": ("Description", "描述"),
    "direction": ("Direction", "方向"),
    "discard_reason": ("Ended because", "结束原因"),
    "duration": ("Duration", "时长"),
    "edit_of": ("New text of message", "修改的消息"),
    "effectivedate": ("Valid for (days)", "有效期（天）"),
    "feedesc": ("Amount", "金额"),
    "first_name": ("First name", "名"),
    "forwarded_from_id": ("Forwarded from id", "转发来源标识"),
    "invalidtime": ("Expires (Unix time)", "失效时间（Unix）"),
    "label": ("Place", "位置"),
    "last_name": ("Last name", "姓"),
    "latitude": ("Latitude", "纬度"),
    "links": ("Links", "链接"),
    "live": ("Live location", "实时位置"),
    "live_location_period_seconds": ("Live location for (seconds)", "实时位置时长（秒）"),
    "longitude": ("Longitude", "经度"),
    "medium": ("Medium", "方式"),
    "members": ("Members", "成员"),
    "new_title": ("New name", "新名称"),
    "outcome": ("Outcome", "结果"),
    "period": ("Period (seconds)", "时长（秒）"),
    "message_id": ("Message id", "消息标识"),
    "inviter": ("Invited by", "邀请人"),
    "who": ("Who", "何人"),
    "md5": ("MD5 stated by the source", "来源所载 MD5"),
    "memo": ("Note", "备注"),
    "missed": ("Missed", "未接"),
    "name": ("Name", "名称"),
    "nickname": ("Nickname", "昵称"),
    "options": ("Options", "选项"),
    "pay_memo": ("Note", "转账说明"),
    "paysubtype": ("Transfer state (code)", "转账状态（代码）"),
    "performer": ("Performer", "演唱者"),
    "phone_number": ("Phone number", "电话号码"),
    "place_name": ("Place", "地点"),
    "province": ("Province", "省份"),
    "reason": ("Reason stated", "所述原因"),
    "recall_of": ("Recalls message", "撤回的消息"),
    "question": ("Question", "问题"),
    "reply_to_peer_id": ("Replies into chat", "所回复会话"),
    "saved_from": ("Saved from", "收藏自"),
    "self_destruct_period_seconds": ("Self-destruct after (seconds)", "自动销毁（秒）"),
    "sign": ("Signature line", "个性签名"),
    "sourcedisplayname": ("Source", "来源"),
    "status": ("Status", "状态"),
    "sticker_emoji": ("Emoji of the sticker", "贴纸对应表情"),
    "text": ("Text", "文字"),
    "title": ("Title", "标题"),
    "total_voters": ("Voters", "投票人数"),
    "transcationid": ("Transaction no.", "交易单号"),
    "transferid": ("Transfer no.", "转账单号"),
    "type": ("Kind in the source", "来源类型"),
    "up_to": ("Up to position", "截至位置"),
    "url": ("Address", "网址"),
    "username": ("User name", "用户名"),
    "via_bot": ("Sent by bot", "经机器人发送"),
    "video": ("Video", "视频"),
    "voters": ("Voters", "票数"),
}


def shown_details(message: Message, language: Language) -> Iterator[str]:
    """Yield a line for each detail that is printed, in the order of the source."""
    for key, value in (message.details or {}).items():
        if value in (None, "", [], {}) or key in TECHNICAL:
            continue
        if key == "type" and message.kind not in ("other", "unparsed"):
            continue
        if value == message.body:
            continue
        yield _pair(key, value, language)


def named(value: Json, language: Language) -> str:
    """Return a nested value as readable text, its keys by name, nothing left out."""
    if isinstance(value, Mapping):
        joint = "；" if language == "zh" else "; "
        return joint.join(_pair(key, one, language) for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(named(one, language) for one in value)
    if isinstance(value, bool) or value in ("true", "false"):
        return _YES_NO[language][value in (True, "true")]
    return "" if value is None else str(value)


_YES_NO: dict[Language, tuple[str, str]] = {"en": ("no", "yes"), "zh": ("否", "是")}


def _pair(key: str, value: Json, language: Language) -> str:
    colon = "：" if language == "zh" else ": "
    return f"{_name(key, language)}{colon}{named(value, language)}"


def _name(key: str, language: Language) -> str:
    pair = DETAILS.get(key)
    return key if pair is None else pair[1 if language == "zh" else 0]


def duration(value: Json) -> str:
    """Return whole seconds as minutes and seconds, and anything else as the source writes it."""
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        return text
    minutes, seconds = divmod(int(text), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
