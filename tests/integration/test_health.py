"""Is it alive, is it ready, how busy is it; and how it goes down."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from app.keys import DOOR
from app.pipeline.runner import Runner
from app.serving import run_until_stopped
from app.settings import Settings, SettingsError
from tests.integration.serving import (
    LONGEST_S,
    Server,
    files_form,
    serving,
    settings_for,
    with_user,
)

ROOT = Path(__file__).resolve().parents[2]


async def test_health_needs_nobody_and_tells_no_secret(stranger: aiohttp.ClientSession) -> None:
    async with stranger.get("/healthz") as answer:
        assert (await answer.json())["status"] == "ok"


async def test_readiness_names_the_models_and_not_their_addresses(tmp_path: Path) -> None:
    names = ("ollama:llama3.1:8b", "openai-chat:qwen3@http://10.0.0.5:8000/v1")
    settings = settings_for(tmp_path / "data", models=names, model_api_key="sk-hidden")
    async with (
        serving(settings) as server,
        server.client() as client,
        client.get("/readyz") as answer,
    ):
        told = await answer.text()
    assert "ollama:llama3.1:8b, openai-chat:qwen3" in told
    assert "10.0.0.5" not in told
    assert "sk-hidden" not in told


async def test_models_without_their_library_are_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)  # as where it is not installed
    with pytest.raises(SettingsError, match="extra llm"):
        async with serving(settings_for(tmp_path / "data", models=("ollama:a",))):
            pass


async def test_readiness_names_every_part(stranger: aiohttp.ClientSession) -> None:
    async with stranger.get("/readyz") as answer:
        told = await answer.json()
    assert (answer.status, told["status"]) == (200, "ready")
    assert set(told["components"]) == {
        "intake",
        "database",
        "files",
        "scanner",
        "workers",
        "jail",
        "models",
        "plugins",
        "live",
    }
    assert told["components"]["scanner"]["detail"].startswith("yara-x")


async def test_a_server_that_goes_down_says_it_is_not_ready(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    server.app[DOOR].closed = True
    async with ann.get("/readyz") as answer:
        assert answer.status == 503
    async with ann.post("/api/v1/batches", data=files_form(("a.csv", b"a"))) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"]


async def test_a_server_that_takes_up_no_file_any_more_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def stumble(runner: Runner) -> None:
        ended.set()
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(Runner, "_mend", stumble)
    with pytest.raises(RuntimeError):  # which the stop tells
        async with serving(settings_for(tmp_path)) as server, server.client() as stranger:
            await ended.wait()
            async with stranger.get("/readyz") as answer:
                assert answer.status == 503
                told = (await answer.json())["components"]["workers"]
    assert told == {"state": "failing", "detail": "no file is read any more; see the log"}


async def test_figures_are_for_this_machine_and_for_operators(
    server: Server,
    stranger: aiohttp.ClientSession,
    ann: aiohttp.ClientSession,
    bob: aiohttp.ClientSession,
) -> None:
    async with stranger.get("/metrics") as answer:
        text = await answer.text()
    assert "livetrail_connections 0.0" in text
    assert "livetrail_loop_stalls_total" in text
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    for client, status in ((stranger, 401), (bob, 403), (ann, 200)):
        async with client.get("/metrics", headers=proxied) as answer:
            assert answer.status == status


async def test_every_answer_protects_its_reader(stranger: aiohttp.ClientSession) -> None:
    for path in ("/healthz", "/api/v1/jobs", "/nowhere", "/login"):
        async with stranger.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["Referrer-Policy"] == "same-origin", path
            assert answer.headers["Server"] == "livetrail", path
            assert answer.headers["X-Request-ID"], path


async def test_a_request_keeps_the_id_it_came_with(stranger: aiohttp.ClientSession) -> None:
    async with stranger.get("/healthz", headers={"X-Request-ID": "mine-1"}) as answer:
        assert answer.headers["X-Request-ID"] == "mine-1"
    async with stranger.get("/healthz", headers={"X-Request-ID": "no good"}) as answer:
        assert answer.headers["X-Request-ID"] != "no good"


async def test_a_taken_address_is_told_in_one_sentence(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        taken = settings.model_copy(update={"port": port})
        with pytest.raises(SettingsError, match=f"can not listen on 127.0.0.1:{port}"):
            await run_until_stopped(taken, lambda url: None)


async def test_open_sockets_are_told_to_come_back(settings: Settings) -> None:
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as client:
        socket = await client.ws_connect("/ws")
        assert (await socket.receive_json())["type"] == "welcome"
        stopping = asyncio.create_task(_stop(server))
        message = await socket.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == 1012
        await stopping


async def _stop(server: Server) -> None:
    await server.app.shutdown()


@pytest.fixture
def process(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    with_user(settings, "ann")
    command = [sys.executable, "-m", "app.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data-dir", str(settings.data_dir)],
        cwd=ROOT,
        env={**os.environ, "LIVETRAIL_LOG_LEVEL": "WARNING"},
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield running
        running.kill()  # where the test has not ended it


def test_the_server_process_never_loads_the_readers(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert "Livetrail is at http://127.0.0.1:" in process.stdout.readline()
    maps = Path(f"/proc/{process.pid}/maps").read_text()
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONGEST_S) == 0
    for library in ("polars", "sklearn", "yara_x"):
        assert library not in maps


def test_a_signal_ends_the_process_in_order(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(LONGEST_S) == 0
