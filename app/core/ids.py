"""Identifiers: UUIDv7 strings. Pure: the caller brings the time and the chance."""

import uuid


def uuid7(now_ms: int, random_bytes: bytes) -> str:
    """Return a UUIDv7 string that sorts by time.

    now_ms        whole milliseconds since the epoch, UTC
    random_bytes  ten bytes of randomness

    Raises ValueError when `random_bytes` is not ten bytes long.
    Source: RFC 9562 section 5.7.
    """
    if len(random_bytes) != 10:
        raise ValueError(f"ten random bytes are needed, not {len(random_bytes)}")
    rand = int.from_bytes(random_bytes, "big")
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (rand >> 68) << 64
    value |= 0b10 << 62
    value |= rand & 0x3FFF_FFFF_FFFF_FFFF
    return str(uuid.UUID(int=value))


def is_uuid(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical, lower-case form."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def lowest_uuid7(at_ms: int) -> str:
    """Return a text that sorts before every UUIDv7 made at that time or later."""
    digits = f"{at_ms:012x}"
    return f"{digits[:8]}-{digits[8:]}"
