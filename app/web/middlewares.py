"""What happens around every request: its id, its errors, and who may come in at all."""

import logging
import random
import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import hdrs, web
from aiohttp.abc import AbstractAccessLogger

from app.core.diskfull import is_disk_full
from app.core.errors import AppError, InternalError, NotAuthenticated, NotClaimed, StorageFull
from app.core.tus import VERSION
from app.keys import ACCOUNTS, ADDRESS, BUDGET, BUDGETS, REFUSED, REQUEST_ID, SETTINGS, VIEWER
from app.web.address import address_of, find_address
from app.web.audit import note_refusal
from app.web.identity import (
    COOKIE,
    RENEWED,
    SAFE_METHODS,
    SHARE_COOKIE,
    demand_host,
    demand_same_site,
    recognise,
    set_cookie,
)
from app.web.pages import error_response
from app.web.problems import (
    from_http,
    line_response,
    problem_response,
    status_of,
    wants_line,
)
from app.web.socketio import is_under_way
from app.web.wire import wants_html

logger = logging.getLogger(__name__)
access_logger = logging.getLogger("app.access")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CLIENT_LEFT = 499  # for the access log, as nginx has it
STARTED = web.RequestKey("started", bool)
# What answers before the server has an owner, and without asking who it is, or how often.
ALWAYS_OPEN = ("/healthz", "/readyz", "/api/health", "/static/")
RESUMABLE = "/api/v1/uploads/"
OPEN_UNCLAIMED = frozenset({"/setup", "/api/v1/auth/claim"})

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache, private",
}
CORS_EXPOSED = (
    "ETag, Link, Livetrail-Batch, Livetrail-Job, Location, RateLimit, RateLimit-Policy,"
    " Retry-After, Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version,"
    " Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset,"
    " X-Request-ID"
)
PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Tus-Resumable,"
        " Upload-Checksum, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset,"
        " X-HTTP-Method-Override, X-Request-ID"
    ),
    "Access-Control-Max-Age": "600",
}


@web.middleware
async def request_id(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, its sender's own if it is a sensible one, and find its address."""
    request[ADDRESS] = find_address(request)
    given = request.headers.get("X-Request-ID", "")
    request[REQUEST_ID] = given if GIVEN_ID.fullmatch(given) else f"{random.getrandbits(64):016x}"
    return await handler(request)


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever is raised into one answer of one shape."""
    try:
        return await handler(request)
    except AppError as error:
        note_refusal(request, error)
        return _told(request, error, None)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _told(request, *from_http(error))
    except ConnectionResetError:
        logger.debug("whoever asked has left: request=%s", request[REQUEST_ID])
        return web.Response(status=CLIENT_LEFT)  # to nobody
    except Exception as error:
        reference = request[REQUEST_ID]
        logger.exception(
            "request failed: reference=%s path=%s", reference, request.rel_url.raw_path
        )
        full = is_disk_full(error)
        return _told(request, StorageFull() if full else InternalError(reference=reference), None)


@web.middleware
async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks; refuse what comes before there is an owner, too often, or cross-site."""
    if request.path.startswith(ALWAYS_OPEN) or is_under_way(request):
        return await handler(request)
    if (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    ):
        return web.Response(status=204, headers=PREFLIGHT_HEADERS)
    demand_host(request)
    if not await request.app[ACCOUNTS].claimed() and request.path not in OPEN_UNCLAIMED:
        raise NotClaimed
    viewer = await recognise(request)
    if viewer is not None:
        request[VIEWER] = viewer
    request[BUDGET], refusal = request.app[BUDGETS].take(viewer, address_of(request))
    if refusal is not None:
        raise refusal
    if request.method not in SAFE_METHODS:
        demand_same_site(request)
    response = await handler(request)
    renewed = request.get(RENEWED)
    if renewed is not None and not response.prepared and COOKIE not in response.cookies:
        set_cookie(request, response, renewed)
    return response


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer what protects its reader. Connected to on_response_prepare."""
    request[STARTED] = True
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "livetrail"  # not which versions of what it runs on
    if request.path.startswith(RESUMABLE):
        response.headers["Tus-Resumable"] = VERSION
    if (known := request.get(REQUEST_ID)) is not None:  # refused before it came to us: none
        response.headers["X-Request-ID"] = known
    if (budget := request.get(BUDGET)) is not None:
        response.headers.update(budget.headers())
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and origin in request.app[SETTINGS].allowed_origins:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = CORS_EXPOSED
    if request.app[SETTINGS].allowed_origins:
        response.headers.add(hdrs.VARY, "Origin")


def _told(request: web.Request, error: AppError, status: int | None) -> web.StreamResponse:
    request.app[REFUSED][error.code] += 1
    if request.get(STARTED):
        # Half an answer is out; a broken connection is the only way left to say that it failed.
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=status_of(error.code))  # to nobody
    if wants_line(request):
        return line_response(error, status)
    if not wants_html(request):
        return problem_response(error, status, path=request.path)
    if isinstance(error, NotClaimed):
        raise web.HTTPSeeOther("/setup")
    if isinstance(error, NotAuthenticated) and request.method in SAFE_METHODS:
        if SHARE_COOKIE in request.cookies and COOKIE not in request.cookies:
            raise web.HTTPSeeOther("/share")  # which says that the link has ended
        raise web.HTTPSeeOther(f"/login?next={quote(request.path_qs)}")
    return error_response(request, error, status)


class AccessLog(AbstractAccessLogger):
    """One line a request, without the query, where tickets travel."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Write the line. `time` is seconds."""
        access_logger.info(
            "%s %s status=%d took_ms=%d remote=%s request=%s",
            request.method,
            request.rel_url.raw_path,  # encoded: no line end gets in
            response.status,
            round(time * 1000),
            address_of(request),
            request.get(REQUEST_ID, "-"),
        )

    @property
    def enabled(self) -> bool:
        """Tell whether anybody reads the lines."""
        return access_logger.isEnabledFor(logging.INFO)
