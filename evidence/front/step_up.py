"""Asking again who someone is before an act that weighs: a stolen open browser does not suffice."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest


def step_up(request: HttpRequest) -> None:
    """Let pass who showed within ``ACCOUNT_REAUTHENTICATION_TIMEOUT`` that it is them.

    Everyone else is sent to show it by password or code (ReauthenticationRequired, which allauth's
    middleware answers), and what they asked for is done afterwards, without being asked again.
    Signing in does not count: the browser may have stood open since.
    """
    if not did_recently_reauthenticate(request):
        raise ReauthenticationRequired
