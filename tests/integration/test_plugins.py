"""Plugins at work in a whole server: what each kind adds; a bad one harms only its step."""

from pathlib import Path
from typing import Any

import aiohttp

from tests.integration.serving import (
    ended,
    serving,
    settings_for,
    upload,
    with_user,
)

CSV = b"Date,Description,Amount\n2026-01-02,Tea house,-2.50\n2026-01-03,Rent,-900.00\n"

COUNT = """
from app.plugins import File, Step, hook

async def count(file: File) -> dict:
    words = len(file.path.read_bytes().split())
    file.tell(1, 1)
    return {"words": words}

@hook
def livetrail_steps():
    return [Step("count_words", count, after="malware_scan", message="Counting words...",
                 done="I counted {words} words")]
"""


def house(folder: Path, **plugins: str) -> Any:
    """Return settings for a server of ann's with these plugins, each a name and its code."""
    settings = settings_for(folder / "data", plugin_timeout_s=20)
    settings.plugins_dir.mkdir(parents=True, exist_ok=True)
    for name, code in plugins.items():
        (settings.plugins_dir / f"{name}.py").write_text(code)
    if not settings.database_path.exists():
        with_user(settings, "ann", admin=True)
    return settings


async def events_of(client: aiohttp.ClientSession, job_id: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/jobs/{job_id}/events?limit=1000") as answer:
        assert answer.status == 200, await answer.text()
        return list((await answer.json())["events"])


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
