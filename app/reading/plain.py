"""Text as labels are compared: without case, accents, punctuation and doubled spaces."""

import re
import unicodedata

_NOT_WORD = re.compile(r"[^0-9a-z#%]+")


def plain(text: str) -> str:
    """Return `text` folded: "Rechnungs-Nr.:" is "rechnungs nr", "Échéance" is "echeance"."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return _NOT_WORD.sub(" ", "".join(c for c in bare if not unicodedata.combining(c))).strip()
