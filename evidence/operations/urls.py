"""Addresses of health and metrics; without a slash at the end, as monitoring systems expect."""

from django.urls import path

from evidence.operations import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("metrics", views.metrics, name="metrics"),
]
