"""The brake of a job's work: who breaks it off, when, and what of it can be withdrawn."""

import asyncio

import pytest

from app.pipeline.brake import Brake, Halted

LONG_S = 3600.0


class Step:
    """A step under a brake, whose worker takes its time to go when it is broken off."""

    def __init__(self, brake: Brake, *, gently: bool = True) -> None:
        self.begun = asyncio.Event()
        self.breaks_off = asyncio.Event()
        self.worker_is_gone = asyncio.Event()
        self.work = asyncio.create_task(self._run(brake, gently))

    async def _run(self, brake: Brake, gently: bool) -> None:
        async with brake.on(gently=gently):
            self.begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.breaks_off.set()
                await self.worker_is_gone.wait()

    async def is_halted(self) -> None:
        self.worker_is_gone.set()
        with pytest.raises(Halted):
            await self.work


async def test_a_cancel_breaks_off_at_once() -> None:
    brake = Brake(LONG_S)
    step = Step(brake)
    await step.begun.wait()
    brake.halt("cancel", "ann")
    await step.is_halted()
    assert (brake.why, brake.by) == ("cancel", "ann")


async def test_a_pause_gives_a_step_its_grace_and_breaks_it_off_then() -> None:
    brake = Brake(0.0)
    step = Step(brake)
    await step.begun.wait()
    brake.pause()
    await step.is_halted()


async def test_a_pause_does_not_give_grace_to_a_mere_wait() -> None:
    brake = Brake(LONG_S)
    step = Step(brake, gently=False)
    await step.begun.wait()
    brake.pause()
    await step.is_halted()


async def test_a_pause_that_is_withdrawn_breaks_nothing_off() -> None:
    brake = Brake(LONG_S)
    async with brake.on(gently=True):
        brake.pause()
        brake.release()
    brake.check()


@pytest.mark.parametrize("why", ["cancel", "stop"])
async def test_what_overtakes_a_pause_that_is_breaking_a_step_off_stands(why: str) -> None:
    brake = Brake(0.0)
    step = Step(brake)
    await step.begun.wait()
    brake.pause()
    await step.breaks_off.wait()
    brake.halt("cancel" if why == "cancel" else "stop", "ann")
    await step.is_halted()
    assert brake.why == why


async def test_the_first_of_cancel_and_stop_stands() -> None:
    brake = Brake(LONG_S)
    brake.halt("cancel", "ann")
    brake.halt("stop")
    with pytest.raises(Halted):
        brake.check()
    assert brake.why == "cancel"


async def test_a_time_limit_of_the_work_itself_is_not_taken_for_the_brake() -> None:
    brake = Brake(LONG_S)
    with pytest.raises(TimeoutError):
        async with brake.on(gently=True), asyncio.timeout(0):
            await asyncio.Event().wait()
