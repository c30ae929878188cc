"""How far each signature is provided for later checks (ETSI EN 319 142-1), and until when.

======  ==============================================================================
B-B     signed; the time is what the signer says
B-T     a time-stamp proves when: in the signature, or over the document later
B-LT    and what is needed about revocation is in the document security store
B-LTA   and a document time-stamp is over this store as well
======  ==============================================================================

Each signature has its own level. A time-stamp or a store that comes later provides for all earlier
signatures it covers, and for none that was made after it. A store counts for a signature only when
it speaks for the certificates of that signature and of its time-stamp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from evidence.verify.offline import Trust, revocation, tst, x509
from evidence.verify.offline.report import NOT_CHECKED, PASSED, Finding, not_checked, passed
from evidence.verify.pdf.opened import LIBRARY_ERRORS, Opened
from evidence.verify.pdf.signatures import Signature
from evidence.verify.pdf.trusting import Material, Person, read_store

B_B, B_T, B_LT, B_LTA = "B-B", "B-T", "B-LT", "B-LTA"


@dataclass(frozen=True, slots=True)
class Stamped:
    """A document time-stamp whose bytes fit."""

    signature: Signature
    facts: tst.TokenFacts


def level_findings(
    one: Opened,
    people: Sequence[tuple[Signature, Person]],
    stamps: Sequence[tuple[Signature, tst.TokenFacts]],
    trust: Trust,
    at: datetime,
) -> Iterator[Finding]:
    """Yield ``level`` and ``verifiable_until`` of every signature, for information.

    people, stamps: those that could be judged, by how far they reach. at: now.
    """
    good = [Stamped(*each) for each in stamps if each[1].outcome_of("integrity") == PASSED]
    now = read_store(one.reader)
    stamped = _store_under(one, good[-1]) if good else Material()
    for signature, person in people:
        later = [each for each in good if each.signature.reach > signature.reach]
        level = _level(person, later, now, stamped, trust, at)
        is_pades = signature.sub_filter == "/ETSI.CAdES.detached"
        name = f"PAdES {level}." if is_pades else f"Not PAdES; what is inside compares to {level}."
        yield passed("level", name, signature.field, required=False)
        yield from _until(level, person, later, signature.field)


def _store_under(one: Opened, stamp: Stamped) -> Material:
    """Return the security store as it was when ``stamp`` was made."""
    if stamp.signature.embedded is None:
        return Material()
    try:
        number = stamp.signature.embedded.signed_revision
        return read_store(one.reader.get_historical_resolver(number))
    except LIBRARY_ERRORS:
        return Material()


def _level(
    person: Person,
    later: list[Stamped],
    now: Material,
    stamped: Material,
    trust: Trust,
    at: datetime,
) -> str:
    token = person.token
    if not later and (token is None or token.outcome_of("integrity") != PASSED):
        return B_B
    moment = person.time or min((one.facts.time or at for one in later), default=at)
    if later and _speaks_for(stamped, person, trust, moment):
        return B_LTA
    return B_LT if _speaks_for(now, person, trust, moment) else B_T


def _speaks_for(store: Material, person: Person, trust: Trust, moment: datetime) -> bool:
    """Tell whether ``store`` says of every certificate in question whether it was revoked.

    moment: when the signature was made, as far as is proved. Without a chain to a given root only the signer's own certificate is in question.
    """
    if person.certificate is None or not (store.crls or store.ocsps):
        return False
    pool = x509.read_pool(
        (*person.carried, *store.certificates, *(root.certificate for root in trust.roots))
    )
    chains = [(person.chain, moment)]
    if person.token is not None and person.token.time is not None:
        chains.append((person.token.chain, person.token.time))
    if person.chain is None:
        return _speaks_for_one(store, person.certificate, pool, moment)
    return all(
        tst.chain_revocation(
            chain, when, crls=store.crls, ocsps=store.ocsps, pool=pool, where=""
        ).outcome
        != NOT_CHECKED
        for chain, when in chains
        if chain is not None
    )


def _speaks_for_one(
    store: Material, certificate: x509.Certificate, pool: list[x509.Certificate], at: datetime
) -> bool:
    return any(
        revocation.status_of(
            certificate, issuer, at, crls=store.crls, ocsps=store.ocsps, pool=pool
        ).outcome
        != revocation.UNKNOWN
        for issuer in pool
        if x509.is_issued_by(certificate, issuer)
    )


def _until(level: str, person: Person, later: list[Stamped], where: str) -> Iterator[Finding]:
    if level in (B_B, B_T):
        detail = "Not verifiable unaided: no proof that nothing was revoked is inside."
        yield not_checked("verifiable_until", detail, where, required=False)
        return
    proof = later[-1].facts if later else person.token
    if proof is not None and proof.chain is not None:
        end = min(one.not_after for one in proof.chain.certificates)
        yield passed("verifiable_until", f"{end:%Y-%m-%dT%H:%M:%SZ}", where, required=False)
