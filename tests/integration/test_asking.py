"""Questions through the pipeline: answers, deadlines, batches, secrets; restarts lose none."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import Conflict, InvalidRequest, NotFound
from app.pipeline.answers import Given
from app.store.clarifications import Clarification, list_clarifications
from tests.integration.test_pipeline import House, assert_whole, new_id

ACTS = {"extracting": "doubt"}
SECRET = "open sesame, please"
PASSWORD = {"key": "password", "kind": "password"}
CHOICES = (
    {"value": "a", "label": "The first", "hint": ""},
    {"value": "b", "label": "B", "hint": ""},
)
CHOICE = {"kind": "choice", "choices": CHOICES, "default": "a"}
SOON_H = 0.0005


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with House(tmp_path).up() as running:
        yield running


async def asked(house: House, times: int = 1) -> dict[str, Any]:
    """Wait for the question; return the event."""
    return await house.until(lambda e: e["type"] == "clarification_requested", times)


async def every(house: House, job_id: str | None = None) -> list[Clarification]:
    return await list_clarifications(house.database.reader, job_id=job_id)


def heard(house: House) -> list[str]:
    """Return what the readers were answered."""
    lines = house.diary.read_text().splitlines() if house.diary.exists() else []
    return [line.split(" heard ")[1] for line in lines if " heard " in line]


async def test_a_job_that_waits_holds_no_worker_and_goes_on_with_the_answer(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS)
    question = await asked(house)
    (other,) = await house.drop("b", user="bob")  # there is one worker
    await house.end_of(other)
    assert (await house.state(job))["waiting_for"] == [question["clarification_id"]]
    await house.runner.answers.give(question["clarification_id"], Given("  tea ", "anna"))
    await house.end_of(job)
    assert heard(house) == ["tea"]
    trail = await assert_whole(house, job)
    told = next(e for e in trail if e["type"] == "clarification_answered")
    assert (told["answer"], told["by"], told["message"]) == ("tea", "anna", "anna answered: tea")


async def test_a_question_and_its_answer_outlive_restarts(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.up():
        (job,) = await house.drop("a", acts=ACTS)
        question = await asked(house)
    async with house.up():
        assert (await house.state(job))["status"] == "waiting"
        await house.runner.answers.give(question["clarification_id"], Given("tea", "anna"))
    async with house.up():
        await house.until(lambda e: e["type"] == "processing_completed")
        await assert_whole(house, job)
        with pytest.raises(Conflict, match="anna has answered this already: tea"):
            await house.runner.answers.give(question["clarification_id"], Given("milk", "bob"))
    assert heard(house) == ["tea"]


async def test_an_answer_that_does_not_help_is_asked_for_again(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS, question=PASSWORD, right=SECRET)
    first = await asked(house)
    await house.runner.answers.give(first["clarification_id"], Given("wrong", "anna"))
    second = await asked(house, times=2)
    assert second["clarification_id"] != first["clarification_id"]
    await house.runner.answers.give(second["clarification_id"], Given(SECRET, "anna"))
    await house.end_of(job)
    await assert_whole(house, job)


async def test_a_secret_is_told_to_nobody_and_gone_at_the_end(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with house.up():
        (job,) = await house.drop("a", acts=ACTS, question=PASSWORD)
        question = await asked(house)
        await house.runner.answers.give(question["clarification_id"], Given(SECRET, "anna"))
        await house.end_of(job)
        assert SECRET not in str(house.told)
        (kept,) = await every(house)
        assert (kept.state, kept.has_answer, kept.answered_by) == ("answered", False, "anna")
    with sqlite3.connect(house.settings.database_path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert heard(house) == [SECRET]
    content = house.settings.database_path.read_bytes()
    assert (SECRET.encode() in content, b"clarification_answered" in content) == (False, True)


async def test_a_secret_for_the_batch_is_kept_until_the_batch_has_ended(house: House) -> None:
    jobs = await house.drop("a", "b", acts=ACTS, question=PASSWORD, right=SECRET)
    first = await asked(house, times=2)
    given = Given(SECRET, "anna", use_for_batch=True)
    settled = await house.runner.answers.give(first["clarification_id"], given)
    assert len(settled.others) == 1
    for job in jobs:
        await house.end_of(job)
    assert [one.has_answer for one in await every(house)] == [False, False]


async def test_a_secret_is_used_for_files_of_the_batch_that_ask_later(house: House) -> None:
    first, second = await house.drop("a", "b", acts=ACTS, question=PASSWORD, right=SECRET)
    await house.runner.pause(second, "anna")
    question = await asked(house)
    given = Given(SECRET, "anna", use_for_batch=True)
    await house.runner.answers.give(question["clarification_id"], given)
    await house.until(lambda e: e["job_id"] == first and e["type"] == "processing_completed")
    await house.runner.resume(second, "anna")
    await house.end_of(second)
    assert (await house.state(second))["warnings"][0]["code"] == "answered_before"
    assert SECRET not in str(house.told)
    assert [one.has_answer for one in await every(house)] == [False, False]


async def test_the_safe_answer_is_taken_when_the_time_is_over(tmp_path: Path) -> None:
    house = House(tmp_path, answer_within_h=SOON_H)
    async with house.up():
        (job,) = await house.drop("a", acts=ACTS, question=CHOICE)
        await house.end_of(job)
        trail = await assert_whole(house, job)
        expired = next(e for e in trail if e["type"] == "clarification_expired")
        assert expired["answer"] == "a"
        with pytest.raises(Conflict, match="time for an answer is over"):
            await house.runner.answers.give(expired["clarification_id"], Given("b", "anna"))
    assert heard(house) == ["a"]


async def test_the_time_runs_out_while_nobody_is_there(tmp_path: Path) -> None:
    house = House(tmp_path, answer_within_h=SOON_H)
    async with house.up():
        (job,) = await house.drop("a", acts=ACTS, question=CHOICE)
        await asked(house)
    async with house.up():
        await house.until(lambda e: e["job_id"] == job and e["type"] == "processing_completed")
        await assert_whole(house, job)


async def test_without_a_safe_answer_the_job_ends_with_the_readers_error(tmp_path: Path) -> None:
    async with House(tmp_path, answer_within_h=SOON_H).up() as house:
        (job,) = await house.drop("a", acts=ACTS, question=PASSWORD)
        end = await house.end_of(job)
        assert end["error"]["code"] == "password_protected"
        await assert_whole(house, job)


async def test_a_retry_asks_again(house: House) -> None:
    (job,) = await house.drop("a", acts={**ACTS, "delta_analysis": "refuse"})
    first = await asked(house)
    await house.runner.answers.give(first["clarification_id"], Given("tea", "anna"))
    await house.end_of(job)
    await house.runner.retry(job, "anna")
    second = await asked(house, times=2)
    with pytest.raises(Conflict, match="not asked any more"):
        await house.runner.answers.give(first["clarification_id"], Given("tea", "anna"))
    await house.runner.answers.give(second["clarification_id"], Given("milk", "anna"))
    await house.end_of(job, times=2)
    assert heard(house) == ["tea", "milk"]


async def test_a_paused_job_is_answered_and_goes_on_when_it_is_resumed(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS)
    question = await asked(house)
    await house.runner.pause(job, "anna")
    await house.until(lambda e: e["type"] == "job_paused")
    await house.runner.answers.give(question["clarification_id"], Given("tea", "anna"))
    assert (await house.state(job))["status"] == "paused"
    await house.runner.resume(job, "anna")
    await house.end_of(job)
    await assert_whole(house, job)


async def test_cancelling_while_a_question_is_written_cancels(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS)
    question = await asked(house)
    await house.runner.cancel(job, "anna")
    with pytest.raises(Conflict, match="not asked any more"):
        await house.runner.answers.give(question["clarification_id"], Given("tea", "anna"))
    assert [one.state for one in await every(house)] == ["withdrawn"]


async def test_nobody_is_asked_where_nobody_wants_to_be(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS, question=CHOICE, ask=False)
    await house.end_of(job)
    assert [e["type"] for e in house.told if e["type"].startswith("clarification")] == []
    assert (await house.state(job))["warnings"][0]["code"] == "default_taken"
    (locked,) = await house.drop("b", acts=ACTS, question=PASSWORD, ask=False)
    assert (await house.end_of(locked))["error"]["code"] == "password_protected"


async def test_a_default_that_does_not_help_is_not_taken_for_ever(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS, question=CHOICE, right="b", ask=False)
    assert (await house.end_of(job))["error"]["code"] == "password_protected"
    assert house.runs_of("extracting") == 2


async def test_whoever_asks_while_all_are_answered_is_answered(house: House) -> None:
    """An answer for the batch, and files that ask just then: none is left behind."""
    for turn in range(5):
        contents = [f"{letter}{turn}" for letter in "abcdefgh"]
        jobs = await house.drop(*contents, acts=ACTS, question=CHOICE)
        batch = (await house.state(jobs[0]))["batch_id"]
        question = await house.until(
            lambda e, b=batch: e["type"] == "clarification_requested" and e["batch_id"] == b
        )
        given = Given("b", "anna", use_for_batch=True)
        await house.runner.answers.give(question["clarification_id"], given)
        for job in jobs:
            await house.end_of(job)
    assert set(heard(house)) == {"b"}
    sources = [one.source for one in await every(house)]
    assert sources.count("person") == 5


async def test_of_many_at_once_one_is_first(house: House) -> None:
    (job,) = await house.drop("a", acts=ACTS, question=CHOICE)
    question = await asked(house)
    outcomes = await asyncio.gather(
        *(
            house.runner.answers.give(question["clarification_id"], Given(way, f"user {way}"))
            for way in "abababab"
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert sum(isinstance(one, Conflict) for one in outcomes) == 7
    await house.end_of(job)
    assert len(heard(house)) == 1


async def test_what_is_no_answer_changes_nothing(house: House) -> None:
    await house.drop("a", acts=ACTS, question=CHOICE)
    question = await asked(house)
    for wrong in ("c", None, 3, {"a": 1}):
        with pytest.raises(InvalidRequest, match="one of a, b"):
            await house.runner.answers.give(question["clarification_id"], Given(wrong, "anna"))
    with pytest.raises(NotFound):
        await house.runner.answers.give(new_id(), Given("a", "anna"))
    (kept,) = await every(house)
    assert kept.state == "open"
