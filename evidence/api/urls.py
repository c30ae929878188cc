"""Addresses of the API, version 1."""

from django.urls import path
from oauth2_provider.views import RevokeTokenView, TokenView

from evidence.api import (
    acquisitions,
    artifacts,
    conversations,
    exports,
    matters,
    me,
    messages,
    root,
    selections,
    verifications,
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
    path("downloads", artifacts.Download.as_view(), name="api-download"),
    path("verifications", verifications.Verifications.as_view(), name="api-verifications"),
    path("<path:rest>", root.Nowhere.as_view()),
]
