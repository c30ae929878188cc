"""Sending to addresses that strangers name: signed, once, to public machines only.

The form is Standard Webhooks 1.0.0 (github.com/standard-webhooks, ``spec/standard-webhooks.md``):
headers ``webhook-id``, ``webhook-timestamp`` and ``webhook-signature``; the signature is
``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body`` with the raw body, one for each live
secret, separated by spaces. A secret is written ``whsec_`` and base64 of its 32 bytes.

The host's name is looked up once, every address found is judged, and the connection goes to one that
was judged: a name that answers differently the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256
from urllib.parse import urlsplit

from django.conf import settings

from evidence.gateways.http import HttpTrouble, Reply, exchange

SECONDS = 5.0
"""For looking up, connecting, sending and the answer together."""
MAX_REPLY = 64 * 1024
MAX_URL = 1_000
_PREFIX = "whsec_"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_ISATAP = 0x0000_5EFE
"""The upper half of an interface identifier that wraps an IPv4 address (RFC 5214), but for one bit."""
_NEITHER = tuple(
    ipaddress.ip_network(one)
    for one in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "fec0::/10")
)
"""What Python calls global and no public receiver has: protocol assignments, 6to4 relays, examples
(RFC 9637), site-local networks (RFC 3879)."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def new_secret() -> str:
    """Return a fresh secret of 32 random bytes as receivers' libraries read it."""
    return _PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signature(message_id: str, timestamp: int, body: bytes, secret: str) -> str:
    """Return ``v1,…`` over ``body`` under one secret. timestamp: seconds since 1970."""
    key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(key, signed, sha256)).decode()


def url_fault(url: str) -> str | None:
    """Return the code of what is wrong with an address as it is written, None for a usable one.

    Nothing is looked up here: what a name leads to is judged whenever something is sent.
    """
    if len(url) > MAX_URL or not url.isascii() or any(ord(c) <= 0x20 or c == "\x7f" for c in url):
        return "webhook_url_invalid"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "webhook_url_invalid"
    schemes = ("https", "http") if settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK else ("https",)
    if parts.scheme not in schemes:
        return "webhook_url_not_https"
    if not host or port == 0 or parts.username is not None or parts.fragment:
        return "webhook_url_invalid"
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return None
    return None if is_allowed(literal) else "webhook_address_refused"


def is_allowed(address: Address) -> bool:
    """Return whether ``address`` is a public one, or this machine where the settings let it."""
    for inner in _inside(address):
        if inner.is_loopback and settings.TRUETHREAD_WEBHOOKS_TO_LOOPBACK:
            continue
        if not inner.is_global or inner.is_multicast or inner.is_reserved:
            return False
        if any(inner in network for network in _NEITHER):
            return False
    return True


def _inside(address: Address) -> list[Address]:
    """Return what a packet to ``address`` may end up at: the IPv4 address some IPv6 ones wrap."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    wrapped = address.sixtofour or (address.teredo[1] if address.teredo else None)
    if int(address) >> 32 & 0xFDFF_FFFF == _ISATAP:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return [address, wrapped] if wrapped else [address]


def post(url: str, message_id: str, body: bytes, live: Sequence[str], at: float) -> Reply:
    """Send ``body`` once and return the reply, whatever its status; redirects are not followed.

    live: the secrets to sign with. at: seconds since 1970.
    Raises HttpTrouble, also with the codes ``unknown_host`` and ``address_refused``.
    """
    deadline = time.monotonic() + SECONDS
    if url_fault(url) is not None:
        raise HttpTrouble("address_refused", url)
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = resolved(str(parts.hostname), port, SECONDS)
    timestamp = int(at)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "TrueThread-Webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            signature(message_id, timestamp, body, secret) for secret in live
        ),
    }
    left = max(deadline - time.monotonic(), 0.001)
    return exchange(
        url, body=body, headers=headers, seconds=left, max_bytes=MAX_REPLY, connect_to=address
    )


def resolved(host: str, port: int, seconds: float) -> str:
    """Return one address of ``host`` to connect to; all it has are judged.

    Raises HttpTrouble: ``timeout``, ``unknown_host``, or ``address_refused`` when any of them is
    not public: a name that leads both outside and inside is not to be trusted with either.
    """
    found: list[str] = []
    trouble: list[OSError | UnicodeError] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(str(answer[4][0]) for answer in answers)
        except (OSError, UnicodeError) as error:
            trouble.append(error)

    # The system's resolver knows no time-out; a thread left behind ends when the resolver does.
    thread = threading.Thread(target=look_up, name="webhook-lookup", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise HttpTrouble("timeout", host)
    if trouble or not found:
        raise HttpTrouble("unknown_host", host)
    if not all(is_allowed(ipaddress.ip_address(one.partition("%")[0])) for one in found):
        raise HttpTrouble("address_refused", host)
    return found[0]
