"""Parts → one canonical ZIP, whole or absent. The bytes are fixed in ``evidence.formats.bundle``.

``packing`` describes and packs the parts, ``readme`` writes the text that tells a stranger how to
check a bundle without us.
"""

from .packing import Part, describe, pack
from .readme import readme

__all__ = ["Part", "describe", "pack", "readme"]
