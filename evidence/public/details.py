"""What findings say, in the language of the reader.

The engine and ``verify.pyz`` write each detail as one English sentence, which is part of the format
of a report and never changes with a language. Here stand the sentences they can write, with the
places where names and numbers go; a detail is taken apart by the sentence it follows and said again
in the reader's language. What other people's programs said (a parser's warning, a name in a
certificate) stays as it is. A detail no sentence fits stays English, and a test holds that there is
none in the engine.
"""

from __future__ import annotations

import re
from functools import lru_cache

from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

SENTENCES = (
    _("The file has more than %(a)s bytes."),
    _("The file could not be judged."),
    _("The file was not judged within %(a)s seconds."),
    _("Judging the file needed more time or memory than is allowed."),
    _("This is not one of our bundles."),
    _("The container is not as we make it: %(a)s."),
    _("An unpacked folder: nothing can be said about the archive it came in."),
    _("This Python has no SM3: the SM3 hashes of the files were not checked."),
    _("The signed master embeds another manifest, or none: files were exchanged."),
    _("Sealed in the store no later than %(a)s."),
    _("No receipt beside the bundle: when this very ZIP was issued is not shown."),
    _("This archive is not one of our bundles."),
    _("The bundle cannot be read further (%(a)s: %(b)s)."),
    _("A file of this bundle is missing."),
    _("This file does not belong to the bundle."),
    _("The manifest lists a file it cannot vouch for."),
    _("All %(a)s listed files are here and as listed."),
    _("The BagIt files follow from the others byte for byte."),
    _("The manifest is the copy embedded in the signed master."),
    _("The volumes do not begin with the master."),
    _("All %(a)s volumes are here."),
    _("All %(a)s volumes of the bundle are here."),
    _("A signed PDF is missing."),
    _("This verifier finds SM3 on some series only: the SM3 seals were not checked."),
    _("This verifier has no SM3: the SM3 seals were not checked."),
    _("The manifest is missing."),
    _("The manifest cannot be read: %(a)s."),
    _("The one ZIP these %(a)s files can have."),
    _("This file is not the one the manifest lists."),
    _("This file is not the one that follows from the others."),
    _("This PDF is not that volume of this bundle."),
    _("This volume has another number of pages."),
    _("The custody record cannot be read: %(a)s."),
    _("The proofs cannot be read: %(a)s."),
    _("Too large to judge: %(a)s."),
    _("Whose log this is only the bundle can show: check both side by side."),
    _("The log of the bundle did not sign this checkpoint."),
    _("The receipt of bundle %(a)s."),
    _("Signed by the log %(a)s."),
    _("The receipt is older than the bundle it is about."),
    _("This is not a receipt of ours."),
    _("The entry export.issued is in the log."),
    _("The entry export.issued is not in the log as it stands."),
    _("Issued no later than its time-stamp."),
    _("Issued later than its time-stamp, or without one."),
    _("The bundle was issued later than the time-stamp says."),
    _("The receipt cannot be read: %(a)s."),
    _("The token carries unsigned additions."),
    _("The token has no time or no authority."),
    _("The file cannot be opened: %(a)s."),
    _(
        "%(a)s numbered places in %(b)s chains without a gap; %(c)s entries known by their hash alone."
    ),
    _("Signed by the log; %(a)s entries proved to be among its first %(b)s."),
    _("No witness known here has confirmed that everybody is shown the same log."),
    _("The log was rewritten: an earlier checkpoint is not a prefix of the later one."),
    _("The signer of the PDF vouches for the log's key."),
    _("Every entry is dated within its time-stamps."),
    _("Entry %(a)s is not in the log: its content, place or proof was changed."),
    _("A prefix of %(a)s entries, signed earlier by a key that is not the log's any more."),
    _("A prefix of %(a)s entries, signed earlier."),
    _("The certificate is for another log key."),
    _("The signer of the PDF is not known."),
    _("The signer of the PDF does not vouch for this log key."),
    _("The log's key was not yet valid at the time-stamp."),
    _("Entry %(a)s is dated later than the time-stamp that covers it."),
    _("Entry %(a)s is dated long before a time-stamp it came after."),
    _("No time-stamp over the log could be used."),
    _("The checkpoint or its key belongs to another log."),
    _("The log's signature under its checkpoint is wrong."),
    _("An earlier checkpoint was not signed by this log."),
    _("The log's key certificate cannot be read: %(a)s."),
    _("Witness %(a)s saw this log at POSIX time %(b)s."),
    _("The checkpoint cannot be read: %(a)s."),
    _("An earlier checkpoint cannot be read: %(a)s."),
    _("This is no file of ours."),
    _("This PDF is signed, but not by TrueThread."),
    _("This PDF carries no signature."),
    _("The signature is missing or cannot be read."),
    _("The last time-stamp covers the entire file."),
    _("No document time-stamp covers the file."),
    _("The file carries no document time-stamp."),
    _("The signed bytes are exactly those that were sealed."),
    _("Not strong enough: %(a)s."),
    _("All algorithms are strong enough."),
    _("The signature carries no time-stamp."),
    _("The signature's time-stamp is later than the document's."),
    _("All certificates were valid at the time of the seal."),
    _("At the time of the seal: %(a)s."),
    _("Sealed by %(a)s."),
    _("TIME_NOT_INDEPENDENT: the time comes from a development authority."),
    _("The file does not say which part of a bundle it is."),
    _("This file cannot be read (%(a)s)."),
    _("Too large or too deep to judge."),
    _("A PDF sealed by TrueThread."),
    _("This PDF carries the name of our seal."),
    _("The certified part is damaged: %(a)s."),
    _("Bytes after the seal are not a plain time-stamp: %(a)s."),
    _("Every byte of the file has its place."),
    _("Only %(a)s time-stamp revision(s) follow the seal."),
    _("The signature cannot be read: %(a)s."),
    _("%(a)s may not sign documents."),
    _("%(a)s is not the expected signer."),
    _("The time comes from a trusted authority."),
    _("Intact, incomplete: volume %(a)s of %(b)s."),
    _("This is not a PDF file."),
    _("The seal does not forbid all changes."),
    _("Nothing the seal forbids was done."),
    _("The time-stamps are not in order."),
    _("No authority is trusted."),
    _("The only volume of its bundle."),
    _("The bytes this signature covers are intact."),
    _("The signature is of a kind not judged offline."),
    _("The time-stamp has no time or no authority."),
    _("The time-stamp is not as it was issued: %(a)s."),
    _("The time-stamp could not be checked."),
    _("This could not be reached."),
    _("%(a)s rows, exactly those selected, in order."),
    _("%(a)s originals, each as it was delivered."),
    _("%(a)s attachments as their messages commit to them%(b)s."),
    _("The proof is for other rows or another number of rows than the manifest states."),
    _("The rows and hashes do not give the sealed root: a row was changed, moved or exchanged."),
    _("%(a)s of %(b)s rows stand as sealed."),
    _("A message cannot be read: %(a)s."),
    _("The original named here is not the one the seal commits to."),
    _("An original belongs to no opened commitment."),
    _("No disclosed message carries this attachment."),
    _("This is not the attachment its message commits to."),
    _("The proofs are not those of the selected series."),
    _("A disclosed original is missing."),
    _("An original is not the one that was delivered."),
    _("The proof does not fit its tree: %(a)s."),
    _("A file has no place among the originals."),
    _("A file has no place among the attachments."),
    _("No given trust root vouches for %(a)s."),
    _("Stamped bytes not at hand; %(a)s."),
    _("The time-stamp fits the bytes it was given for."),
    _("Time-stamp by %(a)s."),
    _("No longer verifiable unaided: %(a)s."),
    _("No certificate of the chain was revoked at that time."),
    _("The time-stamp does not fit: %(a)s."),
    _("This certificate may not issue time-stamps."),
    _("All certificates were valid."),
    _("Not known: %(a)s."),
    _("This is not a time-stamp token."),
    _("An RFC 3161 time-stamp."),
    _("One strict DER value and nothing after it."),
    _("The time-stamp token cannot be read: %(a)s."),
    _("At the time-stamp: %(a)s."),
    _("No signature covers anything."),
    _("Bytes that no program can make sense of follow what was signed."),
    _("The file is malformed: %(a)s."),
    _("Not PAdES; what is inside compares to %(a)s."),
    _("Altered: where a signature should stand, something else does."),
    _("A signature stands in the file that no form field names."),
    _("Two programs do not see the same signatures in this file."),
    _("Nobody signed this document; it carries time-stamps only."),
    _("What was added later cannot be told from what was signed."),
    _("After this signature the document was changed: %(a)s."),
    _("Nothing was added after the first signature."),
    _("No signature restricts later changes, and none were made but allowed ones."),
    _("The certification forbids all changes; it was respected."),
    _("The certification allows filling in forms; it was respected."),
    _("The certification allows comments too; it was respected."),
    _("Altered: the signed bytes and the signature do not fit."),
    _("The signature cannot be judged in a file that cannot be read."),
    _("A signed PDF."),
    _("This PDF is none of TrueThread's bundles."),
    _("Two programs see the same %(a)s signature(s)."),
    _("Bytes after the first signature are not a plain revision: %(a)s."),
    _("The last %(a)s bytes are covered by no signature."),
    _("The time-stamp does not say what it covers."),
    _("The signature cannot be read or does not say what it covers. %(a)s"),
    _("The signature cannot be read or does not say what it covers."),
    _("This file cannot be read: %(a)s."),
    _("A signature is there, but does not say of what."),
    _("This PDF is encrypted and cannot be judged."),
    _("Changes were made that were not allowed."),
    _("The last signature covers the entire file."),
    _("The last %(a)s bytes hold something that has no use and nobody signed."),
    _("The last %(a)s bytes hold proofs for later checks and are covered by no signature."),
    _(
        "The last %(a)s bytes hold what was filled in as allowed (%(b)s) and are covered by no signature."
    ),
    _("The same time-stamp stands there twice."),
    _("The signature fits, but by algorithms too weak to rule out a forgery."),
    _("This PDF cannot be read: %(a)s."),
    _("Two programs read the file without doubt."),
    _("The signature is of a kind not judged here: %(a)s."),
    _("The signed bytes are exactly those that were signed."),
    _("Not strong enough or not known: %(a)s."),
    _("The signature may not be as it was made: %(a)s."),
    _("The signature carries content of its own beside the document."),
    _("The signature carries no time-stamp; its time is what the signer says."),
    _("All certificates were valid at the time of signing."),
    _("Signed by %(a)s."),
    _("Our own reader does not judge this kind of signature: %(a)s."),
    _("The container of the signature is of a form that could hide changes."),
    _("The signature carries unsigned additions that are not judged here."),
    _("Altered: the certificate of %(a)s is damaged."),
    _("Altered: %(a)s."),
    _("Revoked: %(a)s."),
    _("Chain to %(a)s."),
    _("it carries an unknown unsigned addition"),
    _("The signer's certificate is missing."),
    _("At the time of signing: %(a)s."),
    _("a certificate inside cannot be read"),
    _("a certificate inside is nowhere accounted for"),
    _("Pages look different although no change of them is recorded: %(a)s (%(b)s)."),
    _("The pages could not be drawn, so they were not compared."),
    _(
        "No difference can be seen as one program draws the file: %(a)s. Another program may show others."
    ),
    _("No difference can be seen: %(a)s with the state that was first signed."),
    _("Pages that look different since the first signature: %(a)s (%(b)s)."),
    _("Pages that look different, by changes that were allowed: %(a)s (%(b)s)."),
    _("%(a)s of %(b)s pages were compared"),
    _("The signature does not say what it covers."),
    _("The signature claims to cover what is not there."),
    _("The signature leaves out other bytes than its own."),
    _("The signature leaves out too much."),
    _("The signature is not plain hexadecimal."),
    _("The padding of the signature is not empty."),
    _("The signature does not end where a revision ends."),
    _("The signature covers more or less than the revision it stands in."),
    _("The signature overlaps another one."),
    _("Allowed: %(a)s."),
    _("added: %(a)s"),
    _("changed: %(a)s"),
    _("%(a)s (object %(b)s)"),
    _("%(a)s (objects %(b)s)"),
    _("a dictionary"),
    _("a stream"),
    _("a list"),
    _("a value"),
    _("a page"),
    _("page content"),
    _("an annotation or form field on the page"),
    _("a font, picture or drawing of the page"),
    _("the catalog"),
    _("the page tree"),
    _("a font"),
    _("the security store"),
    _("metadata"),
    _("an object stream"),
    _("a signature"),
    _("a time-stamp"),
    _("something unreadable"),
    _("the form field %(a)s"),
    _("an annotation %(a)s"),
    _("a drawing %(a)s"),
    _("annotations were changed"),
    _("a form was filled in, which nobody allowed or signed"),
    _("the signature cannot be read"),
    _("the changes cannot be understood: %(a)s"),
    _("title, author or other statements about the document were changed"),
    _("the description of the document (XMP) was changed"),
    _("readers were told to draw the form fields anew"),
    _("PAdES %(a)s."),
    _("pyHanko: %(a)s, bottom line: no."),
    _("pyHanko: %(a)s."),
    _("revision %(a)s, page %(b)s"),
    _("revision %(a)s"),
    _("page %(a)s"),
    _("object %(a)s"),
    _("byte %(a)s"),
    _("%(a)s, by %(b)s."),
)
"""More particular sentences stand before more general ones that would fit as well."""

_PLACE = re.compile(r"%\\\(([a-c])\\\)s")
_LONGEST = 2_000


def spoken(detail: str) -> str:
    """Return ``detail`` in the language of the request; as it is where nothing says it."""
    if (get_language() or "en").startswith("en") or len(detail) > _LONGEST:
        return detail
    return _said(detail, 0)


def _said(text: str, depth: int) -> str:
    for sentence, pattern in _patterns():
        found = pattern.fullmatch(text)
        if found is not None:
            parts = {name: _part(value, depth + 1) for name, value in found.groupdict().items()}
            return gettext(sentence) % parts
    return text


def _part(text: str, depth: int) -> str:
    """Return what stands in a place: perhaps a list of sentences, perhaps a name or number."""
    if depth > 4:
        return text
    parts = text.split("; ")
    said = [_said(one, depth) for one in parts]
    return text if said == parts else "；".join(said)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((one, re.compile(_regular(one), re.DOTALL)) for one in SENTENCES)


def _regular(sentence: str) -> str:
    """Return the expression that takes a detail apart. Written for short, bounded texts."""
    return _PLACE.sub(r"(?P<\1>.+?)", re.escape(sentence))
