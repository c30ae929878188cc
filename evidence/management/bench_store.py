"""Material for the parts of ``manage.py bench`` that need a full store: many rows, made up quickly.

A million messages would take minutes to acquire, and pages do not care where rows come from. So
a chat of ``ACQUIRED`` messages goes the ordinary way, and its messages are repeated until the
conversation is as long as asked: each row is encrypted for its own place with a seed of its own and
opens like any other. Only leaf hashes are invented and the head still states the small tree, so
bundles of it can be asked for and not made: the one that is issued is of the small chat.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.utils import timezone
from jwcrypto import jwk

from evidence.actions.acquire_file import acquire_file
from evidence.actions.advance import run_to_end
from evidence.actions.open_push_stream import Pushed, open_push_stream
from evidence.actions.request_export import ExportOptions
from evidence.actions.take_batch import take_batch
from evidence.archive.keys import message_aad, new_series_key, open_json, seal_json
from evidence.archive.read import messages
from evidence.formats import canonical, push
from evidence.front.exporting import ask_for_bundle
from evidence.gateways import crypt
from evidence.ingest import Answers
from evidence.management import benchmark
from evidence.models import Export, Job, Message, Organisation, Series, User
from evidence.models.ids import opaque_id
from evidence.select import Choice
from evidence.select.blocks import add_blocks
from evidence.sign import jws
from evidence.values import Actor

ACQUIRED = 1_000
PUSHED = 200
_BATCH = 10_000


def acquired(user: User, folder: Path) -> Series:
    """Return the series of a made-up chat of ``ACQUIRED`` messages that ``user`` delivered."""
    chat = folder / "chat.txt"
    benchmark.write_chat(chat, ACQUIRED)
    result = acquire_file(
        organisation=organisation_of(user), actor=_person(user), path=chat, name=chat.name,
        answers=Answers(timezone="Europe/Berlin", date_order="dmy"), at=timezone.now(), user=user,
    )  # fmt: skip
    return Series.objects.get(acquisition=result.acquisition)


def organisation_of(user: User) -> Organisation:
    """Return the one organisation of ``user``."""
    return Organisation.objects.get(memberships__user=user)


def _person(user: User) -> Actor:
    return Actor("person", user.public_id, user.get_username())


def lengthened(small: Series, size: int) -> Series:
    """Return a series beside ``small`` in which its messages repeat up to ``size``."""
    public_id = opaque_id()
    key, wrapped = new_series_key(small.organisation, public_id)
    facts = open_json(small.organisation, small.public_id, "series", small.payload)
    began = small.first_at or timezone.now()
    beside = small.acquisition.series.order_by("-place").values_list("place", flat=True)
    long = Series.objects.create(
        public_id=public_id, organisation=small.organisation, acquisition=small.acquisition,
        conversation=small.conversation, place=beside[0] + 1, wrapped_key=wrapped, size=size,
        root=bytes(small.root or b""), head=bytes(small.head), first_at=began,
        payload=seal_json(small.organisation, public_id, "series", facts),
        last_at=began + timedelta(minutes=size), sealed_at=small.sealed_at,
    )  # fmt: skip
    plain = [one.fields for one in messages(small)]
    kinds = list(small.messages.order_by("sequence").values_list("kind", "participant"))
    encrypt = crypt.sealer(key)
    for start in range(1, size + 1, _BATCH):
        numbers = range(start, min(size, start + _BATCH - 1) + 1)
        Message.objects.bulk_create(
            [_row(long, number, plain, kinds, encrypt, began) for number in numbers]
        )
    add_blocks(long, size)
    return long


def _row(
    series: Series,
    number: int,
    plain: list[bytes],
    kinds: list[tuple[str, int]],
    encrypt: Callable[[bytes, bytes], bytes],
    began: datetime,
) -> Message:
    place = (number - 1) % len(plain)
    aad = message_aad(series.organisation.public_id, series.public_id, number)
    return Message(
        series_id=series.pk, sequence=number, kind=kinds[place][0], participant=kinds[place][1],
        occurred_at=began + timedelta(minutes=number), leaf_hash=os.urandom(32),
        payload=encrypt(os.urandom(32) + plain[place], aad),
    )  # fmt: skip


def issued(user: User, series: Series) -> Export:
    """Return a bundle of the whole of ``series``, asked for by ``user`` and made."""
    export = ask_for_bundle(
        organisation=series.organisation, actor=_person(user), user=user, matter_name="Bench",
        choices=[(series, Choice())], options=ExportOptions(requester="Bench"), at=timezone.now(),
    )  # fmt: skip
    job = run_to_end(export.job.pk)
    if job.phase != Job.Phase.READY:
        raise RuntimeError(f"the export failed: {job.error_code}")
    return Export.objects.get(pk=export.pk)


def grown(user: User) -> Series:
    """Return the series of a stream into which ``PUSHED`` messages came, after a gap."""
    names: dict[str, Any] = {
        "provider": "chatcloud", "account": "u-ana", "conversation": "c-1",
    }  # fmt: skip
    key = json.loads(jwk.JWK.generate(kty="OKP", crv="Ed25519").export_private())
    stream = open_push_stream(
        organisation=organisation_of(user), actor=_person(user), pushed=Pushed(**names), key=key,
        kid="k1", at=timezone.now(), user=user,
    )  # fmt: skip
    lines = [
        canonical.dumps(
            {"kind": "text", "platform_id": f"m-{number}", "body": benchmark.made_up_body(number),
             "time_raw": f"2026-01-13T08:00:{number % 60:02d}+00:00", "direction": "out",
             "sender": {"id": "u-ana", "name": "Ana Silva"}}
        )
        for number in range(PUSHED)
    ]  # fmt: skip
    body = b"".join(line + b"\n" for line in lines)
    envelope = push.Envelope(
        stream=stream.public_id, **names, number=1, previous=None, count=PUSHED,
        cursor=push.Positions(9, 9 + PUSHED), gap=push.Gap(0, 9, "retention"),
        messages=sha256(body).digest(), time=f"{timezone.now():%Y-%m-%dT%H:%M:%SZ}",
    )  # fmt: skip
    data = push.write_batch(envelope, jws.sign(envelope.line(), key, "k1"), body)
    take_batch(stream=stream, data=data, actor=_person(user), at=timezone.now())
    return Series.objects.get(pk=stream.series_id)
