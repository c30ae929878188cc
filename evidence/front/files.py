"""Files coming in and going out: kept off the memory, off the disk's open parts, and harmless."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from evidence.archive.incoming import incoming_folder
from evidence.front.marks import filed

_PIECE = 1 << 20
UNNAMED = "upload"


@contextmanager
def received(file: UploadedFile[Any]) -> Iterator[Path]:
    """Give the uploaded bytes as a file of our own, removed at the end whatever happens."""
    descriptor, name = tempfile.mkstemp(dir=incoming_folder(), prefix="in-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as target:
            for piece in file.chunks(_PIECE):
                target.write(piece)
        yield path
    finally:
        path.unlink(missing_ok=True)


def file_name(file: UploadedFile[Any]) -> str:
    """Return the name the file was sent under: its last part, never empty."""
    return cleaned_name(str(file.name or ""))


def cleaned_name(name: str) -> str:
    """Return the last part of a name somebody sent, never empty."""
    return Path(name.replace("\\", "/")).name.replace("\0", "")[:200] or UNNAMED


class _Handed(AbstractContextManager["_Handed"]):
    """A stream whose closing also leaves the context it was opened in."""

    def __init__(self, opened: AbstractContextManager[BinaryIO]) -> None:
        self._opened = opened
        self._stream = opened.__enter__()

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(size)

    def close(self) -> None:
        self._opened.__exit__(None, None, None)

    def __exit__(self, *args: object) -> None:
        self.close()


def handed_out(
    opened: AbstractContextManager[BinaryIO], name: str, size: int | None = None
) -> FileResponse:
    """Return the answer that streams ``opened`` as a file to save, never to show.

    name: as RFC 6266 sends it, also when it is not ASCII, with nothing invisible in it. The browser
    may not guess a type.
    """
    answer = FileResponse(
        _Handed(opened),
        as_attachment=True,
        filename=filed(name),
        content_type="application/octet-stream",
    )
    _harmless(answer)
    if size is not None:
        answer.headers["Content-Length"] = str(size)
    return answer


UNDRAWN = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 72" width="96" height="72">'
    b'<path fill="#eef1f4" stroke="#8a97a5" d="M.5.5h95v71H.5z"/>'
    b'<path fill="none" stroke="#5b6875" stroke-width="3" d="M34 22h28v28H34zM34 50l28-28"/></svg>'
)
"""What stands in the place of a picture that could not be drawn."""


def small_picture(data: bytes | None, name: str) -> HttpResponse:
    """Return the answer that shows ``data``, a JPEG of our own making; None shows a plain sign.

    name: ASCII or not, of the file it would be saved as.
    """
    kind = "image/svg+xml" if data is None else "image/jpeg"
    answer = HttpResponse(UNDRAWN if data is None else data, content_type=kind)
    answer.headers["Content-Disposition"] = (
        content_disposition_header(False, filed(name)) or "inline"
    )
    _harmless(answer)
    return answer


def _harmless(answer: HttpResponseBase) -> None:
    """Let the browser neither guess, nor run, nor keep anything."""
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
