"""Disclosed values → the formats other people's review platforms read: RSMF, DAT, CASE, CSV.

``from_bundle`` opens a finished bundle without a database; ``convert`` writes one format. Only what the
bundle discloses comes in, so nothing else can go out.
"""

from evidence.exchange.convert import FORMATS, Converted, convert
from evidence.exchange.disclosed import (
    Exchange,
    ExchangeFile,
    ExchangeRow,
    ExchangeSeries,
    ExchangeVolume,
    NotConvertible,
)
from evidence.exchange.from_bundle import Verified, from_bundle
from evidence.exchange.rsmf_check import Problem, check_rsmf

__all__ = [
    "FORMATS",
    "Converted",
    "Exchange",
    "ExchangeFile",
    "ExchangeRow",
    "ExchangeSeries",
    "ExchangeVolume",
    "NotConvertible",
    "Problem",
    "Verified",
    "check_rsmf",
    "convert",
    "from_bundle",
]
