"""Times on the wire: UTC, ISO 8601, milliseconds, Z. Stored times are whole milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache

DAY_MS = 86_400_000


@lru_cache(maxsize=8)  # a transaction gives all its events one time
def iso_from_ms(at_ms: int) -> str:
    """Return `at_ms` (milliseconds since the epoch) as 2026-11-20T08:10:11.123Z."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def ms_from_iso(text: str) -> int:
    """Return milliseconds since the epoch.

    Raises ValueError when `text` is not an ISO 8601 time with a zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time needs a zone: {text!r}")
    return round(moment.timestamp() * 1000)
