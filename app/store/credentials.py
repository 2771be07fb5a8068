"""Who is it? What cookies, tokens and links are good for, asked with every request."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from aiosqlite import Connection

from app.core.errors import StorageFull
from app.core.permissions import FOLLOWING, Role, Scope, Viewer
from app.core.rooms import parse_room
from app.core.times import DAY_MS
from app.store.accounts import now_ms
from app.store.secrets import hash_secret
from app.store.tokens import parse_allowance, parse_scopes
from app.store.writer import Writer

USE_NOTED_EVERY_MS = 60_000
LISTEN_ONLY: frozenset[Scope] = frozenset({"listen"})

WHO = "SELECT user.id, user.name, user.role"
SESSION = (
    f"{WHO}, login.id, login.expires_ms FROM login JOIN user ON user.id = login.user_id"
    " WHERE {} AND login.expires_ms > ?"
)
TOKEN = (
    f"{WHO}, token.id, token.scopes, token.allowance, token.last_used_ms FROM token"
    " JOIN user ON user.id = token.user_id"
    " WHERE {} AND (token.expires_ms IS NULL OR token.expires_ms > ?)"
)
SESSION_OF_SECRET, SESSION_OF_ID = (SESSION.format(c) for c in ("secret_hash = ?", "login.id = ?"))
TOKEN_OF_SECRET, TOKEN_OF_ID = (TOKEN.format(c) for c in ("secret_hash = ?", "token.id = ?"))
SHARE = (
    f"{WHO}, share.id, share.room, share.last_used_ms FROM share"
    " JOIN user ON user.id = share.user_id WHERE share.id = ? AND share.expires_ms > ?"
)
EPOCH = "SELECT 1 FROM user WHERE id = ? AND epoch = ?"
STILL_GOOD = """
    SELECT (
        SELECT role FROM user
        WHERE id = wanted.value ->> 1 AND epoch = ifnull(wanted.value ->> 2, epoch) AND (
            EXISTS (SELECT 1 FROM login WHERE id = wanted.value ->> 0 AND expires_ms > ?2)
            OR EXISTS (
                SELECT 1 FROM token
                WHERE id = wanted.value ->> 0 AND (expires_ms IS NULL OR expires_ms > ?2)
            )
            OR EXISTS (SELECT 1 FROM share WHERE id = wanted.value ->> 0 AND expires_ms > ?2)
        )
    ) FROM json_each(?1) AS wanted ORDER BY wanted.key
