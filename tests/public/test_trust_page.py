"""The trust page: our certificates, and the verifier that every bundle contains."""

from __future__ import annotations

import io
import re
import zipfile
from hashlib import sha256

import pytest
from cryptography import x509

from evidence.gateways.current import current


def test_the_verifier_to_download_is_the_one_in_new_bundles(client, alice, issued, content):
    export = issued(alice)
    name = export.artifacts.get(kind="zip").name
    bundle = content(alice.client.get(f"/exports/{export.public_id}/files/{name}"))
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        inside = archive.read("verify.pyz")
        readme = archive.read("README.txt").decode()
    assert "http://127.0.0.1:8000/verify.pyz" in readme
    answer = client.get("/verify.pyz")
    assert answer.status_code == 200
    assert answer.content == inside
    page = client.get("/verify/trust/").content.decode().replace("<wbr>", "")
    assert sha256(inside).hexdigest() in page
    assert page.count("Time-stamp") >= 1


@pytest.mark.django_db
def test_certificates_stand_there_with_their_fingerprints_and_can_be_downloaded(client):
    page = client.get("/verify/trust/").content.decode()
    seal = current().seal_key
    for der in (seal.certificate, *seal.chain):
        fingerprint = sha256(der).hexdigest()
        assert fingerprint in page.replace("<wbr>", "")
        answer = client.get(f"/verify/trust/{fingerprint}.cer")
        assert x509.load_der_x509_certificate(answer.content).public_bytes is not None
        assert answer.content == der
    assert client.get(f"/verify/trust/{'0' * 64}.cer").status_code == 404
    assert re.search(r"Why Acrobat may say", page)


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/verify/", "/verify/trust/", f"/verify/hash/{'0' * 64}/"])
def test_pages_ask_nobody_else_and_carry_no_inline_script(client, address):
    page = client.get(address).content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=\"/)", page)
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//(?!127\.0\.0\.1)", page)
