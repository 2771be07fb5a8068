"""How far the notifiers of plugins have been told the log."""

import sqlite3

INSERT = "INSERT INTO plugin_notifier (key, cursor) VALUES (?, ?) ON CONFLICT DO NOTHING"
MOVE = "UPDATE plugin_notifier SET cursor = ? WHERE key = ?"


def begin_notifier(connection: sqlite3.Connection, key: str, cursor: int) -> int:
    """Return where the notifier stands; one that is not known begins at `cursor`."""
    connection.execute(INSERT, (key, cursor))
    found = connection.execute("SELECT cursor FROM plugin_notifier WHERE key = ?", (key,))
    return int(found.fetchone()[0])


def move_notifier(connection: sqlite3.Connection, key: str, cursor: int) -> None:
    """Note that it was told everything that concerns it up to `cursor`."""
    connection.execute(MOVE, (cursor, key))
