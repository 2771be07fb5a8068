"""Signed tokens: tickets for one socket, listen-only tokens, and share links."""

import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt

LASTS_S = 300
ALGORITHM = "HS256"
TICKET, LISTEN, SHARE = ("livetrail:listen", "livetrail:listen-only", "livetrail:share")
"""What a token says it is for: none is ever taken for another."""
LONGEST = 2000  # characters; a longer one is not looked at


class Tickets:
    """Mints signed tokens, and takes each ticket once.

    What a token lets in is looked up with every use: it names the session, API token or share
    `via` which it was made, and is worth no more than that, nor for longer.

    Used tickets are remembered in memory until they expire. A ticket names the run of the server
    that made it, so that a restart, which forgets what was used, ends those of the run before.
    """

    def __init__(self, key: bytes, clock_s: Callable[[], float] = time.time) -> None:
        self._key = key
        self._clock_s = clock_s
        self._run = secrets.token_hex(8)
        self._used: dict[str, int] = {}  # jti to when it expires, oldest first

    def mint(self, via: str) -> tuple[str, int]:
        """Return a ticket, and when it expires, in milliseconds since the epoch."""
        expires_s = int(self._clock_s()) + LASTS_S
        jti = secrets.token_urlsafe(16)
        return self._sign(TICKET, expires_s, sub=via, jti=jti, run=self._run), expires_s * 1000

    def take(self, ticket: str) -> str | None:
        """Use `ticket` up and return its `via`; None when it is not good, or no longer."""
        claims = self._read(TICKET, ticket)
        if claims is None or claims.get("run") != self._run:
            return None
        self._forget(self._clock_s())
        jti = str(claims.get("jti"))
        if jti in self._used:
            return None
        self._used[jti] = int(claims["exp"])
        return str(claims["sub"])

    def mint_listen(self, via: str, epoch: int, hours: int) -> tuple[str, int]:
        """Return a listen-only token, and when it expires, in milliseconds since the epoch."""
        expires_s = int(self._clock_s()) + hours * 3600
        return self._sign(LISTEN, expires_s, sub=via, epoch=epoch), expires_s * 1000

    def read_listen(self, token: str) -> tuple[str, int] | None:
        """Return a listen-only token's `via` and epoch; None when it is not good, or no longer."""
        claims = self._read(LISTEN, token)
        if claims is None or not isinstance(claims.get("epoch"), int):
            return None
        return str(claims["sub"]), claims["epoch"]

    def sign_share(self, share_id: str, expires_ms: int) -> str:
        """Return the token of a share link. The same share gives the same token."""
        return self._sign(SHARE, expires_ms // 1000, sub=share_id)

    def read_share(self, token: str) -> str | None:
        """Return the id of the share; None when the token is not good, or no longer."""
        claims = self._read(SHARE, token)
        return None if claims is None else str(claims["sub"])

    def _sign(self, audience: str, expires_s: int, **claims: object) -> str:
        known = {"aud": audience, "exp": expires_s, **claims}
        return jwt.encode(known, self._key, algorithm=ALGORITHM)

    def _read(self, audience: str, token: str) -> dict[str, Any] | None:
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=audience,
                options={"require": ["exp", "sub"], "verify_exp": False},
            )
        except jwt.InvalidTokenError:
            return None
        # Signed by us, so the claims are what we wrote; the clock is ours too.
        return claims if int(claims["exp"]) > self._clock_s() else None

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
