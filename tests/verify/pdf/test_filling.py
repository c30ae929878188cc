"""Filling in a form: what a lock, the fonts of the form and the flags of a field let through."""

from __future__ import annotations

import io

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from evidence.management.attacks import brought, honest, paper
from evidence.management.attacks.update import Update, body_of, facts_of, stream

ACTION = fields.FieldMDPAction
LOCKS = {
    "one field": (ACTION.INCLUDE, ["amount"]),
    "all but one": (ACTION.EXCLUDE, ["place"]),
    "all": (ACTION.ALL, None),
}


def lock(maker, pdf, action, names):
    """Return ``pdf`` approved by a signature that locks fields and leaves the others to be filled in."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    spec = fields.SigFieldSpec(
        "Signature1",
        on_page=0,
        field_mdp_spec=fields.FieldMDPSpec(action, fields=names),
        doc_mdp_update_value=fields.MDPPerm.FILL_FORMS,
    )
    fields.append_signature_field(writer, spec)
    out = io.BytesIO()
    writer.write(out)
    return maker.sign(out.getvalue(), existing=True)


def number_of(pdf, name):
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return next(
            one.objgen[0] for one in opened.Root.AcroForm.Fields if str(one.get("/T")) == name
        )


def changed(pdf, name, **entries):
    """Return ``pdf`` with entries of one field's dictionary set or removed, in one more revision."""
    number = number_of(pdf, name)
    return Update(pdf, {number: body_of(pdf, number, **entries)}).build()


def nested(pdf, **group):
    """Return the form with both fields below one called "group", which carries what they inherit."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        kids = list(opened.Root.AcroForm.Fields)
        above = opened.make_indirect(
            pikepdf.Dictionary(
                T=pikepdf.String("group"),
                FT=pikepdf.Name.Tx,
                Kids=pikepdf.Array(kids),
                **group,
            )
        )
        for kid in kids:
            kid.Parent = above
            for key in ("/V", "/FT", "/Ff"):
                if key in kid:
                    del kid[key]
        opened.Root.AcroForm.Fields = pikepdf.Array([above])
        opened.save(out, deterministic_id=True)
    return out.getvalue()


def with_widget_of_its_own(pdf, name):
    """Return the form with one field's look on the page in a child without a name."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        widget = next(one for one in opened.Root.AcroForm.Fields if str(one.get("/T")) == name)
        field = opened.make_indirect(
            pikepdf.Dictionary(
                T=widget.T, FT=widget.FT, V=pikepdf.String("1000"), Kids=pikepdf.Array([widget])
            )
        )
        widget.Parent = field
        for key in ("/T", "/FT", "/V"):
            if key in widget:
                del widget[key]
        others = [one for one in opened.Root.AcroForm.Fields if one.objgen != widget.objgen]
        opened.Root.AcroForm.Fields = pikepdf.Array([*others, field])
        opened.save(out, deterministic_id=True)
    return out.getvalue()


@pytest.mark.parametrize("name", ["one field", "all but one"])
def test_an_open_field_filled_in_beside_a_locked_one_leaves_the_file_intact(name, maker, verdict):
    signed = lock(maker, paper.form(), *LOCKS[name])
    filled = honest.filled(signed, "place", "Kyoto")

    assert verdict(filled).reason == "incomplete"
    assert verdict(maker.stamp(filled)).reason == "ok"


@pytest.mark.parametrize("name", LOCKS)
def test_a_time_stamp_behind_a_lock_leaves_the_file_intact(name, maker, verdict):
    assert verdict(maker.stamp(lock(maker, paper.form(), *LOCKS[name]))).reason == "ok"


def test_an_open_field_below_another_is_filled_in_beside_its_locked_neighbour(maker, verdict):
    signed = lock(maker, nested(paper.form()), ACTION.INCLUDE, ["group.amount"])
    with pikepdf.open(io.BytesIO(signed)) as opened:
        group = opened.get_object(number_of(signed, "group"), 0)
        number = next(one.objgen[0] for one in group.Kids if str(one.T) == "place")
    filled = Update(signed, {number: body_of(signed, number, V="Kyoto")}).build()

    assert verdict(filled).reason == "incomplete"


