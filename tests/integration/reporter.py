"""A worker elsewhere, for tests: it creates jobs and reports what is done of them."""

from typing import Any

import aiohttp

STAGES = [
    {"key": "load", "label": "Loading", "steps": ["fetch"]},
    {"key": "train", "label": "Training"},
]


async def create(client: aiohttp.ClientSession, **wish: Any) -> dict[str, Any]:
    """Create a job and return the answer."""
    async with client.post("/api/v1/jobs", json={"filename": "nightly", **wish}) as answer:
        assert answer.status == 201, await answer.text()
        made: dict[str, Any] = await answer.json()
        assert answer.headers["Location"] == made["links"]["self"]
        return made


async def report(
    client: aiohttp.ClientSession, job_id: str, *reports: Any, status: int = 200, **headers: str
) -> dict[str, Any]:
    """Report as one request and return the answer, which has to have `status`."""
    path = f"/api/v1/jobs/{job_id}/events"
    async with client.post(path, json=list(reports), headers=headers) as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def steer(client: aiohttp.ClientSession, path: str, *, status: int = 202) -> dict[str, Any]:
    async with client.post(f"/api/v1/{path}") as answer:
        assert answer.status == status, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def events_of(client: aiohttp.ClientSession, job_id: str) -> list[dict[str, Any]]:
    async with client.get(f"/api/v1/jobs/{job_id}/events?limit=1000") as answer:
        found: list[dict[str, Any]] = (await answer.json())["events"]
        return found


def progress(percent: float | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "processing_progress", "progress": percent, **more}


DONE = {"type": "processing_completed", "result": {"summary": "12 shards", "rows": 3}}
