"""Whose request it is when a proxy stands in front."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from django.http import HttpRequest, HttpResponse


def address_of_the_asker(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Take the address that our own proxy states, so that limits and the log name who asked.

    Only the last entry of X-Forwarded-For is the proxy's; what stands before it, anyone can write.
    In use only under TRUETHREAD_BEHIND_TLS_PROXY; what is not an address is ignored.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        stated = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        try:
            request.META["REMOTE_ADDR"] = str(ip_address(stated))
        except ValueError:
            pass
        return get_response(request)

    return middleware
