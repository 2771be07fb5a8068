"""System B's own front end, unchanged: invoices are uploaded, processed and followed as tasks."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.documents import Line, pdf_of
from tests.integration.reference import Client, Scene, file_of, scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]

OPTIONS = {"auto_save": True, "confidence_threshold": 0.8}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene(tmp_path_factory.mktemp("tasks")) as made:
        yield made


def invoice(
    folder: Path, number: str, *, total: str = "Gesamtbetrag: 119,00 EUR"
) -> dict[str, str]:
    """Return an invoice as a person chooses it."""
    marks = [
        Line(60, 60, "Nordwind Segel GmbH", size=16, bold=True),
        Line(60, 160, "Rechnung", size=14, bold=True),
        Line(60, 190, f"Rechnungsnummer: {number}"),
        Line(60, 205, "Rechnungsdatum: 03.04.2026"),
        Line(60, 400, total, bold=True),
    ]
    path = pdf_of(folder, [marks], name=f"{number}.pdf")
    return file_of(path.name, path.read_bytes(), "application/pdf")


def file_in(told: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what the hook says of a file, {} while it says nothing."""
    return next((one for one in told.get("files", []) if one["filename"] == name), {})


def check_stages(file: dict[str, Any]) -> None:
    """The updates of a task are well formed, and its stages come in their order and ranges."""
    ranges = {
        "fetch": (0, 10),
        "llm_extraction": (10, 80),
        "validation": (80, 90),
        "save": (90, 95),
    }
    order = [*ranges, "complete"]
    reached = 0
    for update in file["updates"]:
        assert update["type"] in {"progress", "stage_start", "stage_complete", "error", "complete"}
        assert update["task_id"] == file["task_id"]
        assert isinstance(update["timestamp"], (int, float))
        assert update["timestamp"] > 1_700_000_000  # seconds, not milliseconds
        assert update["timestamp"] < 10_000_000_000
        assert update["message"]
        if update["stage"] is None:
            continue
        assert order.index(update["stage"]) >= reached
        reached = order.index(update["stage"])
        if update["stage"] in ranges:
            low, high = ranges[update["stage"]]
            assert low <= update["progress"] <= high, update


async def connected(client: Client, files: list[dict[str, str]], **options: Any) -> None:
    """Open the page with files that a person has chosen, and wait until its line is green."""
    await client.ask("mount", files=files, options={**OPTIONS, **options})
    await client.until(lambda one: one.get("line") == "WebSocket: Connected")


async def test_ten_invoices_are_uploaded_and_processed_at_a_press(
    house: Scene, tmp_path: Path
) -> None:
    files = [invoice(tmp_path, f"RE-{number}") for number in range(10)]
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, files, auto_save=True)
        assert await page.ask("health")
        await page.ask("press")
        done = await page.until(
            lambda one: (
                len(one.get("files", [])) == 10
                and {file["status"] for file in one["files"]} == {"completed"}
            )
        )
        for file in done["files"]:
            assert (file["progress"], file["error"]) == (100, None)
            assert file["result"]
            check_stages(file)
        assert sorted(file["filename"] for file in done["files"]) == sorted(
            file["name"] for file in files
        )
        seen = await page.ask("seen")
        assert {(row["status"], row["progress"]) for row in seen} == {("completed", 100)}
        said = page.all("said")
        task = done["files"][0]
        for line in (
            "Connected to Flask WebSocket server",
            "Starting batch processing: 10 files",
            "API Request: POST /api/upload",
            "API Request: POST /api/invoices/upload",
            f"Joined task room: {task['task_id']}",
        ):
            assert line in said
        status = await page.ask("status", task_id=task["task_id"])
        assert (status["task_id"], status["filename"]) == (task["task_id"], task["filename"])
        assert (status["status"], status["progress"], status["error"]) == ("completed", 100, None)
        assert status["result"] == task["result"]
        assert status["updates"]
        await page.ask("reset")
        await page.until(lambda one: one.get("files") == [], len(page.told) - 2)


async def test_a_file_that_can_not_be_read_is_an_error_of_its_own(
    house: Scene, tmp_path: Path
) -> None:
    broken = file_of("broken.pdf", b"%PDF-1.7\n" + b"\0" * 400, "application/pdf")
    good = invoice(tmp_path, "RE-20")
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [broken, good])
        await page.ask("press")
        done = await page.until(
            lambda one: (
                file_in(one, "broken.pdf").get("status") == "error"
                and file_in(one, "RE-20.pdf").get("status") == "completed"
            )
        )
        failed = file_in(done, "broken.pdf")
        assert isinstance(failed["error"], str)
        assert failed["error"]
        assert failed["updates"][-1]["type"] == "error"
        status = await page.ask("status", task_id=failed["task_id"])
        assert (status["status"], status["error"]) == ("error", failed["error"])


