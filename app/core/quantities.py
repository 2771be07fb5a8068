"""Numbers, sizes and durations as a sentence has them."""


def count(number: object, singular: str, plural: str | None = None) -> str:
    """Return a grouped number with its noun: "1 new row", "12,960 rows"."""
    value = int(number)  # type: ignore[call-overload]
    return f"{value:,} {singular if value == 1 else plural or singular + 's'}"


SIZES = ("KB", "MB", "GB", "TB")


def size_text(size_bytes: int) -> str:
    """Return a size as people know it: "640 bytes", "1.9 MB", "640 KB"; a kilobyte is 1000."""
    if size_bytes < 1000:
        return count(size_bytes, "byte")
    value = float(size_bytes)
    for unit in SIZES:
        value /= 1000
        if value < 999.5 or unit == SIZES[-1]:
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{nearest(value)} {unit}"


def nearest(value: float) -> int:
    """Round a half up, as the script does."""
    return int(value + 0.5)


def took(duration_ms: int) -> str:
    """Return a duration for a sentence: "0.9 s", "41 s", "2 min 5 s"."""
    if duration_ms < 10_000:
        return f"{duration_ms / 1000:.1f} s"
    seconds = round(duration_ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
