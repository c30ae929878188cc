"""Rows, one file per subject. Written only by ``actions`` and ``custody``."""

from evidence.models.api import ApiAnswer, ApiBucket, ApiClient, ApiGrant
from evidence.models.archive import (
    Acquisition,
    Attachment,
    Blob,
    Conversation,
    Message,
    MessageBlock,
    Series,
)
from evidence.models.comparisons import Comparison
from evidence.models.conversions import Conversion
from evidence.models.custody import (
    Checkpoint,
    CustodyEntry,
    CustodyPending,
    CustodySubject,
    LogEpoch,
    LogNode,
    Stamp,
)
from evidence.models.drafts import Draft
from evidence.models.exports import Artifact, Export, Job, Selection
from evidence.models.matters import Hold, Matter, MatterMember
from evidence.models.people import ApiToken, Invitation, Membership, Organisation, User
from evidence.models.pictures import PartyPicture
from evidence.models.push import (
    PushAttachment,
    PushBatch,
    PushKey,
    PushRefusal,
    PushStream,
    SeriesNode,
)
from evidence.models.uploads import Upload
from evidence.models.webhooks import Webhook, WebhookAttempt, WebhookDelivery, WebhookEvent

__all__ = [
    "Acquisition", "ApiAnswer", "ApiBucket", "ApiClient", "ApiGrant", "ApiToken", "Artifact", "Attachment",
    "Blob", "Checkpoint", "Comparison", "Conversation", "Conversion",
    "CustodyEntry", "CustodyPending", "CustodySubject", "Draft", "Export", "Hold", "Invitation", "Job", "LogEpoch",
    "LogNode", "Matter", "MatterMember", "Membership", "Message", "MessageBlock", "Organisation", "PartyPicture",
    "PushAttachment",
    "PushBatch", "PushKey", "PushRefusal", "PushStream", "Selection",
    "Series", "SeriesNode", "Stamp", "Upload", "User", "Webhook", "WebhookAttempt", "WebhookDelivery", "WebhookEvent",
]  # fmt: skip
