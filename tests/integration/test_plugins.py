"""Plugins at work in a whole server: what each kind adds, and how they are found."""

import asyncio
import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from app.doctor import examine
from app.pipeline.plugins.finding import find_plugins
from tests.integration.plugins import (
    COUNT,
    CSV,
    READER,
    TILDE,
    events_of,
    house,
    named,
    plugins_of,
)
from tests.integration.serving import ended, followed, serving, upload


async def test_a_step_of_a_file_in_the_plugins_folder_is_part_of_the_plan(tmp_path: Path) -> None:
    async with serving(house(tmp_path, words=COUNT)) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        events = await events_of(ann, job["job_id"])
    assert job["status"] == "completed", job
    assert "words.count_words" in job["steps_done"]
    plan = next(e["plan"] for e in events if e["type"] == "plan_chosen")
    assert plan["stages"][1]["steps"] == ["malware_scan", "words.count_words"]
    said = [e["message"] for e in events if e["step"] == "words.count_words"]
    assert said[0] == "Counting words..."
    assert said[-1] == "I counted 4 words"


async def test_a_reader_makes_rows_of_a_further_kind_of_file(tmp_path: Path) -> None:
    async with serving(house(tmp_path, tilde=READER)) as server, server.client("ann") as ann:
        jobs = await ended(ann, await upload(ann, ("a.tld", TILDE), ("b.tld", b"\x00\x01" * 99)))
        job, other = sorted(jobs, key=lambda one: str(one["filename"]))
        async with ann.get(f"/api/v1/jobs/{job['job_id']}/rows") as answer:
            rows = (await answer.json())["rows"]
    assert job["status"] == "completed", job["error"]
    assert [(row["date"], row["description"], row["amount"]) for row in rows] == [
        ("2026-01-02", "Tea, two cups", "-2.50"),
        ("2026-01-03", "Rent", "-900.00"),
    ]
    assert job["steps_done"].index("tilde.tilde") + 1 == job["steps_done"].index("field_detection")
    assert other["error"]["code"] == "unsupported_type"


SCANNER = """
from app.plugins import File, Finding, Scanner, hook

def scan(file: File):
    data = file.path.read_bytes()
    if b"confused" in data:
        raise RuntimeError("the scanner is confused")
    if b"poison" in data:
        return [Finding("the word poison")]
    if b"odd" in data:
        return [Finding("the word odd", harmful=False)]

@hook
def livetrail_scanners():
    return [Scanner("words", scan, label="Word scan")]
"""


async def test_a_scanner_stops_a_file_warns_of_one_and_lets_none_by_unseen(tmp_path: Path) -> None:
    async with serving(house(tmp_path, scan=SCANNER)) as server, server.client("ann") as ann:
        files = named("plain", "poison", "odd", "confused")
        jobs = await ended(ann, await upload(ann, *files))
    by_name = {job["filename"].removesuffix(".csv"): job for job in jobs}
    assert by_name["plain"]["status"] == "completed"
    assert by_name["poison"]["error"]["code"] == "malware_found"
    assert "the word poison (Word scan)" in by_name["poison"]["error"]["title"]
    assert by_name["odd"]["status"] == "completed"
    assert [one["title"] for one in by_name["odd"]["warnings"]] == ["the word odd"]
    assert by_name["confused"]["error"]["code"] == "plugin_failed"  # nobody checked it


CATEGORISER = """
from app.plugins import Categoriser, RowGroup, Suggestion, hook

def suggest(groups: list[RowGroup]):
    for group in groups:
        if "Tea" in group.text:
            yield Suggestion(group.id, CATEGORY, 0.95, "Tea is for work")

@hook
def livetrail_categorisers():
    return [Categoriser("tea", suggest)]
"""


