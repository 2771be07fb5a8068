"""The audit log: what handlers note in it, and GET /api/v1/audit for operators."""

from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import AppError
from app.core.permissions import Viewer
from app.core.protocol import Hangup
from app.core.times import iso_from_ms
from app.keys import AUDIT, DATABASE
from app.live.session import Session
from app.store.audit import Audit, Kind, Note, list_notes
from app.web.address import address_of
from app.web.identity import maybe_viewer, viewer_for
from app.web.wire import json_answer, next_link, read_query

# Refusals that say something about whoever asked. Not being signed in is none by itself: every
# browser meets it whose session has ended.
REFUSALS = frozenset({"not_allowed", "cross_site", "too_many_requests", "already_claimed"})
LARGEST_ID = 2**63 - 1


class AuditQuery(BaseModel):
    """Which entries of the audit log."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind | None = None
    user: str | None = Field(default=None, max_length=64, description="a user's id")
    before: int | None = Field(
        default=None, ge=1, le=LARGEST_ID, description="cursor: `next` of a page"
    )
    limit: int = Field(default=100, ge=1, le=500)


class AuditEntry(BaseModel):
    """Something that was noted.

    user_id, name  who it was; null and "" for nobody that was recognised
    client         how they came: cookie, token, ticket, listen or share; "" for nobody
    facts          what else is known; `times` when it stands for that many like it
    """

    id: int
    at: str
    kind: Kind
    user_id: str | None
    name: str
    client: Literal["cookie", "token", "ticket", "listen", "share", ""]
    address: str
    facts: dict[str, Any]

    @classmethod
    def of(cls, ident: int, note: Note) -> "AuditEntry":
        return cls(
            id=ident,
            at=iso_from_ms(note.at_ms),
            kind=note.kind,
            user_id=note.user_id,
            name=note.name,
            client=note.client,
            address=note.address,
            facts=note.facts,
        )


class AuditList(BaseModel):
    """Entries, newest first. `next` is the cursor of the page after this one."""

    entries: list[AuditEntry]
    next: int | None


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/audit: who came in, who was refused, who steered what. Operators only."""
    viewer_for(request, "operate")
    answer = await page_of(request, read_query(request, AuditQuery))
    headers = None if answer.next is None else next_link(request, before=answer.next)
    return json_answer(answer, headers=headers)


async def page_of(request: web.Request, query: AuditQuery) -> AuditList:
    """Return a page of the audit log, with what was noted just now."""
    await request.app[AUDIT].flush()
    found = await list_notes(
        request.app[DATABASE].reader,
        kind=query.kind,
        user_id=query.user,
        before_id=query.before,
        limit=query.limit + 1,
    )
    page = found[: query.limit]
    after = page[-1][0] if len(found) > query.limit else None
    return AuditList(entries=[AuditEntry.of(*entry) for entry in page], next=after)


def note(request: web.Request, kind: Kind, viewer: Viewer | None = None, **facts: Any) -> None:
    """Note what whoever asks has done; `viewer` when that is not the one who was recognised."""
    who = viewer or maybe_viewer(request)
    request.app[AUDIT].note(kind, who, address_of(request), **facts)


def note_refusal(request: web.Request, error: AppError) -> None:
    """Note that a request was refused, when that tells something about whoever asked."""
    is_forged = error.code == "not_authenticated" and "Authorization" in request.headers
    if _tells_something(error) or is_forged:
        # The path without its query, where tickets travel.
        path = request.rel_url.raw_path
        note(request, "refused", reason=error.code, method=request.method, path=path)


def _tells_something(error: AppError) -> bool:
    """Tell whether `error` says something about whoever met it: it is no mistake or accident."""
    return error.code in REFUSALS or error.facts.get("is_foreign", False)


class SocketWitness:
    """Notes every connection to the hub, its end, and what was not granted."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def came(self, session: Session) -> None:
        self._audit.note("connected", session.viewer, session.address, client_id=session.client_id)

    def left(self, session: Session) -> None:
        goodbye = session.goodbye
        self._audit.note(
            "disconnected",
            session.viewer,
            session.address,
            client_id=session.client_id,
            seconds=round(session.lasted_s(), 3),
            code=None if goodbye is None else int(goodbye.code),
            reason=None if goodbye is None else goodbye.reason,
        )

    def turned_away(self, viewer: Viewer, address: str, goodbye: Hangup) -> None:
        self._audit.note(
            "refused", viewer, address, reason="too_many_connections", why=goodbye.reason
        )

    def denied(self, session: Session, error: AppError, about: str) -> None:
        if _tells_something(error):
            self._audit.note(
                "refused", session.viewer, session.address, reason=error.code, about=about
            )
