"""Who stands in the rows of one series: named participants, and names that only appear in rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evidence.exchange.disclosed import string
from evidence.values import Json, Participant


@dataclass
class Person:
    """One participant. key: stable within the series; names in order of appearance."""

    key: str
    names: list[str] = field(default_factory=list)
    platform_id: str | None = None
    email: str | None = None
    is_owner: bool = False

    @property
    def display(self) -> str:
        return self.names[0] if self.names else self.key


class People:
    """Grows while rows are read. Equal rows give equal people, in the same order."""

    def __init__(self, known: Iterable[Participant]) -> None:
        self._by_key: dict[str, Person] = {}
        self._by_name: dict[str, str] = {}
        for one in known:
            person = Person(one.key, list(one.names), one.platform_id, is_owner=one.is_owner)
            person.email = one.details.get("email") or one.details.get("e_mail")
            self._by_key[one.key] = person
            for name in one.names:
                self._by_name.setdefault(name, one.key)

    def all(self) -> list[Person]:
        """Return everybody met so far, in order of appearance."""
        return list(self._by_key.values())

    def get(self, key: str) -> Person:
        """Return the person met under ``key``."""
        return self._by_key[key]

    def owner(self) -> Person | None:
        """Return the account holder, where the bundle names one."""
        return next((one for one in self._by_key.values() if one.is_owner), None)

    def of_sender(self, sender: Mapping[str, Json]) -> str | None:
        """Return the key of a row's sender; None when the row names none."""
        key = string(sender.get("key"))
        if key is None:
            return None
        name = string(sender.get("name"))
        person = self._by_key.get(key)
        if person is None:
            person = self._by_key[key] = Person(key, platform_id=string(sender.get("id")))
        if name is not None and name not in person.names:
            person.names.append(name)
            self._by_name.setdefault(name, key)
        return key

    def of_name(self, name: str) -> str:
        """Return the key of whoever a row calls ``name``: a known participant, or a new one."""
        key = self._by_name.get(name)
        if key is None:
            key = f"named-{1 + sum(k.startswith('named-') for k in self._by_key)}"
            self._by_key[key] = Person(key, [name])
            self._by_name[name] = key
        return key
