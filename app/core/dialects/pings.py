"""Signs of life as clients ask for them who know no `op`: a word, or an object with a type."""

import json

LONGEST = 200  # characters; nobody says more to ask whether we are there


def answer_to(text: str) -> bytes | None:
    """Return what answers `text`, in kind; None when it asks for no sign of life."""
    if len(text) > LONGEST:
        return None
    if text.strip().strip('"').lower() == "ping":
        return b"pong"
    try:
        asked = json.loads(text)
    except ValueError:
        return None
    if not isinstance(asked, dict) or asked.get("type") != "ping" or "op" in asked:
        return None
    return b'{"type":"pong"}'
