"""Simulated jobs: believable, the same again by their seed, and steered like any other."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from app.client import Livetrail
from app.core.reports import REPORTS
from app.simulate import ASKED, PLAN_NAMES, Stage, script_of, scripts_of
from tests.integration.serving import LONGEST_S, Server, token_of
from tests.process import ROOT

FAST = 10_000.0


@pytest.fixture
async def trail(server: Server) -> AsyncIterator[Livetrail]:
    async with Livetrail(server.url, token_of(server.settings, "ann")) as trail:
        yield trail


@pytest.mark.parametrize("plan", PLAN_NAMES)
def test_a_script_is_believable_and_the_same_again_by_its_seed(plan: str) -> None:
    for seed in range(20):
        script = script_of(plan, Random(seed), fails=0.3, asks=0.5)
        assert script == script_of(plan, Random(seed), fails=0.3, asks=0.5)
        reports = [dict(beat.report) for beat in script.beats]
        REPORTS.validate_python(reports)
        told = [report["progress"] for report in reports if "progress" in report]
        assert told == sorted(told)
        assert 1 < sum(beat.wait_s for beat in script.beats) < 60
        assert reports[-1]["type"] in ("processing_completed", "processing_failed")


@pytest.mark.parametrize("plan", PLAN_NAMES)
def test_what_is_to_fail_fails_and_what_is_to_ask_asks(plan: str) -> None:
    types = [b.report["type"] for b in script_of(plan, Random(1), fails=1, asks=0).beats]
    assert types[-1] == "processing_failed"
    types = [b.report["type"] for b in script_of(plan, Random(1), fails=0, asks=1).beats]
    assert types[-1] == "processing_completed"
    assert types.count(ASKED) == 1


async def test_every_plan_is_played_to_its_end(trail: Livetrail) -> None:
    scripts = scripts_of(PLAN_NAMES, 2 * len(PLAN_NAMES), Random(4), fails=0, asks=0)
    lines: list[str] = []
    batch_id = await Stage(trail, Random(4), speed=FAST, say=lines.append).play(scripts)
    jobs = [job async for job in trail.jobs(f"batch:{batch_id}")]
    assert {job["status"] for job in jobs} == {"completed"}
    assert {job["plan"] for job in jobs} == set(PLAN_NAMES)
    assert all(stage["state"] == "done" for job in jobs for stage in job["stages"])
    assert sum(line.startswith("done: ") for line in lines) == len(scripts)


async def test_a_job_that_fails_is_not_called_done(trail: Livetrail) -> None:
    (script,) = scripts_of(["own"], 1, Random(4), fails=1, asks=0)
    lines: list[str] = []
    await Stage(trail, Random(4), speed=FAST, say=lines.append).play([script])
    assert lines[-1] == f"failed: {script.filename}"


async def test_a_question_is_waited_for(trail: Livetrail) -> None:
    scripts = scripts_of(["own"], 1, Random(4), fails=0, asks=1)
    playing = asyncio.create_task(
        Stage(trail, Random(4), speed=FAST, say=lambda line: None).play(scripts)
    )
    async with trail.follow("user:me", 0, types=[ASKED]) as following:
        asked = await anext(following)
    await trail.answer(asked.clarification_id, "mdy")  # type: ignore[union-attr]
    (job,) = [job async for job in trail.jobs(f"batch:{await playing}")]
    assert job["status"] == "completed"


@pytest.mark.parametrize("op", ["cancel", "delete"])
async def test_what_somebody_ends_is_played_no_further(trail: Livetrail, op: str) -> None:
    scripts = scripts_of(["own"], 1, Random(4), fails=0, asks=1)
    playing = asyncio.create_task(
        Stage(trail, Random(4), speed=FAST, say=lambda line: None).play(scripts)
    )
    async with trail.follow("user:me", 0, types=[ASKED]) as following:
        job_id = str((await anext(following)).job_id)  # type: ignore[union-attr]
    await (trail.cancel(f"job:{job_id}") if op == "cancel" else trail.delete(job_id))
    await playing


async def test_who_stays_plays_what_is_retried(trail: Livetrail) -> None:
    scripts = scripts_of(["own"], 1, Random(4), fails=1, asks=0)
    stage = Stage(trail, Random(4), speed=FAST, say=lambda line: None, stays=True)
    playing = asyncio.create_task(stage.play(scripts))
    ends = ["processing_failed", "processing_completed"]
    async with trail.follow("user:me", 0, types=ends) as following:
        failed = await anext(following)
        await trail.retry(f"job:{failed.job_id}")
        assert (await anext(following)).type == "processing_completed"  # type: ignore[union-attr]
    playing.cancel()
    await asyncio.gather(playing, return_exceptions=True)


async def test_the_command_reports_to_the_server_that_it_is_given(
    server: Server, trail: Livetrail
) -> None:
    arguments = ["simulate", "--url", server.url, "--jobs", "3", "--speed", "5000", "--ask", "0"]
    arguments += ["--fail", "0"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *arguments,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LIVETRAIL_TOKEN": token_of(server.settings, "ann")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert out.count(b"job:") == out.count(b"done: ") == 3
    assert len([job async for job in trail.jobs()]) == 3


async def test_the_command_brings_a_server_of_its_own(tmp_path: Path) -> None:
    arguments = ["simulate", "--here", "--port", "0", "--jobs", "1", "--speed", "5000"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *arguments,
        *("--ask", "0", "--fail", "0"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    told: list[str] = []
    async with asyncio.timeout(LONGEST_S):
        async for line in process.stdout:
            told.append(line.decode())
            if told[-1].startswith("done: "):
                break
    process.terminate()
    assert await process.wait() == 0
    assert any("/signin#token=" in line for line in told)
    assert not [line for line in told if "app.access" in line]  # which would bury that link
    assert [*tmp_path.glob("livetrail-demo-*")] == []  # what it kept is thrown away