"""
EXTEND = "UPDATE login SET expires_ms = ? WHERE secret_hash = ?"
NOTE_SHARE = "UPDATE share SET last_used_ms = ? WHERE id = ?"
NOTE_USE = "UPDATE token SET last_used_ms = ? WHERE id = ?"


class Credentials:
    """Turns what a request carries into a viewer. Reads, and writes only when it must.

    Secrets are looked up by their hash, so that the time it takes tells nothing about them.
    """

    def __init__(
        self,
        writer: Writer,
        reader: Connection,
        *,
        session_days: int,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._lasts_ms = session_days * DAY_MS
        self._renewed_every_ms = min(DAY_MS, self._lasts_ms // 4)
        self._clock_ms = clock_ms
        self._reading: dict[bytes, asyncio.Future[Any]] = {}  # tokens, by their hash

    async def by_session(self, secret: str) -> tuple[Viewer, bool] | None:
        """Return whose session it is, and whether it was prolonged; None when it is not one.

        A session that is used lasts on; it is written at most once a day, where there is room.
        """
        at_ms, key = self._clock_ms(), hash_secret(secret)
        row = await self._row(SESSION_OF_SECRET, key, at_ms)
        if row is None:
            return None
        *who, expires_ms = row
        fresh_until = at_ms + self._lasts_ms
        stale = fresh_until - expires_ms >= self._renewed_every_ms
        prolonged = stale and await self._noted(EXTEND, fresh_until, key)
        return _browser(*who), prolonged

    async def by_token(self, secret: str) -> Viewer | None:
        """Return whose API token it is, None for no token; its last use is noted to the minute."""
        at_ms = self._clock_ms()
        row = await self._token(hash_secret(secret))
        if row is None:
            return None
        *who, last_used_ms = row
        viewer = _program(*who)
        if _is_long_ago(last_used_ms, at_ms):
            await self._noted(NOTE_USE, at_ms, viewer.via)
        return viewer

    async def by_ticket(self, via: str) -> Viewer | None:
        """Return who asked for a ticket, when the session or token `via` is still good."""
        at_ms = self._clock_ms()
        if (row := await self._row(SESSION_OF_ID, via, at_ms)) is not None:
            viewer = _browser(*row[:-1])
        elif (row := await self._row(TOKEN_OF_ID, via, at_ms)) is not None:
            viewer = _program(*row[:-1])
        else:
            return None
        return replace(viewer, client="ticket")

    async def by_listen_token(self, via: str, epoch: int) -> Viewer | None:
        """Return whose listen-only token it is; None once what it was made with has ended.

        epoch  of the user when it was made: signing out everywhere ends it
        """
        viewer = await self.by_ticket(via)
        if viewer is None or await self._row(EPOCH, viewer.user_id, epoch) is None:
            return None
        scopes = LISTEN_ONLY & viewer.scopes
        return replace(viewer, client="listen", scopes=scopes, epoch=epoch)

    async def by_share(self, share_id: str) -> Viewer | None:
        """Return the guest whom a share link lets in; None once it has ended or was revoked.

        What it shows is limited by what its maker may see now.
        """
        at_ms = self._clock_ms()
        row = await self._row(SHARE, share_id, at_ms)
        if row is None:
            return None
        user_id, name, role, via, room, last_used_ms = row
        if _is_long_ago(last_used_ms, at_ms):
            await self._noted(NOTE_SHARE, at_ms, via)
        shared = parse_room(room, user_id)
        return Viewer(user_id, name, role, "share", FOLLOWING, via, shared)

    async def still_good(self, viewers: Sequence[Viewer]) -> list[bool | None]:
        """Tell for each viewer whether what it came by is still good.

        None when it is, but its user's role is another one now.
        """
        wanted = [[v.via, v.user_id, v.epoch] for v in viewers]
        found = await self._reader.execute_fetchall(
            STILL_GOOD, (orjson.dumps(wanted).decode(), self._clock_ms())
        )
        roles = [role for (role,) in found]
        return [
            False if role is None else True if role == viewer.role else None
            for viewer, role in zip(viewers, roles, strict=True)
        ]

    async def _noted(self, statement: str, *values: object) -> bool:
        """Write that something was used; tells whether there was room for it.

        A full disk keeps nobody out: who comes may want to make room.
        """
        try:
            await self._writer.run(lambda db: db.execute(statement, values).rowcount)
        except StorageFull:
            return False
        return True

    async def _row(self, query: str, *values: object) -> Any:
        return next(iter(await self._reader.execute_fetchall(query, values)), None)

    async def _token(self, key: bytes) -> Any:
        """Return the row of the token with this hash. Who asks for the same one meanwhile shares
        the read: a crowd of one program's connections comes back at once."""
        read = self._reading.get(key)
        if read is None:
            at_ms = self._clock_ms()
            read = asyncio.ensure_future(self._row(TOKEN_OF_SECRET, key, at_ms))
            self._reading[key] = read
            read.add_done_callback(lambda _: self._reading.pop(key))
        return await asyncio.shield(read)


def _is_long_ago(used_ms: int | None, at_ms: int) -> bool:
    return used_ms is None or at_ms - used_ms >= USE_NOTED_EVERY_MS


def _browser(user_id: str, name: str, role: Role, via: str) -> Viewer:
    return Viewer(user_id, name, role, "cookie", via=via)


def _program(user_id: str, name: str, role: Role, via: str, scopes: str, allowance: str) -> Viewer:
    return Viewer(
        user_id,
        name,
        role,
        "token",
        parse_scopes(scopes),
        via,
        allowance=parse_allowance(allowance),
    )