async def categories(folder: Path, category: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the job and, by description, its rows."""
    code = f"CATEGORY = {category!r}\n{CATEGORISER}"
    async with serving(house(folder, tea=code)) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        async with ann.get(f"/api/v1/jobs/{job['job_id']}/rows") as answer:
            rows = {row["description"]: row for row in (await answer.json())["rows"]}
    return job, rows


async def test_a_categoriser_speaks_before_what_everybody_has(tmp_path: Path) -> None:
    job, rows = await categories(tmp_path, "Office & post")
    assert job["status"] == "completed"
    tea, rent = rows["Tea house"], rows["Rent"]
    assert (tea["category"], tea["category_reason"]) == ("Office & post", "Tea is for work")
    assert rent["category"] == "Housing"


async def test_a_categoriser_that_talks_nonsense_is_left_out(tmp_path: Path) -> None:
    job, rows = await categories(tmp_path, "Nonsense")
    assert job["status"] == "completed"
    assert [one["code"] for one in job["warnings"]] == ["plugin_failed"]
    assert "there is no category 'Nonsense'" in job["warnings"][0]["title"]
    assert rows["Tea house"]["category"] != "Nonsense"


EXPORTER = """
from app.plugins import Exporter, hook

async def write(lines, out):
    for line in lines:
        if line["description"] == "Rent":
            FAIL
        out.write(f"{line['date']} {line['description']}: {line['amount']}\\n".encode())

@hook
def livetrail_exporters():
    return [Exporter("notes", write, ending="note", media_type="text/x-note", label="Notes")]
"""


async def test_an_exporter_is_a_further_format(tmp_path: Path) -> None:
    settings = house(tmp_path, notes=EXPORTER.replace("FAIL", "pass"))
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        async with ann.get(f"/jobs/{job['job_id']}") as answer:
            assert '<option value="notes.notes">Notes</option>' in await answer.text()
        wish = {"format": "notes.notes", "job_id": job["job_id"]}
        async with ann.post("/api/v1/exports", json=wish) as answer:
            assert answer.status == 202, await answer.text()
            export = await answer.json()
        assert export["filename"] == "a-rows.note"
        await followed(ann, "user:me", "export_completed")
        async with ann.get(f"/api/v1/exports/{export['export_id']}/file") as answer:
            body = await answer.read()
            assert answer.content_type == "text/x-note"
        async with ann.get(f"/api/v1/exports/{export['export_id']}") as answer:
            export = await answer.json()
        async with ann.post("/api/v1/exports", json={"format": "notes.others"}) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "invalid_request")
    assert body == b"2026-01-02 Tea house: -2.50\n2026-01-03 Rent: -900.00\n"
    assert export["sha256"] == hashlib.sha256(body).hexdigest()
    assert (export["rows"], export["size"]) == (2, len(body))


async def test_an_exporter_that_fails_fails_its_export(tmp_path: Path) -> None:
    settings = house(tmp_path, notes=EXPORTER.replace("FAIL", "raise KeyError('rent')"))
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        wish = {"format": "notes.notes", "job_id": job["job_id"]}
        async with ann.post("/api/v1/exports", json=wish) as answer:
            assert answer.status == 202, await answer.text()
        await followed(ann, "user:me", "export_failed")
        async with ann.get("/api/v1/exports") as answer:
            (told,) = (await answer.json())["exports"]
    assert told["error"]["code"] == "plugin_failed"
    assert "KeyError: 'rent'" in told["error"]["title"]


async def test_a_plugin_of_an_installed_package_is_found_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    (site / "wordkit").mkdir(parents=True)
    (site / "wordkit" / "__init__.py").write_text("")
    (site / "wordkit" / "counting.py").write_text("def words_in(b): return len(b.split())\n")
    hooks = COUNT.replace("len(file.path.read_bytes().split())", "words_in(file.path.read_bytes())")
    (site / "wordkit" / "hooks.py").write_text(f"from wordkit.counting import words_in\n{hooks}")
    info = site / "wordkit-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wordkit\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text("[livetrail]\nwords = wordkit.hooks\n")
    monkeypatch.syspath_prepend(str(site))
    async with serving(house(tmp_path)) as server, server.client("ann") as ann:
        found = await plugins_of(server)
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
    assert (found["words"]["source"], found["words"]["version"]) == ("package", "1.2")
    assert "words.count_words" in job["steps_done"], job
    assert "wordkit" not in sys.modules


async def test_with_plugins_off_none_is_loaded(tmp_path: Path) -> None:
    settings = house(tmp_path, words=COUNT).model_copy(update={"plugins": False})
    async with serving(settings) as server, server.client("ann") as ann:
        found = await plugins_of(server)
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
    assert found == {}
    assert "words.count_words" not in job["steps_done"]


async def test_the_doctor_names_plugins_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    settings = house(tmp_path, words=COUNT, bad="1/0")
    findings = await asyncio.to_thread(lambda: {one.what: one for one in examine(settings)})
    assert (findings["Plugin words"].state, findings["Plugin words"].detail) == (
        "ok",
        "step count_words",
    )
    assert findings["Plugin bad"].state == "look"
    assert "ZeroDivisionError" in findings["Plugin bad"].detail


async def test_the_example_of_the_documentation_works_as_it_stands(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "plugins.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    async with (
        serving(house(tmp_path, large_payments=example)) as server,
        server.client("ann") as ann,
    ):
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        events = await events_of(ann, job["job_id"])
    done = next(
        event
        for event in events
        if event["type"] == "step_completed" and event["step"] == "large_payments.look"
    )
    assert done["message"] == "I found 1 large payment, 900.00 together"
    assert done["message"] in " ".join(page.split())
    assert done["details"]["found"] == {"large": 1, "total": "900.00"}
    assert [one["title"] for one in job["warnings"]] == ["900.00 went to Rent"]


async def test_a_folder_is_a_plugin_with_modules_and_files_of_its_own(tmp_path: Path) -> None:
    settings = house(tmp_path)
    folder = settings.plugins_dir / "kit"
    folder.mkdir()
    (folder / "limits.py").write_text(
        "from pathlib import Path\n"
        "def words(): return (Path(__file__).parent / 'words.txt').read_text().split()\n"
    )
    (folder / "words.txt").write_text("Tea Coffee")
    (folder / "__init__.py").write_text(
        COUNT.replace(
            "async def count", "from .limits import words as known\nasync def count"
        ).replace("return {", "return {'known': known(), ")
    )
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
        events = await events_of(ann, job["job_id"])
    (found,) = [event["details"]["found"] for event in events if "found" in event["details"]]
    assert found == {"known": ["Tea", "Coffee"], "words": 4}


@pytest.mark.parametrize("where", ["", "kit", "kit/__init__.py", "kit/limits.py", "alone.py"])
def test_what_everybody_may_write_to_is_not_used(tmp_path: Path, where: str) -> None:
    settings = house(tmp_path)
    folder = settings.plugins_dir
    (folder / "kit").mkdir()
    for name in ("kit/__init__.py", "kit/limits.py", "alone.py"):
        (folder / name).write_text(COUNT)
    (folder / "kit" / "gone").symlink_to(folder / "nowhere")
    assert not [one for one in find_plugins(settings) if one.problem]
    path = folder / where
    path.chmod(path.stat().st_mode | 0o002)
    problems = {one.name: one.problem for one in find_plugins(settings)}
    broken = {"": {"kit", "alone"}, "alone.py": {"alone"}}.get(where, {"kit"})
    assert {name for name, problem in problems.items() if problem} == broken
    assert "chmod o-w" in problems[min(broken)]