async def test_one_file_alone_is_processed_and_its_status_is_asked(
    house: Scene, tmp_path: Path
) -> None:
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [])
        task_id = await page.ask("single", file=invoice(tmp_path, "RE-50"), options=OPTIONS)
        done = await page.until(lambda one: file_in(one, "RE-50.pdf").get("status") == "completed")
        status = await page.ask("status", task_id=task_id)
        assert status["status"] == "completed"
        assert status["result"] == file_in(done, "RE-50.pdf")["result"]
        with pytest.raises(AssertionError, match=r"^(There is|No|Not) .+\."):
            await page.ask("status", task_id="01936d2e-0000-7000-8000-000000000001")


async def test_a_task_that_was_left_is_not_heard(house: Scene, tmp_path: Path) -> None:
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [invoice(tmp_path, "RE-60")], auto_save=False)
        await page.ask("press")
        told = await page.until(lambda one: file_in(one, "RE-60.pdf") != {})
        left = file_in(told, "RE-60.pdf")["task_id"]
        asked = await house.asked(left)
        await page.ask("reset")
        await page.ask("single", file=invoice(tmp_path, "RE-61"), options=OPTIONS)
        # That was said on the same socket after the goodbye, so the goodbye was heard as well.
        await page.until(lambda one: file_in(one, "RE-61.pdf").get("status") == "completed")
        before = len(page.told)
        await house.answer(asked, "discard")
        # What another task tells comes after whatever the first one would have told.
        await page.ask("single", file=invoice(tmp_path, "RE-62"), options=OPTIONS)
        await page.until(lambda one: file_in(one, "RE-62.pdf").get("status") == "completed")
        heard = [one.get("said", "") for one in page.told[before:]]
        assert not [said for said in heard if "Task update" in said and left in said]


async def test_what_is_too_large_or_of_no_kind_is_refused_before_it_is_processed(
    house: Scene,
) -> None:
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [file_of("big.png", bytes(10 * 2**20 + 1), "image/png")])
        await page.ask("press")
        told = await page.until(lambda one: one.get("alerts", []) != [])
        assert told["alerts"] != ["Upload failed"]  # the answer said why


async def test_a_question_is_answered_elsewhere_while_the_network_is_away(
    house: Scene, tmp_path: Path
) -> None:
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [invoice(tmp_path, "RE-30")], auto_save=False)
        await page.ask("press")
        told = await page.until(lambda one: file_in(one, "RE-30.pdf") != {})
        task_id = file_in(told, "RE-30.pdf")["task_id"]
        asked = await house.asked(task_id)
        before = len(page.told)
        house.network.cut()
        await page.until(lambda one: one.get("line") == "WebSocket: Disconnected", before)
        await house.answer(asked, "save")
        house.network.mend()
        await page.until(lambda one: one.get("line") == "WebSocket: Connected", before)
        done = await page.until(
            lambda one: file_in(one, "RE-30.pdf").get("status") == "completed", before
        )
        assert file_in(done, "RE-30.pdf")["result"]


async def test_a_page_goes_on_when_the_server_is_killed_and_comes_back(
    house: Scene, tmp_path: Path
) -> None:
    async with house.node("tasks/run.js", COOKIE=house.cookie) as page:
        await connected(page, [invoice(tmp_path, "RE-40")], auto_save=False)
        await page.ask("press")
        told = await page.until(lambda one: file_in(one, "RE-40.pdf") != {})
        task_id = file_in(told, "RE-40.pdf")["task_id"]
        asked = await house.asked(task_id)
        before = len(page.told)
        await house.kill()
        await page.until(lambda one: one.get("line") == "WebSocket: Disconnected", before)
        await house.restart()
        await page.until(lambda one: one.get("line") == "WebSocket: Connected", before)
        await house.answer(asked, "save")
        await page.until(lambda one: file_in(one, "RE-40.pdf").get("status") == "completed", before)


async def test_without_a_session_the_socket_is_refused(house: Scene) -> None:
    async with house.node("tasks/run.js") as page:
        await page.ask("mount", files=[file_of("a.png", b"\x89PNG", "image/png")])
        await page.ask("press")
        await page.until(
            lambda one: "WebSocket not connected. Please refresh." in one.get("alerts", [])
        )
