"""What WhatsApp writes into exports in the languages of the phones that made them.

Only sentences that WhatsApp itself writes stand here. A person can type each of them too, so
they decide how a row is shown, never whether its text is kept.
"""

from __future__ import annotations

import re

MARKS = "\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"

_AM = "am fm πμ öö дп de ap sa ص qm 上午 凌晨 早上 清晨 早晨 午前 오전 पूर्वाह्न ก่อนเที่ยง קב לפנהצ"
_PM = "pm em μμ ös пп du ip ch م 下午 晚上 傍晚 午後 오후 अपराह्न หลังเที่ยง nachm אחהצ"
HALF_DAYS: dict[str, str] = {
    **dict.fromkeys(_AM.split(), "am"),
    **dict.fromkeys(_PM.split(), "pm"),
    "中午": "noon",
}
"""Normalised (lower case; spaces, dots, quotes and marks removed) mark of the half day."""

CHINESE_HALF_DAYS = frozenset("上午 凌晨 早上 清晨 早晨 下午 晚上 傍晚 中午 오전 오후".split())
"""Marks of locales that write the year first."""

_NOISE = re.compile(rf"[\s.'’״׳\"\u200c{MARKS}]")


def half_day(text: str) -> str | None:
    """Return "am", "pm" or "noon"; None when this is no mark of a half day."""
    return HALF_DAYS.get(_NOISE.sub("", text).lower())


ATTACHED_IOS = (
    "attached", "Anhang", "adjunto", "archivo adjunto", "pièce jointe", "fichier joint",
    "allegato", "anexado", "anexo", "bijgevoegd", "bijlage", "已附加", "附件", "添付ファイル",
    "添付", "첨부", "첨부됨", "загружено", "прикреплено", "załącznik", "ekli", "bifogad",
    "vedlagt", "vedhæftet", "مرفق", "संलग्न",
)  # fmt: skip

ATTACHED_ANDROID = (
    "file attached", "Datei angehängt", "archivo adjunto", "fichier joint", "file allegato",
    "arquivo anexado", "ficheiro anexado", "bestand bijgevoegd", "文件附件", "附件", "檔案附件",
    "檔案已附加", "附加檔案", "已附加檔案", "ファイル添付", "添付ファイル", "파일 첨부됨", "файл добавлен", "plik załączony",
    "dosya ekli", "bifogad fil", "ملف مرفق", "fil vedlagt",
)  # fmt: skip

_OMITTED: dict[str, str] = {
    "media omitted": "file", "medien ausgeschlossen": "file", "medien weggelassen": "file",
    "multimedia omitido": "file", "archivo omitido": "file", "médias omis": "file",
    "fichier multimédia omis": "file", "média omis": "file", "media omessi": "file",
    "media omesso": "file", "mídia oculta": "file", "arquivo de mídia oculto": "file",
    "ficheiro não revelado": "file", "media weggelaten": "file", "省略影音内容": "file",
    "省略多媒體檔": "file", "省略多媒体文件": "file", "已略去多媒體檔案": "file", "多媒體已略去": "file",
    "媒体文件已省略": "file", "メディアなし": "file", "メディアは含まれていません": "file",
    "미디어 파일을 생략한 대화내용": "file", "미디어 생략됨": "file", "без медиафайлов": "file",
    "medya dahil edilmedi": "file", "pominięto multimedia": "file", "تم حذف الوسائط": "file",
    "image omitted": "image", "bild weggelassen": "image", "imagen omitida": "image",
    "image absente": "image", "immagine omessa": "image", "imagem ocultada": "image",
    "imagem omitida": "image", "afbeelding weggelaten": "image", "圖片已略去": "image",
    "图片已略去": "image", "忽略图片": "image", "忽略圖片": "image", "画像は含まれていません": "image",
    "이미지 생략됨": "image", "video omitted": "video", "video weggelassen": "video",
    "vídeo omitido": "video", "video omitido": "video", "vidéo absente": "video",
    "video omesso": "video", "vídeo ocultado": "video", "影片已略去": "video", "视频已略去": "video",
    "忽略视频": "video", "忽略影片": "video", "video weggelaten": "video", "audio omitted": "voice",
    "audio weggelassen": "voice", "audio omitido": "voice", "audio omis": "voice",
    "audio omesso": "voice", "áudio ocultado": "voice", "音訊已略去": "voice", "音频已略去": "voice",
    "语音已略去": "voice", "忽略音频": "voice", "語音已略去": "voice", "audio weggelaten": "voice",
    "sticker omitted": "sticker", "sticker weggelassen": "sticker", "sticker omitido": "sticker",
    "sticker omis": "sticker", "sticker non incluso": "sticker", "figurinha omitida": "sticker",
    "貼圖已略去": "sticker", "贴图已略去": "sticker", "忽略贴图": "sticker", "忽略貼圖": "sticker",
    "gif omitted": "video", "gif weggelassen": "video", "gif omitido": "video", "gif 已略去": "video",
    "gif已略去": "video", "document omitted": "file", "dokument weggelassen": "file",
    "documento omitido": "file", "documento omesso": "file", "文件已略去": "file",
    "檔案已略去": "file", "文档已略去": "file", "contact card omitted": "contact",
    "kontaktkarte ausgelassen": "contact", "kontaktkarte weggelassen": "contact",
    "tarjeta de contacto omitida": "contact", "联系人卡片已略去": "contact", "聯絡人資料已略去": "contact",
    "view once message omitted": "image", "video note omitted": "video",
}  # fmt: skip

