"""A report in plain words, English or Chinese.

In English a check is named by its code, as in the report for machines; in Chinese by its words, with the
code behind them.
"""

from __future__ import annotations

from .checks import CHECKS
from .chinese import TEXTS
from .details import said_again
from .report import NOT_CHECKED, PASSED, Report

_WORDS = {
    "en": {
        "ok": "intact and trusted",
        "altered": "altered: do not rely on it",
        "incomplete": "intact as far as it goes, but incomplete or not checked in full",
        "signer_not_trusted": "intact, but nobody you trust vouches for the signer",
        "development_trust": "intact, but signed with development keys that prove nothing outside a test",
        "no_signature": "not signed",
        "not_ours": "not a file of this format",
        "unreadable": "unreadable",
        "limits_exceeded": "too large to judge",
        "passed": "passed",
        "failed": "FAILED",
        "not_checked": "not checked",
        "trust": "trust",
        "advisory": "for information",
        "comma": ", ",
        "colon": ": ",
        "claim": (
            "Proved: these bytes were in the store no later than the time-stamp over their seal, and "
            "this excerpt is unchanged from them.\n"
            "Not proved: who typed it, what was deleted or edited before delivery, the source's clocks."
        ),
    },
    "zh": {
        "ok": "完整且可信",
        "altered": "已被改动：请勿采信",
        "incomplete": "已核验部分完好，但不完整或未能全部核验",
        "signer_not_trusted": "完好，但没有您信任的机构为签名人作保",
        "development_trust": "完好，但使用开发密钥签名，在测试之外不具证明力",
        "no_signature": "没有签名",
        "not_ours": "不是本格式的文件",
        "unreadable": "无法读取",
        "limits_exceeded": "过大，无法判断",
        "passed": "通过",
        "failed": "未通过",
        "not_checked": "未核验",
        "trust": "信任来源",
        "advisory": "仅供参考",
        "comma": "；",
        "colon": "：",
        "trust public": "公共信任的机构",
        "trust configured": "由您指定的根证书",
        "trust development": "开发密钥（不具证明力）",
        "trust none": "无",
        "claim": (
            "已证明：这些数据最迟在其封存值被加盖时间戳之时已存于库中，且本摘录与之相比未被改动。\n"
            "未证明：由何人输入、交付之前是否有删除或编辑、来源设备的时钟是否准确。"
        ),
    },
}  # fmt: skip


def in_words(report: Report, language: str = "en") -> str:
    """Return the verdict and every finding that matters to a reader, a line each."""
    words = _WORDS[language]
    colon, trust = words["colon"], words.get(f"trust {report.trust}", report.trust)
    lines = [
        f"{report.file}: {report.indication} ({words[report.reason]})",
        f"  {words['trust']}{colon}{trust}; {report.seconds:.2f} s",
    ]
    passed: dict[str, int] = {}
    for finding in report.findings:
        if finding.outcome == PASSED and finding.check not in ("stored_by", "selection", "time"):
            passed[finding.check] = passed.get(finding.check, 0) + 1
            continue
        note = (
            "" if finding.required or finding.outcome != NOT_CHECKED else f" [{words['advisory']}]"
        )
        where = f" ({_said(finding.where, language)})" if finding.where else ""
        check, detail = _named(finding.check, language), _said(finding.detail, language)
        lines.append(f"  {words[finding.outcome]}{colon}{check}{note}{colon}{detail}{where}")
    if passed:
        names = (_named(check, language) for check in sorted(passed))
        lines.append(f"  {words['passed']}{colon}{words['comma'].join(names)}")
    if report.passed and report.kind == "bundle":
        lines.append(words["claim"])
    return "\n".join(lines)


def _said(text: str, language: str) -> str:
    """Return a detail or a place in ``language``; as it is where nothing says it."""
    return text if language == "en" else said_again(text, lambda one: TEXTS.get(one, one))


def _named(check: str, language: str) -> str:
    if language == "en" or check not in CHECKS:
        return check
    return f"{TEXTS.get(CHECKS[check], CHECKS[check])} [{check}]"
