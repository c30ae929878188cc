"""Register a conversation that a provider will push, and the keys it signs with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.db import IntegrityError, transaction

from evidence import custody
from evidence.archive.blobs import store_blob
from evidence.archive.keys import keyed, new_series_key, seal_json
from evidence.archive.pushed import (
    FORMAT,
    PARSER_NAME,
    PARSER_VERSION,
    StreamState,
    attachment_name,
    sealed_state,
    stream_identity,
)
from evidence.errors import PushRefused
from evidence.models import (
    Acquisition,
    Conversation,
    Organisation,
    PushAttachment,
    PushKey,
    PushStream,
    Series,
    User,
)
from evidence.models.ids import opaque_id
from evidence.sign import jws
from evidence.values import Actor, Json, Subject

TYPES = ("direct", "group", "channel", "unknown")
MAX_KEYS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What will be pushed. account: the custodian's id at the provider; start: the position of the
    provider's counter after which the first batch begins."""

    provider: str
    account: str
    conversation: str
    title: str | None = None
    type: str = "unknown"
    custodian: str = ""
    start: int = 0


def open_push_stream(
    *,
    organisation: Organisation,
    actor: Actor,
    pushed: Pushed,
    key: Any,
    kid: str = "",
    at: datetime,
    user: User | None = None,
) -> PushStream:
    """Register ``pushed`` with the first key of its provider (a JWK) and return the stream.

    Raises PushRefused: ``push_key_invalid``, or ``stream_exists`` for a conversation that has one.
    """
    public = _public(key)
    public_id = opaque_id()
    identity = stream_identity(organisation, pushed.provider, pushed.account, pushed.conversation)
    try:
        with transaction.atomic():
            acquisition = _acquisition(organisation, public_id, pushed, at, user)
            series = _series(organisation, acquisition, pushed, at)
            state = StreamState(
                provider=pushed.provider,
                account=pushed.account,
                conversation=pushed.conversation,
                title=pushed.title,
                type=pushed.type,
                cursor=pushed.start,
            )
            stream = PushStream.objects.create(
                public_id=public_id,
                organisation=organisation,
                acquisition=acquisition,
                series=series,
                identity_key=identity,
                created_by=user,
                created_at=at,
                changed_at=at,
                payload=sealed_state(organisation, public_id, state),
            )
            _add(stream, public, kid, at)
            custody.append(
                event_id=f"acquisition.received:{acquisition.public_id}",
                event="acquisition.received",
                actor=actor,
                subjects=[Subject("acquisition", acquisition.public_id)],
                details={
                    "format": FORMAT,
                    "parser": acquisition.parser_version,
                    "series": [series.public_id],
                    "key": jws.thumbprint(public),
                },
                at=at,
            )
    except IntegrityError as error:
        found = PushStream.objects.filter(organisation=organisation, identity_key=identity).first()
        if found is None:
            raise
        raise PushRefused(
            "the conversation has a stream", code="stream_exists", facts={"stream": found.public_id}
        ) from error
    custody.sequence_pending()
    return stream


def add_push_key(
    *, stream: PushStream, key: Any, kid: str = "", retire: str = "", actor: Actor, at: datetime
) -> PushKey:
    """Add a key to ``stream``, retire the one called ``retire``, log both, and return the new one.

    Raises PushRefused: ``push_key_invalid`` for no usable key, a name already taken, too many, or
    an unknown one to retire.
    """
    public = _public(key)
    with transaction.atomic():
        PushStream.objects.select_for_update().get(pk=stream.pk)
        live = PushKey.objects.filter(stream=stream, retired_at=None)
        if retire and not live.filter(kid=retire).exists():
            raise PushRefused("no such key to retire", code="push_key_invalid")
        live.filter(kid=retire).update(retired_at=at)
        added = _add(stream, public, kid, at)
        custody.append(
            event_id=f"push.key:{stream.public_id}:{added.pk}",
            event="access.granted",
            actor=actor,
            subjects=[Subject("acquisition", stream.acquisition.public_id)],
            details={"key": jws.thumbprint(public), "kid": added.kid, "retired": retire or None},
            at=at,
        )
    custody.sequence_pending()
    return added


