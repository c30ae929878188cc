"""Files to try the service with: made by ``make demo``, loudly absent until then."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from evidence.errors import NotFound


@dataclass(frozen=True, slots=True)
class Sample:
    """A file anyone may download to try the pages. place: where it lies in ``var/demo/``."""

    code: str
    place: str
    title: Promise
    explanation: Promise

    @property
    def path(self) -> Path:
        return Path(settings.TRUETHREAD_VAR_DIR) / "demo" / self.place

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_there(self) -> bool:
        return self.path.is_file()


SAMPLES = (
    Sample(
        "telegram",
        "source/sample-telegram.zip",
        _("Sample chat, Telegram"),
        _("An invented dispute over a loan, in English and Chinese, with media. Upload it."),
    ),
    Sample(
        "wechat",
        "source/sample-wechat.csv",
        _("Sample chat, WeChat"),
        _("The same two people go on elsewhere. The file leaves questions for you to answer."),
    ),
    Sample(
        "good",
        "sample-bundle.zip",
        _("Good bundle"),
        _("Evidence made from both chats. The verification page should call it intact."),
    ),
    Sample(
        "altered",
        "sample-bundle-altered.zip",
        _("Altered bundle"),
        _("The same bundle with one amount changed. The verification page should notice."),
    ),
)


def samples() -> tuple[Sample, ...]:
    """Return all samples; ``is_there`` says whether they have been made."""
    return SAMPLES


def sample_file(code: str) -> Sample:
    """Return the sample called ``code``, whose file is there. Raises NotFound."""
    for sample in SAMPLES:
        if sample.code == code and sample.is_there:
            return sample
    raise NotFound("sample")
