"""Passwords and other secrets: how they are made, kept and compared. No SQL, no clock."""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.errors import InvalidRequest, WeakPassword

TOKEN_PREFIX = "lt_"  # noqa: S105 - not a secret: it makes a leaked one easy to recognise
LONGEST_PASSWORD = 1024  # characters; hashing time grows with it
LONGEST_NAME = 64

_hasher = PasswordHasher()


def new_secret(prefix: str = "") -> str:
    """Return a fresh secret of 256 bits, safe in a URL."""
    return prefix + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    """Return what is kept of a random secret. Fast on purpose: 256 bits can not be guessed."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def hash_password(password: str, at_least: int) -> str:
    """Return the Argon2id hash of `password`. Takes some 50 ms and 64 MiB: run it in a thread.

    at_least  characters

    Raises WeakPassword when it is shorter, InvalidRequest when it is absurdly long.
    """
    if len(password) < at_least:
        raise WeakPassword(limit=at_least)
    if len(password) > LONGEST_PASSWORD:
        raise InvalidRequest(what=f"a password has at most {LONGEST_PASSWORD} characters")
    return _hasher.hash(password)


def password_fits(password: str, password_hash: str | None) -> bool:
    """Tell whether `password` is the one that was hashed. As slow as `hash_password`.

    password_hash  None for a name nobody has: the same work is done, and the answer is no
    """
    shortened = password[:LONGEST_PASSWORD]
    if password_hash is None:
        _hasher.hash(shortened)
        return False
    try:
        return _hasher.verify(password_hash, shortened) and len(password) <= LONGEST_PASSWORD
    except (VerificationError, InvalidHashError):
        return False


def clean_name(name: str) -> str:
    """Return a user's name without space around it.

    Raises InvalidRequest when it is empty, too long, or has characters that can not be seen.
    """
    plain = name.strip()
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise InvalidRequest(what=f"a name has 1 to {LONGEST_NAME} visible characters")
    return plain
