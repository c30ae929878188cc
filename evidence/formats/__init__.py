"""Bytes that outlive us: every format of a bundle, versioned, standard library only.

Each module specifies one format completely, with a worked and a broken example, and refuses
anything else with ``ValueError``. Nothing here reads a clock, a random source, a database or the
network; signing and signature checks are passed in as callables. This package and
``verify/offline`` are packed together as ``verify.pyz``, so it runs on Python 3.10 and later.

| module | what it fixes |
|---|---|
| hashes | SHA-256 and SM3, the ``wtf8`` bytes of a text |
| shape | strict readers for hex, times, ids and closed JSON objects |
| canonical | the one byte form of a JSON value |
| ranges | ``12-90,101`` |
| message | commitments, leaves, lines of ``data/messages.jsonl`` |
| merkle | trees, proofs, pruned trees (RFC 9162) |
| series_head | what a seal says about a whole series |
| custody | entries of the log, lines of ``data/custody.jsonl`` |
| checkpoint | signed notes, log keys, cosignatures (C2SP) |
| manifest | ``data/manifest.json`` and the selection digest |
| proofs | ``data/proofs.json`` |
| receipt | ``<bundle>.receipt.json`` |
| bundle | the canonical ZIP and its BagIt files |
"""
