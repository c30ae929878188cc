"""Every page there is, by the name of its address: who looks at it, and how they get there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

from tests.browser.stage import Stage

Address = Callable[[Stage], str]


@dataclass(frozen=True, slots=True)
class Scene:
    """A page in one state.

    name: of the picture. shows: the name of the address in the URL table. who: a person of the
    stage, or nobody. act: what is done there before it is looked at.
    """

    name: str
    shows: str
    address: Address
    who: str = "alice"
    act: Callable[[Any, Stage], None] | None = None


def at(name: str, *parts: str, query: str = "") -> Address:
    """Return the address called ``name``; parts name things of the stage by attribute path."""

    def find(stage: Stage) -> str:
        return reverse(name, args=[_thing(stage, part) for part in parts]) + query

    return find


def _thing(stage: Stage, path: str) -> Any:
    found: Any = stage
    for step in path.split("."):
        found = getattr(found, step)
    return getattr(found, "public_id", found)


def _key(stage: Stage) -> str:
    """Return the key of a mail that asks to confirm an address."""
    from allauth.account.models import EmailAddress, EmailConfirmationHMAC

    waiting, _made = EmailAddress.objects.get_or_create(
        user=stage.dora.user, email="dora.new@example.org", verified=False, primary=False
    )
    return str(EmailConfirmationHMAC(waiting).key)


def _check(which: str) -> Callable[[Any, Stage], None]:
    def act(page: Any, stage: Stage) -> None:
        page.set_input_files("#file", getattr(stage, which))
        page.wait_for_selector("#first .hash")
        page.click("#check .button")
        page.wait_for_selector(".verdict")

    return act


def _refuse(page: Any, stage: Stage) -> None:
    page.set_input_files(
        "input[type=file]", {"name": "x.txt", "mimeType": "text/plain", "buffer": b"\0\1 nothing"}
    )
    page.click("main form .button")
    page.wait_for_url("**/upload/*/")


def _open_message(page: Any, stage: Stage) -> None:
    page.click('a[href*="message=2#edit"]')
    page.wait_for_selector(".piece")


def _token(page: Any, stage: Stage) -> None:
    page.fill("#label", "Review platform")
    page.click("main form:has(#label) .button")
    page.wait_for_selector(".note.good")


def _empty(page: Any, stage: Stage) -> None:
    """Send a form with nothing in it, past the browser's own check."""
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.click("main form .button")
    page.wait_for_selector(".errorlist, .field-error, .note.error")


STEPS = (
    "purpose", "authority", "conversations", "messages", "redaction", "parties", "review",
    "confirm",
)  # fmt: skip

