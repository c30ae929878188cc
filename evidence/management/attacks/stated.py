"""What an attacker has the document state of itself, in the catalog or for a page, beside its text."""

from __future__ import annotations

from evidence.management.attacks.entries import in_catalog, in_page
from evidence.management.attacks.forged import Attack

STATED: dict[str, Attack] = {
    "said to be tagged": in_catalog(b"/MarkInfo << /Marked true >>", MarkInfo=None),
    "another version, higher": in_catalog(b"/Version /2.1", Version=None),
    "another version, lower": in_catalog(b"/Version /1.3", Version=None),
    "a version that is a text": in_catalog(b"/Version (9000 euros)", Version=None),
    "an extension that is a text": in_catalog(
        b"/Extensions << /XXXX (I agree to pay 9000 euros.) >>", Extensions=None
    ),
    "an extension that is a script": in_catalog(
        b"/Extensions << /S /JavaScript /JS (1) >>", Extensions=None
    ),
    "an extension nobody needs": in_catalog(
        b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 3 >> >>", Extensions=None
    ),
    "opened at another place": in_catalog(b"/OpenAction [0 /Fit]", OpenAction=None),
    "opened with its table of contents": in_catalog(b"/PageMode /UseOutlines", PageMode=None),
    "pages side by side": in_catalog(b"/PageLayout /TwoColumnLeft", PageLayout=None),
    "articles to read": in_catalog(b"/Threads []"),
    "files that belong to it": in_catalog(b"/AF []"),
    "what a reader must be able to do": in_catalog(b"/Requirements [<< /S /EnableJavaScripts >>]"),
    "an attestation": in_catalog(b"/Legal << /JavaScriptActions 0 >>"),
    "to be drawn from its form": in_catalog(b"/NeedsRendering true"),
    "parts of a print job": in_catalog(b"/DPartRoot << /Type /DPartRoot >>"),
    "pages addressed by name": in_catalog(b"/Dests << /a [0 /Fit] >>"),
    "a page cropped": in_page(b"/CropBox [0 0 200 200]", CropBox=None),
    "a page with a box for its bleed": in_page(b"/BleedBox [0 0 10 10]", BleedBox=None),
    "a page shown for a second": in_page(b"/Dur 1"),
    "a page with a picture of itself": in_page(b"/Thumb null"),
    "a page that belongs to an article": in_page(b"/B []"),
    "a page with other marks": in_page(b"/StructParents 0", StructParents=None),
}
"""Each is a change for everyone who signed before, certified or not (ISO 32000-2 12.8.2.2)."""
