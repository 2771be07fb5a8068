"""What a process of a plugin may know of the server's environment."""

import os

from app.pipeline.workers import ONE_THREAD, PASSED_ON


def passed_on() -> dict[str, str]:
    """Return where libraries are, and the language: no keys or passwords that somebody set."""
    kept = {key: value for key, value in os.environ.items() if key.startswith(PASSED_ON)}
    return {**kept, **ONE_THREAD}