SCENES = (
    Scene("home", "home", at("home"), "nobody"),
    Scene("home-signed-in", "home", at("home")),
    Scene("sign-in", "login", at("login"), "nobody"),
    Scene("sign-in-wrong", "login", at("login"), "nobody", _empty),
    Scene("sign-up", "signup", at("signup"), "nobody"),
    Scene("sign-up-wrong", "signup", at("signup"), "nobody", _empty),
    *(
        Scene(name.replace("_", "-"), name, at(name), "nobody")
        for name in (
            "account_email_verification_sent", "account_inactive", "account_reset_password",
            "account_reset_password_done", "account_reset_password_from_key_done",
        )
    ),
    Scene("account-confirm-email", "account_confirm_email",
          lambda stage: reverse("account_confirm_email", args=[_key(stage)]), "nobody"),
    Scene("account-confirm-email-old", "account_confirm_email",
          lambda stage: reverse("account_confirm_email", args=["x:y"]), "nobody"),
    Scene("account-new-password-old", "account_reset_password_from_key",
          lambda stage: reverse("account_reset_password_from_key", args=["1", "x-y"]), "nobody"),
    *(
        Scene(name.replace("_", "-"), name, at(name))
        for name in (
            "logout", "account_change_password", "account_email", "account_reauthenticate",
            "mfa_index", "mfa_activate_totp", "mfa_generate_recovery_codes", "usersessions_list",
        )
    ),
    *(Scene(name.replace("_", "-"), name, at(name)) for name in (
        "organisations", "matters", "new_matter", "programs",
    )),
    Scene("organisation", "organisation", at("organisation", "alice.organisation")),
    Scene("organisation-log", "organisation_log", at("organisation_log", "alice.organisation")),
    Scene("invitation", "invitation", lambda stage: stage.invitation, "dora"),
    Scene("invitation-nobody", "invitation", lambda stage: stage.invitation, "nobody"),
    Scene("matters-empty", "matters", at("matters"), "dora"),
    Scene("matter", "matter", at("matter", "ready.matter")),
    Scene("matter-loan", "matter", at("matter", "failed.matter")),
    Scene("edit-matter", "edit_matter", at("edit_matter", "ready.matter")),
    Scene("consent", "consent", lambda stage: stage.consent),
    Scene("consent-wrong", "consent", at("consent")),
    Scene("account", "account", at("account")),
    Scene("account-token", "account", at("account"), "alice", _token),
    Scene("upload", "upload", at("upload")),
    Scene("upload-refused", "upload", at("upload"), "alice", _refuse),
    Scene("questions", "questions", lambda stage: stage.questions),
    Scene("acquisition", "acquisition", at("acquisition", "telegram.acquisition")),
    Scene("conversations", "conversations", at("conversations")),
    Scene("conversations-empty", "conversations", at("conversations"), "dora"),
    Scene("conversation", "conversation", at("conversation", "telegram")),
    Scene("conversation-wechat", "conversation", at("conversation", "wechat")),
    Scene("conversation-pushed", "conversation", at("conversation", "pushed")),
    Scene("stored", "stored", at("stored", "telegram")),
    Scene("stored-group", "stored", at("stored", "group")),
    Scene("series-log", "series_log", at("series_log", "telegram")),
    Scene("matter-log", "matter_log", at("matter_log", "ready.matter")),
    Scene("bundle-log", "bundle_log", at("bundle_log", "ready")),
    Scene("stored-twice", "stored", at("stored", "small")),
    Scene("compare", "compare", at("compare", "small", "third")),
    Scene("compare-waiting", "compare", at("compare", "small", "again")),
    Scene("compare-done", "compare", at("compare", "again", "small")),
    Scene("erase", "erase", at("erase", "telegram")),
    Scene("search", "search", at("search", "telegram", query="?q=the")),
    Scene("search-chinese", "search", at("search", "telegram", query="?q=钱")),
    Scene("search-nothing", "search", at("search", "telegram", query="?q=zzzz")),
    Scene("drafts", "drafts", at("drafts")),
    Scene("drafts-empty", "drafts", at("drafts"), "dora"),
    *(Scene(f"wizard-{step}", f"wizard_{step}", at(f"wizard_{step}", "draft")) for step in STEPS),
    Scene("wizard-purpose-new", "wizard_purpose", at("wizard_purpose", "empty_draft")),
    Scene("wizard-purpose-wrong", "wizard_purpose", at("wizard_purpose", "empty_draft"),
          "alice", lambda page, stage: page.click("button[value=next]")),
    Scene("wizard-review-missing", "wizard_review", at("wizard_review", "empty_draft")),
    Scene("wizard-review-erased", "wizard_review", at("wizard_review", "bereft_draft")),
    Scene("wizard-redaction-open", "wizard_redaction", at("wizard_redaction", "draft"),
          "alice", _open_message),
    Scene("wizard-search", "wizard_search", at("wizard_search", "draft")),
    Scene("wizard-search-found", "wizard_search", at("wizard_search", "draft", query="?q=the")),
    Scene("wizard-redaction-long", "wizard_redaction",
          at("wizard_redaction", "group_draft", query="?message=1&part=2#edit")),
    Scene("wizard-parties-group", "wizard_parties",
          at("wizard_parties", "group_draft", query="?page=2")),
    Scene("exports", "exports", at("exports")),
    Scene("exports-empty", "exports", at("exports"), "dora"),
    Scene("export-ready", "export", at("export", "ready")),
    Scene("export-failed", "export", at("export", "failed")),
    Scene("export-running", "export", at("export", "running")),
    Scene("export-freezing", "export", at("export", "freezing")),
    Scene("export-not-frozen", "export", at("export", "unfrozen")),
    Scene("export-withdrawn", "export", at("export", "withdrawn")),
    Scene("verify", "verify", at("verify"), "nobody"),
    Scene("verify-intact", "verify", at("verify"), "nobody", _check("bundle")),
    Scene("verify-altered", "verify", at("verify"), "nobody", _check("altered")),
    Scene("verify-filled", "verify", at("verify"), "nobody", _check("filled")),
    Scene("verify-trust", "verify_trust", at("verify_trust"), "nobody"),
    Scene("verify-hash-unknown", "verify_hash",
          lambda stage: reverse("verify_hash", args=["0" * 64]), "nobody"),
    Scene("verify-hash-known", "verify_hash",
          lambda stage: reverse("verify_hash", args=[sha256(stage.bundle.read_bytes()).hexdigest()]),
          "nobody"),
    Scene("admin", "admin:index", at("admin:index"), "root"),
    Scene("admin-sign-in", "admin:login", at("admin:login"), "nobody"),
    Scene("admin-exports", "admin:evidence_export_changelist",
          at("admin:evidence_export_changelist"), "root"),
    Scene("admin-export", "admin:evidence_export_change",
          lambda stage: reverse("admin:evidence_export_change", args=[stage.ready.pk]), "root"),
    Scene("not-found", "404", lambda stage: "/conversations/" + "0" * 32 + "/"),
    Scene("not-allowed", "403", at("upload"), "auditor"),
)  # fmt: skip

