"""The sample conversations the project ships: written for it, built from this code, no file in git.

Two people who made a private loan talk in English and Chinese, first on Telegram, then on WeChat.
Nobody in it is real. ``build`` writes ``sample-telegram.zip`` (text, picture, voice note, file,
reply, edit, reaction, emoji, a line of Arabic) and ``sample-wechat.csv`` (quote, transfer, recall). The
same call gives the same bytes, so a demonstration can be repeated.
"""

from evidence.samples.build import OWNER, TELEGRAM, TIMEZONE, WECHAT, build

__all__ = ["OWNER", "TELEGRAM", "TIMEZONE", "WECHAT", "build"]