def store_push_attachment(
    *, stream: PushStream, sha256: str, data: BinaryIO, size: int, at: datetime
) -> bool:
    """Keep bytes for a message still to come; return False where the stream has them already.

    The caller has checked that ``data`` has this SHA-256 and size.
    """
    name = attachment_name(stream.organisation, sha256)
    if PushAttachment.objects.filter(stream=stream, name=name, blob__isnull=False).exists():
        return False
    blob = store_blob(stream.organisation, data, at=at)
    _, is_new = PushAttachment.objects.update_or_create(
        stream=stream,
        name=name,
        defaults={"blob": blob, "size": size},
        create_defaults={"blob": blob, "size": size, "created_at": at},
    )
    return is_new


def _public(key: Any) -> dict[str, str]:
    try:
        return jws.public_key(key)
    except ValueError as error:
        raise PushRefused(str(error), code="push_key_invalid") from error


def _add(stream: PushStream, public: Mapping[str, str], kid: str, at: datetime) -> PushKey:
    name = kid or jws.thumbprint(public)
    known = PushKey.objects.filter(stream=stream)
    if known.filter(kid=name).exists() or known.count() >= MAX_KEYS:
        raise PushRefused("this key id is taken, or there are too many", code="push_key_invalid")
    return PushKey.objects.create(stream=stream, kid=name, key=dict(public), added_at=at)


def _acquisition(
    organisation: Organisation, stream_id: str, pushed: Pushed, at: datetime, user: User | None
) -> Acquisition:
    public_id = opaque_id()
    report: dict[str, Any] = {
        "name": f"{pushed.provider} push",
        "size": 0,
        "sha256": "",
        "answers": {"timezone": None, "date_order": None, "owner": pushed.account},
        "warnings": [],
        "seed": "",
        "members": 0,
    }
    return Acquisition.objects.create(
        public_id=public_id,
        organisation=organisation,
        created_by=user,
        created_at=at,
        stored_at=at,
        format=FORMAT,
        parser_version=f"{PARSER_NAME}/{PARSER_VERSION}",
        fingerprint=keyed(organisation, "push", stream_id),
        payload=seal_json(organisation, public_id, "acquisition", report),
    )


def _series(
    organisation: Organisation, acquisition: Acquisition, pushed: Pushed, at: datetime
) -> Series:
    public_id = opaque_id()
    _, wrapped = new_series_key(organisation, public_id)
    facts: dict[str, Any] = {
        "title": pushed.title,
        "platform": pushed.provider,
        "platform_id": pushed.conversation,
        "type": pushed.type,
        "custodian": pushed.custodian or organisation.name,
        "owner_name": None,
        "owner_id": pushed.account,
        "date_order": None,
        "participants": [],
        "warnings": [],
        "unparsed": 0,
    }
    return Series.objects.create(
        public_id=public_id,
        organisation=organisation,
        acquisition=acquisition,
        conversation=_conversation(organisation, pushed, facts["custodian"], at),
        place=1,
        wrapped_key=wrapped,
        payload=seal_json(organisation, public_id, "series", facts),
    )


def _conversation(
    organisation: Organisation, pushed: Pushed, custodian: str, at: datetime
) -> Conversation:
    public_id = opaque_id()
    facts: dict[str, Json] = {
        "platform": pushed.provider,
        "title": pushed.title,
        "custodian": custodian,
    }
    identity = keyed(
        organisation, "conversation", pushed.provider, f"push:{pushed.account}", pushed.conversation
    )
    conversation, _ = Conversation.objects.get_or_create(
        organisation=organisation,
        identity_key=identity,
        defaults={
            "public_id": public_id,
            "payload": seal_json(organisation, public_id, "conversation", facts),
            "created_at": at,
        },
    )
    return conversation
