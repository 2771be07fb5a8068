"""The jail: what a reader that a file got hold of can reach, which is its own file and folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.doctor import examine
from app.keys import RUNNER
from app.pipeline.jail import InForce
from app.pipeline.workers import Workers
from app.settings import Settings
from app.store.records_schema import reading_records
from tests.integration import hostile_readers
from tests.integration.serving import Server, ended, upload
from tests.integration.test_workers import LIMITS, Ear, task_for

READERS = hostile_readers.__name__


class Place:
    """A data folder with two files, a work folder, and workers whose readers are hostile."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.folder = folder
        self.workers = workers
        self.others = folder / "files" / "another"
        for path in (self.others, folder / "files" / "own", folder / "livetrail.db"):
            path.parent.mkdir(exist_ok=True)
            path.write_text("content")
        self.work_dir = folder / "work" / "j"
        self.work_dir.mkdir(parents=True)

    async def run(self, reader: str, *, records: bool = False, **options: Any) -> dict[str, Any]:
        task = task_for(self.folder)
        task["path"] = str(self.folder / "files" / "own")
        task["work_dir"] = str(self.work_dir)
        task["options"] = options
        limits = replace(LIMITS, records=records, file_bytes=None)
        return await self.workers.run(f"{READERS}:{reader}", task, limits, Ear())


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with Workers((READERS,)) as workers:
        await workers.ready()
        yield Place(tmp_path, workers)


def needs(place: Place, part: str) -> None:
    """Skip where this system does not enforce `part`, and say so."""
    assert place.workers.held_by is not None
    if not getattr(place.workers.held_by, part):
        pytest.skip(f"not in force on this system: {place.workers.held_by.sentence()}")


async def test_a_reader_does_its_work_as_if_there_were_no_jail(place: Place) -> None:
    found = await place.run("work_as_it_may")
    assert {**found, "cores": 0} == {"read": "content", "kept": "kept", "thread": 1, "cores": 0}


async def test_nobody_elses_file_can_be_read(place: Place) -> None:
    needs(place, "landlock")
    wanted = [place.others, place.folder / "livetrail.db", Path("/etc/passwd")]
    found = await place.run("look_around", wanted=[str(path) for path in wanted])
    assert set(found.values()) == {"refused"}


async def test_the_stored_original_can_not_be_changed(place: Place) -> None:
    needs(place, "landlock")
    needs(place, "calls")
    found = await place.run("change_the_original")
    assert set(found.values()) == {"refused"}, found
    assert (place.folder / "files" / "own").read_text() == "content"


async def test_no_network_no_program_no_other_process(place: Place) -> None:
    needs(place, "calls")
    found = await place.run("break_out", server_pid=os.getpid())
    assert set(found.values()) == {"refused"}, found


async def test_workers_have_a_network_of_their_own(place: Place) -> None:
    needs(place, "network")
    found = await place.run("network_of")
    assert found["network"] != str(Path("/proc/self/ns/net").readlink())


async def test_only_a_step_with_records_reaches_the_database_of_rows(place: Place) -> None:
    needs(place, "landlock")
    with reading_records(place.folder / "records.db"):
        pass
    found = await place.run("use_the_database")
    assert "unable to open" in found["write"]
    found = await place.run("use_the_database", records=True)
    assert found == {"write": "done", "list": "refused"}


async def test_readiness_says_what_is_in_force(server: Server, ann: aiohttp.ClientSession) -> None:
    await ended(ann, await upload(ann, ("a.csv", b"Date,Text,Amount\n2026-01-02,Tea,-2.00\n")))
    held_by = server.app[RUNNER].held_by
    assert held_by is not None
    async with ann.get("/readyz") as answer:
        told = (await answer.json())["components"]["jail"]
    assert told == {"state": "ok", "detail": held_by.sentence()}


async def test_the_doctor_finds_what_the_workers_find(place: Place) -> None:
    settings = Settings(data_dir=place.folder)
    findings = await asyncio.to_thread(lambda: list(examine(settings)))
    (found,) = [finding for finding in findings if finding.what == "Jail"]
    held_by = place.workers.held_by
    assert held_by is not None
    assert (found.state == "ok", found.detail) == (held_by.is_whole, held_by.sentence())


@pytest.mark.parametrize(
    "held_by", [InForce(), InForce(True, 7, True), InForce(landlock=3), InForce(calls=True)]
)
def test_what_is_in_force_crosses_as_a_number(held_by: InForce) -> None:
    assert InForce.from_bits(held_by.to_bits()) == held_by


def test_what_is_not_in_force_is_said() -> None:
    assert InForce(True, 7, True).sentence() == (
        "readers have no network, only their own files (Landlock 7),"
        " no dangerous system calls (seccomp)"
    )
    assert InForce(network=True).sentence() == (
        "readers have no network; this system does not enforce: only their own files,"
        " no dangerous system calls (seccomp)"
    )
