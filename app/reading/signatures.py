"""Every header fingerprint there is; `platforms` does the matching.

Each was taken from a real export or from public code that reads it. Names of columns are written as
the platform writes them; matching ignores case, accents and punctuation.
"""

from app.reading.exports.banks import BANKS
from app.reading.exports.bookkeeping import BOOKKEEPING
from app.reading.exports.german_banks import GERMAN_BANKS
from app.reading.exports.model import Signature
from app.reading.exports.processors import PROCESSORS

__all__ = ["BY_KEY", "SIGNATURES", "Signature"]

SIGNATURES: tuple[Signature, ...] = PROCESSORS + BANKS + GERMAN_BANKS + BOOKKEEPING
BY_KEY = {signature.key: signature for signature in SIGNATURES}
