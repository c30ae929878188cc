"""Phase 4: sign the volumes, then write the manifest, then render and sign the master.

The manifest lists the signed volumes, and the master carries the manifest, so the master comes
last. Bundle files that are neither PDF nor evidence (README, verifier, certificates) are laid
down here too, since the manifest lists them.
"""

from __future__ import annotations

import base64
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings

from evidence import bundle
from evidence.actions import workspace
from evidence.actions.export_steps import wording
from evidence.actions.export_steps.laid import files_of, known_entries
from evidence.actions.export_steps.parts import Part, parts_of
from evidence.actions.export_steps.render import bates_numbers, drawn, fonts
from evidence.actions.open_matter import describe_matter
from evidence.actions.request_export import export_request
from evidence.formats import manifest, series_head, shape
from evidence.gateways.current import Gateways, current
from evidence.models import Export, Job
from evidence.render.drafts import render_drafts
from evidence.render.exhibit import HashLine, RenderedVolume
from evidence.render.fonts import CJK_FACES, CJK_FILE
from evidence.render.rendering import Rendering, render_master, render_volumes
from evidence.sign.appearance import VisibleStamp
from evidence.sign.pdf import sign_pdf
from evidence.verify.offline import pyz

MASTER = "data/evidence.pdf"
MANIFEST = "data/manifest.json"


def run(job: Job, at: datetime) -> None:
    """Sign everything. Raises SigningFailed, StampUnavailable or StorageFailed; nothing is issued
    then, and what was signed is thrown away with the next run."""
    export = job.export
    folder = workspace.folder(export)
    bag = folder / "bag"
    gateways = current()
    state = workspace.read_json(folder / "state.json")
    workspace.keep_only(bag, set(state["laid_down"]))
    parts = parts_of(export)
    rendering = drawn(export)
    for volume in rendering.volumes:
        _sign(volume, bag / "data" / volume.path.name, export, gateways, at)
    _lay_down(bag, export, state, gateways)
    _lay_down_drafts(bag, rendering, folder)
    data = manifest.dumps(_manifest(export, parts, state, bag, rendering, gateways))
    workspace.write(bag / MANIFEST, data)
    master = render_master(rendering, embed={"manifest.json": data})
    _sign(master, bag / MASTER, export, gateways, at)


def _sign(
    volume: RenderedVolume,
    target: Path,
    export: Export,
    gateways: Gateways,
    at: datetime,
) -> None:
    options, _ = export_request(export)
    words = wording.of(options.language)
    target.parent.mkdir(parents=True, exist_ok=True)
    left, bottom, right, top = (round(edge) for edge in volume.seal_box.rect)
    sign_pdf(
        volume.path,
        target,
        signer=gateways.seal_key,
        stamper=gateways.stamper,
        reason=f"TrueThread evidence bundle {export.public_id}, volume {volume.number}",
        at=at,
        visible=VisibleStamp(
            page=volume.seal_box.page,
            box=(left, bottom, right, top),
            lines=(
                words["sealed_by"].format(gateways.seal_key.common_name),
                words["sealed_bundle"].format(export.public_id, volume.number, volume.of),
                words["sealed_how"],
                *((words["sealed_development"],) if gateways.trust == "development" else ()),
            ),
            font=fonts().folder / CJK_FILE,
            font_number=CJK_FACES["zh-Hans"],
        ),
        # Who signs again has drawn again: a rendering is used once.
        consume=True,
    )


def _lay_down(bag: Path, export: Export, state: dict[str, Any], gateways: Gateways) -> None:
    """Write README, verifier and the certificates a stranger needs to check the tokens."""
    pyz.build(bag / "verify.pyz")
    verifier = sha256((bag / "verify.pyz").read_bytes()).digest()
    readme = bundle.readme(
        bundle=export.public_id,
        deployment=settings.TRUETHREAD_DEPLOYMENT_NAME,
        verifier_url=f"{settings.TRUETHREAD_PUBLIC_URL}/verify.pyz",
        verifier_sha256=verifier,
    )
    workspace.write(bag / "README.txt", readme)
    folder = bag / "data" / "certificates"
    seal = (gateways.seal_key.certificate, *gateways.seal_key.chain)
    workspace.write(folder / "seal-chain.pem", _pem(seal))
    for name, stamp in state["stamps"].items():
        chain = tuple(base64.b64decode(one) for one in stamp["certificates"])
        workspace.write(folder / f"{name}-chain.pem", _pem(chain))
        for number, crl in enumerate(stamp["crls"], start=1):
            workspace.write(folder / f"{name}-{number}.crl", base64.b64decode(crl))


