"""WSGI entry point: ``gunicorn project.wsgi``."""

import os

from django.core.wsgi import get_wsgi_application

from project.start import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
application = get_wsgi_application()
refuse_unsafe_start()
