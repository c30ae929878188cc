"""The files of an issued bundle, what was made from it in other formats, and links to them that live for minutes.

A link names export, file and the caller it was made for, signed by the deployment. It is only as
good as that caller: whoever may not fetch the file any more cannot use an old link either.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

from django.core import signing
from django.http import FileResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from evidence.access import Bounds, artifact_for, conversion_for
from evidence.actions.deliver import download, download_conversion, released
from evidence.api.base import PublicView
from evidence.api.callers import Caller, caller_with_key
from evidence.api.exports import ExportView
from evidence.api.times import utc
from evidence.errors import NotFound
from evidence.front.files import handed_out
from evidence.front.people import address_of
from evidence.models import Artifact, Conversion, User
from evidence.values import Actor

LINK_LIVES = timedelta(minutes=15)
_SALT = "evidence.api.artifacts"


class Artifacts(ExportView):
    def get(self, request: Request, export_id: str) -> Response:
        export = self.export(export_id)
        expires = timezone.now() + LINK_LIVES
        files: list[Artifact | Conversion] = [*released(export)]
        files += export.conversions.filter(state=Conversion.State.READY).order_by("pk")
        return Response(
            {
                "items": [
                    {
                        "name": file.name,
                        "kind": file.kind if isinstance(file, Artifact) else file.format,
                        "size": file.size,
                        "sha256": bytes(file.sha256).hex(),
                        "url": self._link(request, export_id, file.name),
                        "expires": utc(expires),
                    }
                    for file in files
                ],
                "next": None,
            }
        )

    def _link(self, request: Request, export_id: str, name: str) -> str:
        signed = signing.dumps([export_id, name, self.caller.key], salt=_SALT)
        return f"{reverse('api-download', request=request)}?link={signed}"


class ArtifactFile(ExportView):
    def get(self, request: Request, export_id: str, name: str) -> FileResponse:
        return _handed(self.person, export_id, name, self.within, self.actor)


class Download(PublicView):
    """Fetch a file by a signed link, without any other proof of who asks."""

    def get(self, request: Request) -> FileResponse:
        export_id, name, caller = _read(request.query_params.get("link", ""))
        actor = caller.actor(address_of(request._request))
        return _handed(caller.user, export_id, name, caller.bounds, actor)


def _read(link: str) -> tuple[str, str, Caller]:
    """Return what a live link names. Raises NotFound for any other text."""
    try:
        export_id, name, key = signing.loads(link, salt=_SALT, max_age=LINK_LIVES)
    except (signing.BadSignature, ValueError) as error:
        raise NotFound("no such link") from error
    caller = caller_with_key(key)
    if caller is None or "exports:read" not in caller.scopes:
        raise NotFound("the caller is gone")
    return export_id, name, caller


def _handed(person: User, export_id: str, name: str, within: Bounds, actor: Actor) -> FileResponse:
    """Hand out a file of a bundle, or one made from it. Raises NotFound."""
    file: Artifact | Conversion
    try:
        file = artifact_for(person, export_id, name, within)
        opened = download(artifact=file, actor=actor, at=timezone.now())
    except NotFound:
        file = conversion_for(person, export_id, name, within)
        opened = download_conversion(conversion=file, actor=actor, at=timezone.now())
    answer = handed_out(opened, file.name, file.size)
    answer.headers["Repr-Digest"] = _digest_header(bytes(file.sha256))
    return answer


def _digest_header(sha256: bytes) -> str:
    """Return the value of RFC 9530's ``Repr-Digest``."""
    return f"sha-256=:{b64encode(sha256).decode()}:"
