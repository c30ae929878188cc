"""Addresses of the verification page."""

from django.urls import path

from evidence.public.views import VerifyPage

urlpatterns = [path("", VerifyPage.as_view(), name="verify")]
