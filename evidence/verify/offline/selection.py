"""Do the lines, the pruned trees, the selection and the sealed heads say the same?

Each function returns findings and never raises for what a file holds. Attacks this answers: a
withheld message passed off as absent, a shifted range, a dropped or added row, another reason, a
changed word (its leaf hash is another), a tree of another series.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ...formats import manifest as manifest_format
from ...formats import merkle
from ...formats.bundle import (
    ATTACHMENTS,
    ORIGINALS,
    PARTICIPANTS,
    read_attachment_path,
    read_original_path,
)
from ...formats.hashes import SHA256, Algorithm
from ...formats.manifest import Manifest, Part
from ...formats.message import WHOLE
from ...formats.proofs import SeriesProof
from ...formats.series_head import SeriesHead
from .bundle_messages import Attachment, Chunk
from .report import Finding, failed, passed

MESSAGES = "data/messages.jsonl"
PROOFS = "data/proofs.json"


def check_rows(manifest: Manifest, lines: Chunk) -> Finding:
    """Return whether ``data/messages.jsonl`` holds exactly the disclosed rows, in their order."""
    if lines.error:
        return failed("messages", f"A message cannot be read: {lines.error}.", MESSAGES)
    expected = [
        (part.series, first, last - first + 1)
        for part in manifest.parts
        for first, last in part.disclosed.spans
    ]
    if lines.runs != expected:
        return failed("messages", _first_difference(lines.runs, expected), MESSAGES)
    return passed("messages", f"{lines.lines} rows, exactly those selected, in order.", MESSAGES)


def check_selection(manifest: Manifest, lines: Chunk) -> Finding:
    """Return whether every row withholds exactly what the selection says, for the stated reason."""
    stated = {
        (part.series, sequence): (items, part.reasons[sequence])
        for part in manifest.parts
        for sequence, items in part.withheld.items()
    }
    found = {
        (series, sequence): (items, reason) for series, sequence, items, reason in lines.withheld
    }
    for key in sorted(stated.keys() | found.keys()):
        if stated.get(key) != found.get(key):
            return failed("selection", _withheld_difference(key, stated.get(key), found.get(key)))
    return passed("selection", "; ".join(_summary(part) for part in manifest.parts) + ".")


def check_trees(
    manifest: Manifest, proofs: Sequence[SeriesProof], lines: Chunk, algorithm: Algorithm = SHA256
) -> list[Finding]:
    """Return, per series, whether the rows stand where they claim in the sealed tree."""
    check = "seal" if algorithm is SHA256 else "sm3"
    if [proof.series for proof in proofs] != [part.series for part in manifest.parts]:
        return [failed(check, "The proofs are not those of the selected series.", PROOFS)]
    leaves = _leaves(lines.leaf_hashes if algorithm is SHA256 else lines.sm3_leaf_hashes)
    return [
        _check_tree(
            check, info.head.size, _root(info.head, algorithm), part, proof, leaves, algorithm
        )
        for info, part, proof in zip(manifest.series, manifest.parts, proofs, strict=True)
    ]


def check_originals(manifest: Manifest) -> Finding:
    """Return whether each opened original is the committed one, and is here."""
    files = {entry.path: entry for entry in manifest.files}
    present = {}
    for path in (path for path in files if path.startswith(ORIGINALS)):
        try:
            present[read_original_path(path)] = files[path]
        except ValueError:
            return failed("originals", "A file has no place among the originals.", path)
    opened = set()
    for info in manifest.series:
        if info.original is None or info.original_seed is None:
            continue
        acquisition = info.head.acquisition
        opened.add(acquisition)
        entry = present.get(acquisition)
        if info.original.commitment(info.original_seed) != info.head.original:
            detail = "The original named here is not the one the seal commits to."
            return failed("originals", detail, acquisition)
        if entry is None:
            return failed("originals", "A disclosed original is missing.", acquisition)
        if (entry.sha256, entry.size) != (info.original.sha256, info.original.size):
            return failed("originals", "An original is not the one that was delivered.", entry.path)
    if stray := present.keys() - opened:
        return failed("originals", "An original belongs to no opened commitment.", min(stray))
    return passed("originals", f"{len(opened)} originals, each as it was delivered.")


def check_attachments(manifest: Manifest, attachments: Sequence[Attachment]) -> Finding:
    """Return whether each attached file is the one its message commits to, and each picture beside
    a participant the one the manifest names there."""
    wrong, pictures = _check_pictures(manifest)
    if wrong is not None:
        return wrong
    stated = {(item.series, item.sequence, item.number): item for item in attachments}
    found = 0
    for entry in manifest.files:
        if not entry.path.startswith(ATTACHMENTS):
            continue
        try:
            item = stated.get(read_attachment_path(entry.path))
        except ValueError:
            return failed("attachments", "A file has no place among the attachments.", entry.path)
        if item is None:
            detail = "No disclosed message carries this attachment."
            return failed("attachments", detail, entry.path)
        if (item.sha256, item.size) != (entry.sha256.hex(), entry.size):
            detail = "This is not the attachment its message commits to."
            return failed("attachments", detail, entry.path)
        found += 1
    absent = (
        f"; {len(stated) - found} are described but not in the bundle"
        if found < len(stated)
        else ""
    )
    if pictures:
        absent += f"; {pictures} pictures of participants as they were supplied"
    return passed("attachments", f"{found} attachments as their messages commit to them{absent}.")


def _check_pictures(manifest: Manifest) -> tuple[Finding | None, int]:
    """Return what is wrong with the pictures beside participants, and how many there are."""
    files = {entry.path: entry for entry in manifest.files if entry.path.startswith(PARTICIPANTS)}
    left = set(files)
    count = 0
    for info in manifest.series:
        try:
            named = manifest_format.pictures_of(info)
        except ValueError as error:
            detail = f"The pictures of a participant cannot be read: {error}."
            return failed("attachments", detail, info.head.series), count
        for picture in named:
            entry = files.get(picture.path)
            if entry is None or picture.path not in left:
                detail = "A picture of a participant is missing."
                return failed("attachments", detail, picture.path), count
            if (entry.sha256, entry.size) != (picture.sha256, picture.size):
                detail = "This is not the picture the manifest names beside the participant."
                return failed("attachments", detail, picture.path), count
            left.discard(picture.path)
            count += 1
    if left:
        return failed("attachments", "This picture belongs to no participant.", min(left)), count
    return None, count


def _check_tree(
    check: str,
    size: int,
    root: bytes | None,
    part: Part,
    proof: SeriesProof,
    leaves: Iterator[bytes],
    algorithm: Algorithm,
) -> Finding:
    if proof.size != size or proof.disclosed != part.disclosed:
        detail = "The proof is for other rows or another number of rows than the manifest states."
        return failed(check, detail, part.series)
    mine = list(islice(leaves, len(part.disclosed)))
    hashes = proof.hashes if algorithm is SHA256 else proof.sm3_hashes or ()
    claimed = proof.root if algorithm is SHA256 else proof.sm3_root
    try:
        found = merkle.root_from_pruned(size, part.disclosed, mine, hashes, algorithm)
    except ValueError as error:
        return failed(check, f"The proof does not fit its tree: {error}.", part.series)
    if found != root or claimed != root:
        detail = "The rows and hashes do not give the sealed root: a row was changed, moved or exchanged."
        return failed(check, detail, part.series)
    return passed(check, f"{len(part.disclosed)} of {size} rows stand as sealed.", part.series)


def _root(head: SeriesHead, algorithm: Algorithm) -> bytes | None:
    return head.root if algorithm is SHA256 else head.sm3_root


def _leaves(joined: bytearray) -> Iterator[bytes]:
    view = bytes(joined)
    return (view[at : at + 32] for at in range(0, len(view), 32))


def _first_difference(
    runs: Sequence[tuple[str, int, int]], expected: Sequence[tuple[str, int, int]]
) -> str:
    """Return a sentence naming the first row that is missing or does not belong."""
    for (series, _, _), want in zip(runs, expected, strict=False):
        if series != want[0]:
            return f"Rows of series {series} stand where series {want[0]} was selected."
    for series in dict.fromkeys(want[0] for want in expected):
        have = _spans(runs, series)
        want_spans = _spans(expected, series)
        if have == want_spans:
            continue
        mine, theirs = set(have), set(want_spans)
        for first, last in sorted(theirs - mine):
            return f"The selected rows {first}-{last} of series {series} do not stand here as such."
        for first, last in sorted(mine - theirs):
            return f"The rows {first}-{last} of series {series} were not selected."
    return "The rows are not the selected ones in their order."


def _spans(runs: Sequence[tuple[str, int, int]], series: str) -> list[tuple[int, int]]:
    return [(first, first + count - 1) for name, first, count in runs if name == series]


def _withheld_difference(
    key: tuple[str, int],
    stated: tuple[tuple[str, ...], str] | None,
    found: tuple[tuple[str, ...], str] | None,
) -> str:
    row = f"row {key[1]} of series {key[0]}"
    if found is None:
        return (
            f"The selection says that something of {row} is withheld, but the row shows all of it."
        )
    if stated is None:
        return f"Something of {row} is withheld without the selection saying so."
    if stated[0] != found[0]:
        return f"Of {row} other parts are withheld than the selection says."
    return f"For {row} the line and the selection give different reasons."


def _summary(part: Part) -> str:
    shown = f"rows {part.disclosed} of {part.n_rows}"
    whole = sum(items == (WHOLE,) for items in part.withheld.values())
    partly = len(part.withheld) - whole
    gaps = len(part.disclosed.spans) - 1
    order = "contiguous" if not gaps else f"{gaps} gaps"
    return f"{shown}, {order}, {whole} withheld whole, {partly} in part"
