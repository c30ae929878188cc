"""Addresses of the verification page."""

from django.urls import path, re_path

from evidence.public.lookup import hash_page
from evidence.public.trust import certificate_file, trust_page
from evidence.public.views import ReportFile, VerifyPage

urlpatterns = [
    path("", VerifyPage.as_view(), name="verify"),
    re_path(r"^hash/(?P<sha256>[0-9A-Fa-f]{64})/$", hash_page, name="verify_hash"),
    path("report/", ReportFile.as_view(), name="verify_report"),
    path("trust/", trust_page, name="verify_trust"),
    re_path(
        r"^trust/(?P<fingerprint>[0-9a-f]{64})\.cer$", certificate_file, name="verify_certificate"
    ),
]
