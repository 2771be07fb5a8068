"""The kit's React hooks, under React in a page of their own, against a real server."""

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.serving import Server, serving, settings_for, token_of, with_user
from tests.integration.test_kit import KIT, run
from tests.node import CLIENTS

STORY = Path(__file__).parent / "js/hooks.js"
PACKAGES = ("react", "react-dom", "jsdom", "ws")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data", max_websocket_connections_per_user=20)
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


@pytest.mark.usefixtures("node_packages")
async def test_every_hook_tells_what_happens_to_files(server: Server, tmp_path: Path) -> None:
    project = tmp_path / "project"
    modules = project / "node_modules"
    shutil.copytree(KIT, modules / "livetrail")
    for name in PACKAGES:
        (modules / name).symlink_to(CLIENTS / "node_modules" / name)
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    shutil.copy(STORY, project)
    secret = token_of(server.settings, "ann")
    async with (
        server.client("ann") as ann,
        ann.post("/api/v1/auth/websocket-token", json={"kind": "listen"}) as answer,
    ):
        token = (await answer.json())["token"]
    command = ("node", "--no-warnings", STORY.name, server.url, secret, token)
    said = json.loads(await run(*command, cwd=project))

    assert said["sent"] == [False, True], "before there is a connection nothing is sent"
    tea, bad = said["processed"]
    assert [tea["task_id"], bad["task_id"]] == said["ids"]
    assert (tea["filename"], tea["status"], tea["progress"]) == ("tea.csv", "completed", 100)
    assert tea["result"]["rows"] == 1
    assert tea["updates"][-1]["type"] == "complete"
    assert tea["updates"][-1]["timestamp"] > 1.7e9
    assert (bad["status"], bad["result"]) == ("error", None)
    assert bad["error"]
    assert tea["task_id"] in said["heard"]

    waiting = said["waiting"]["session"]
    assert (waiting["status"], waiting["clarificationCount"]) == ("PROCESSING", 1)
    assert said["waiting"]["upload"] == "processing"
    assert [one["status"] for one in said["clarifications"]] == ["answered"]
    assert said["refused"] == "not_allowed"
    progress = said["progress"]
    assert (progress["status"], progress["progress"], progress["hasResult"]) == (
        "COMPLETED", 100, True,
    )  # fmt: skip
    assert progress["prompts"]["completed"] == progress["prompts"]["total"] == 5
    assert said["batch"]["prompts"] == {
        "total": 1, "completed": 1, "processing": 0, "pending": 0, "failed": 0,
    }  # fmt: skip
    upload = said["upload"]
    assert (upload["progress"], upload["error"], upload["files"]) == (100, None, 1)
    others = said["others"]
    assert sorted(others["upload"]) == sorted(said["ids"]), "an upload before is no part of it"
    assert (others["batch"], others["questions"]) == (2, 0)
    assert said["knocks"] == [8, 16], "once, and seven times again; then it is given up"
