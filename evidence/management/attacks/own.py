"""Our own kind of PDF, sealed as the service seals it, and the same attacks on it."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import embed
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from evidence.gateways.clock import FixedClock
from evidence.gateways.development_pki import DevelopmentPki, ensure
from evidence.gateways.keys import development_seal_key
from evidence.gateways.local_authority import LocalAuthority
from evidence.gateways.revocation import FixedRevocation
from evidence.gateways.tokens import Trust as StampTrust
from evidence.gateways.tsa import Stampers
from evidence.management.attacks import forged, keys, paper, subtle
from evidence.management.attacks.honest import Maker
from evidence.sign.pdf import renew_pdf, sign_pdf
from evidence.verify.offline import trust_of

if TYPE_CHECKING:
    from evidence.management.attacks.table import Sample

MANIFEST = {
    "bundle": "0123456789abcdef0123456789abcdef",
    "format": "truethread/manifest/v1",
    "volumes": [{"bates_first": 1, "bates_last": 2, "pages": 2, "path": "data/evidence.pdf"}],
}
NOT_OURS_TO_TRY = ("signed gap", "signed range", "swapped", "overlapping")
"""Attacks in which the signer himself signs an odd range; our own key signs none."""


def sealed(folder: Path, now: datetime, *, pages: int = 2) -> tuple[Path, DevelopmentPki]:
    """Return a PDF sealed under a fresh development PKI in ``folder``."""
    authorities = ensure(folder / "pki", now)
    unsigned, signed = folder / "unsigned.pdf", folder / "sealed.pdf"
    unsigned.write_bytes(_with_manifest(paper.plain(pages)))
    sign_pdf(
        unsigned,
        signed,
        signer=development_seal_key(authorities),
        stamper=_stampers(authorities, now),
        reason="Sealed conversation evidence",
        at=now,
    )
    return signed, authorities


def samples(now: datetime) -> Iterator[Sample]:
    """Yield our own honest files, then the attacks on one of them."""
    from evidence.management.attacks.table import ALTERED, INTACT, Sample

    attacker = Maker(keys.make_pki(now))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        signed, authorities = sealed(folder, now)
        later = now + timedelta(days=2)
        renew_pdf(signed, folder / "renewed.pdf", stamper=_stampers(authorities, later))
        good, renewed = signed.read_bytes(), (folder / "renewed.pdf").read_bytes()
    trust = trust_of([authorities.root.der, attacker.pki.root.der])
    soon = now + timedelta(minutes=1)
    yield Sample("honest: ours", good, INTACT, trust, soon)
    yield Sample("honest: ours, renewed", renewed, INTACT, trust, later)
    for name, attack in (forged.GENERAL | subtle.SUBTLE).items():
        if not name.startswith(NOT_OURS_TO_TRY):
            yield Sample(f"ours: {name}", attack(good, attacker), ALTERED, trust, soon)


def _stampers(authorities: DevelopmentPki, now: datetime) -> Stampers:
    clock = FixedClock(now)
    trust = StampTrust(roots=(authorities.root.der,), revocation=FixedRevocation(authorities.crls))
    return Stampers((LocalAuthority.of(authorities, clock),), trust=trust, clock=clock)


def _with_manifest(pdf: bytes) -> bytes:
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.stream_xrefs = False
    attachment = embed.EmbeddedFileObject.from_file_data(
        writer,
        data=json.dumps(MANIFEST, sort_keys=True, separators=(",", ":")).encode(),
        mime_type="application/json",
    )
    spec = embed.FileSpec(
        file_spec_string="manifest.json", file_name="manifest.json", embedded_data=attachment
    )
    embed.embed_file(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