_DELETED = (
    "this message was deleted", "you deleted this message", "this message was deleted by admin",
    "diese nachricht wurde gelöscht", "du hast diese nachricht gelöscht",
    "diese nachricht wurde von dir gelöscht", "se eliminó este mensaje", "este mensaje fue eliminado",
    "eliminaste este mensaje", "ce message a été supprimé", "vous avez supprimé ce message",
    "questo messaggio è stato eliminato", "hai eliminato questo messaggio",
    "essa mensagem foi apagada", "mensagem apagada", "esta mensagem foi apagada",
    "você apagou esta mensagem", "você apagou essa mensagem", "dit bericht is verwijderd",
    "je hebt dit bericht verwijderd", "dit bericht werd verwijderd", "此消息已删除", "此消息已被删除",
    "您已删除此消息", "你已删除这条消息", "你删除了这条消息", "这条消息已删除", "此訊息已刪除", "這則訊息已刪除",
    "這則訊息已被刪除", "此訊息已被刪除", "您已刪除此訊息", "您已刪除這則訊息", "你已刪除此訊息",
    "このメッセージは削除されました", "このメッセージを削除しました", "삭제된 메시지입니다",
    "이 메시지는 삭제되었습니다", "이 메시지를 삭제했습니다", "данное сообщение удалено",
    "вы удалили данное сообщение", "bu mesaj silindi", "bu mesajı sildiniz",
    "تم حذف هذه الرسالة",
)  # fmt: skip

EDITED = (
    "<This message was edited>", "<Diese Nachricht wurde bearbeitet.>",
    "<Diese Nachricht wurde bearbeitet>", "<Se editó este mensaje.>", "<Se editó este mensaje>",
    "<Ce message a été modifié>", "<Ce message a été modifié.>", "<Questo messaggio è stato modificato>",
    "<Mensagem editada>", "<Esta mensagem foi editada>", "<Dit bericht is bewerkt>",
    "<此消息已编辑>", "<消息已编辑>", "<这条消息已编辑>", "<此訊息已編輯>", "<這則訊息已編輯>", "<已編輯此訊息>",
    "<このメッセージは編集されました>", "<수정된 메시지>", "<Данное сообщение изменено>", "<Bu mesaj düzenlendi>",
)  # fmt: skip

_CALLS = re.compile(
    r"(?P<missed>missed|verpasst|entgangen|perdida|manqué|persa|perdida|gemist|未接|不在着信|부재중)"
    r"|(?P<call>\b(?:voice|video) call\b|(?:sprach|video)anruf|(?:video)?llamada|appel (?:vocal|vidéo)"
    r"|(?:video)?chiamata|chamada|(?:spraak|video-?)oproep|语音通话|視訊通話|视频通话|語音通話|音声通話|통화)",
    re.IGNORECASE,
)

LOCATION = re.compile(
    r"(?:[\w \u00a0]{2,24}[:：] ?)?https://(?:www\.google\.com/maps\?q=|maps\.google\.com/\?q=|"
    r"maps\.apple\.com/\?[^ ]*?ll=|foursquare\.com/v/)(?P<at>-?[\d.]+,-?[\d.]+)?\S*",
)
LIVE_LOCATION = frozenset({
    "live location shared", "live-standort wird geteilt", "ubicación en tiempo real compartida",
    "localisation en direct partagée", "posizione in tempo reale condivisa",
    "localização em tempo real compartilhada", "已分享实时位置", "分享即時位置", "實時位置已分享",
})  # fmt: skip
POLL = re.compile(
    r"(?:POLL|UMFRAGE|ENCUESTA|SONDAGE|SONDAGGIO|ENQUETE|投票|投票活动|アンケート|투표)[:：]\s*\n(.*)",
    re.DOTALL,
)
POLL_OPTION = re.compile(
    r"(?:OPTION|OPCIÓN|OPZIONE|OPÇÃO|OPTIE|选项|選項|選択肢|옵션)[:：] ?(.*)", re.IGNORECASE
)

