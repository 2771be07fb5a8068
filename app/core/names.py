"""File names and texts from strangers, made safe to show and to store. Pure."""

import unicodedata

LONGEST_BYTES = 200
FALLBACK = "unnamed file"


def clean_filename(name: str) -> str:
    """Return the last part of `name` as one harmless line.

    Folders, control characters, direction overrides and other invisible marks are left out; a
    name of nothing else becomes "unnamed file"; at most 200 bytes of UTF-8, the ending kept.
    The name is only ever shown: files are stored under their hash.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    plain = " ".join(unicodedata.normalize("NFC", _visible(last)).split()).strip(". ")
    if not plain:
        return FALLBACK
    if len(plain.encode()) <= LONGEST_BYTES:
        return plain
    stem, dot, ending = plain.rpartition(".")
    if not dot or len(ending.encode()) > 20:
        stem, ending = plain, ""
    room = LONGEST_BYTES - len(ending.encode()) - len("….".encode())
    short = stem.encode()[:room].decode(errors="ignore")
    return f"{short}….{ending}" if ending else f"{short}…"


def one_line(text: str) -> str:
    """Return `text` as one line that does nothing to the terminal that shows it."""
    return _visible(" ".join(text.split()))


def _visible(text: str) -> str:
    # Cc control, Cf invisible marks such as direction overrides, Cs lone surrogates, Co private
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co"))
