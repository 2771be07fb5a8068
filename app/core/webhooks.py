"""Webhooks as Standard Webhooks wants them: secrets, signatures, bodies, and when to try again.

Source: https://www.standardwebhooks.com, the specification, version 1.
"""

import base64
import binascii
import hmac
import json
import math
from email.utils import parsedate_to_datetime
from hashlib import sha256

from app.core.times import DAY_MS

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES = (24, 64)
NEW_SECRET_BYTES = 32
OLD_SECRET_MS = DAY_MS  # how long the secret before signs too

TEST_TYPE = "webhook_test"
"""The type of a test: no event of the log has it."""
USUAL_TYPES = (
    "batch_completed",
    "processing_completed",
    "processing_failed",
    "job_cancelled",
    "clarification_requested",
)
"""What a webhook is told of that does not say: ends, and what waits for a person."""

# Seconds before attempt 2, 3, ...; 24 hours in all, as the specification advises.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000)
SPREAD = 0.1  # of a wait is chance, so that what failed together does not come back together
LONGEST_WISH_S = 3600  # of a Retry-After

# Nothing has arrived for so long, in so many attempts: the webhook is turned off.
DISABLED_AFTER_MS = 3 * DAY_MS
DISABLED_AFTER = 20


def secret_text(key: bytes) -> str:
    """Return the secret that stands for `key`, as its receiver is given it."""
    return SECRET_PREFIX + base64.b64encode(key).decode()


def check_secret(text: str) -> str:
    """Return `text` when it is a secret. Raises ValueError."""
    try:
        key = _key(text)
    except (ValueError, binascii.Error):
        key = b""
    least, most = SECRET_BYTES
    if not text.startswith(SECRET_PREFIX) or not least <= len(key) <= most:
        raise ValueError(f"a secret is {SECRET_PREFIX} and then {least} to {most} bytes as base64")
    return text


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)


def signatures(secrets: tuple[str, ...], message_id: str, at_s: int, body: bytes) -> str:
    """Return the header webhook-signature: one signature for each of `secrets`."""
    signed = f"{message_id}.{at_s}.".encode() + body
    digests = (hmac.digest(_key(secret), signed, sha256) for secret in secrets)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def headers_for(
    secrets: tuple[str, ...], message_id: str, at_s: int, body: bytes
) -> dict[str, str]:
    """Return what is sent beside `body`.

    message_id  the same however often this is tried
    at_s        of this attempt, seconds since the epoch
    """
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": signatures(secrets, message_id, at_s, body),
    }


def payload(kind: str, timestamp: str, data: bytes) -> bytes:
    """Return the body of a message: its type, when it happened, and `data`, a JSON object."""
    head = f'{{"type":{json.dumps(kind)},"timestamp":{json.dumps(timestamp)},"data":'
    return head.encode() + data + b"}"


def next_wait_ms(attempts: int, chance: float, wish_s: int | None = None) -> int | None:
    """Return how long to wait after `attempts` failed ones; None: it is given up.

    chance  in [0, 1)
    wish_s  what the receiver asked for, where that is longer
    """
    if attempts > len(WAITS_S):
        return None
    wait_s = WAITS_S[attempts - 1] * (1 - SPREAD + 2 * SPREAD * chance)
    return round(1000 * max(wait_s, min(wish_s or 0, LONGEST_WISH_S)))


def retry_after_s(said: str, now_s: float) -> int | None:
    """Return how many seconds a Retry-After asks to wait; None for one that says nothing.

    said   a number of seconds, or a date (RFC 9110, section 10.2.3)
    now_s  since the epoch
    """
    if said.isascii() and said.isdigit():
        return int(said[:9])
    try:
        until_s = parsedate_to_datetime(said).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0, math.ceil(until_s - now_s))


def is_given_up(failing_since_ms: int, failures: int, at_ms: int) -> bool:
    """Tell whether a webhook that has failed so often since then is turned off."""
    return failures >= DISABLED_AFTER and at_ms - failing_since_ms >= DISABLED_AFTER_MS