def _lay_down_drafts(bag: Path, rendering: Rendering, folder: Path) -> None:
    """Write what the chosen court asks for beside the exhibit, unsigned: a certified PDF cannot be
    filled in. Without a jurisdiction there is nothing to draft."""
    if rendering.exhibit.jurisdiction is None:
        return
    drafts = bag / "data" / "drafts"
    drafts.mkdir(parents=True, exist_ok=True)
    render_drafts(rendering, drafts, fonts=fonts(), files=hash_lines(bag))
    copies = workspace.fresh(folder / "filing-copy")
    copy = render_volumes(rendering.exhibit, copies, fonts=fonts(), filing_copy=True)
    for volume in (render_master(copy, embed={}), *copy.volumes):
        volume.path.replace(drafts / volume.path.name)


def hash_lines(bag: Path) -> list[HashLine]:
    """Return name, size and SHA-256 of every file laid down so far that is not a draft."""
    listed = {name: part for name, part in files_of(bag).items() if "/drafts/" not in name}
    return [
        HashLine(name=entry.path, sha256=entry.sha256.hex(), size=entry.size)
        for entry in bundle.describe(listed, known=known_entries(bag))
        if entry.path in listed
    ]


def _pem(certificates: tuple[bytes, ...]) -> bytes:
    return b"".join(
        b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(der) + b"-----END CERTIFICATE-----\n"
        for der in certificates
    )


def _manifest(
    export: Export,
    parts: list[Part],
    state: dict[str, Any],
    bag: Path,
    rendering: Rendering,
    gateways: Gateways,
) -> manifest.Manifest:
    options, actor = export_request(export)
    matter = describe_matter(export.matter)
    requester = options.requester or actor.name or actor.id
    zones = {part.facts.timezone for part in parts if part.facts.timezone}
    stated = {"requester": actor.name or actor.id, "matter": requester}
    if zones:
        stated["timezone"] = requester
    if options.parties:
        stated["parties"] = requester
    return manifest.Manifest(
        bundle=export.public_id,
        created=state["created"],
        deployment_name=settings.TRUETHREAD_DEPLOYMENT_NAME,
        deployment_origin=settings.TRUETHREAD_PUBLIC_URL,
        deployment_trust=gateways.trust,
        language=options.language,
        jurisdiction=options.jurisdiction,
        matter=manifest.Matter(
            id=export.matter.public_id,
            name=matter["name"] or None,
            number=matter["number"] or None,
            purpose=options.purpose or matter["purpose"] or None,
            authority=options.authority or matter["authority"] or None,
            requester=requester,
        ),
        series=tuple(_series_info(part, state) for part in parts),
        siblings=tuple(
            manifest.Sibling(
                series=one["series"],
                compared_with=part.series.public_id,
                head=bytes.fromhex(one["head_digest"]),
                same=one["same"],
                different=one["different"],
                missing=one["missing"],
                extra=one["extra"],
            )
            for part in parts
            for one in state["siblings"][part.series.public_id]
        ),
        parts=tuple(part.stated for part in parts),
        log_origin=state["origin"],
        log_vkey=state["vkey"],
        prepared_index=state["prepared_index"],
        volumes=tuple(_volume(volume, first) for volume, first in bates_numbers(rendering)),
        stated=stated,
        files=bundle.describe(
            files_of(bag), sm3=bool(settings.TRUETHREAD_SM3), known=known_entries(bag)
        ),
        earlier=tuple(
            manifest.EarlierStamp(one["size"], tuple(shape.unhex_list(one["consistency"])))
            for one in state["earlier"]
        ),
    )


def _series_info(part: Part, state: dict[str, Any]) -> manifest.SeriesInfo:
    original = state["originals"].get(part.series.acquisition.public_id)
    head = state["heads"][part.series.public_id]["value"]
    return manifest.SeriesInfo(
        head=series_head.read(head),
        head_entry=state["head_entries"][part.series.public_id],
        title=part.facts.title or "",
        platform=part.facts.platform,
        custodian=part.facts.custodian,
        original=None
        if original is None
        else series_head.Original(
            name=original["name"],
            owner=original["owner"],
            sha256=bytes.fromhex(original["sha256"]),
            size=original["size"],
        ),
        original_seed=None if original is None else bytes.fromhex(original["seed"]),
        participants=tuple(state["participants"][part.series.public_id]),
    )


def _volume(volume: RenderedVolume, first: int) -> manifest.Volume:
    return manifest.Volume(
        path=f"data/{volume.path.name}",
        pages=volume.pages,
        bates_first=first,
        bates_last=first + volume.pages - 1,
    )
