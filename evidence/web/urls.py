"""Addresses of the pages."""

from django.urls import include, path

from evidence.web import (
    account,
    conversations,
    exports,
    holds,
    home,
    logs,
    matters,
    organisations,
    programs,
    search,
    stored,
    uploads,
    wizard,
    wizard_parties,
)

urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("samples/<slug:code>", home.SampleFile.as_view(), name="sample"),
    path("", include("evidence.web.sign_in_urls")),
    path("account/", account.Account.as_view(), name="account"),
    path(
        "account/tokens/<slug:token_id>/revoke/",
        account.RevokeToken.as_view(),
        name="revoke_token",
    ),
    path("account/programs/", programs.Programs.as_view(), name="programs"),
    path(
        "account/programs/<slug:grant_id>/end/",
        programs.EndProgram.as_view(),
        name="end_program",
    ),
    path("oauth/authorize", programs.Consent.as_view(), name="consent"),
    path("organisations/", organisations.Organisations.as_view(), name="organisations"),
    path(
        "organisations/<slug:organisation_id>/",
        organisations.OrganisationPage.as_view(),
        name="organisation",
    ),
    path(
        "organisations/<slug:organisation_id>/switch/",
        organisations.Switch.as_view(),
        name="switch_organisation",
    ),
    path(
        "organisations/<slug:organisation_id>/invite/",
        organisations.Invite.as_view(),
        name="invite",
    ),
    path(
        "organisations/<slug:organisation_id>/invitations/<slug:invitation_id>/revoke/",
        organisations.RevokeInvitation.as_view(),
        name="revoke_invitation",
    ),
    path(
        "organisations/<slug:organisation_id>/members/<slug:user_id>/",
        organisations.ChangeMember.as_view(),
        name="change_member",
    ),
    path(
        "organisations/<slug:organisation_id>/log/",
        logs.OrganisationLog.as_view(),
        name="organisation_log",
    ),
    path("invitations/<str:token>/", organisations.InvitationPage.as_view(), name="invitation"),
    path("matters/", matters.Matters.as_view(), name="matters"),
    path("matters/new/", matters.NewMatter.as_view(), name="new_matter"),
    path("matters/<slug:matter_id>/", matters.MatterPage.as_view(), name="matter"),
    path("matters/<slug:matter_id>/edit/", matters.EditMatter.as_view(), name="edit_matter"),
    path("matters/<slug:matter_id>/log/", logs.MatterLog.as_view(), name="matter_log"),
    path(
        "matters/<slug:matter_id>/members/",
        matters.MatterMembers.as_view(),
        name="matter_members",
    ),
    path("matters/<slug:matter_id>/holds/", holds.PlaceHold.as_view(), name="place_hold"),
    path(
        "matters/<slug:matter_id>/holds/<slug:hold_id>/release/",
        holds.ReleaseHold.as_view(),
        name="release_hold",
    ),
    path("upload/", uploads.Uploads.as_view(), name="upload"),
    path("upload/begin/", uploads.BeginUpload.as_view(), name="upload_begin"),
    path("upload/list/", uploads.UploadList.as_view(), name="upload_list"),
    path("upload/<slug:upload_id>/", uploads.UploadPage.as_view(), name="questions"),
    path("upload/<slug:upload_id>/piece/", uploads.Piece.as_view(), name="upload_piece"),
    path(
        "upload/<slug:upload_id>/progress/",
        uploads.UploadProgress.as_view(),
        name="upload_progress",
    ),
    path("upload/<slug:upload_id>/drop/", uploads.DropUpload.as_view(), name="upload_drop"),
    path("upload/<slug:upload_id>/retry/", uploads.RetryUpload.as_view(), name="upload_retry"),
    path(
        "acquisitions/<slug:acquisition_id>/",
        uploads.AcquisitionPage.as_view(),
        name="acquisition",
    ),
    path(
        "acquisitions/<slug:acquisition_id>/original",
        uploads.Original.as_view(),
        name="original",
    ),
    path(
        "acquisitions/<slug:acquisition_id>/seal",
        uploads.SealReceipt.as_view(),
        name="seal_receipt",
    ),
    path("conversations/", conversations.Conversations.as_view(), name="conversations"),
    path(
        "conversations/<slug:series_id>/",
        conversations.ConversationPage.as_view(),
        name="conversation",
    ),
    path(
        "conversations/<slug:series_id>/messages/<int:sequence>/attachments/<int:place>",
        conversations.AttachmentFile.as_view(),
        name="attachment",
    ),
    path(
        "conversations/<slug:series_id>/messages/<int:sequence>/attachments/<int:place>/small",
        conversations.Thumbnail.as_view(),
        name="thumbnail",
    ),
    path("conversations/<slug:series_id>/search/", search.Search.as_view(), name="search"),
    path("conversations/<slug:series_id>/about/", stored.Stored.as_view(), name="stored"),
    path("conversations/<slug:series_id>/log/", logs.SeriesLog.as_view(), name="series_log"),
    path(
        "conversations/<slug:series_id>/compare/<slug:other_id>/",
        stored.Compare.as_view(),
        name="compare",
    ),
    path(
        "conversations/<slug:series_id>/holds/",
        holds.HoldConversation.as_view(),
        name="hold_conversation",
    ),
    path("conversations/<slug:series_id>/delete/", stored.Erase.as_view(), name="erase"),
    path("drafts/", wizard.Drafts.as_view(), name="drafts"),
    path("drafts/<slug:draft_id>/delete/", wizard.DropDraft.as_view(), name="drop_draft"),
    *(
        path(f"drafts/<slug:draft_id>/{view.step}/", view.as_view(), name=f"wizard_{view.step}")
        for view in wizard.WIZARD
    ),
    path(
        "drafts/<slug:draft_id>/pictures/<slug:picture_id>",
        wizard_parties.PartyPictureImage.as_view(),
        name="party_picture",
    ),
    path("exports/", exports.Exports.as_view(), name="exports"),
    path("exports/<slug:export_id>/", exports.ExportPage.as_view(), name="export"),
    path("exports/<slug:export_id>/progress/", exports.Progress.as_view(), name="progress"),
    path("exports/<slug:export_id>/log/", logs.BundleLog.as_view(), name="bundle_log"),
    path("exports/<slug:export_id>/cancel/", exports.Cancel.as_view(), name="cancel"),
    path("exports/<slug:export_id>/retry/", exports.Retry.as_view(), name="retry"),
    path("exports/<slug:export_id>/withdraw/", exports.Withdraw.as_view(), name="withdraw"),
    path("exports/<slug:export_id>/supersede/", exports.Supersede.as_view(), name="supersede"),
    path("exports/<slug:export_id>/files/<str:name>", exports.Download.as_view(), name="download"),
]