LOCKED = {
    "value": {"V": "9000"},
    "hidden": {"F": 2},
    "flags": {"Ff": 2},
    "shown as a password": {"Ff": 8192},
    "renamed": {"T": "other"},
    "moved": {"Rect": pikepdf.Array([72, 700, 272, 720])},
    "colour": {"MK": pikepdf.Dictionary(BG=pikepdf.Array([0, 0, 0]))},
    "font": {"DA": "/Helv 1 Tf 1 g"},
    "script": {"AA": pikepdf.Dictionary(F=pikepdf.Dictionary(S=pikepdf.Name.JavaScript))},
}


@pytest.mark.parametrize("lock_name", LOCKS)
@pytest.mark.parametrize("name", LOCKED)
def test_a_changed_entry_of_a_locked_field_is_altered(name, lock_name, maker, verdict):
    signed = lock(maker, paper.form(), *LOCKS[lock_name])
    forged = changed(signed, "amount", **LOCKED[name])

    assert verdict(forged).reason == "altered"
    assert verdict(honest.filled(forged, "place", "Kyoto")).reason == "altered"
    assert verdict(maker.stamp(forged)).reason == "altered"


@pytest.mark.parametrize("lock_name", LOCKS)
def test_another_appearance_of_a_locked_field_is_altered(lock_name, maker, verdict):
    signed = lock(maker, paper.form(), *LOCKS[lock_name])
    number, spare = number_of(signed, "amount"), facts_of(signed).size
    look = stream(b"BT /Helv 9 Tf (9000) Tj ET", b"/Subtype /Form /BBox [0 0 200 20]")
    with pikepdf.open(io.BytesIO(signed)) as opened:
        old = opened.get_object(number, 0).AP.N.objgen[0]
    body = body_of(signed, number, AP=None).replace(b"<<", b"<< /AP << /N %d 0 R >> " % spare, 1)

    assert verdict(Update(signed, {number: body, spare: look}).build()).reason == "altered"
    assert verdict(Update(signed, {old: look}).build()).reason == "altered"


def test_a_widget_of_a_locked_field_is_altered_when_it_changes(maker, verdict):
    signed = lock(maker, with_widget_of_its_own(paper.form(), "amount"), ACTION.INCLUDE, ["amount"])
    with pikepdf.open(io.BytesIO(signed)) as opened:
        widget = opened.get_object(number_of(signed, "amount"), 0).Kids[0]
        number, look = widget.objgen[0], widget.AP.N.objgen[0]
    drawn = stream(b"BT /Helv 9 Tf (9000) Tj ET", b"/Subtype /Form /BBox [0 0 200 20]")

    assert verdict(signed).reason == "incomplete"
    assert verdict(honest.filled(signed, "place", "Kyoto")).reason == "incomplete"
    assert (
        verdict(Update(signed, {number: body_of(signed, number, F=2)}).build()).reason == "altered"
    )
    assert verdict(Update(signed, {look: drawn}).build()).reason == "altered"
    assert verdict(changed(signed, "amount", V="9000")).reason == "altered"


@pytest.mark.parametrize("lock_name", LOCKS)
def test_a_locked_field_taken_out_of_the_form_is_altered(lock_name, maker, verdict):
    signed = lock(maker, paper.form(), *LOCKS[lock_name])
    facts, number = facts_of(signed), number_of(signed, "amount")
    left = b" ".join(b"%d 0 R" % one for one in facts.fields if one != number)
    form = body_of(signed, facts.form, Fields=None).replace(b"<<", b"<< /Fields [%s]" % left, 1)

    assert verdict(Update(signed, {facts.form: form}).build()).reason == "altered"


@pytest.mark.parametrize(
    ("action", "names"),
    [(ACTION.INCLUDE, ["group.amount"]), (ACTION.EXCLUDE, ["group.place"]), (ACTION.ALL, None)],
)
@pytest.mark.parametrize("entries", [{"V": "9000"}, {"Ff": 8192}, {"DA": "/Helv 1 Tf 1 g"}])
def test_what_a_locked_field_inherits_is_locked_with_it(entries, action, names, maker, verdict):
    signed = lock(maker, nested(paper.form(), V=pikepdf.String("1000")), action, names)

    assert verdict(signed).reason == "incomplete"
    assert verdict(changed(signed, "group", **entries)).reason == "altered"


