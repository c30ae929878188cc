"""Addresses of the API, version 1."""

from django.urls import path

from evidence.api import acquisitions, conversations, exports, root, verifications

urlpatterns = [
    path("", root.Root.as_view(), name="api-root"),
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
    path("exports", exports.Exports.as_view(), name="api-exports"),
    path("exports/<slug:export_id>", exports.ExportDetail.as_view(), name="api-export"),
    path(
        "exports/<slug:export_id>/artifacts/<str:name>",
        exports.ArtifactFile.as_view(),
        name="api-artifact",
    ),
    path("verifications", verifications.Verifications.as_view(), name="api-verifications"),
    path("<path:rest>", root.Nowhere.as_view()),
]
