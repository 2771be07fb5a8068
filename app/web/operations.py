"""Looking inside: who is connected, and how it goes. GET /api/v1/websocket/status for operators."""

import heapq
import time
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app import __version__
from app.core.histogram import Histogram
from app.core.times import iso_from_ms
from app.keys import DATABASE, FRAME_LOGS, HUB, JOURNAL, LAG, RUNNER, SETTINGS
from app.live.frames import FrameLog
from app.live.hub import Hub
from app.live.session import Session
from app.settings import Settings
from app.web.identity import viewer_for
from app.web.wire import json_answer, read_query


class StatusQuery(BaseModel):
    """How many connections to describe: those that are behind first, then the newest."""

    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=100, ge=0, le=1000)


class Spread(BaseModel):
    """How often something was how large, since the server started.

    `p50` and `p99` are bounds which that share did not exceed, null before the first value.
    """

    count: int
    total: float
    p50: float | None
    p99: float | None
    buckets: list[tuple[float | None, int]] = Field(
        description="[bound, how many were not above it], rising; the last bound is null: all"
    )

    @classmethod
    def of(cls, values: Histogram) -> "Spread":
        buckets = values.buckets()
        return cls(
            count=buckets[-1][1],
            total=round(values.total, 6),
            p50=values.quantile(0.50),
            p99=values.quantile(0.99),
            buckets=[*buckets[:-1], (None, buckets[-1][1])],
        )


class ConnectionAnswer(BaseModel):
    """One live connection."""

    id: str = Field(description="ours, while the server runs; client_id may come twice")
    client_id: str
    user_id: str
    user: str = Field(description="name of the user, or of whoever shared what is followed")
    client: str = Field(description="how it came in: cookie, token, ticket, listen or share")
    address: str
    transport: str = Field(description="websocket or sse")
    format: str
    since: str
    state: Literal["live", "catching_up", "idle", "closing"] = Field(
        description="idle: it follows nothing"
    )
    rooms: list[str]
    cursor: int = Field(description="everything up to this seq was written")
    lag: int = Field(description="places of the log between cursor and head")
    unsent_bytes: int = Field(description="written, and not yet taken by the network")
    messages_in: int
    events_out: int
    bytes_out: int
    silent_s: float = Field(description="since anything came from it, answers to pings included")
    logged_until: str | None = Field(description="its frames are being logged")


class Status(BaseModel):
    """The live side at a glance. Counts and spreads begin with the start of the server."""

    version: str = __version__
    now: str
    up_s: float
    log: str = Field(description="the log's id")
    head: int
    connected: int
    transports: dict[str, int]
    rooms: int = Field(description="that somebody follows live")
    behind: int = Field(description="connections that still catch up")
    deliveries: int
    bytes_out: int
    messages_in: int
    rejected: dict[str, int] = Field(description="messages not carried out, by error code")
    refused: dict[str, int] = Field(description="connections not taken, by reason")
    closed: dict[str, int] = Field(
        description="connections that are over, by close code; 3000 for all of clients' own"
    )
    events: int = Field(description="committed since the start")
    telling_s: Spread = Field(description="from an append to its last write to those who are live")
    transaction_s: Spread = Field(description="transactions of livetrail.db")
    commit_events: Spread = Field(description="events in one commit")
    loop_lag_s: Spread
    loop_stalls: int = Field(description="wakes that came more than 5 ms late")
    loop_longest_s: float
    jobs_at_work: int
    limits: dict[str, float]
    connections: list[ConnectionAnswer] = Field(
        description="at most `limit`: those that are behind first, then the newest"
    )


async def status(request: web.Request) -> web.Response:
    """GET /api/v1/websocket/status: figures, limits and connections, for operators."""
    viewer_for(request, "operate")
    return json_answer(describe(request, read_query(request, StatusQuery).limit))


def describe(request: web.Request, limit: int) -> Status:
    """Return how things stand, with at most `limit` connections."""
    hub, journal, lag = request.app[HUB], request.app[JOURNAL], request.app[LAG]
    counts, counters = hub.counts(), hub.counters
    now_s, now_ms = hub.clock(), time.time_ns() // 1_000_000
    return Status(
        now=iso_from_ms(now_ms),
        up_s=round(now_s - hub.since_s, 3),
        log=hub.log_id,
        head=hub.head,
        connected=counts.connections,
        transports={kind: open_ for kind, open_ in hub.transports.items() if open_},
        rooms=counts.rooms,
        behind=counts.behind,
        deliveries=counters.deliveries,
        bytes_out=counters.sent_bytes,
        messages_in=counters.received,
        rejected=dict(counters.rejected),
        refused=dict(counters.refused),
        closed={str(code): times for code, times in counters.closed.items()},
        events=int(journal.sizes.total),
        telling_s=Spread.of(counters.telling),
        transaction_s=Spread.of(request.app[DATABASE].writer.seconds),
        commit_events=Spread.of(journal.sizes),
        loop_lag_s=Spread.of(lag.seconds),
        loop_stalls=lag.stalls,
        loop_longest_s=round(lag.longest_s, 6),
        jobs_at_work=request.app[RUNNER].active,
        limits=_limits(request.app[SETTINGS]),
        connections=[
            _describe(session, hub, request.app[FRAME_LOGS].of(session.number), now_s, now_ms)
            for session in _chosen(hub, limit)
        ],
    )


def _chosen(hub: Hub, limit: int) -> list[Session]:
    """Return the sessions to describe, without sorting thousands of them."""
    behind = [session for session in hub.sessions if session.catching_up][:limit]
    others = (session for session in hub.sessions if not session.catching_up)
    newest = heapq.nlargest(limit - len(behind), others, key=lambda session: session.number)
    return [*sorted(behind, key=lambda session: session.told_upto), *newest]


def _describe(
    session: Session, hub: Hub, log: FrameLog | None, now_s: float, now_ms: int
) -> ConnectionAnswer:
    viewer = session.viewer
    events, size_bytes = session.traffic
    cursor = session.told_upto if session.catching_up else hub.head
    return ConnectionAnswer(
        id=str(session.number),
        client_id=session.client_id,
        user_id=viewer.user_id,
        user=viewer.name,
        client=viewer.client,
        address=session.address,
        transport=session.kind,
        format=session.form.name,
        since=iso_from_ms(now_ms - round((now_s - session.since_s) * 1000)),
        state=_state(session),
        rooms=[str(room) for room in session.followed],
        cursor=cursor,
        lag=hub.head - cursor,
        unsent_bytes=session.transport.get_write_buffer_size(),
        messages_in=session.received,
        events_out=events,
        bytes_out=size_bytes,
        silent_s=round(now_s - session.heard_s, 3),
        logged_until=iso_from_ms(log.until_ms) if log is not None and log.is_on else None,
    )


def _state(session: Session) -> Literal["live", "catching_up", "idle", "closing"]:
    if session.closing:
        return "closing"
    if session.catching_up:
        return "catching_up"
    return "live" if session.followed else "idle"


def _limits(settings: Settings) -> dict[str, float]:
    return {
        "connections": settings.max_websocket_connections,
        "connections_per_user": settings.max_websocket_connections_per_user,
        "messages_per_second": settings.websocket_message_rate_limit,
        "message_bytes": settings.websocket_max_message_size,
        "heartbeat_s": settings.websocket_heartbeat_interval,
        "silence_s": settings.websocket_connection_timeout,
    }