def test_a_lock_the_signer_left_in_the_field_alone_counts(maker, verdict):
    signed = lock(maker, paper.form(), ACTION.INCLUDE, ["amount"])
    writer = IncrementalPdfFileWriter(io.BytesIO(paper.form()), strict=False)
    spec = fields.SigFieldSpec("Signature1", on_page=0)
    fields.append_signature_field(writer, spec)
    field = writer.root["/AcroForm"]["/Fields"][-1].get_object()
    field["/Lock"] = fields.FieldMDPSpec(ACTION.INCLUDE, ["amount"]).as_sig_field_lock()
    writer.update_container(field)
    out = io.BytesIO()
    writer.write(out)
    alone = maker.sign(out.getvalue(), existing=True, certify=honest.P2)

    for data in (signed, alone):
        assert verdict(honest.filled(data, "place", "Kyoto")).reason == "incomplete"
        assert verdict(honest.filled(data, "amount", "9000")).reason == "altered"


def test_a_locked_field_may_be_made_read_only_and_never_writable(maker, verdict):
    signed = lock(maker, paper.form(), *LOCKS["one field"])
    closed = lock(maker, changed(paper.form(), "amount", Ff=1), *LOCKS["one field"])

    assert verdict(changed(signed, "amount", Ff=1)).reason == "incomplete"
    assert verdict(changed(closed, "amount", Ff=0)).reason == "altered"


# The form as a whole, where filling in is allowed and nothing is locked.


def other_font(pdf):
    facts = facts_of(pdf)
    font = (
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica"
        b" /Encoding << /Type /Encoding /Differences [49 /nine] >> >>"
    )
    given = b"<< /DR << /Font << /Helv %d 0 R >> >>" % facts.size
    form = body_of(pdf, facts.form, DR=None).replace(b"<<", given, 1)
    return Update(pdf, {facts.form: form, facts.size: font}).build()


def other_default(pdf):
    facts = facts_of(pdf)
    form = body_of(pdf, facts.form, DA="/Helv 0 Tf 1 g")
    return Update(pdf, {facts.form: form}).build()


@pytest.mark.parametrize(
    "attack",
    [
        other_font,
        other_default,
        lambda pdf: changed(pdf, "amount", F=2),
        lambda pdf: changed(pdf, "amount", F=32),
        lambda pdf: changed(pdf, "amount", Ff=8192),
        lambda pdf: changed(pdf, "amount", Ff=1 << 25),
    ],
    ids=["font exchanged", "default exchanged", "hidden", "not viewed", "password", "rich text"],
)
@pytest.mark.parametrize("certify", [honest.P2, honest.P3])
def test_how_fields_are_drawn_is_no_matter_of_filling_in(attack, certify, maker, verdict):
    forged = attack(maker.sign(paper.form(), certify=certify))

    assert verdict(forged).reason == "altered"
    assert verdict(maker.stamp(forged)).reason == "altered"


def test_a_form_may_gain_a_font_while_it_is_filled_in(maker, verdict):
    signed = maker.sign(paper.form(), certify=honest.P2)
    facts = facts_of(signed)
    with pikepdf.open(io.BytesIO(signed)) as opened:
        helv = opened.Root.AcroForm.DR.Font.Helv.objgen[0]
        encoding = opened.Root.AcroForm.DR.Encoding.RLAFencoding.objgen[0]
    given = b"<< /DR << /Encoding << /RLAFencoding %d 0 R >> /Font << /Helv %d 0 R /ZaDb %d 0 R >> >>" % (
        encoding, helv, facts.size,
    )  # fmt: skip
    form = body_of(signed, facts.form, DR=None).replace(b"<<", given, 1)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /ZapfDingbats >>"
    gained = Update(signed, {facts.form: form, facts.size: font}).build()

    assert verdict(gained).reason == "incomplete"
    assert verdict(honest.filled(gained, "place", "Kyoto")).reason == "incomplete"


# The field a later signature or time-stamp brings along.


@pytest.mark.parametrize("certify", [None, honest.P1, honest.P2, honest.P3])
@pytest.mark.parametrize("name", brought.ENTRIES)
def test_a_genuine_time_stamp_whose_field_does_more_than_stamp_is_altered(
    name, certify, maker, verdict
):
    signed = maker.sign(paper.form(), certify=certify)
    entries = brought.ENTRIES[name]

    assert verdict(brought.stamped_by_field(signed, maker, {})).reason == "incomplete"
    for in_kid in (False, True):
        told = brought.stamped_by_field(signed, maker, entries, in_kid=in_kid)
        assert verdict(told).reason == "altered"
