"""Values → commitments, tree, proofs. Pure: seeds and messages are passed in, bytes come out.

``sealing`` seals a series as it streams by, ``beside`` makes its leaves in a second process,
``disclosing`` writes what a bundle shows of it, ``proving`` prunes its tree. The bytes themselves are fixed in ``evidence.formats``.
"""

from .beside import LeafMaker
from .disclosing import disclose
from .proving import prove
from .sealing import Leaf, Seal, SeriesSealer, seal_message

__all__ = ["Leaf", "LeafMaker", "Seal", "SeriesSealer", "disclose", "prove", "seal_message"]
