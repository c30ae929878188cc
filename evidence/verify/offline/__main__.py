"""``python -m evidence.verify.offline``: the command line of ``verify.pyz`` from the source tree."""

import sys

from .cli import main

sys.exit(main())
