"""How long steps took, by kind of file: kept so that the time left is known after a restart too."""

import sqlite3

from aiosqlite import Connection

from app.core.rates import Rate

PUT = (
    "INSERT INTO rate (step, kind, fixed_ms, per_mb_ms, samples) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT DO UPDATE SET fixed_ms = excluded.fixed_ms, per_mb_ms = excluded.per_mb_ms,"
    " samples = excluded.samples"
)


def put_rate(connection: sqlite3.Connection, step: str, kind: str, rate: Rate) -> None:
    """Keep what is known of a step by now, inside the caller's transaction."""
    connection.execute(PUT, (step, kind, *rate))


async def read_rates(db: Connection) -> dict[tuple[str, str], Rate]:
    """Return everything that is known, by step and kind."""
    rows = await db.execute_fetchall("SELECT step, kind, fixed_ms, per_mb_ms, samples FROM rate")
    return {(row[0], row[1]): Rate(*row[2:]) for row in rows}