_SYSTEM: tuple[tuple[str, str], ...] = (
    ("encryption_notice", r"end-to-end|Ende-zu-Ende|extremo a extremo|bout en bout|端到端|端對端|エンドツーエンド|종단 ?간|сквозн|ponta a ponta|uçtan uca"),
    ("group_created", r"created (?:this )?group|created the group|(?:Gruppe|Community) .*erstellt|creó (?:el|este) grupo|a créé (?:le|ce) groupe|ha creato il gruppo|criou (?:o|este) grupo|创建了|建立了|グループを作成|그룹을 만들었"),
    ("member_added", r"\badded\b|were added|hinzugefügt|añadió|agregó|a ajouté|ha aggiunto|adicionou|heeft .* toegevoegd|添加了|新增了|を追加しました|추가했"),
    ("member_removed", r"\bremoved\b|entfernt|eliminó a|sacó a|a retiré|ha rimosso|removeu|heeft .* verwijderd|移除了|已移除|を削除しました|내보냈"),
    ("member_left", r"\bleft\b|hat die Gruppe verlassen|verlassen|salió del grupo|a quitté|ha abbandonato|è uscit[oa]|saiu|heeft de groep verlaten|退出了|離開了|已退出|已離開|退出しました|나갔"),
    ("member_joined", r"joined using|joined from|joined the|ist .*beigetreten|über den Einladungslink|se unió|a rejoint|si è unit|entrou usando|通过.*链接加入|透過.*連結加入|加入了|に参加しました"),
    ("subject_changed", r"changed the (?:subject|group name)|Gruppennamen|Betreff|cambió el (?:asunto|nombre)|a changé (?:le sujet|le nom)|modifié le nom|ha cambiato (?:l'oggetto|il nome)|mudou o (?:assunto|nome)|更改了群组名称|更改了群名|變更了群組名稱|更改了群組名稱|主题|主旨|グループ名を"),
    ("description_changed", r"group description|Gruppenbeschreibung|descripción del grupo|description du groupe|descrizione del gruppo|descrição do grupo|群组说明|群組說明|群描述|グループの説明"),
    ("icon_changed", r"group'?s? icon|this group's icon|Gruppenbild|ícono (?:de este|del) grupo|foto del grupo|icône du groupe|photo du groupe|immagine del gruppo|imagem do grupo|群组图标|群組圖示|群頭像|グループアイコン"),
    ("number_changed", r"changed (?:their|to|your) (?:phone )?number|neue Nummer|Telefonnummer (?:zu|gewechselt)|Nummer gewechselt|cambió (?:de|su) (?:número|teléfono)|a changé de numéro|ha cambiato numero|mudou (?:de|o) número|更换了号码|更換了電話|變更了電話|電話番号を変更"),
    ("security_code_changed", r"security code|Sicherheitsnummer|código de seguridad|code de sécurité|codice di sicurezza|código de segurança|安全码|安全碼|セキュリティコード"),
    ("disappearing_changed", r"disappearing messages|selbstlöschende Nachrichten|mensajes temporales|messages éphémères|messaggi effimeri|mensagens temporárias|限时消息|阅后即焚|自動刪除訊息|限時訊息|消えるメッセージ"),
    ("admin_changed", r"now an admin|no longer an admin|ist jetzt (?:Admin|Gruppenadmin)|jetzt ein Admin|nicht mehr Admin|ahora es admin|est maintenant admin|ora è amministratore|agora é admin|管理员|管理員|管理者になりました"),
    ("settings_changed", r"changed (?:this )?group'?s? settings|settings to|Gruppeneinstellungen|ajustes del grupo|paramètres du groupe|群组设置|群組設定"),
    ("pinned", r"pinned a message|angeheftet|fijó un mensaje|a épinglé|fixou uma mensagem|置顶了|置頂了|釘選了"),
    ("blocked", r"(?:un)?blocked this contact|blockiert|bloqueaste|bloqué|bloccato|拉黑|封鎖了|屏蔽了"),
    ("business_notice", r"business account|Unternehmensaccount|cuenta de empresa|compte professionnel|商业账号|商業帳號"),
)  # fmt: skip  # one language table, wider than prose

SYSTEM_TEMPLATES = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _SYSTEM)

COLON_INSIDE = re.compile(
    r"changed the (?:subject|group name|group description)|Gruppennamen|Gruppenbeschreibung"
    r"|created (?:this )?group [\"“]|hat die Gruppe [\"„].*erstellt|cambió el (?:asunto|nombre) "
    r"|a changé le (?:sujet|nom) |ha cambiato (?:l'oggetto|il nome) |mudou o (?:assunto|nome) "
    r"|(?:创建了|建立了|更改了)群"
)
"""System rows that quote a name people chose: a colon inside them separates no sender."""


def omitted_kind(text: str) -> str | None:
    """Return the kind of a media placeholder; ``text`` without invisible marks."""
    return _OMITTED.get(text.strip("<> ").lower())


def is_deleted(text: str) -> bool:
    """True for the notice left by a deleted message; ``text`` without invisible marks."""
    return text.strip(" .。").lower() in _DELETED


def call_in(text: str) -> dict[str, str] | None:
    """Return what a call row says; ``text`` without invisible marks, short, one line."""
    found = {match.lastgroup: match[0] for match in _CALLS.finditer(text)}
    if "call" not in found:
        return None
    video = re.search(r"vid[eé]o|视频|視訊", text, re.IGNORECASE) is not None
    return {
        "medium": "video" if video else "voice",
        "outcome": "missed" if "missed" in found else "stated",
        "text": text,
    }


def system_template(text: str) -> str:
    """Return the code of a system row; "notice" when its sentence is not known."""
    return next((code for code, pattern in SYSTEM_TEMPLATES if pattern.search(text)), "notice")
