"""The operations page, and what it sends without scripts."""

from aiohttp import web

from app import __version__
from app.core.errors import AppError
from app.keys import SETTINGS
from app.store.audit import KINDS
from app.web import opsview
from app.web.audit import AuditQuery, page_of
from app.web.forms import see_other, told_by
from app.web.framelogs import LogWish, frames_of, log_frames
from app.web.health import components_of
from app.web.identity import viewer_for
from app.web.operations import describe
from app.web.plugins import plugins_of
from app.web.problems import status_of
from app.web.rendering import render, shell_of
from app.web.users import (
    UserChange,
    UserWish,
    change_user,
    create_user,
    remove_that_user,
    users_of,
)
from app.web.wire import read_fields, validated
from app.web.words import took_text

PAGE = "/operations"


def operations_routes() -> list[web.AbstractRouteDef]:
    """Return the page's addresses."""
    return [
        web.get(PAGE, operations_page),
        web.post(f"{PAGE}/connections/{{connection}}/log", switch_log),
        web.post(f"{PAGE}/users", add_user),
        web.post(f"{PAGE}/users/{{user_id}}/role", change_role),
        web.post(f"{PAGE}/users/{{user_id}}/password", set_password),
        web.post(f"{PAGE}/users/{{user_id}}/remove", remove_user),
    ]


async def _refused(request: web.Request, error: AppError) -> web.Response:
    return await _shown(request, error)


async def operations_page(request: web.Request) -> web.Response:
    """GET /operations: `kind` and `before` narrow the audit log, `frames` names a connection."""
    viewer_for(request, "operate")
    return await _shown(request)


@told_by(_refused, "operate")
async def switch_log(request: web.Request) -> web.Response:
    """POST /operations/connections/{connection}/log."""
    fields = await read_fields(request)
    log = log_frames(request, LogWish(on=fields.get("on") == "on"))
    return see_other(f"{PAGE}?frames={log.number}#frames")


@told_by(_refused, "account", "operate")
async def add_user(request: web.Request) -> web.Response:
    """POST /operations/users."""
    fields = await read_fields(request)
    given = {key: fields.get(key, "") for key in ("name", "password", "role")}
    await create_user(request, validated(UserWish, given, "form"))
    return see_other(f"{PAGE}#users")


@told_by(_refused, "account", "operate")
async def change_role(request: web.Request) -> web.Response:
    """POST /operations/users/{user_id}/role."""
    given = {"role": (await read_fields(request)).get("role", "")}
    await change_user(request, validated(UserChange, given, "form"))
    return see_other(f"{PAGE}#users")


@told_by(_refused, "account", "operate")
async def set_password(request: web.Request) -> web.Response:
    """POST /operations/users/{user_id}/password."""
    given = {"password": (await read_fields(request)).get("password", "")}
    await change_user(request, validated(UserChange, given, "form"))
    return see_other(f"{PAGE}#users")


@told_by(_refused, "account", "operate")
async def remove_user(request: web.Request) -> web.Response:
    """POST /operations/users/{user_id}/remove, once they are sure."""
    if "sure" in await read_fields(request):
        await remove_that_user(request)
    return see_other(f"{PAGE}#users")


async def _shown(request: web.Request, error: AppError | None = None) -> web.Response:
    status = describe(request, opsview.CONNECTIONS_SHOWN).model_dump(mode="json")
    query = _audit_query(request)
    notes = await page_of(request, query)
    parts = await components_of(request)
    viewer = viewer_for(request, "operate")
    users = await users_of(request)
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
        plugins=tuple(opsview.plugin_line(one.model_dump()) for one in plugins_of(request).plugins),
        limits=opsview.limits(status["limits"]),
        users=tuple(
            opsview.user_line(user.model_dump(mode="json"), viewer.user_id) for user in users
        ),
        min_password_length=request.app[SETTINGS].min_password_length,
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
