"""The operations page, and what it sends without scripts."""

from aiohttp import web

from app import __version__
from app.core.errors import AppError
from app.store.audit import KINDS
from app.web import opsview
from app.web.audit import AuditQuery, page_of
from app.web.forms import see_other
from app.web.health import components_of
from app.web.identity import viewer_for
from app.web.operations import LogWish, describe, frames_of, log_frames
from app.web.problems import status_of
from app.web.rendering import render, shell_of
from app.web.wire import read_fields, validated
from app.web.words import took_text

PAGE = "/operations"


def operations_routes() -> list[web.AbstractRouteDef]:
    """Return the page's addresses."""
    return [
        web.get(PAGE, operations_page),
        web.post(f"{PAGE}/connections/{{connection}}/log", switch_log),
    ]


async def operations_page(request: web.Request) -> web.Response:
    """GET /operations: `kind` and `before` narrow the audit log, `frames` names a connection."""
    viewer_for(request, "operate")
    return await _shown(request)


async def switch_log(request: web.Request) -> web.Response:
    """POST /operations/connections/{connection}/log."""
    viewer_for(request, "operate")
    fields = await read_fields(request)
    try:
        log = log_frames(request, LogWish(on=fields.get("on") == "on"))
    except AppError as error:
        return await _shown(request, error)
    return see_other(f"{PAGE}?frames={log.number}#frames")


async def _shown(request: web.Request, error: AppError | None = None) -> web.Response:
    status = describe(request, opsview.CONNECTIONS_SHOWN).model_dump(mode="json")
    query = _audit_query(request)
    notes = await page_of(request, query)
    parts = await components_of(request)
    frames = frames_of(request, request.query.get("frames", ""))
    kind = query.kind or ""
    page = opsview.OperationsPage(
        shell=shell_of(request, "operations"),
        error=error,
        up=took_text(int(status["up_s"]) * 1000),
        version=__version__,
        parts=tuple(opsview.part(name, one.state, one.detail) for name, one in parts.items()),
        figures=opsview.figures(status),
        connected=status["connected"],
        connections=tuple(
            opsview.connection_line(one, status["now"]) for one in status["connections"]
        ),
        frames=None if frames is None else opsview.frames(frames.model_dump(mode="json")),
        limits=opsview.limits(status["limits"]),
        audit=opsview.audit_lines(entry.model_dump(mode="json") for entry in notes.entries),
        kinds=tuple((one, opsview.DID[one]) for one in KINDS),
        kind=kind,
        older=f"{PAGE}?kind={kind}&before={notes.next}#audit" if notes.next else "",
        newest=query.before is None,
    )
    return render(request, "operations.html", page, 200 if error is None else status_of(error.code))


def _audit_query(request: web.Request) -> AuditQuery:
    """Return which notes are wanted. Raises InvalidRequest."""
    given = {key: request.query[key] for key in ("kind", "before") if request.query.get(key)}
    return validated(AuditQuery, {**given, "limit": opsview.AUDIT_SHOWN}, "query")
