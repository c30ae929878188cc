"""What attacks are made of: entries put into the catalog or the first page, and a time-stamp on top."""

from __future__ import annotations

from evidence.management.attacks.forged import Attack
from evidence.management.attacks.honest import Maker
from evidence.management.attacks.update import Update, body_of, facts_of, with_entry


def in_page(more: bytes, **removed: None) -> Attack:
    """Return an attack that writes the first page again with ``more`` in its dictionary."""

    def attack(pdf: bytes, maker: Maker) -> bytes:
        facts = facts_of(pdf)
        page = with_entry(body_of(pdf, facts.page, **removed), more)
        return Update(pdf, {facts.page: page}).build()

    return attack


def in_catalog(more: bytes, **removed: None) -> Attack:
    """Return the same for the catalog."""

    def attack(pdf: bytes, maker: Maker) -> bytes:
        facts = facts_of(pdf)
        return Update(
            pdf, {facts.root: with_entry(body_of(pdf, facts.root, **removed), more)}
        ).build()

    return attack


def stamped(attack: Attack) -> Attack:
    """Return the attack with a genuine time-stamp over its result."""

    def both(pdf: bytes, maker: Maker) -> bytes:
        return maker.stamp(attack(pdf, maker), field="Fresh", with_store=False)

    return both
