"""Errors on the wire: each code has one status and becomes one RFC 9457 problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from app.core.errors import (
    AppError,
    BodyTooLarge,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
)
from app.core.names import one_line
from app.core.tus import VERSION

PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
# What clients of other systems ask for: they show `error`.
OTHERS = ("/api/upload", "/api/invoices/", "/api/wizard/")
LINES = "/up/"  # below it everything is told in lines of plain text, to who does not ask for JSON

# What a file's content brings about is 422: the request was fine, its file is not.
UNREADABLE = 422
STATUS: dict[str, int] = {
    "internal_error": 500,
    "worker_crashed": 500,
    "crashed": 500,
    "step_timeout": 500,
    "out_of_memory": 500,
    "storage_full": 507,
    "plugin_failed": 500,
    "plugin_gone": 500,
    "file_missing": 410,
    "invalid_request": 400,
    "not_multipart": 415,
    "malformed_multipart": 400,
    "no_files": 400,
    "too_many_files": 413,
    "upload_too_large": 413,
    "body_too_large": 413,
    "upload_cut": 408,
    "too_many_uploads": 429,
    "piece_cut": 408,
    "checksum_mismatch": 460,
    "not_a_piece": 415,
    "unknown_tus": 412,
    "not_found": 404,
    "history_pruned": 410,
    "method_not_allowed": 405,
    "not_authenticated": 401,
    "not_allowed": 403,
    "wrong_password": 401,
    "weak_password": 422,
    "not_claimed": 403,
    "already_claimed": 409,
    "name_taken": 409,
    "cross_site": 403,
    "conflict": 409,
    "target_refused": 422,
    "target_unreachable": 502,
    "fetch_refused": 502,
    "invalid_report": 400,
    "report_too_large": 413,
    "job_ended": 409,
    "too_many_requests": 429,
    "too_many_connections": 429,
    "request_timeout": 408,
    "shutting_down": 503,
}
FURTHER = ("index", "job_status")
"""Facts of an error that a program may need: members of its problem, too."""
RETRY_AFTER_S = {"shutting_down": 5, "storage_full": 60}


def status_of(code: str) -> int:
    """Return the HTTP status for the error `code`; 422 for what is wrong with a file."""
    return STATUS.get(code, UNREADABLE)


def problem(error: AppError, status: int | None = None) -> dict[str, object]:
    """Return `error` as an RFC 9457 problem: what happened, what was kept, what to do."""
    body = error.body()
    return {
        "type": f"urn:livetrail:problem:{body['code']}",
        "title": body["title"],
        "status": status or status_of(body["code"]),
        "detail": body["detail"],
        "code": body["code"],
        "hint": body["hint"],
        "retryable": body["retryable"],
        **{key: error.facts[key] for key in FURTHER if key in error.facts},
    }


def headers_of(error: AppError) -> dict[str, str]:
    """Return the headers that belong to the error's answer."""
    headers: dict[str, str] = {}
    wait_s = error.facts.get("retry_after", RETRY_AFTER_S.get(error.code))
    if wait_s is not None:
        headers["Retry-After"] = str(wait_s)
    if error.code == "not_authenticated":
        headers["WWW-Authenticate"] = 'Bearer realm="livetrail"'
    if error.code == "unknown_tus":
        headers["Tus-Version"] = VERSION
    if error.code == "method_not_allowed":
        headers["Allow"] = str(error.facts["allowed"])
    return headers


def problem_response(error: AppError, status: int | None = None, *, path: str = "") -> web.Response:
    """Return the answer that tells `error` to who asked for `path`."""
    body = problem(error, status)
    if path.startswith(OTHERS):
        body["error"] = f"{body['title']}. {body['hint']}"
    return web.Response(
        body=orjson.dumps(body),
        status=status or status_of(error.code),
        content_type="application/problem+json",
        headers=headers_of(error),
    )


def wants_line(request: web.BaseRequest) -> bool:
    """Tell whether the answer is read on a terminal, where a problem is one line of text."""
    return request.path.startswith(LINES) and "json" not in request.headers.get("Accept", "")


def in_words(error: Mapping[str, Any]) -> str:
    """Return what happened, what was kept and what to do, as one text."""
    return f"{error['title']}. {error['detail']} {error['hint']}"


def line_response(error: AppError, status: int | None = None) -> web.Response:
    """Return the answer that tells `error` as one line of plain text."""
    return web.Response(
        text=one_line(in_words(error.body())) + "\n",
        status=status or status_of(error.code),
        headers={**PLAIN, **headers_of(error)},
    )


def raw_problem(error: AppError) -> bytes:
    """Return the whole HTTP/1.1 answer that tells `error` and ends the connection."""
    body = orjson.dumps(problem(error))
    status = HTTPStatus(status_of(error.code))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/problem+json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def from_http(error: web.HTTPException) -> tuple[AppError, int]:
    """Return the AppError, and its status, for an error that the framework raised."""
    match error:
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return MethodNotAllowed(method=error.method, allowed=allowed), 405
        case web.HTTPRequestEntityTooLarge():
            return BodyTooLarge(), 413
        case _ if error.status in (404, 410):
            return NotFound(what="page"), error.status
        case _:
            return InvalidRequest(what=error.reason), error.status