NO_PAGE = {
    # Files and answers for programs.
    "sample", "original", "seal_receipt", "attachment", "thumbnail", "download", "party_picture", "verifier", "verify_report",
    "verify_certificate", "healthz", "readyz", "metrics",
    # What only takes a form and leads to another page.
    "revoke_token", "progress", "cancel", "withdraw", "supersede", "drop_draft",
    "set_language", "wizard_result", "change_member", "end_program", "invite", "matter_members",
    "place_hold", "hold_conversation", "release_hold",
    "revoke_invitation", "switch_organisation", "upload_begin", "upload_piece", "upload_progress",
    "upload_list", "upload_drop", "upload_retry", "retry",
    # Second names of the same page.
    "account_login", "account_logout", "account_signup",
    # Only with a second step or without a password: tests/browser/test_account.py looks at them.
    "mfa_authenticate", "mfa_reauthenticate", "mfa_deactivate_totp", "mfa_view_recovery_codes",
    "mfa_download_recovery_codes", "account_set_password",
}  # fmt: skip
"""Addresses that answer with no page of their own."""
PROGRAMS = ("api-", "api_", "log", "admin:")
"""How names begin that are the API's, or Django's own administration."""

LOOSE = {
    "error-400": ("400.html", {}),
    "error-403-csrf": ("403_csrf.html", {}),
    "error-411": ("411.html", {}),
    "error-413": ("413.html", {"megabytes": 50}),
    "error-429": ("429.html", {}),
    "error-500": ("500.html", {}),
    "trouble": ("trouble.html", {}),
}
"""Pages that answer trouble, which no address leads to on purpose."""


def addresses() -> Iterator[str]:
    """Yield the name of every address of the service, with its namespace before it."""

    def walk(patterns: Any, prefix: str) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
                yield from walk(pattern.url_patterns, inner)
            elif isinstance(pattern, URLPattern) and pattern.name:
                yield prefix + pattern.name

    yield from walk(get_resolver().url_patterns, "")


def forgotten() -> set[str]:
    """Return the addresses no scene shows and no list excuses."""
    shown = {scene.shows for scene in SCENES} | NO_PAGE
    return {name for name in addresses() if name not in shown and not name.startswith(PROGRAMS)}


def loose_page(name: str, language: str) -> str:
    """Return the page that answers one kind of trouble."""
    from django.contrib.auth.models import AnonymousUser

    from evidence.errors import StorageFailed
    from evidence.front.sentences import error_sentence

    template, context = LOOSE[name]
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    with translation.override(language):
        words = {"sentence": error_sentence(StorageFailed("x")), "LANGUAGE_CODE": language}
        return render_to_string(template, words | context, request=request)


def mails(stage: Stage, language: str) -> Iterator[tuple[str, str]]:
    """Yield every e-mail the service writes, with its subject, in one language."""
    from evidence.actions.tell_requester import mail_about

    stage.alice.user.language = language
    stage.alice.user.save(update_fields=["language"])
    for name, export in (("ready", stage.ready), ("failed", stage.failed)):
        export.job.refresh_from_db()
        export.refresh_from_db()
        mail = mail_about(type(export.job).objects.get(pk=export.job.pk))
        assert mail is not None
        yield f"mail-{name}", f"{mail.subject}\n\n{mail.body}"
