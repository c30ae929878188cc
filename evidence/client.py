"""A client of the TrueThread API in one module of the standard library; copy it where you need it.

    client = Client("https://evidence.example", client_id="…", client_secret="…")
    report = client.acquire(Path("WhatsApp Chat.zip"), timezone="Europe/Madrid")

Every creating call carries an Idempotency-Key and is repeated under the same key when the network
fails or the service says to wait, so nothing is made twice. Repeats come later and later, each at a
moment of chance, until ``patience`` seconds are over. What comes back are the objects of the
description of the API, as they are.
"""

from __future__ import annotations

import hmac
import http.client
import json
import random
import secrets
import shutil
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

Answer = dict[str, Any]
"""A JSON object as the service sent it."""
FORMATS = ("rsmf", "dat", "case", "csv")
"""What can be made from a bundle and handed out beside it."""
_ENDED = ("ready", "failed", "cancelled")
_WAIT = (409, 429, 502, 503, 504)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_PIECE = 1 << 20
_FORM = "application/x-www-form-urlencoded"


class ApiError(Exception):
    """An RFC 9457 problem; ``code`` is stable and safe to match on.

    retry_after: seconds the service asks to wait, 0 where it says nothing.
    """

    def __init__(self, status: int, problem: Mapping[str, Any], retry_after: float = 0.0) -> None:
        self.status = status
        self.code = str(problem.get("code") or problem.get("error") or "unknown")
        self.problem = dict(problem)
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code}: {problem.get('title', '')}")

    @property
    def is_passing(self) -> bool:
        """Whether the same call may have another answer later."""
        if self.status == 409:
            return self.code == "idempotency_in_progress"
        return self.status in _WAIT


class NotReached(OSError):
    """The service did not answer for as long as the client is patient; the call may or may not have
    been heard. Somebody else at its address, as a page that wants one to sign in, is no answer."""


@dataclass(frozen=True)
class Authorization:
    """A question to a person: may this program act for them?

    url: where to lead them. state: what has to come back with the ``code``. verifier: to be kept
    until the code is exchanged (RFC 7636).
    """

    url: str
    state: str
    verifier: str


