"""Requests in bytes or wrappings that no program sends by accident: refused, never a failure."""

import asyncio
import json
import sqlite3
from contextlib import closing
from typing import Any

import aiohttp
import pytest

from app.keys import AUDIT
from tests.integration.serving import LONGEST_S, PASSWORD, Server, put_question, upload
from tests.integration.test_edge import answers, connected

NO_UTF8 = "\xff\xfe"  # sent as Latin-1
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade, close",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
FORM = "application/x-www-form-urlencoded"


async def asked(
    server: Server, question: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and JSON of the answer; `_` in a header's name stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    host = server.url.removeprefix("http://")
    sent = {"Host": host, "Connection": "close", "Content-Length": str(len(body)), **named}
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    async with connected(server) as (reader, writer):
        writer.write(f"{question} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body)
        async with asyncio.timeout(LONGEST_S):
            (answer,) = await answers(await reader.read())
    return answer


@pytest.mark.parametrize(
    ("question", "headers", "status"),
    [
        ("GET /api/v1/jobs", {"Cookie": f"livetrail_share={NO_UTF8}"}, 401),
        ("GET /api/v1/jobs", {"Cookie": f"livetrail_session={NO_UTF8}"}, 401),
        ("GET /api/v1/jobs", {"Authorization": f"Bearer {NO_UTF8}.a.b"}, 401),
        ("POST /api/v1/auth/logout", {"Origin": f"http://{NO_UTF8}"}, 403),
        ("POST /api/v1/auth/logout", {"Sec_Fetch_Site": NO_UTF8}, 403),
        ("GET /api/v1/events", {"Origin": NO_UTF8}, 403),
        ("GET /ws", {"Origin": NO_UTF8, **UPGRADE}, 403),
        ("POST /api/v1/auth/login", {"Content_Encoding": "gzip"}, 400),
        ("POST /login", {"Content_Type": f"{FORM}; charset=nonsense"}, 400),
        ("POST /login", {"Content_Type": f"{FORM}; charset=rot13"}, 400),
        ("POST /login", {"Content_Type": f"{FORM}; charset=raw_unicode_escape"}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    server: Server, question: str, headers: dict[str, str], status: int
) -> None:
    if question.startswith("POST"):
        headers = {"Origin": server.url, **headers}
    if "Sec_Fetch_Site" in headers:
        del headers["Origin"]
    answered, _, told = await asked(server, question, b"{", **headers)
    assert answered == status
    assert told["status"] == status


async def test_an_upload_of_no_known_type_is_told_so(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    cookie = "; ".join(f"{one.key}={one.value}" for one in ann.cookie_jar)
    status, _, told = await asked(
        server,
        "POST /api/v1/batches",
        b"{",
        Origin=server.url,
        Cookie=cookie,
        Content_Type=NO_UTF8,
    )
    assert (status, told["code"]) == (415, "not_multipart")


async def test_a_browser_may_call_itself_anything(server: Server) -> None:
    body = json.dumps({"name": "bob", "password": PASSWORD}).encode()
    status, _, told = await asked(
        server, "POST /api/v1/auth/login", body, Origin=server.url, User_Agent=NO_UTF8
    )
    assert (status, told["name"]) == (200, "bob")
    with closing(sqlite3.connect(server.settings.database_path)) as database:
        clients = [client for (client,) in database.execute("SELECT client FROM login")]
    assert "??" in clients


async def test_an_expectation_that_nobody_meets_is_answered(server: Server) -> None:
    async with connected(server) as (reader, writer):
        head = "Host: a\r\nConnection: close\r\nExpect: wonders\r\n\r\n"
        writer.write(f"GET /healthz HTTP/1.1\r\n{head}".encode())
        async with asyncio.timeout(LONGEST_S):
            assert (await reader.read()).startswith(b"HTTP/1.1 417 ")


async def test_an_expectation_that_is_no_text_is_refused_and_no_failure(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    status, _, told = await asked(server, "GET /healthz", Expect=NO_UTF8)
    assert (status, told["code"]) == (400, "invalid_request")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@pytest.mark.parametrize("host", [NO_UTF8, "a b", "<x>", 'a"b', "a/b", "x" * 300])
async def test_what_nobody_can_be_called_is_no_host(server: Server, host: str) -> None:
    for question in ("GET /asyncapi.json", "GET /api/v1/jobs", "POST /api/v1/shares"):
        status, _, told = await asked(server, question, b"{}", Host=host)
        assert (status, told["code"]) == (400, "invalid_request"), question


@pytest.mark.parametrize("host", ["my_box:8000", "[::1]:80", "xn--bcher-kva.example", "a.b~c%20"])
async def test_what_somebody_may_be_called_is_a_host(server: Server, host: str) -> None:
    status, _, told = await asked(server, "GET /asyncapi.json", Host=host)
    assert (status, told["servers"]["here"]["host"]) == (200, host)


DEEP = "[" * 500 + "]" * 500  # more than can be told again


async def test_an_answer_within_answers_is_refused(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("a.csv", b"Date,Amount\n2025-01-03,-3.40\n"))
    ident = put_question(server.settings, accepted["jobs"][0]["job_id"])
    for path, body in (
        (f"/api/v1/clarifications/{ident}/answer", f'{{"answer":{DEEP}}}'),
        (
            "/api/wizard/clarifications/respond",
            f'{{"clarificationId":"{ident}","answer":{DEEP}}}',
        ),
    ):
        async with ann.post(path, data=body) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "invalid_request")
    async with ann.ws_connect("/ws?frames=single") as socket:
        await socket.send_json(
            {"op": "answer", "id": 1, "clarification_id": ident, "answer": [["no"]]}
        )
        async for message in socket:
            if message.json()["type"] == "error":
                break
        assert message.json()["code"] == "invalid_request"


@pytest.mark.parametrize("ends", ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59"])
async def test_what_ends_after_all_time_is_not_made(ann: aiohttp.ClientSession, ends: str) -> None:
    body = {"label": "for ever", "expires_at": ends}
    async with ann.post("/api/v1/tokens", json=body) as answer:
        assert (answer.status, (await answer.json())["code"]) == (400, "invalid_request")
    async with ann.get("/api/v1/tokens") as answer:
        assert (answer.status, (await answer.json())["tokens"]) == (200, [])


async def test_a_form_without_a_password_is_shown_again(ann: aiohttp.ClientSession) -> None:
    form = {"old": "", "new": "another correct horse"}
    async with ann.post("/account/password", data=form) as answer:
        assert answer.status == 400
        assert "form.old" in await answer.text()


async def test_a_socket_is_opened_by_get_alone(server: Server) -> None:
    async with connected(server) as (reader, writer):
        lines = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        writer.write(f"HEAD /ws HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
        async with asyncio.timeout(LONGEST_S):
            assert (await reader.readuntil(b"\r\n")).split()[1] == b"405"


async def test_a_fact_that_can_not_be_written_holds_no_other_up(server: Server) -> None:
    audit = server.app[AUDIT]
    audit.note("sign_out", None, "a\udcff", session="\ud800")
    assert await audit.flush()
