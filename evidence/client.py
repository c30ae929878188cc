"""A client of the TrueThread API in one module of the standard library; copy it where you need it.

    client = Client("https://evidence.example", client_id="…", client_secret="…")
    report = client.acquire(Path("WhatsApp Chat.zip"), timezone="Europe/Madrid")

Every creating call carries an Idempotency-Key and is repeated under the same key when the network
fails or the service says to wait, so nothing is made twice.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

_ENDED = ("ready", "failed", "cancelled")
_WAIT = (409, 429, 503)


class ApiError(Exception):
    """An RFC 9457 problem; ``code`` is stable and safe to match on."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code") or problem.get("error") or "unknown")
        self.problem = dict(problem)
        super().__init__(f"{status} {self.code}: {problem.get('title', '')}")


class Client:
    """Speaks for one program; give it a token, or the credentials of an OAuth 2.0 client."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        client_id: str = "",
        client_secret: str = "",
        tries: int = 5,
        timeout: float = 60.0,
    ) -> None:
        if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("the address of the service must be https")
        self._root = f"{address.rstrip('/')}/api/v1"
        self._tries, self._timeout = tries, timeout
        self._token = token or self._access_token(client_id, client_secret)

    # Resources

    def me(self) -> dict[str, Any]:
        """Return who the service takes this program for, and what it may do."""
        return self._json("GET", "/me")

    def open_matter(self, name: str, **stated: str) -> dict[str, Any]:
        """Return the matter called ``name``, opened if there is none."""
        return self._json("POST", "/matters", {"name": name, **stated})

    def acquire(self, path: Path, **answers: str) -> dict[str, Any]:
        """Deliver a chat export. Raises ApiError ``questions_open`` when answers are missing."""
        boundary = uuid.uuid4().hex
        body = _form(boundary, path, answers)
        kind = f"multipart/form-data; boundary={boundary}"
        answer: dict[str, Any] = json.loads(self._send("POST", "/acquisitions", body, kind))
        return answer

    def conversations(self) -> Iterator[dict[str, Any]]:
        """Yield every conversation, newest first."""
        return self._items("/conversations")

    def messages(self, conversation: str, **query: str | int) -> Iterator[dict[str, Any]]:
        """Yield messages in order; query: ``from``, ``to``, ``participant``, ``text``, ``limit``."""
        words = urllib.parse.urlencode(query)
        return self._items(f"/conversations/{conversation}/messages?{words}")

    def select(self, matter: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Freeze a selection and return what it holds."""
        return self._json("POST", "/selections", {"matter": matter, "parts": list(parts)})

    def export(self, selection: str, **options: str) -> dict[str, Any]:
        """Ask for the bundle of a selection; see ``wait``."""
        return self._json("POST", "/exports", {"selection": selection, "options": options})

    def wait(self, export: str, *, seconds: float = 600.0, pause: float = 1.0) -> dict[str, Any]:
        """Return the export once it is ready, failed or cancelled. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            state = self._json("GET", f"/exports/{export}")
            if state["state"] in _ENDED:
                return state
            if time.monotonic() > until:
                raise TimeoutError(f"export {export} is still {state['state']}")
            time.sleep(pause)

    def custody(self, export: str) -> Iterator[dict[str, Any]]:
        """Yield what the custody log says about a bundle."""
        return self._items(f"/exports/{export}/custody")

    def download(self, export: str, folder: Path) -> list[Path]:
        """Save every file of an issued bundle; each is whole and has the stated SHA-256."""
        saved = []
        for file in self._items(f"/exports/{export}/artifacts"):
            data = self._send("GET", f"/exports/{export}/artifacts/{_quoted(file['name'])}")
            if len(data) != file["size"] or sha256(data).hexdigest() != file["sha256"]:
                raise OSError(f"{file['name']} did not arrive as it was sent")
            saved.append(folder / Path(file["name"]).name)
            saved[-1].write_bytes(data)
        return saved

    def open_push_stream(self, **stated: Any) -> dict[str, Any]:
        """Register a conversation to be pushed; see ``PUSH.md`` beside the description of the API."""
        return self._json("POST", "/push-streams", stated)

    def push_stream(self, stream: str) -> dict[str, Any]:
        """Return where a stream stands; ``expected`` is what its next batch goes on from."""
        return self._json("GET", f"/push-streams/{stream}")

    def push_batch(self, stream: str, batch: bytes) -> dict[str, Any]:
        """Hand a batch over; the same one again changes nothing."""
        kind = "application/x-ndjson"
        data = self._send("POST", f"/push-streams/{stream}/batches", batch, kind)
        answer: dict[str, Any] = json.loads(data)
        return answer

    def push_attachment(self, stream: str, data: bytes) -> None:
        """Hand over the bytes of an attachment, before the batch that mentions it."""
        digest = sha256(data).hexdigest()
        kind = "application/octet-stream"
        self._send("PUT", f"/push-streams/{stream}/attachments/{digest}", data, kind)

    def verify(self, path: Path, receipt: Path | None = None) -> dict[str, Any]:
        """Have a file checked by the service; the offline verifier in the bundle needs no one."""
        boundary = uuid.uuid4().hex
        body = _form(boundary, path, {}, receipt)
        kind = f"multipart/form-data; boundary={boundary}"
        answer: dict[str, Any] = json.loads(self._send("POST", "/verifications", body, kind))
        return answer

    # Transport

    def _items(self, path: str) -> Iterator[dict[str, Any]]:
        following: str | None = path
        while following:
            page = self._json("GET", following.removeprefix("/api/v1"))
            yield from page["items"]
            following = page["next"]

    def _json(self, method: str, path: str, value: Any = None) -> dict[str, Any]:
        body = None if value is None else json.dumps(value).encode()
        answer: dict[str, Any] = json.loads(self._send(method, path, body, "application/json"))
        return answer

    def _access_token(self, client_id: str, client_secret: str) -> str:
        basic = b64encode(f"{client_id}:{client_secret}".encode()).decode()
        kind = "application/x-www-form-urlencoded"
        body = b"grant_type=client_credentials"
        headers = {"Authorization": f"Basic {basic}", "Content-Type": kind}
        return str(json.loads(self._once("POST", "/oauth/token", body, headers))["access_token"])

    def _send(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> bytes:
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = kind
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        for left in reversed(range(self._tries)):
            try:
                return self._once(method, path, body, headers)
            except ApiError as error:
                if error.status not in _WAIT or not left or not _is_passing(error):
                    raise
            except urllib.error.URLError:
                if not left:
                    raise
            time.sleep(1.0)
        raise ValueError("at least one try is needed")

    def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        request = urllib.request.Request(  # noqa: S310  the scheme was checked at the start
            self._root + path, data=body, headers=dict(headers), method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, _problem(error.read())) from error


def _is_passing(error: ApiError) -> bool:
    return error.status != 409 or error.code == "idempotency_in_progress"


def _problem(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _form(
    boundary: str, path: Path, fields: Mapping[str, str], receipt: Path | None = None
) -> bytes:
    """Return a multipart form with files and fields (RFC 7578)."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, file in (("file", path), ("receipt", receipt)):
        if file is not None:
            shown = file.name.replace('"', "%22")
            head = f'Content-Disposition: form-data; name="{name}"; filename="{shown}"'
            kind = "Content-Type: application/octet-stream"
            parts += [f"--{boundary}\r\n{head}\r\n{kind}\r\n\r\n".encode(), file.read_bytes()]
            parts.append(b"\r\n")
    return b"".join([*parts, f"--{boundary}--\r\n".encode()])
