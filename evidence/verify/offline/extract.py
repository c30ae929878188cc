"""Take the signatures out of a PDF, so that other people's tools can check them.

For each signature, in file order, two files: ``<k>.cms`` (a time-stamp: ``<k>.tst``), the DER as it
stands in ``/Contents`` without its padding, and ``<k>.signed``, the bytes it covers. A signature with a
time-stamp of its own gives two more: ``<k>-time.tst`` and ``<k>-time.signed``, the signature value.
Nothing is judged.
"""

from __future__ import annotations

import re
from pathlib import Path

from . import cms

_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
_STAMP = re.compile(rb"/SubFilter\s*/ETSI\.RFC3161")
MAX_SIGNATURES = 64


def extract_signatures(data: bytes, folder: str | Path) -> list[str]:
    """Write the signatures of the PDF ``data`` into ``folder``; return the names of the files.

    Raises ValueError when there is none, or one that cannot be read as DER.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    written: list[str] = []
    for number, match in enumerate(_RANGE.finditer(data), start=1):
        if number > MAX_SIGNATURES:
            raise ValueError("too many signatures")
        first, second, length = (int(group) for group in match.groups())
        signature = _der(data[first:second])
        around = data[max(0, match.start() - 2000) : first] + data[second : second + 2000]
        ending = "tst" if _STAMP.search(around) else "cms"
        found = {
            f"{number}.{ending}": signature,
            f"{number}.signed": data[:first] + data[second : second + length],
        }
        if ending == "cms":
            found |= _own_stamp(number, signature)
        for name, content in found.items():
            (target / name).write_bytes(content)
            written.append(name)
    if not written:
        raise ValueError("the PDF carries no signature")
    return written


def _own_stamp(number: int, signature: bytes) -> dict[str, bytes]:
    """Return the files of the time-stamp inside a signature, none where it carries none."""
    try:
        signed = cms.parse(signature)
    except ValueError:
        return {}
    token = signed.unsigned.get(cms.TIME_STAMP)
    if token is None:
        return {}
    return {f"{number}-time.tst": token.raw, f"{number}-time.signed": signed.signature}


def _der(contents: bytes) -> bytes:
    """Return the DER value at the start of a padded hexadecimal string."""
    text = contents.strip().strip(b"<>")
    data = bytes.fromhex(text.decode("ascii"))
    if len(data) < 2 or data[0] != 0x30:
        raise ValueError("a signature is not DER")
    if data[1] < 0x80:
        return data[: 2 + data[1]]
    count = data[1] & 0x7F
    return data[: 2 + count + int.from_bytes(data[2 : 2 + count], "big")]