def ask_person(
    address: str, client_id: str, redirect_uri: str, scopes: Sequence[str]
) -> Authorization:
    """Return where to lead a person who is to let this program in; see ``Client.of_person``."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": redirect_uri,
        "scope": " ".join(scopes), "state": state, "code_challenge": challenge,
        "code_challenge_method": "S256",
    }  # fmt: skip
    url = f"{address.rstrip('/')}/oauth/authorize?{urllib.parse.urlencode(query)}"
    return Authorization(url, state, verifier)


def read_webhook(
    headers: Mapping[str, str], body: bytes, secret: str, *, seconds: float = 300.0
) -> Answer:
    """Return what a webhook says, once its signature is checked (Standard Webhooks).

    headers: of the request, by any spelling. secret: ``whsec_…``. The id in ``webhook-id`` stays the
    same over repeats: forget what came before. Raises ValueError for a request that was not signed
    with ``secret`` or not within ``seconds``.
    """
    given = {name.lower(): value for name, value in headers.items()}
    name, sent = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not sent.isdecimal() or abs(time.time() - int(sent)) > seconds:
        raise ValueError("the webhook is too old, or dated in the future")
    key = b64decode(secret.removeprefix("whsec_"))
    made = hmac.digest(key, f"{name}.{sent}.".encode() + body, "sha256")
    wanted = f"v1,{b64encode(made).decode()}"
    signatures = given.get("webhook-signature", "").split(" ")
    if not any(hmac.compare_digest(wanted.encode(), one.encode()) for one in signatures):
        raise ValueError("the webhook is not signed with this secret")
    answer: Answer = json.loads(body)
    return answer


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would take the token to somebody else, and leave a body behind."""

    def redirect_request(self, *args: Any, **named: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


class Client:
    """Speaks for one program: with a token, or with the credentials of an OAuth 2.0 client.

    An access token lives an hour; a new one is asked for when it has ended. refresh_token: of a
    person who let the program in; it changes with every use, so keep ``client.refresh_token``.
    patience: seconds for which a call is repeated while nobody answers or the service says to wait.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        client_id: str = "",
        client_secret: str = "",
        refresh_token: str = "",
        patience: float = 60.0,
        timeout: float = 60.0,
    ) -> None:
        if not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
            raise ValueError("the address of the service must be https")
        self._root = f"{address.rstrip('/')}/api/v1"
        self._patience, self._timeout = patience, timeout
        self._credentials = (client_id, client_secret)
        self.refresh_token = refresh_token
        self._token = token or ""
        if not token:
            self._renew()

    @classmethod
    def of_person(
        cls,
        address: str,
        asked: Authorization,
        code: str,
        *,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
    ) -> Client:
        """Return a client that acts for the person who came back with ``code``.

        The caller has checked that ``state`` came back as it stands in ``asked``.
        """
        none = "-"
        client = cls(address, token=none, client_id=client_id, client_secret=client_secret)
        client._exchange(
            grant_type="authorization_code", code=code, redirect_uri=redirect_uri,
            code_verifier=asked.verifier,
        )  # fmt: skip
        return client

    def revoke(self) -> None:
        """End the access of this program's token, and of what can renew it."""
        for token in filter(None, (self._token, self.refresh_token)):
            self._form_post("/oauth/revoke", {"token": token})
        self._token = self.refresh_token = ""

    # Who asks

    def me(self) -> Answer:
        """Return who the service takes this program for, and what it may do."""
        return self._json("GET", "/me")

    # Deliveries, conversations, matters

    def open_matter(self, name: str, **stated: str) -> Answer:
        """Return the matter called ``name``, opened if there is none."""
        return self._json("POST", "/matters", {"name": name, **stated})

    def matters(self) -> Iterator[Answer]:
        """Yield every matter, newest first."""
        return self._items("/matters")

    def acquire(self, path: Path, **answers: str) -> Answer:
        """Deliver a chat export. Raises ApiError ``questions_open`` when answers are missing."""
        return self._upload("/acquisitions", path, answers)

    def acquisitions(self) -> Iterator[Answer]:
        """Yield every delivery, newest first."""
        return self._items("/acquisitions")

    def conversations(self) -> Iterator[Answer]:
        """Yield every conversation, newest first."""
        return self._items("/conversations")

    def messages(self, conversation: str, **query: str | int) -> Iterator[Answer]:
        """Yield messages in order; query: ``from``, ``to``, ``participant``, ``text``, ``limit``."""
        words = urllib.parse.urlencode(query)
        return self._items(f"/conversations/{conversation}/messages?{words}")

    # Bundles

    def select(self, matter: str, parts: Sequence[Mapping[str, Any]]) -> Answer:
        """Freeze a selection and return what it holds."""
        return self._json("POST", "/selections", {"matter": matter, "parts": list(parts)})

    def export(self, selection: str, **options: Any) -> Answer:
        """Ask for the bundle of a selection; see ``wait``.

        options: as the description lists them, ``formats`` among them: those to be made beside it.
        """
        return self._json("POST", "/exports", {"selection": selection, "options": options})

    def exports(self) -> Iterator[Answer]:
        """Yield every export, newest first."""
        return self._items("/exports")

    def wait(self, export: str, *, seconds: float = 600.0, pause: float = 1.0) -> Answer:
        """Return the export once it is ready, failed or cancelled. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            state = self._json("GET", f"/exports/{export}")
            if state["state"] in _ENDED:
                return state
            if time.monotonic() > until:
                raise TimeoutError(f"export {export} is still {state['state']}")
            time.sleep(pause)

    def cancel(self, export: str) -> Answer:
        """Stop the work on an export before its next phase."""
        return self._json("POST", f"/exports/{export}/cancel")

    def retry(self, export: str) -> Answer:
        """Ask again for an export that failed or was stopped; return the new one."""
        return self._json("POST", f"/exports/{export}/retry")

    def withdraw(self, export: str, reason: str) -> Answer:
        """Mark an issued bundle as withdrawn; its verification says so from then on."""
        return self._json("POST", f"/exports/{export}/withdraw", {"reason": reason})

    def supersede(self, export: str, by: str) -> Answer:
        """Say that the bundle ``by`` takes the place of ``export``."""
        return self._json("POST", f"/exports/{export}/supersede", {"by": by})

    def custody(self, export: str) -> Iterator[Answer]:
        """Yield what the custody log says about a bundle."""
        return self._items(f"/exports/{export}/custody")

    def make_format(self, export: str, format: str, timezone: str = "") -> Answer:
        """Ask for an issued bundle in one of ``FORMATS``; see ``wait_for_formats``.

        timezone: IANA zone of the days of RSMF and DAT.
        """
        asked = {"format": format} | ({"timezone": timezone} if timezone else {})
        return self._json("POST", f"/exports/{export}/formats", asked)

    def formats(self, export: str) -> Iterator[Answer]:
        """Yield every format that was asked for, with its state."""
        return self._items(f"/exports/{export}/formats")

    def wait_for_formats(
        self, export: str, *, seconds: float = 600.0, pause: float = 1.0
    ) -> list[Answer]:
        """Return the formats of a bundle once each is ready or failed. Raises TimeoutError."""
        until = time.monotonic() + seconds
        while True:
            found = list(self.formats(export))
            if all(one["state"] in _ENDED for one in found):
                return found
            if time.monotonic() > until:
                raise TimeoutError(f"a format of export {export} is still waited for")
            time.sleep(pause)

    def download(self, export: str, folder: Path, kinds: Sequence[str] = ()) -> list[Path]:
        """Save the files of an issued bundle and what was made from it; each is whole and has the
        stated SHA-256. kinds: ``zip``, ``receipt``, ``pdf`` or a format; all by default."""
        saved = []
        for file in self._items(f"/exports/{export}/artifacts"):
            if kinds and file["kind"] not in kinds:
                continue
            address = f"/exports/{export}/artifacts/{_quoted(file['name'])}"
            saved.append(folder / Path(file["name"]).name)
            with tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as apart:
                whole = Path(apart) / "part"
                with whole.open("w+b") as part:
                    self._send("GET", address, into=part)
                    _check(part, file)
                whole.replace(saved[-1])
        return saved

    # Verification and the log, open to anyone

    def verify(self, path: Path, receipt: Path | None = None) -> Answer:
        """Have a file checked by the service; the offline verifier in the bundle needs no one."""
        return self._upload("/verifications", path, {}, receipt)

    def look_up(self, sha256: str) -> Answer:
        """Return whether a file with this SHA-256 (hex) was issued, and what became of it."""
        return self._json("POST", "/verifications", {"sha256": sha256})

    def checkpoint(self, epoch: int | None = None) -> Answer:
        """Return the latest signed checkpoint of the custody log."""
        return self._json("GET", f"/log/checkpoint{_query(epoch=epoch)}")

    def inclusion(self, index: int, size: int, epoch: int | None = None) -> Answer:
        """Return the proof that entry ``index`` is in the log of ``size`` entries (RFC 9162)."""
        return self._json("GET", f"/log/inclusion{_query(index=index, size=size, epoch=epoch)}")

    def consistency(self, old: int, new: int, epoch: int | None = None) -> Answer:
        """Return the proof that the log of ``old`` entries is the beginning of the one of ``new``."""
        return self._json("GET", f"/log/consistency{_query(old=old, new=new, epoch=epoch)}")

    # Holds

    def place_hold(self, matter: str, conversation: str, reason: str) -> Answer:
        """Keep a conversation and its original from being erased."""
        asked = {"matter": matter, "conversation": conversation, "reason": reason}
        return self._json("POST", "/holds", asked)

    def holds(self) -> Iterator[Answer]:
        """Yield every hold, released ones too, newest first."""
        return self._items("/holds")

    def release_hold(self, hold: str, reason: str) -> Answer:
        """Release a hold; a second call changes nothing."""
        return self._json("POST", f"/holds/{hold}/release", {"reason": reason})

    # Webhooks; ``read_webhook`` is for the one who receives

    def create_webhook(self, url: str, events: Sequence[str] | None = None) -> Answer:
        """Have ``url`` told of ``events``, of everything by default; ``secret`` is shown here only."""
        asked: Answer = {"url": url} | ({} if events is None else {"events": list(events)})
        return self._json("POST", "/webhooks", asked)

    def webhooks(self) -> Iterator[Answer]:
        """Yield every webhook, newest first."""
        return self._items("/webhooks")

    def webhook(self, webhook: str) -> Answer:
        """Return one webhook, without its secrets."""
        return self._json("GET", f"/webhooks/{webhook}")

    def change_webhook(self, webhook: str, **changes: Any) -> Answer:
        """Change ``url``, ``events`` or ``enabled`` of a webhook."""
        return self._json("PATCH", f"/webhooks/{webhook}", changes)

    def delete_webhook(self, webhook: str) -> None:
        """Remove a webhook with its delivery log."""
        self._send("DELETE", f"/webhooks/{webhook}")

    def rotate_secret(self, webhook: str) -> Answer:
        """Make a new ``secret``; the former one signs beside it until it is retired or replaced."""
        return self._json("POST", f"/webhooks/{webhook}/secrets")

    def retire_secret(self, webhook: str, secret: str) -> None:
        """Let the former secret, by its id, sign no more."""
        self._send("DELETE", f"/webhooks/{webhook}/secrets/{secret}")

    def ping(self, webhook: str) -> Answer:
        """Have a ``webhook.ping`` sent; return its delivery."""
        return self._json("POST", f"/webhooks/{webhook}/ping")

    def deliveries(self, webhook: str) -> Iterator[Answer]:
        """Yield what was sent within 30 days, newest first."""
        return self._items(f"/webhooks/{webhook}/deliveries")

    def delivery(self, webhook: str, delivery: str) -> Answer:
        """Return a delivery with its body and every attempt."""
        return self._json("GET", f"/webhooks/{webhook}/deliveries/{delivery}")

    def replay(self, webhook: str, delivery: str) -> Answer:
        """Have a delivery sent once more, under the same id."""
        return self._json("POST", f"/webhooks/{webhook}/deliveries/{delivery}/replay")

    # Push streams; ``PUSH.md`` beside the description of the API explains them

    def open_push_stream(self, **stated: Any) -> Answer:
        """Register a conversation to be pushed."""
        return self._json("POST", "/push-streams", stated)

    def push_streams(self) -> Iterator[Answer]:
        """Yield every push stream, newest first."""
        return self._items("/push-streams")

    def push_stream(self, stream: str) -> Answer:
        """Return where a stream stands; ``expected`` is what its next batch goes on from."""
        return self._json("GET", f"/push-streams/{stream}")

    def push_batch(self, stream: str, batch: bytes) -> Answer:
        """Hand a batch over; the same one again changes nothing."""
        kind = "application/x-ndjson"
        return self._read(self._send("POST", f"/push-streams/{stream}/batches", batch, kind))

    def push_batches(self, stream: str) -> Iterator[Answer]:
        """Yield the accepted batches in order, each with the root of the tree after it."""
        return self._items(f"/push-streams/{stream}/batches")

    def push_attachment(self, stream: str, data: bytes) -> None:
        """Hand over the bytes of an attachment, before the batch that mentions it."""
        digest = sha256(data).hexdigest()
        kind = "application/octet-stream"
        self._send("PUT", f"/push-streams/{stream}/attachments/{digest}", data, kind)

    def push_consistency(self, stream: str, old: int, new: int) -> Answer:
        """Return the roots after two batches and the proof that one tree goes on from the other."""
        return self._json("GET", f"/push-streams/{stream}/consistency{_query(old=old, new=new)}")

    def add_push_key(
        self, stream: str, key: Mapping[str, str], kid: str = "", retire: str = ""
    ) -> Answer:
        """Add a public key (JWK) of the provider, and end the one called ``retire``."""
        named = {name: value for name, value in (("kid", kid), ("retire", retire)) if value}
        return self._json("POST", f"/push-streams/{stream}/keys", {"key": dict(key), **named})

    # Transport

    def _items(self, path: str) -> Iterator[Answer]:
        following: str | None = path
        while following:
            page = self._json("GET", following.removeprefix("/api/v1"))
            yield from page["items"]
            following = page["next"]

    def _json(self, method: str, path: str, value: Any = None) -> Answer:
        body = None if value is None else json.dumps(value).encode()
        return self._read(self._send(method, path, body, "application/json"))

    def _read(self, data: bytes) -> Answer:
        """Return the object in an answer. Raises NotReached when it is somebody else's."""
        try:
            answer = json.loads(data)
        except ValueError as error:
            raise NotReached(f"no answer from {self._root}: not JSON") from error
        if not isinstance(answer, dict):
            raise NotReached(f"no answer from {self._root}: not an object")
        return answer

    def _upload(
        self, address: str, path: Path, fields: Mapping[str, str], receipt: Path | None = None
    ) -> Answer:
        form = _Form(path, fields, receipt)
        return self._read(self._send("POST", address, form, form.kind))

    def _renew(self) -> None:
        """Get an access token: for the person who let this program in, or for the program itself."""
        if self.refresh_token:
            self._exchange(grant_type="refresh_token", refresh_token=self.refresh_token)
        else:
            self._exchange(grant_type="client_credentials")

    def _exchange(self, **asked: str) -> None:
        answer = self._read(self._form_post("/oauth/token", asked))
        self._token = str(answer["access_token"])
        self.refresh_token = str(answer.get("refresh_token") or "")

    def _form_post(self, path: str, asked: Mapping[str, str]) -> bytes:
        basic = b64encode(":".join(self._credentials).encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": _FORM}
        body = urllib.parse.urlencode(asked).encode()
        return self._patiently("POST", path, body, headers)

    def _send(
        self, method: str, path: str, body: Body | None = None, kind: str = "",
        into: BinaryIO | None = None,
    ) -> bytes:  # fmt: skip
        """Return the body of the answer, or write it ``into`` a file and return nothing."""
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = kind
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid4().hex
        if isinstance(body, _Form):
            headers["Content-Length"] = str(body.size)
        try:
            return self._patiently(method, path, body, headers, into)
        except ApiError as error:
            if error.status != 401 or not any(self._credentials):
                raise
        self._renew()
        headers["Authorization"] = f"Bearer {self._token}"
        return self._patiently(method, path, body, headers, into)

    def _patiently(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str],
        into: BinaryIO | None = None,
    ) -> bytes:  # fmt: skip
        """Ask until there is an answer that waiting does not mend, or ``patience`` is over."""
        until, pause = time.monotonic() + self._patience, _FIRST_PAUSE
        while True:
            wait = random.uniform(pause / 2, pause)  # noqa: S311  no secret: spreads the repeats
            try:
                return self._once(method, path, body, headers, into)
            except ApiError as error:
                wait = max(wait, error.retry_after)
                if not error.is_passing or time.monotonic() + wait > until:
                    raise
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() + wait > until:
                    raise NotReached(f"no answer from {self._root}: {error}") from error
            time.sleep(wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(
        self, method: str, path: str, body: Body | None, headers: Mapping[str, str],
        into: BinaryIO | None,
    ) -> bytes:  # fmt: skip
        request = urllib.request.Request(  # noqa: S310  the scheme was checked at the start
            self._root + path, data=body, headers=dict(headers), method=method
        )
        try:
            with _OPENER.open(request, timeout=self._timeout) as answer:
                if into is not None:
                    _copy(answer, into)
                    return b""
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            with error:
                wait = error.headers.get("Retry-After") or ""
                seconds = float(wait) if wait.isdecimal() else 0.0
                raise ApiError(error.code, _problem(error.read()), seconds) from error


def _query(**given: int | None) -> str:
    named = {name: value for name, value in given.items() if value is not None}
    return f"?{urllib.parse.urlencode(named)}" if named else ""


def _problem(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _quoted(name: str) -> str:
    return urllib.parse.quote(name, safe="")


def _copy(answer: http.client.HTTPResponse, into: BinaryIO) -> None:
    """Write the body of ``answer`` in place of what a broken attempt left."""
    into.seek(0)
    into.truncate()
    shutil.copyfileobj(answer, into, _PIECE)
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)


def _check(part: BinaryIO, stated: Answer) -> None:
    """Raise OSError unless ``part`` has the size and SHA-256 of the artifact."""
    size = part.tell()
    part.seek(0)
    digest = sha256()
    while piece := part.read(_PIECE):
        digest.update(piece)
    if size != stated["size"] or digest.hexdigest() != stated["sha256"]:
        raise OSError(f"{stated['name']} did not arrive as it was sent")


class _Form:
    """A multipart form with files and fields (RFC 7578), read from disk while it is sent."""

    def __init__(self, path: Path, fields: Mapping[str, str], receipt: Path | None) -> None:
        boundary = uuid.uuid4().hex
        self.kind = f"multipart/form-data; boundary={boundary}"
        disposition = f"--{boundary}\r\nContent-Disposition: form-data; name="
        self._parts: list[bytes | Path] = [
            f'{disposition}"{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()
        ]
        for name, file in (("file", path), ("receipt", receipt)):
            if file is not None:
                shown = file.name.replace('"', "%22")
                head = f'{disposition}"{name}"; filename="{shown}"'
                kind = "Content-Type: application/octet-stream"
                self._parts += [f"{head}\r\n{kind}\r\n\r\n".encode(), file, b"\r\n"]
        self._parts.append(f"--{boundary}--\r\n".encode())
        self.size = sum(
            one.stat().st_size if isinstance(one, Path) else len(one) for one in self._parts
        )

    def __iter__(self) -> Iterator[bytes]:
        for one in self._parts:
            if isinstance(one, bytes):
                yield one
                continue
            with one.open("rb") as file:
                while piece := file.read(_PIECE):
                    yield piece


Body = bytes | _Form
