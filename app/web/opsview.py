"""What the operations page shows, in words; static/js/ui/connections.js is its twin. Pure.

A test gives both the same connections and compares what comes out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.errors import AppError
from app.core.quantities import count, size_text
from app.core.times import ms_from_iso
from app.web.views import Shell
from app.web.words import took_text

CONNECTIONS_SHOWN = 200
AUDIT_SHOWN = 50
SHORT_ID = 6  # characters by which a file or batch is told from others; its end is by chance

HOW: Mapping[str, str] = {
    "cookie": "browser",
    "token": "API token",
    "ticket": "ticket",
    "listen": "listen-only token",
    "share": "share link",
}
TRANSPORTS: Mapping[str, str] = {
    "websocket": "WebSocket",
    "sse": "Event stream",
    "socketio": "Socket.IO",
}
ROOMS: Mapping[str, str] = {"user": "own files", "all": "all files"}
PARTS: Mapping[str, str] = {
    "intake": "Uploads",
    "database": "Database",
    "files": "Files",
    "scanner": "Scanner",
    "workers": "Workers",
    "jail": "Readers' jail",
    "models": "Language models",
    "plugins": "Plugins",
    "live": "Live",
}
DID: Mapping[str, str] = {
    "sign_in": "signed in",
    "sign_in_failed": "failed to sign in",
    "sign_out": "signed out",
    "signed_out_everywhere": "signed out everywhere",
    "password_changed": "changed a password",
    "token_created": "made an API token",
    "token_revoked": "revoked an API token",
    "share_created": "made a share link",
    "share_revoked": "ended a share link",
    "share_used": "opened a share link",
    "webhook_created": "made a webhook",
    "webhook_changed": "changed a webhook",
    "webhook_removed": "removed a webhook",
    "channel_created": "added a service for notifications",
    "channel_removed": "removed a service for notifications",
    "user_created": "added a user",
    "user_changed": "changed a user",
    "user_removed": "removed a user",
    "connected": "connected",
    "disconnected": "disconnected",
    "refused": "was refused",
    "control": "steered a file",
    "frames_logged": "logged a connection",
    "notes_lost": "notes were lost",
}
ALARMING = frozenset({"sign_in_failed", "refused", "notes_lost"})
LONG_ID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
STORED = re.compile(r"(\d+) bytes stored")
LIMITS: Sequence[tuple[str, str]] = (
    ("connections", "Live connections in all"),
    ("connections_per_user", "Live connections of a person"),
    ("messages_per_second", "Messages a second from one connection"),
    ("message_bytes", "Size of such a message"),
    ("heartbeat_s", "Heartbeat"),
    ("silence_s", "Closed when silent for"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the server and how it does. `key` names it for the script."""

    key: str
    label: str
    state: str
    detail: str

    @property
    def icon(self) -> str:
        return {"ok": "check", "not installed": "dash"}.get(self.state, "alert")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with what it means. `key` names it for the script."""

    key: str
    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class ConnectionLine:
    """One connection in the table.

    how      by what it came in, and from where
    follows  (words, address or "") of each room, three at most; of none, words that say so
    more     how many rooms more
    behind   "" when it is at the head
    is_logged  its frames are being logged
    """

    id: str
    who: str
    how: str
    by: str
    form: str
    since: str
    follows: tuple[tuple[str, str], ...]
    more: str
    place: str
    behind: str
    sent: str
    events: str
    received: str
    is_logged: bool


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One note of the audit log."""

    id: int
    at: str
    kind: str
    who: str
    did: str
    what: str
    address: str
    alarming: bool


@dataclass(frozen=True, slots=True)
class UserLine:
    """Somebody who may sign in. `is_me`: whoever looks, who can not remove themselves here."""

    id: str
    name: str
    role: str
    signed_in: str
    since: str
    is_me: bool


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One plugin: what it adds, or why it is not used."""

    name: str
    source: str
    adds: str
    problem: str


@dataclass(frozen=True, slots=True)
class FrameLine:
    """One frame. `arrow` tells its direction to the eye, `word` to everybody else."""

    n: int
    at: str
    arrow: str
    word: str
    text: str


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of one connection. `until` is "" once the log is off."""

    connection: str
    until: str
    lines: tuple[FrameLine, ...]


