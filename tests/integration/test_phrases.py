"""Sentences of a language model for steps without one: nobody waits for them, or trusts them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from app.core.messages import OWN
from app.pipeline.models.phrases import (
    CALLS_AN_HOUR,
    LONGEST_SENTENCE,
    WAITING_AT_MOST,
    Phrases,
    sentence_of,
)
from app.tasks import running
from tests.integration.reporter import create, events_of, progress, report
from tests.integration.serving import serving, settings_for, with_user
from tests.model_server import Behaviour, Body, ModelServer, completion, gone, model_server, never

pytest.importorskip("pydantic_ai", reason="the extra llm is not installed")
PLAIN = "Working on warming up..."


def saying(text: str) -> Behaviour:
    async def behave(request: web.Request, body: Body) -> web.Response:
        return completion(body, {"content": text})

    return behave


@asynccontextmanager
async def phrases(*behaviours: Behaviour) -> AsyncIterator[tuple[Phrases, ModelServer]]:
    async with model_server() as server:
        server.answers("m", *behaviours)
        settings = settings_for(Path("unused"), phrase_model=f"openai-chat:m@{server.url}")
        made = Phrases(settings)
        async with running(made.keep(), name="sentences"):
            yield made, server


async def test_an_unknown_step_is_told_plainly_first_and_then_in_the_models_words() -> None:
    async with phrases(saying('"Getting the engines warm..."\n')) as (made, server):
        assert made("warming_up", {"filename": "secret.csv"}) == PLAIN
        await made.settled()
        assert made("warming_up") == "Getting the engines warm..."
        assert len(server.calls) == 1
    (call,) = server.calls
    assert "secret" not in str(call)
    assert call.get("max_tokens", call.get("max_completion_tokens")) == 50
    assert call["messages"][-1]["content"] == "warming_up"


async def test_a_step_with_a_sentence_of_its_own_is_never_asked_about() -> None:
    async with phrases(saying("Hm")) as (made, server):
        for step in ("extracting", "complete", *OWN):
            made(step)
        made("warming_up")
        await made.settled()
        assert len(server.calls) == 1


@pytest.mark.parametrize(
    "behaviour", [never, gone, saying("one\ntwo"), saying("x" * 200), saying("")]
)
async def test_whatever_the_model_does_the_step_is_told(behaviour: Behaviour) -> None:
    async with phrases(behaviour) as (made, server):
        assert made("warming_up") == PLAIN
        await made.settled()
        assert len(server.calls) == 1
        assert made("warming_up") == PLAIN
        await made.settled()
        assert len(server.calls) == 1, "it is not asked again what it could not say"


async def test_steps_that_are_made_up_cost_a_bounded_number_of_calls() -> None:
    async with phrases(saying("Fine")) as (made, server):
        for start in range(0, CALLS_AN_HOUR + WAITING_AT_MOST, WAITING_AT_MOST):
            for number in range(start, start + WAITING_AT_MOST):
                made(f"step {number}")
            await made.settled()
        assert len(server.calls) == CALLS_AN_HOUR
        assert made("step 0") == "Fine"


async def test_after_a_failure_no_call_is_made_for_a_while() -> None:
    async with phrases(gone, saying("Fine")) as (made, server):
        made("one")
        made("another")
        await made.settled()
        made("third")
        await made.settled()
        assert len(server.calls) == 1


def test_a_sentence_is_one_harmless_line() -> None:
    assert sentence_of(" “Warming\u202e up\x1b...” \n") == "Warming up..."
    assert sentence_of("x" * (LONGEST_SENTENCE + 1)) == sentence_of("a\nb") == ""


async def test_a_workers_own_step_gets_its_sentence_from_the_next_report_on(
    tmp_path: Path,
) -> None:
    async with model_server() as server:
        server.answers("m", saying("Getting warm..."))
        settings = settings_for(tmp_path, phrase_model=f"openai-chat:m@{server.url}")
        with_user(settings, "ann", admin=True)
        async with serving(settings) as here, here.client("ann") as client:
            job_id = (await create(client))["job_id"]
            told = ""
            while told in ("", PLAIN):
                await report(client, job_id, progress(step="warming_up"))
                told = (await events_of(client, job_id))[-1]["message"]
            assert told == "Getting warm..."
