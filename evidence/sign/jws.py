"""Detached JWS over an unencoded payload (RFC 7515 appendix F, RFC 7797): whose is this signature?

Only what ``formats.push`` allows is accepted: EdDSA with Ed25519 and ES256, and a protected header of
exactly ``alg``, ``b64`` false, ``crit`` and ``kid``. The key decides the algorithm, never the header.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jwcrypto import jwk, jws
from jwcrypto.common import JWException, base64url_decode

_ALGORITHM_OF = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}
_PUBLIC = {"OKP": ("kty", "crv", "x"), "EC": ("kty", "crv", "x", "y")}
_HEADER = frozenset(("alg", "b64", "crit", "kid"))
_LONGEST = 4_000


def public_key(value: Any) -> dict[str, str]:
    """Return the public members of the JWK ``value``; a private part, if sent, is left out.

    Raises ValueError unless it is an Ed25519 or P-256 key.
    """
    if not isinstance(value, Mapping):
        raise ValueError("a key is a JSON Web Key")
    kind = (value.get("kty"), value.get("crv"))
    if kind not in _ALGORITHM_OF:
        raise ValueError("a key is of Ed25519 or P-256")
    found = {name: value.get(name) for name in _PUBLIC[str(kind[0])]}
    if not all(isinstance(one, str) for one in found.values()):
        raise ValueError("a member of the key is missing")
    stated = {name: str(one) for name, one in found.items()}
    try:
        jwk.JWK(**stated).get_op_key("verify")
    except (JWException, ValueError) as error:
        raise ValueError("this key cannot be used") from error
    return stated


def thumbprint(key: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a public key, base64url of SHA-256."""
    return str(jwk.JWK(**key).thumbprint())


def key_id(signature: str) -> str | None:
    """Return the ``kid`` a signature names; None when its header is not as it must be."""
    header = _header(signature)
    return None if header is None else str(header["kid"])


def is_signed(payload: bytes, signature: str, key: Mapping[str, str]) -> bool:
    """Return whether ``signature`` is by ``key`` over ``payload``; total, whatever the text."""
    header = _header(signature)
    algorithm = _ALGORITHM_OF.get((key["kty"], key["crv"]))
    if header is None or algorithm is None or header["alg"] != algorithm:
        return False
    token = jws.JWS()
    token.allowed_algs = [algorithm]
    try:
        token.deserialize(signature)
        token.verify(jwk.JWK(**key), detached_payload=payload)
    except (JWException, ValueError, TypeError):
        return False
    return True


def sign(payload: bytes, key: Mapping[str, str], kid: str) -> str:
    """Return the detached JWS of ``payload`` by the private JWK ``key``."""
    header = {"alg": _ALGORITHM_OF[key["kty"], key["crv"]], "b64": False, "crit": ["b64"]}
    token = jws.JWS(payload)
    protected = json.dumps(header | {"kid": kid}, sort_keys=True)
    token.add_signature(jwk.JWK(**key), None, protected, None)
    token.detach_payload()
    return str(token.serialize(compact=True))


def _header(signature: str) -> dict[str, Any] | None:
    protected, dots, rest = signature.partition("..")
    if not (dots and rest) or "." in rest or len(signature) > _LONGEST:
        return None
    try:
        found = json.loads(base64url_decode(protected))
    except (ValueError, TypeError):
        return None
    if not isinstance(found, dict) or found.keys() != _HEADER:
        return None
    if found["b64"] is not False or found["crit"] != ["b64"] or not isinstance(found["kid"], str):
        return None
    return found
