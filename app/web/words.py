"""Numbers and states in words, as the pages show them. static/js/core/format.js is its twin."""

from collections.abc import Mapping

from app.core.messages import count, nearest

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


def time_left(seconds: int | None) -> str:
    """Return what is left, in steps a person can take in: "a few seconds left", "about 3 min left".

    seconds  None while unknown gives ""
    """
    if seconds is None:
        return ""
    if seconds <= 5:
        return "a few seconds left"
    if seconds < 60:
        return f"{min(55, nearest(seconds / 5) * 5)} s left"
    minutes = nearest(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    return f"about {count(nearest(minutes / 60), 'hour')} left"


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
