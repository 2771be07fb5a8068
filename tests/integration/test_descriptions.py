"""The descriptions, held against a running server: what it says, and what strangers may send it."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as trying
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from app.web import openapi
from tests.integration.serving import (
    LONGEST_S,
    Server,
    ended,
    exported,
    followed,
    serving,
    settings_for,
    state_of,
    token_of,
    upload,
    with_user,
)
from tests.unit.test_asyncapi import payload_of

CSV = b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n2025-01-05,Milk,-1.30\n"
UNDECIDED = b"Date,Description,Amount\n01/02/2025,Tea,-2.10\n02/03/2025,Milk,-1.30\n"
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
EXAMPLES = 8  # of each call, right and wrong ones
ANSWERS_WITHIN_S = 300.0  # who puts a file hears of it to its end, behind all files before it
# They end the session by which the rest is asked, or what one waits for has no end.
NOT_TRIED = frozenset(
    {"post_auth_logout", "post_auth_logout_everywhere", "post_auth_password", "get_events"}
)


async def test_every_frame_of_a_long_story_is_as_described(ann: aiohttp.ClientSession) -> None:
    said: Counter[str] = Counter()

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            message = json.loads(frame.data)
            payload_of(message["type"]).validate(message)
            said[message["type"]] += 1
            if message.get("id") == 9:
                return

    async with asyncio.timeout(LONGEST_S), ann.ws_connect("/ws?frames=single") as socket:
        hearing = asyncio.create_task(listen(socket))
        await socket.send_json({"op": "subscribe", "id": 1, "room": "user:me", "snapshot": True})
        await ended(ann, await upload(ann, ("tea.csv", CSV), ("bad.csv", b"\0\1" * 99)))
        asking = await upload(ann, ("dates.csv", UNDECIDED))
        job_id = asking["jobs"][0]["job_id"]
        await followed(ann, f"job:{job_id}", "clarification_requested")
        (question,) = (await state_of(ann, job_id))["waiting_for"]
        async with ann.get(f"/api/v1/clarifications/{question}") as answer:
            choice = (await answer.json())["choices"][0]["value"]
        for wish in (
            {"op": "pause", "id": 2, "job_id": job_id},
            {"op": "resume", "id": 3, "job_id": job_id},
            {"op": "answer", "clarification_id": question, "answer": choice},
            {"op": "ping", "id": "p"},
            {"op": "nonsense"},
            {"op": "unsubscribe", "room": "job:nothing"},
        ):
            await socket.send_json(wish)
        await ended(ann, asking)
        await exported(ann)
        await socket.send_json({"op": "unsubscribe", "id": 9, "room": "user:me"})
        await hearing
    told = {
        "welcome", "subscribed", "live", "pong", "ok", "error", "unsubscribed", "batch_created",
        "job_created", "processing_started", "step_started", "step_completed", "job_paused",
        "job_resumed", "clarification_requested", "clarification_answered", "processing_failed",
        "processing_completed", "batch_completed", "export_started", "export_completed",
    }  # fmt: skip
    assert told <= set(said)


@pytest.fixture
async def patient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """A server that answers without counting, and for which no name outside is known."""
    look_up = socket.getaddrinfo

    def of_this_machine(host: Any, *asked: Any, **more: Any) -> Any:
        if host not in ("127.0.0.1", b"127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *asked, **more)

    monkeypatch.setattr(socket, "getaddrinfo", of_this_machine)
    settings = settings_for(
        tmp_path / "data", requests_per_minute=10**6, anonymous_requests_per_minute=10**6
    )
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


@pytest.mark.timeout(900)  # hundreds of calls, and the files they bring
async def test_whatever_strangers_send_is_answered_as_described(patient: Server) -> None:
    """Right and wrong requests, made from the description: no failure of ours, no other shape."""
    headers = {"Authorization": f"Bearer {token_of(patient.settings, 'ann')}"}
    schema = schemathesis.openapi.from_dict(openapi.describe())
    wrong: list[str] = []

    def ask() -> None:
        with requests.Session() as session:
            for found in schema.get_all_operations():
                operation = found.ok()
                if operation.definition.raw["operationId"] in NOT_TRIED:
                    continue

                @given(case=operation.as_strategy())
                @trying(
                    max_examples=EXAMPLES,
                    phases=[Phase.generate],
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                )
                def once(case: schemathesis.Case) -> None:
                    answer = case.call(
                        base_url=patient.url,
                        headers=headers,
                        session=session,
                        timeout=ANSWERS_WITHIN_S,
                    )
                    case.validate_response(
                        answer,
                        checks=[
                            not_a_server_error,
                            status_code_conformance,
                            content_type_conformance,
                            response_schema_conformance,
                            negative_data_rejection,
                        ],
                    )

                try:
                    once()
                except Exception as error:  # every call is looked at
                    causes = [repr(one) for one in getattr(error, "exceptions", ())]
                    wrong.append("\n".join([f"{operation.label}: {error}", *causes]))

    await asyncio.to_thread(ask)
    assert not wrong, "\n\n".join(wrong)


async def test_the_page_shows_both_and_finds_what_is_looked_for(
    stranger: aiohttp.ClientSession,
) -> None:
    async with stranger.get("/docs") as answer:
        page = await answer.text()
    assert answer.status == 200
    for there in ("/api/v1/batches/{batch_id}", "processing_failed", "subscribe", "ErrorInfo"):
        assert there in page, there
    anchors = {part.partition('"')[0] for part in page.split('id="')[1:]}
    led = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    assert led <= anchors
    async with stranger.get("/docs", params={"q": "<script>"}) as answer:
        page = await answer.text()
    assert "<script>" not in page
    assert "No call is like that" in page
    async with stranger.get("/docs", params={"q": "QUESTION"}) as answer:
        page = await answer.text()
    assert "/clarifications" in page
    assert "/auth/login" not in page
