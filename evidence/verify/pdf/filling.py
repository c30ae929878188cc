"""What filling in a form may change, where pyHanko's rules are too strict or too lenient.

Too strict: a field a signature locks (FieldMDP) counts as changed there when its appearance was written
before the signed revision, so that filling in any other field is called an alteration. An object nothing
wrote since cannot have changed; such an update is passed over here.

Too lenient: a lock is met by the name of the field alone, although a field inherits value and kind from
the one above it; fonts all fields are drawn with may be exchanged; a field may be hidden, or told to
be a password. So here:

- what stands above a locked field is locked with it, and a lock that stands in the field alone counts;
- of a locked field only "read-only" may be set;
- the form may gain fonts and defaults, and none it has may change;
- flags of a field that decide what it is and whether it is seen stay as they were;
- the field of a later signature or time-stamp is that and no more: it runs no script and belongs to no
  layer. Anyone can have a file stamped, and the page would run what the field brings when it opens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    DEFAULT_DIFF_POLICY,
    FormUpdatingRule,
    ModificationLevel,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.form_rules_api import (
    FieldComparisonContext,
    FieldComparisonSpec,
    FormUpdate,
)
from pyhanko.sign.diff_analysis.policies import StandardDiffPolicy
from pyhanko.sign.diff_analysis.rules.form_field_rules import (
    GenericFieldModificationRule,
    SigFieldCreationRule,
    SigFieldModificationRule,
)
from pyhanko.sign.fields import FieldMDPAction, FieldMDPSpec
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

READ_ONLY = 1
SILENT_KINDS = 0b111
"""Read-only, required, not exported: bits of /Ff that change neither kind nor look of a field."""
SILENT_FLAGS = 4 | 64 | 128 | 512
"""Printed, read-only, locked, contents locked: bits of /F that leave it on the page."""
MAX_DEPTH = 32
SIGNATURE_ENTRIES = frozenset(
    {
        "/AP", "/BS", "/Border", "/DA", "/DR", "/F", "/FT", "/Ff", "/H", "/Kids", "/Lock", "/M", "/MK",
        "/NM", "/P", "/Parent", "/Q", "/Rect", "/SV", "/StructParent", "/Subtype", "/T", "/TM", "/TU",
        "/Type", "/V",
    }
)  # fmt: skip
"""What the field of a new signature may say."""


@dataclass(frozen=True)
class Locks(FieldMDPSpec):
    """All locks of one signature. more: those beside the first."""

    more: tuple[FieldMDPSpec, ...] = ()

    def is_locked(self, field_name: str) -> bool:
        """Tell whether a field, or any below it, may not change."""
        return any(one.is_locked(field_name) or _is_above(one, field_name) for one in self._all())

    def _all(self) -> Iterator[FieldMDPSpec]:
        yield FieldMDPSpec(self.action, self.fields)
        yield from self.more


def _is_above(lock: FieldMDPSpec, name: str) -> bool:
    """Tell whether a field below ``name`` is locked by its own name."""
    if lock.action != FieldMDPAction.INCLUDE:
        return False  # what is above an open field is open only if it is named itself
    return any(str(one).startswith(f"{name}.") for one in lock.fields or ())


def locks_of(signature: EmbeddedPdfSignature) -> Locks | None:
    """Return what ``signature`` locks; raises what pyHanko raises over odd entries."""
    found = [one for one in (signature.fieldmdp, _of_field(signature)) if one is not None]
    if not found:
        return None
    return Locks(found[0].action, found[0].fields, tuple(found[1:]))


def _of_field(signature: EmbeddedPdfSignature) -> FieldMDPSpec | None:
    """Return the lock that stands in the field; a signer should have copied it, and may have not."""
    try:
        lock = signature.sig_field["/Lock"]
    except KeyError:
        return None
    return FieldMDPSpec.from_pdf_object(lock)


class FormRule(FormUpdatingRule):
    """pyHanko's rule for forms, with what stands at the head of this module."""

    def apply(
        self, old: HistoricalResolver, new: HistoricalResolver
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        _check_defaults(old, new)
        xrefs = new.reader.xrefs
        for level, update in super().apply(old, new):
            is_untouched = xrefs.get_last_change(update.updated_ref) <= old.revision
            if update.field_name is None or not is_untouched:
                yield level, update


def _check_defaults(old: HistoricalResolver, new: HistoricalResolver) -> None:
    """Raise SuspiciousModification where something fields are drawn with was exchanged."""
    try:
        before, after = old.root["/AcroForm"], new.root["/AcroForm"]
    except KeyError:
        return  # another rule says what it means that a form came or went
    for key in ("/DA", "/Q"):
        if key in before and (key not in after or before[key] != after[key]):
            raise SuspiciousModification("the way all form fields are drawn was changed")
    if "/DR" not in before:
        return
    kept = before["/DR"]
    now = after["/DR"] if "/DR" in after else generic.DictionaryObject()
    for kind in kept:
        entries = kept[kind]
        others = now[kind] if kind in now else None
        if not isinstance(entries, generic.DictionaryObject):
            is_same = entries == others
        else:
            is_same = isinstance(others, generic.DictionaryObject) and all(
                name in others and entries.raw_get(name) == others.raw_get(name) for name in entries
            )
        if not is_same:
            raise SuspiciousModification("a font or drawing form fields use was exchanged")


class NewSignatureRule(SigFieldCreationRule):
    """pyHanko's rule for fields of later signatures, which looks at nothing but where they stand."""

    def apply(
        self, context: FieldComparisonContext
    ) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        for spec in context.field_specs.values():
            if spec.field_type == "/Sig" and spec.old_field_ref is None:
                _check_signature_field(spec.new_field, 0)
        return super().apply(context)


def _check_signature_field(field: object, depth: int) -> None:
    if not isinstance(field, generic.DictionaryObject) or depth > MAX_DEPTH:
        raise SuspiciousModification("a signature was added whose field cannot be understood")
    if not field.keys() <= SIGNATURE_ENTRIES:
        raise SuspiciousModification("a signature was added whose field does more than sign")
    for kid in field["/Kids"] if "/Kids" in field else ():
        _check_signature_field(kid.get_object(), depth + 1)


class FillingRule(GenericFieldModificationRule):
    """pyHanko's rule for fields that are no signatures, with the flags looked at."""

    def compare_fields(self, spec: FieldComparisonSpec) -> bool:
        old, new = spec.old_field, spec.new_field
        kinds = _inherited(old, "/Ff"), _inherited(new, "/Ff")
        flags = _flags(old, "/F"), _flags(new, "/F")
        if (kinds[0] ^ kinds[1]) & ~SILENT_KINDS:
            raise SuspiciousModification("a form field was turned into one of another kind")
        if (flags[0] ^ flags[1]) & ~SILENT_FLAGS:
            raise SuspiciousModification("a form field was hidden or shown")
        is_kept = kinds[1] in (kinds[0], kinds[0] | READ_ONLY)
        return super().compare_fields(spec) and is_kept


def _flags(field: object, key: str) -> int:
    if not isinstance(field, generic.DictionaryObject) or key not in field:
        return 0
    return int(field[key])


def _inherited(field: object, key: str) -> int:
    for _ in range(MAX_DEPTH):
        if not isinstance(field, generic.DictionaryObject) or key in field:
            break
        field = field["/Parent"] if "/Parent" in field else None
    return _flags(field, key)


def policy(*, with_unused: bool = True) -> StandardDiffPolicy:
    """Return the rules a later revision is judged by. with_unused: let objects nothing uses pass."""
    added = NewSignatureRule()  # type: ignore[no-untyped-call]  # pyHanko's has no types
    rules = [added, SigFieldModificationRule(), FillingRule()]
    return StandardDiffPolicy(
        DEFAULT_DIFF_POLICY.global_rules,
        FormRule(rules),
        reject_object_freeing=True,
        ignore_orphaned_objects=with_unused,
    )
