"""Numbers and states in words, as the pages show them. static/sdk/format.js is its twin."""

from collections.abc import Mapping

from app.core.quantities import count, nearest

STATE_OF_STATUS: Mapping[str, str] = {
    "pending": "wait",
    "processing": "run",
    "paused": "pause",
    "waiting": "ask",
    "completed": "done",
    "error": "fail",
    "cancelled": "stop",
}
"""What a page calls a job's status: it names the colour, the shape and the icon."""

GROUP_OF_STATE: Mapping[str, str] = {
    "ask": "needs",
    "fail": "needs",
    "wait": "progress",
    "run": "progress",
    "pause": "progress",
    "done": "done",
    "stop": "done",
}

STATE_WORDS: Mapping[str, str] = {
    "wait": "waiting",
    "run": "running",
    "pause": "paused",
    "ask": "needs an answer",
    "done": "done",
    "fail": "failed",
    "stop": "stopped",
}


STEERING: Mapping[str, str] = {"pause": "Pausing...", "cancel": "Stopping..."}
"""What is said while it is asked for and not done yet."""


def time_left(seconds: int | None, between: tuple[int, int] | None = None) -> str:
    """Return what is left, in steps a person can take in: "a few seconds left", "about 3 min left".

    seconds  None while unknown gives ""
    between  seconds; while it is not sure: "20 to 45 s left", "1 to 3 min left"
    """
    if seconds is None:
        return ""
    if between is not None and between[0] <= seconds <= between[1] and (said := _between(*between)):
        return said
    if seconds <= 5:
        return "a few seconds left"
    if seconds < 60:
        return f"{min(55, nearest(seconds / 5) * 5)} s left"
    minutes = nearest(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {count(nearest(minutes / 60), 'hour')} left"


def _between(low: int, high: int) -> str:
    """Return a range in words; "" where both ends are the same words, or hours."""
    if high < 60:
        least, most, unit = nearest(low / 5) * 5, min(55, nearest(high / 5) * 5), "s"
    else:
        least, most, unit = nearest(low / 60), nearest(high / 60), "min"
    if (most <= 5 and unit == "s") or least >= most or (unit == "min" and most >= 60):
        return ""
    return f"{least} to {most} {unit} left" if least else f"up to {most} {unit} left"


def took_text(duration_ms: int | None) -> str:
    """Return a duration: "0.9 s", "41 s", "2 min 5 s", "1 h 3 min"; "" when there is none."""
    if duration_ms is None:
        return ""
    if duration_ms < 10_000:
        return f"{max(0, duration_ms) / 1000:.1f} s"
    seconds = nearest(duration_ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if left else f"{hours} h"


def kind_of(filename: str) -> str:
    """Return the file's ending for its badge, at most four letters: "CSV", "XLSX", "FILE"."""
    _, dot, ending = filename.rpartition(".")
    return ending.upper() if dot and 1 <= len(ending) <= 4 and ending.isalnum() else "FILE"


def amount_text(amount: str | None) -> str:
    """Return a decimal string with its thousands grouped: "-1234.50" becomes "-1,234.50"."""
    if not amount:
        return ""
    whole, dot, part = amount.partition(".")
    sign = "-" if whole.startswith("-") else ""
    digits = whole.removeprefix("-")
    return f"{sign}{int(digits or '0'):,}{dot}{part}" if digits.isdigit() else amount
