"""Ends with 0 when the web process on this machine is ready, with 1 when it is not.

Usage: healthcheck.py [ADDRESS]; the address is http://127.0.0.1:8000/readyz unless stated. Asks
under the public host name, since production answers to no other. Standard library only.
"""

import os
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit


def main() -> int:
    address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/readyz"
    public = urlsplit(os.environ.get("TRUETHREAD_PUBLIC_URL", address)).netloc
    request = urllib.request.Request(address, headers={"Host": public})  # noqa: S310  our own
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return 0 if answer.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201  a command
        return 1


if __name__ == "__main__":
    sys.exit(main())