@dataclass(frozen=True, slots=True)
class OperationsPage:
    """operations.html.

    connected  connections there are, of which `connections` are the first
    kinds      (kind, words) that the audit log can be narrowed to; `kind` is the one chosen
    older      address of the notes before these, "" when there are none
    newest     these are the newest notes, which the script keeps up to date
    """

    shell: Shell
    error: AppError | None
    up: str
    version: str
    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]
    connected: int
    connections: tuple[ConnectionLine, ...]
    frames: Frames | None
    plugins: tuple[PluginLine, ...]
    limits: tuple[tuple[str, str], ...]
    users: tuple[UserLine, ...]
    min_password_length: int
    audit: tuple[AuditLine, ...]
    kinds: tuple[tuple[str, str], ...]
    kind: str
    older: str
    newest: bool

    @property
    def hidden(self) -> int:
        """How many connections there are besides those that are shown."""
        return self.connected - len(self.connections)


def part(name: str, state: str, detail: str) -> Part:
    """Return what is said of the server's part `name`."""
    stored = STORED.fullmatch(detail)
    said = f"{size_text(int(stored[1]))} stored" if stored else detail
    return Part(name, PARTS.get(name, name), state, said or state)


def connection_line(connection: Mapping[str, Any], now: str) -> ConnectionLine:
    """Return what the table shows of a connection of GET /api/v1/websocket/status.

    now  the server's, ISO 8601
    """
    rooms = connection["rooms"]
    how = HOW.get(connection["client"], connection["client"])
    by = TRANSPORTS.get(connection["transport"], connection["transport"])
    lasted_ms = max(ms_from_iso(now) - ms_from_iso(connection["since"]), 0)
    return ConnectionLine(
        id=connection["id"],
        who=connection["user"],
        how=" · ".join(part for part in (how, connection["address"]) if part),
        by=by,
        form="" if connection["transport"] == "sse" else connection["format"],
        since=took_text(lasted_ms // 1000 * 1000 if lasted_ms >= 10_000 else lasted_ms),
        follows=tuple(_room(room) for room in rooms[:ROOMS_SHOWN]) or NOTHING,
        more=f"+{len(rooms) - ROOMS_SHOWN}" if len(rooms) > ROOMS_SHOWN else "",
        place=f"{connection['cursor']:,}",
        behind=f"{connection['lag']:,} behind" if connection["lag"] else "",
        sent=size_text(connection["bytes_out"]),
        events=count(connection["events_out"], "event"),
        received=f"{connection['messages_in']:,}",
        is_logged=connection["logged_until"] is not None,
    )


ROOMS_SHOWN = 3
NOTHING = (("nothing yet", ""),)


def _room(room: str) -> tuple[str, str]:
    kind, _, ident = room.partition(":")
    if kind in ROOMS:
        return ROOMS[kind], ""
    word, folder = ("file", "jobs") if kind == "job" else ("batch", "batches")
    return f"{word} {ident[-SHORT_ID:]}", f"/{folder}/{ident}"


def figures(status: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures at the top, out of GET /api/v1/websocket/status."""
    telling, writing = status["telling_s"], status["transaction_s"]
    written = (
        f"99 in 100 writes under {spread(writing, 'p99')}" if writing["count"] else "no writes"
    )
    people = len({one["user_id"] for one in status["connections"]})
    refused, rejected = sum(status["refused"].values()), sum(status["rejected"].values())
    return (
        Figure(
            "connected",
            "Connections",
            f"{status['connected']:,}",
            f"of {status['limits']['connections']:,.0f} · {count(people, 'person', 'people')}",
        ),
        Figure("sent", "Events sent", f"{status['deliveries']:,}", size_text(status["bytes_out"])),
        Figure("delay", "Delivery", spread(telling, "p50"), _most(telling)),
        Figure("behind", "Catching up", f"{status['behind']:,}", "connections behind the log"),
        Figure("log", "Log", f"{status['head']:,}", written),
        Figure(
            "refused", "Refused", f"{refused:,}", f"and {count(rejected, 'message')} not understood"
        ),
    )


def spread(values: Mapping[str, Any], share: str) -> str:
    """Return a bound of a spread, given in seconds: "2.5 ms"; a dash before the first value."""
    bound = values[share]
    if bound is None:
        return "–"
    return f"{bound:g} s" if bound >= 1 else f"{bound * 1000:g} ms"


def _most(values: Mapping[str, Any]) -> str:
    return f"99 in 100 under {spread(values, 'p99')}" if values["count"] else "nothing told yet"


def limits(values: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    """Return the limits in force, with their names."""
    return tuple((label, _limit(key, values[key])) for key, label in LIMITS if key in values)


def _limit(key: str, value: float) -> str:
    if key.endswith("_s"):
        return took_text(round(value * 1000)).replace(".0 s", " s")
    return size_text(round(value)) if key.endswith("_bytes") else f"{value:,.0f}"


def plugin_line(plugin: Mapping[str, Any]) -> PluginLine:
    """Return what is shown of a plugin of GET /api/v1/plugins."""
    source = "of the data folder" if plugin["source"] == "folder" else "installed"
    return PluginLine(
        name=plugin["name"],
        source=f"{source} {plugin['version']}".strip(),
        adds=" · ".join(map(_part_words, plugin["parts"])) or "is being loaded",
        problem=plugin["problem"],
    )


def _part_words(part: Mapping[str, Any]) -> str:
    words = f"{part['kind']} {part['label']}"
    return f"{words}, failed {count(part['failures'], 'time')}" if part["failures"] else words


def user_line(user: Mapping[str, Any], me: str) -> UserLine:
    """Return what is said of a user of GET /api/v1/users; `me` is the id of who looks."""
    browsers = count(user["sessions"], "browser") if user["sessions"] else "not signed in"
    return UserLine(
        user["id"], user["name"], user["role"], browsers, user["created_at"], user["id"] == me
    )


def facts_text(facts: Mapping[str, Any]) -> str:
    """Return what else is known of a note: "op retry · job id …c810a8"."""
    return " · ".join(
        f"{key.replace('_', ' ')} {_fact(value)}"
        for key, value in facts.items()
        if key != "via" and value != ""
    )


def _fact(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_fact, value))
    return LONG_ID.sub(lambda found: f"…{found[0][-SHORT_ID:]}", str(value))


def actor(entry: Mapping[str, Any]) -> str:
    """Return who did what was noted; who came by a share link is not the one who made it."""
    if not entry["name"]:
        return "somebody"
    return f"guest of {entry['name']}" if entry["client"] == "share" else str(entry["name"])


def audit_lines(entries: Iterable[Mapping[str, Any]]) -> tuple[AuditLine, ...]:
    """Return the notes of GET /api/v1/audit as lines."""
    return tuple(
        AuditLine(
            id=entry["id"],
            at=entry["at"],
            kind=entry["kind"],
            who=actor(entry),
            did=DID.get(entry["kind"], entry["kind"]),
            what=facts_text(entry["facts"]),
            address=entry["address"],
            alarming=entry["kind"] in ALARMING,
        )
        for entry in entries
    )


def frames(found: Mapping[str, Any]) -> Frames:
    """Return what was logged of a connection, newest first."""
    lines = tuple(
        FrameLine(
            n=frame["n"],
            at=frame["at"],
            arrow="→" if frame["direction"] == "out" else "←",
            word="sent" if frame["direction"] == "out" else "received",
            text=frame["text"] if frame["kind"] == "text" else f"{frame['kind']} {frame['text']}",
        )
        for frame in reversed(found["frames"])
    )
    return Frames(found["id"], found["until"] if found["on"] else "", lines)
