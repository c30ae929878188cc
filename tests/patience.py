"""How long a test waits."""

from __future__ import annotations

# CPU seconds. A speed is measured by ``make bench``; here only work that grows without bound is told
# from work that does not, on a machine many times slower than any we know: such work takes minutes.
FOREVER = 60

# Seconds. How long a test waits for a thread, a process, a page or a server that is to come: on a
# machine many times slower, with others working on it. Where all is well nobody waits for so long.
PATIENCE = 600.0
