"""API tokens: what each may be used for, until when, and how it is recognised in a list."""

import os
import sqlite3
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson
from aiosqlite import Connection

from app.core.errors import Conflict, NotFound
from app.core.ids import uuid7
from app.core.permissions import EVERYTHING, SCOPES, Allowance, Role, Scope
from app.store.secrets import TOKEN_PREFIX, hash_secret, new_secret

TOKENS_AT_MOST = 200  # of one user
SHOWN = len(TOKEN_PREFIX) + 6  # characters by which a token is recognised; 220 bits stay hidden


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of an API token. Its secret is not: that was told once."""

    id: str
    user_id: str
    label: str
    prefix: str
    scopes: frozenset[Scope]
    created_ms: int
    expires_ms: int | None = None
    last_used_ms: int | None = None
    allowance: Allowance = field(default_factory=Allowance)


def usual_scopes(role: Role) -> frozenset[Scope]:
    """Return everything that somebody with `role` may do."""
    return EVERYTHING if role == "operator" else EVERYTHING - {"operate"}


def parse_scopes(text: str) -> frozenset[Scope]:
    """Return stored scopes; words that mean nothing to this version give no right."""
    words = text.split()
    return frozenset(scope for scope in SCOPES if scope in words)


def parse_allowance(text: str) -> Allowance:
    """Return a stored allowance."""
    return Allowance(**orjson.loads(text))


# Inside the caller's transaction


INSERT = (
    "INSERT INTO token (id, secret_hash, user_id, label, prefix, scopes, created_ms, expires_ms,"
    " allowance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
COUNT = "SELECT count(*) FROM token WHERE user_id = ?"


def add_token(
    connection: sqlite3.Connection,
    user_id: str,
    label: str,
    at_ms: int,
    *,
    scopes: frozenset[Scope],
    expires_ms: int | None = None,
    allowance: Allowance | None = None,
) -> tuple[str, Token]:
    """Write a new API token and return its secret, of which only the hash is kept, and the token.

    Ended ones of the user are cleared away. Raises Conflict when there are too many.
    """
    connection.execute("DELETE FROM token WHERE user_id = ? AND expires_ms <= ?", (user_id, at_ms))
    if connection.execute(COUNT, (user_id,)).fetchone()[0] >= TOKENS_AT_MOST:
        raise Conflict(
            what=f"There are {TOKENS_AT_MOST} API tokens already", todo="Revoke one first."
        )
    secret = new_secret(TOKEN_PREFIX)
    token = Token(
        id=uuid7(at_ms, os.urandom(10)),
        user_id=user_id,
        label=label,
        prefix=secret[:SHOWN],
        scopes=scopes,
        created_ms=at_ms,
        expires_ms=expires_ms,
        allowance=allowance or Allowance(),
    )
    connection.execute(
        INSERT,
        (
            token.id,
            hash_secret(secret),
            user_id,
            label,
            token.prefix,
            " ".join(scope for scope in SCOPES if scope in scopes),
            at_ms,
            expires_ms,
            _stored(token.allowance),
        ),
    )
    return secret, token


def remove_token(connection: sqlite3.Connection, token_id: str) -> None:
    """Revoke a token. Raises NotFound."""
    if not connection.execute("DELETE FROM token WHERE id = ?", (token_id,)).rowcount:
        raise NotFound(what="token")


def remove_tokens(connection: sqlite3.Connection, user_id: str) -> int:
    """Revoke every token of a user, and return how many there were."""
    return connection.execute("DELETE FROM token WHERE user_id = ?", (user_id,)).rowcount


def change_allowance(connection: sqlite3.Connection, token_id: str, allowance: Allowance) -> None:
    """Give a token limits of its own. Raises NotFound."""
    changed = connection.execute(
        "UPDATE token SET allowance = ? WHERE id = ?", (_stored(allowance), token_id)
    )
    if not changed.rowcount:
        raise NotFound(what="token")


def _stored(allowance: Allowance) -> str:
    given = {key: value for key, value in asdict(allowance).items() if value is not None}
    return orjson.dumps(given).decode()


# Reading


COLUMNS = (
    "SELECT id, user_id, label, prefix, scopes, created_ms, expires_ms, last_used_ms, allowance"
    " FROM token"
)
LIVING = "(expires_ms IS NULL OR expires_ms > ?)"


def _token(row: Any) -> Token:
    ident, user_id, label, prefix, scopes, created_ms, expires_ms, used_ms, allowance = row
    return Token(
        ident,
        user_id,
        label,
        prefix,
        parse_scopes(scopes),
        created_ms,
        expires_ms,
        used_ms,
        parse_allowance(allowance),
    )


async def list_tokens(db: Connection, user_id: str, at_ms: int) -> list[Token]:
    """Return the user's tokens that have not ended, newest first."""
    rows = await db.execute_fetchall(
        f"{COLUMNS} WHERE user_id = ? AND {LIVING} ORDER BY id DESC", (user_id, at_ms)
    )
    return [_token(row) for row in rows]


async def get_token(db: Connection, token_id: str, at_ms: int) -> Token | None:
    """Return the token; None when there is none with this id, or it has ended."""
    rows = list(
        await db.execute_fetchall(f"{COLUMNS} WHERE id = ? AND {LIVING}", (token_id, at_ms))
    )
    return _token(rows[0]) if rows else None
