"""Errors on the wire: every code has a status and says what happened, what was kept, what to do."""

import orjson
import pytest
from aiohttp import web

from app.core import unreadable
from app.core.errors import (
    AppError,
    CrossSite,
    InternalError,
    MethodNotAllowed,
    NotAuthenticated,
    ShuttingDown,
    TooManyRequests,
    UploadTooLarge,
)
from app.web.problems import STATUS, from_http, headers_of, problem, problem_response, status_of

# What is wrong with a file, found while it is read; told in events, and 422 if ever answered.
OF_THE_FILE = {
    error.code for error in AppError.by_code.values() if error.__module__ == unreadable.__name__
}


def test_every_code_has_a_status_that_was_chosen() -> None:
    assert set(AppError.by_code) == set(STATUS) | OF_THE_FILE


def test_what_is_wrong_with_a_file_is_unprocessable() -> None:
    assert {status_of(code) for code in OF_THE_FILE} == {422}


@pytest.mark.parametrize("code", sorted(AppError.by_code))
def test_a_problem_has_its_three_sentences(code: str) -> None:
    told = problem(AppError.by_code[code]())
    assert told["status"] == status_of(code)
    assert told["type"] == f"urn:livetrail:problem:{code}"
    assert all(told[key] for key in ("title", "detail", "hint"))


def test_a_problem_is_sent_as_one() -> None:
    answer = problem_response(UploadTooLarge(filename="a.csv", limit="2.0 KB"))
    assert (answer.status, answer.content_type) == (413, "application/problem+json")
    assert isinstance(answer.body, bytes)
    assert orjson.loads(answer.body)["title"] == "a.csv is larger than 2.0 KB"


def test_who_must_wait_is_told_how_long() -> None:
    assert headers_of(TooManyRequests(limit="5", retry_after=12))["Retry-After"] == "12"
    assert headers_of(ShuttingDown())["Retry-After"] == "5"
    assert "Retry-After" not in headers_of(CrossSite(origin="x"))


def test_who_is_not_signed_in_is_told_how_to() -> None:
    assert headers_of(NotAuthenticated())["WWW-Authenticate"].startswith("Bearer")


def test_a_wrong_method_names_the_right_ones() -> None:
    error, status = from_http(web.HTTPMethodNotAllowed("PUT", {"POST", "GET"}))
    assert (status, type(error)) == (405, MethodNotAllowed)
    assert headers_of(error)["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (web.HTTPNotFound(), "not_found"),
        (web.HTTPRequestEntityTooLarge(10, 11), "body_too_large"),
        (web.HTTPBadRequest(), "invalid_request"),
    ],
)
def test_the_frameworks_errors_get_codes_too(raised: web.HTTPException, code: str) -> None:
    error, status = from_http(raised)
    assert (error.code, status) == (code, raised.status)


def test_an_error_nobody_foresaw_tells_only_its_reference() -> None:
    told = problem(InternalError(reference="abc"))
    assert "abc" in str(told["title"])
    assert "Traceback" not in str(told)
