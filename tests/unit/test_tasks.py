"""Background tasks: they end with their owner, and their deaths are heard."""

import asyncio
import logging

import pytest

from app.tasks import finished, running


async def test_a_task_ends_with_its_owner() -> None:
    async with running(forever(), name="one") as task:
        await asyncio.sleep(0)
    assert task.cancelled()


async def test_what_killed_a_task_is_logged_at_once_and_raised_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def dies() -> None:
        raise KeyError("why")

    with pytest.raises(KeyError, match="why"):
        async with running(dies(), name="one") as task:
            await asyncio.wait([task])
            assert "background task died: task=one" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_time_limit_is_kept_while_a_task_takes_its_time_to_end() -> None:
    may_end = asyncio.Event()

    async def slow_to_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await may_end.wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), running(slow_to_end(), name="one") as task:
            await asyncio.sleep(0)
    may_end.set()
    await asyncio.wait([task])


async def test_a_cancel_takes_effect_once_what_was_begun_has_ended() -> None:
    may_end, has_ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await may_end.wait()
        has_ended.set()

    asked = asyncio.create_task(finished(work()))
    await asyncio.sleep(0)
    asked.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert has_ended.is_set()


async def forever() -> None:
    await asyncio.Event().wait()
