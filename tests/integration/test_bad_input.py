"""Every bad file has its own code and three sentences, everywhere; and harms nothing but itself."""

import csv
import gc
import html
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.integration.bad_files import LIMITS, REFUSED, WARNED, table
from tests.integration.serving import (
    Server,
    ended,
    followed,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

MIB = 1024 * 1024
GOOD = table(20)
NOBODY_TO_ASK = '{"ask": false}'
SENTENCES = ("title", "detail", "hint")


@dataclass(frozen=True)
class Aftermath:
    """A server to which every bad file was sent between two good ones."""

    server: Server
    ann: aiohttp.ClientSession
    states: dict[str, Any]  # the ends of the bad files, by case
    again: dict[str, Any]  # and of the refused ones when they came once more
    before: Any  # the job of the first good file, as it was at its end
    after: Any  # the job of the last good file
    grown_bytes: int  # the server's memory from the first round to the second

    def state(self, name: str) -> Any:
        return self.states[name]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def aftermath(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aftermath]:
    folder = tmp_path_factory.mktemp("bad") / "data"
    settings = settings_for(folder, workers=2, **LIMITS)
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        (before,) = await ended(ann, await upload(ann, ("good.csv", GOOD)))
        refused = [(case.filename, case.content) for case in REFUSED.values()]
        warned = [(case.filename, case.content) for case in WARNED.values()]
        ends = await ended(ann, await upload(ann, *refused, *warned, options=NOBODY_TO_ASK))
        memory = resident_bytes()
        again = await ended(ann, await upload(ann, *refused, options=NOBODY_TO_ASK))
        grown = resident_bytes() - memory
        (after,) = await ended(ann, await upload(ann, ("later.csv", table(30))))
        yield Aftermath(
            server,
            ann,
            dict(zip((*REFUSED, *WARNED), ends, strict=True)),
            dict(zip(REFUSED, again, strict=True)),
            before,
            after,
            grown,
        )


def resident_bytes() -> int:
    """Return how much memory the server holds, which lives in this process."""
    gc.collect()
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


async def events_of(client: aiohttp.ClientSession, job_id: str, kind: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/events/history?room=job:{job_id}&types={kind}") as answer:
        events: list[dict[str, Any]] = (await answer.json())["events"]
    assert "Traceback" not in json.dumps(events)
    return events


async def page_of(client: aiohttp.ClientSession, job_id: str) -> str:
    """Return the text of a job's page, as a person without scripts reads it."""
    async with client.get(f"/jobs/{job_id}", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 200
        page = html.unescape(await answer.text())
    assert "Traceback" not in page
    return page


async def rows_of(client: aiohttp.ClientSession, job_id: str) -> int:
    async with client.get(f"/api/v1/jobs/{job_id}/rows") as answer:
        return int((await answer.json())["total"])


def assert_sentences(told: dict[str, Any]) -> None:
    """Assert that what is told is three different sentences with every fact in its place."""
    sentences = [told[part] for part in SENTENCES]
    assert all(len(sentence.split()) > 2 for sentence in sentences), told
    assert len(set(sentences)) == 3, told
    assert not re.search(r"[{}?]|None|Error\b|\b1 \w+s\b", " ".join(sentences)), told


# What is refused


@pytest.mark.parametrize("name", REFUSED)
async def test_a_file_that_can_not_be_read_is_told_in_three_sentences(
    aftermath: Aftermath, name: str
) -> None:
    state, case = aftermath.state(name), REFUSED[name]
    assert (state["status"], state["error"]["code"]) == ("error", case.code)
    assert_sentences(state["error"])
    assert case.filename in state["error"]["title"]
    assert state["error"]["title"] in state["message"]
    assert not state["error"]["retryable"]


@pytest.mark.parametrize("name", REFUSED)
async def test_event_api_and_page_tell_a_failure_alike(aftermath: Aftermath, name: str) -> None:
    state = aftermath.state(name)
    (failed,) = await events_of(aftermath.ann, state["job_id"], "processing_failed")
    assert failed["error"] == state["error"]
    page = await page_of(aftermath.ann, state["job_id"])
    told = [state["error"][part] for part in (*SENTENCES, "code")]
    assert [sentence for sentence in told if sentence not in page] == []


async def test_nothing_of_a_refused_file_is_stored(aftermath: Aftermath) -> None:
    rows = [await rows_of(aftermath.ann, aftermath.state(name)["job_id"]) for name in REFUSED]
    assert not any(rows)


async def test_what_is_wrong_in_another_way_has_another_code() -> None:
    cases = {**REFUSED, **WARNED}
    alike = {
        "nothing but blanks": "empty file",
        "workbook with a header only": "header only",
        "photo named csv": "binary named csv",
        "nothing but NUL bytes": "binary named csv",
        "zip bomb named xlsx": "xlsx bomb",
        "long line far down": "long line",
        "archives in archives": "xlsx bomb",
        "zip bomb": "xlsx bomb",
        "archives in archives in an archive": "xlsx bomb",
        "archive without a file": "empty file",
        "malware behind rows": "malware",
        "malware in a workbook": "malware",
        "one row of 9,000 cells": "ragged rows",
        "formula injection in a workbook": "formula injection",
    }
    for name, other in alike.items():
        assert cases[name].code == cases[other].code
    codes = [case.code for name, case in cases.items() if name not in alike]
    assert len(codes) == len(set(codes))


async def test_the_same_file_is_refused_the_same_way_again(aftermath: Aftermath) -> None:
    for name, state in aftermath.again.items():
        assert state["error"] == aftermath.state(name)["error"]


# What is read all the same


@pytest.mark.parametrize("name", WARNED)
async def test_a_file_that_is_odd_is_read_and_the_oddity_told(
    aftermath: Aftermath, name: str
) -> None:
    state, case = aftermath.state(name), WARNED[name]
    assert (state["status"], state["error"]) == ("completed", None)
    assert [warning["code"] for warning in state["warnings"]] == [case.code]
    assert_sentences(state["warnings"][0])


@pytest.mark.parametrize("name", WARNED)
async def test_event_api_and_page_tell_a_warning_alike(aftermath: Aftermath, name: str) -> None:
    state = aftermath.state(name)
    (warned,) = await events_of(aftermath.ann, state["job_id"], "processing_warning")
    assert [warned["warning"]] == state["warnings"]
    assert warned["message"] == warned["warning"]["title"]
    page = await page_of(aftermath.ann, state["job_id"])
    told = [warned["warning"][part] for part in SENTENCES]
    assert [sentence for sentence in told if sentence not in page] == []


# What it leaves behind


async def test_a_good_file_of_before_is_unharmed(aftermath: Aftermath) -> None:
    job_id = aftermath.before["job_id"]
    assert aftermath.before["status"] == "completed"
    assert await state_of(aftermath.ann, job_id) == aftermath.before
    assert await rows_of(aftermath.ann, job_id) == 20
    async with aftermath.ann.get(f"/api/v1/jobs/{job_id}/original") as answer:
        assert await answer.read() == GOOD


async def test_a_good_file_afterwards_completes(aftermath: Aftermath) -> None:
    assert aftermath.after["status"] == "completed"
    assert await rows_of(aftermath.ann, aftermath.after["job_id"]) == 30


async def test_the_servers_memory_stays_flat(aftermath: Aftermath) -> None:
    assert aftermath.grown_bytes < 16 * MIB


async def test_nothing_half_done_is_left_on_the_disk(aftermath: Aftermath) -> None:
    settings = aftermath.server.settings
    assert list(settings.incoming_dir.iterdir()) == []
    assert list(settings.work_dir.iterdir()) == []


# What a person can do then


@pytest.mark.parametrize("name", ["header only", "xlsx bomb"])
async def test_a_retry_of_a_bad_file_begins_anew_and_tells_the_same(
    aftermath: Aftermath, name: str
) -> None:
    failed = aftermath.again[name]
    job_id, path = failed["job_id"], f"/api/v1/jobs/{failed['job_id']}/retry"
    async with aftermath.ann.post(path) as answer:
        assert (answer.status, (await answer.json())["attempt"]) == (202, 2)
    ends = await followed(
        aftermath.ann, f"job:{job_id}", "processing_failed", after=failed["last_seq"]
    )
    assert ends[-1]["error"] == failed["error"]
    assert (await state_of(aftermath.ann, job_id))["error"] == failed["error"]


async def test_rejected_rows_can_be_opened_in_a_spreadsheet_without_harm(
    aftermath: Aftermath,
) -> None:
    evil = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "＝1", " =1"]
    rows = [["never", cell, "no amount"] for cell in evil]
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([["Date", "=A1", "Amount"], *rows])
    content = text.getvalue().encode() + table(20, header=b"")
    (state,) = await ended(aftermath.ann, await upload(aftermath.ann, ("evil.csv", content)))
    assert (state["status"], state["result"]["rejected"]) == ("completed", len(evil))
    async with aftermath.ann.get(f"/api/v1/jobs/{state['job_id']}/rejected.csv") as answer:
        assert answer.content_type == "text/csv"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        head, *lines = csv.reader(io.StringIO(await answer.text(), newline=""))
    assert head == ["Date", "'=A1", "Amount", "line", "reason"]
    assert len(lines) == len(evil)
    cells = [cell for line in lines for cell in line[:3]]
    assert [cell for cell in cells if re.match(r"\s*[=+@＝＋＠-]|[\t\r\n]", cell)] == []
    assert all(len(line[-1].split()) > 2 for line in lines)  # a reason in words
