"""What every page behind the sign-in has in common."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views import View

from evidence.access import organisation_to_change
from evidence.errors import EvidenceError, NotAllowed, NotFound
from evidence.front.people import person_actor, signed_in
from evidence.front.sentences import error_sentence
from evidence.models import Organisation, User
from evidence.values import Actor

logger = logging.getLogger(__name__)


class Page(LoginRequiredMixin, View):
    """A page for signed-in people: what is missing and what is another's look alike."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return super().dispatch(request, *args, **kwargs)
        except NotFound as error:
            raise Http404 from error
        except NotAllowed as error:
            raise PermissionDenied from error
        except EvidenceError as error:
            return self.troubled(request, error)

    def troubled(self, request: HttpRequest, error: EvidenceError) -> HttpResponse:
        """Return what is answered where ``error`` stopped the page."""
        logger.warning("%s could not be served: %s", request.path, error.code)
        context = {"sentence": error_sentence(error)}
        return render(request, "trouble.html", context, status=503)

    @property
    def person(self) -> User:
        return signed_in(self.request)

    @property
    def actor(self) -> Actor:
        return person_actor(self.request)

    @property
    def organisation(self) -> Organisation:
        """Where the person stores and exports. Raises NotAllowed for those who only read."""
        return organisation_to_change(self.person)

    def may_store(self) -> None:
        """Raise NotAllowed for people who only read, before anything else is looked at."""
        organisation_to_change(self.person)
