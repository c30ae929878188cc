"""Addresses of the API, version 1."""

from django.urls import path
from oauth2_provider.views import RevokeTokenView, TokenView

from evidence.api import (
    acquisitions,
    artifacts,
    conversations,
    exports,
    holds,
    log,
    matters,
    me,
    messages,
    root,
    selections,
    verifications,
    webhooks,
)

urlpatterns = [
    path("", root.Root.as_view(), name="api-root"),
    path("oauth/token", TokenView.as_view(), name="api-oauth-token"),
    path("oauth/revoke", RevokeTokenView.as_view(), name="api-oauth-revoke"),
    path("me", me.Me.as_view(), name="api-me"),
    path("matters", matters.Matters.as_view(), name="api-matters"),
    path("matters/<slug:matter_id>", matters.MatterDetail.as_view(), name="api-matter"),
    path("acquisitions", acquisitions.Acquisitions.as_view(), name="api-acquisitions"),
    path(
        "acquisitions/<slug:acquisition_id>",
        acquisitions.AcquisitionDetail.as_view(),
        name="api-acquisition",
    ),
    path("conversations", conversations.Conversations.as_view(), name="api-conversations"),
    path(
        "conversations/<slug:conversation_id>",
        conversations.ConversationDetail.as_view(),
        name="api-conversation",
    ),
    path(
        "conversations/<slug:conversation_id>/messages",
        messages.Messages.as_view(),
        name="api-messages",
    ),
    path("selections", selections.Selections.as_view(), name="api-selections"),
    path(
        "selections/<slug:selection_id>",
        selections.SelectionDetail.as_view(),
        name="api-selection",
    ),
    path("exports", exports.Exports.as_view(), name="api-exports"),
    path("exports/<slug:export_id>", exports.ExportDetail.as_view(), name="api-export"),
    path("exports/<slug:export_id>/cancel", exports.Cancel.as_view(), name="api-cancel"),
    path("exports/<slug:export_id>/retry", exports.Retry.as_view(), name="api-retry"),
    path("exports/<slug:export_id>/withdraw", exports.Withdraw.as_view(), name="api-withdraw"),
    path("exports/<slug:export_id>/supersede", exports.Supersede.as_view(), name="api-supersede"),
    path("exports/<slug:export_id>/custody", exports.Custody.as_view(), name="api-custody"),
    path("exports/<slug:export_id>/artifacts", artifacts.Artifacts.as_view(), name="api-artifacts"),
    path(
        "exports/<slug:export_id>/artifacts/<str:name>",
        artifacts.ArtifactFile.as_view(),
        name="api-artifact",
    ),
    path("holds", holds.Holds.as_view(), name="api-holds"),
    path("holds/<slug:hold_id>", holds.HoldDetail.as_view(), name="api-hold"),
    path("holds/<slug:hold_id>/release", holds.ReleaseHold.as_view(), name="api-release"),
    path("log/checkpoint", log.LatestCheckpoint.as_view(), name="api-log"),
    path("log/inclusion", log.Inclusion.as_view(), name="api-inclusion"),
    path("log/consistency", log.Consistency.as_view(), name="api-consistency"),
    path("webhooks", webhooks.Webhooks.as_view(), name="api-webhooks"),
    path("webhooks/<slug:webhook_id>", webhooks.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<slug:webhook_id>/secrets", webhooks.Secrets.as_view(), name="api-secrets"),
    path(
        "webhooks/<slug:webhook_id>/secrets/<slug:secret_id>",
        webhooks.SecretDetail.as_view(),
        name="api-secret",
    ),
    path("webhooks/<slug:webhook_id>/ping", webhooks.Ping.as_view(), name="api-ping"),
    path(
        "webhooks/<slug:webhook_id>/deliveries",
        webhooks.Deliveries.as_view(),
        name="api-deliveries",
    ),
    path(
        "webhooks/<slug:webhook_id>/deliveries/<slug:delivery_id>",
        webhooks.DeliveryDetail.as_view(),
        name="api-delivery",
    ),
    path(
        "webhooks/<slug:webhook_id>/deliveries/<slug:delivery_id>/replay",
        webhooks.Replay.as_view(),
        name="api-replay",
    ),
    path("downloads", artifacts.Download.as_view(), name="api-download"),
    path("verifications", verifications.Verifications.as_view(), name="api-verifications"),
    path("<path:rest>", root.Nowhere.as_view()),
]
