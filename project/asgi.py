"""ASGI entry point, for deployments that serve through an ASGI server."""

import os

from django.core.asgi import get_asgi_application

from project.start import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_asgi_application()
refuse_unsafe_start()
