"""What stands in the content of a WeChat message: text, WeChat's XML, or a notice.

The XML comes from other people's phones, so it is parsed without entities, DTDs or network
(defusedxml), up to a size, and every failure leaves the text as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # types only

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from evidence.values import Json

_LARGEST_XML = 1 << 20
_DEEPEST = 40
_BEGINS_XML = re.compile(
    r"(?:(?P<sender>[\w@.\-]{3,64}):)?\s*(?P<xml><(?:\?xml|msg|sysmsg|appmsg|voip|VoIP)\b.*)",
    re.DOTALL,
)

KIND_BY_NUMBER = {
    1: "text", 3: "image", 34: "voice", 42: "contact", 43: "video", 44: "video", 47: "sticker",
    48: "location", 50: "call", 62: "video", 64: "call", 66: "contact", 10000: "system",
    10002: "recalled",
}  # fmt: skip
KIND_BY_APP_NUMBER = {
    1: "text", 2: "image", 3: "link", 4: "link", 5: "link", 6: "file", 8: "sticker", 17: "location",
    19: "merged", 24: "link", 33: "link", 36: "link", 40: "merged", 51: "link", 53: "text",
    57: "text", 62: "system", 63: "link", 74: "file", 76: "link", 87: "system", 88: "link",
    2000: "transfer", 2001: "transfer", 2003: "transfer",
}  # fmt: skip
KIND_BY_NAME = {
    **dict.fromkeys(("文本", "文本消息", "文字", "text"), "text"),
    **dict.fromkeys(("引用", "引用消息", "引用回复", "带有引用的文本消息", "粘贴的文本", "接龙"), "text"),
    **dict.fromkeys(("图片", "图片消息", "image"), "image"),
    **dict.fromkeys(("语音", "语音消息", "voice"), "voice"),
    **dict.fromkeys(("视频", "视频消息", "小视频", "video"), "video"),
    **dict.fromkeys(("表情", "表情包", "动画表情", "用户上传的GIF表情", "emoji"), "sticker"),
    **dict.fromkeys(("文件", "文件消息", "file"), "file"),
    **dict.fromkeys(("位置", "地理位置", "位置共享", "位置分享"), "location"),
    **dict.fromkeys(("名片", "个人名片", "公众号名片", "推荐公众号", "企业名片"), "contact"),
    **dict.fromkeys((
        "链接", "分享链接", "卡片式链接", "分享卡片", "小程序", "分享的小程序", "音乐", "音乐分享", "分享音乐",
        "视频号", "视频号直播或直播回放等", "视频号直播", "公众号文章", "笔记",
    ), "link"),
    **dict.fromkeys(("合并转发的聊天记录", "合并转发聊天记录", "聊天记录", "转发的聊天记录"), "merged"),
    **dict.fromkeys(("转账", "转账消息", "微信转账", "红包", "微信红包", "(红包)红包", "赠送红包封面"), "transfer"),
    **dict.fromkeys(("语音通话", "视频通话", "音视频通话", "通话"), "call"),
    **dict.fromkeys(("系统", "系统消息", "系统通知", "群公告", "拍一拍", "提示消息", "群通知"), "system"),
    **dict.fromkeys(("撤回", "撤回消息", "消息撤回"), "recalled"),
}  # fmt: skip

_NOTICES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile(pattern))
    for code, pattern in (
        ("recalled", r"撤回了?一条消息|recalled a message|收回了一則訊息"),
        ("pat", r"拍了拍|tickled"),
        ("red_packet", r"红包|紅包|red packet"),
        ("transfer", r"转账|轉帳|收款"),
        (
            "member_added",
            r"邀请.*加入了?群聊|邀請.*加入|通过扫描.*加入群聊|invited .* to the group",
        ),
        ("member_removed", r"移出了?群聊|移出群組|removed .* from the group"),
        ("subject_changed", r"修改群名为|修改群組名稱|changed the group name"),
        ("contact_added", r"现在可以开始聊天|以上是打招呼的内容|已添加了"),
        ("contact_refused", r"开启了朋友验证|消息已发出，但被对方拒收了"),
    )
)
_RECALLED_BY = re.compile(
    r"[\"“「]?(?P<by>[^\"”」]{1,64}?)[\"”」]? ?(?:撤回了?一条消息|recalled a message)"
)


@dataclass(slots=True)
class Content:
    """What a content cell says. kind: None where it does not settle one."""

    kind: str | None = None
    body: str | None = None
    sender_id: str | None = None
    file_name: str | None = None
    file_size: str | None = None
    duration: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    details: dict[str, Json] = field(default_factory=dict)
    warnings: list[Json] = field(default_factory=list)


def content_of(text: str, kind: str) -> Content:
    """Return what ``text`` says; ``kind`` is what the export called the message."""
    match = _xml_in(text)
    if match is None or (kind == "text" and match["sender"] is None and "<msg" not in text[:400]):
        return _notice(text, kind) if kind in ("system", "recalled") else Content(body=text)
    root = _parsed(match["xml"])
    if root is None:
        return Content(body=text, warnings=["unreadable_xml"])
    found = _of_xml(root, kind)
    found.sender_id = match["sender"]
    return found


def _xml_in(text: str) -> re.Match[str] | None:
    return _BEGINS_XML.fullmatch(text) if "<" in text[:200] else None


def _notice(text: str, kind: str) -> Content:
    template = next((code for code, pattern in _NOTICES if pattern.search(text[:2000])), "notice")
    found = Content(body=text)
    if "$" in text and re.search(r"\$\w+\$", text[:2000]):
        found.warnings.append("template_not_expanded")
    if template == "recalled" or kind == "recalled":
        match = _RECALLED_BY.search(text[:500])
        found.kind = "recalled"
        found.fields["deletion"] = {"by": match["by"].strip() if match else None, "time_raw": None}
        return found
    found.fields["system"] = {"template": template, "values": {"text": text}}
    return found


def _parsed(xml: str) -> Element | None:
    if len(xml) > _LARGEST_XML:
        return None
    try:
        root: Element = defusedxml.ElementTree.fromstring(
            xml.strip().encode("utf-8"), forbid_dtd=True
        )
    except (ParseError, DefusedXmlException, ValueError, RecursionError, LookupError):
        return None
    return root if _depth_fits(root) else None


def _depth_fits(root: Element) -> bool:
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for one in level for child in one]
        if not level:
            return True
    return False


def _of_xml(root: Element, kind: str) -> Content:
    app = root if root.tag == "appmsg" else root.find(".//appmsg")
    if app is not None:
        return _of_app(app)
    if root.tag == "sysmsg":
        return _of_system(root)
    for tag, read in _READERS.items():
        element = root if root.tag == tag else root.find(f".//{tag}")
        if element is not None:
            return read(element)
    if kind == "contact" and root.get("nickname"):
        return Content("contact", root.get("nickname"), details=_attributes(
            root, "username", "nickname", "alias", "province", "city", "sign"))  # fmt: skip
    return Content(details={"text": _all_text(root)})


def _of_app(app: Element) -> Content:
    number = _integer(app.findtext("type"))
    kind = KIND_BY_APP_NUMBER.get(number, "other")
    found = Content(kind, app.findtext("title") or None)
    for name in ("des", "url", "sourcedisplayname", "type"):
        if app.findtext(name):
            found.details[name] = app.findtext(name)
    if kind == "file":
        found.file_name = found.body
        found.file_size = app.findtext("appattach/totallen")
    if number == 57:
        found.fields["reply_to"] = _quote(app.find("refermsg"))
    if kind == "transfer":
        found.details |= {one.tag: one.text for one in app.findall("wcpayinfo/*") if one.text}
        found.body = (
            app.findtext("wcpayinfo/feedesc") or app.findtext("wcpayinfo/sendertitle") or found.body
        )
    if kind == "system":
        template = "pat" if number == 62 else "announcement"
        text = app.findtext("textannouncement") or found.body or ""
        found.body = text
        found.fields["system"] = {"template": template, "values": {"text": text}}
    return found


def _quote(refer: Element | None) -> dict[str, Json] | None:
    if refer is None:
        return None
    text = refer.findtext("content") or ""
    inner = _xml_in(text)
    root = _parsed(inner["xml"]) if inner else None
    if root is not None:
        text = root.findtext(".//title") or f"[{root[0].tag if len(root) else root.tag}]"
    who = refer.findtext("displayname")
    return {
        "platform_id": refer.findtext("svrid") or None,
        "sequence": None,
        "quote": f"{who}: {text}" if who else text,
    }


def _of_system(root: Element) -> Content:
    revoked = root.find(".//revokemsg")
    if revoked is None:
        text = _all_text(root)
        values: dict[str, Json] = {"text": text, "type": root.get("type")}
        template = "pat" if root.get("type") == "pat" else "notice"
        return Content("system", text, fields={"system": {"template": template, "values": values}})
    text = revoked.findtext("replacemsg") or _all_text(revoked)
    found = _notice(text, "recalled")
    found.details = {
        one.tag: one.text for one in revoked if one.tag in ("newmsgid", "msgid") and one.text
    }
    return found


def _of_image(element: Element) -> Content:
    return Content("image", file_size=element.get("length"), details=_attributes(element, "md5"))


def _of_voice(element: Element) -> Content:
    return Content("voice", file_size=element.get("length"), duration=element.get("voicelength"))


def _of_video(element: Element) -> Content:
    details = _attributes(element, "md5")
    length, duration = element.get("length"), element.get("playlength")
    return Content("video", file_size=length, duration=duration, details=details)


def _of_sticker(element: Element) -> Content:
    return Content("sticker", details=_attributes(element, "md5", "cdnurl", "desc"))


def _of_place(element: Element) -> Content:
    names = {
        "x": "latitude",
        "y": "longitude",
        "label": "label",
        "poiname": "name",
        "scale": "scale",
    }
    details: dict[str, Json] = {
        new: element.get(old) for old, new in names.items() if element.get(old)
    }
    return Content("location", element.get("poiname") or element.get("label"), details=details)


def _of_call(element: Element) -> Content:
    text = element.findtext(".//msg") or _all_text(element)
    return Content("call", text or None, details={"text": text, **_children(element)})


_READERS = {
    "img": _of_image,
    "voicemsg": _of_voice,
    "videomsg": _of_video,
    "emoji": _of_sticker,
    "location": _of_place,
    "VoIPBubbleMsg": _of_call,
    "voipmsg": _of_call,
    "voipinvitemsg": _of_call,
    "voiplocalinfo": _of_call,
}


def _attributes(element: Element, *names: str) -> dict[str, Json]:
    return {name: element.get(name) for name in names if element.get(name)}


def _children(element: Element) -> dict[str, Json]:
    return {one.tag: one.text for one in element if not len(one) and one.text and one.tag != "msg"}


def _all_text(element: Element) -> str:
    def parts() -> Iterator[str]:
        for text in element.itertext():
            if text.strip():
                yield text.strip()

    return " ".join(parts())


def _integer(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"\d{1,9}", text, re.ASCII) else -1
