"""Tickets for sockets: signed, good for five minutes and for one use."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import jwt

LASTS_S = 300
ALGORITHM = "HS256"
AUDIENCE = "livetrail:listen"


class Tickets:
    """Mints tickets and takes each one once.

    Used ones are remembered in memory until they expire. A ticket names the run of the server
    that made it, so that a restart, which forgets what was used, ends those of the run before.
    """

    def __init__(self, key: bytes, clock_s: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock_s = clock_s
        self._run = secrets.token_hex(8)
        self._used: dict[str, int] = {}  # jti to when it expires, oldest first

    def mint(self, user_id: str) -> tuple[str, int]:
        """Return a ticket, and when it expires, in milliseconds since the epoch."""
        expires_s = int(self._clock_s()) + LASTS_S
        claims = {
            "sub": user_id,
            "aud": AUDIENCE,
            "exp": expires_s,
            "jti": secrets.token_urlsafe(16),
            "run": self._run,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM), expires_s * 1000

    def take(self, ticket: str) -> str | None:
        """Use `ticket` up and return whose it is; None when it is not good, or no longer."""
        try:
            claims = jwt.decode(
                ticket,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["exp", "jti", "sub"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        now_s = self._clock_s()
        self._forget(now_s)
        expires_s, jti = int(claims["exp"]), str(claims["jti"])
        if claims.get("run") != self._run or expires_s <= now_s or jti in self._used:
            return None
        self._used[jti] = expires_s
        return str(claims["sub"])

    def _forget(self, now_s: float) -> None:
        for jti in [jti for jti, expires_s in self._used.items() if expires_s <= now_s]:
            del self._used[jti]


def load_key(path: Path) -> bytes:
    """Return the signing key in `path`, made on the first start, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) >= 32:
            return key
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC)  # a crash cut the first start short
    key = secrets.token_hex(32).encode()
    with os.fdopen(handle, "wb") as stream:
        stream.write(key)
    return key
