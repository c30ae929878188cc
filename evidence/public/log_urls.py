"""Addresses of the public custody log: the current epoch, and every epoch under its number."""

from django.urls import include, path

from evidence.public import log

_resources = [
    path("checkpoint", log.checkpoint),
    path("checkpoints/<int:size>", log.checkpoint_of_size),
    path("tile/<path:rest>", log.tile),
    path("inclusion", log.inclusion),
    path("consistency", log.consistency),
]

urlpatterns = [path("", include(_resources)), path("<int:epoch>/", include(_resources))]
