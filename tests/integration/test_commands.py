"""The commands that talk to a running server, as a person types them."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from app import watching
from app.client import Livetrail, Snapshot, Told, Upload
from app.client.saving import place_of
from app.commands import _Screen, add_commands, talk
from app.core.events import Event
from tests.integration.serving import Server, serving, settings_for, token_of, with_user
from tests.patience import LONGEST_S
from tests.process import ROOT

ESCAPE = "\x1b[2J\x1b]0;owned\x07\x9b1m"
CSV = b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n2025-01-05,Milk,-1.30\n"
UNDECIDED = b"Date,Description,Amount\n01/02/2025,Tea,-2.10\n02/03/2025,Milk,-1.30\n"


async def said(server: Server, *arguments: str | Path, token: str | None = None) -> tuple[int, str]:
    """Run a command; return its exit code and all that it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIVETRAIL_")}
    given = token_of(server.settings, "bob") if token is None else token
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "app.cli",
        *map(str, arguments),
        cwd=ROOT,
        env={**environment, "LIVETRAIL_URL": server.url, "LIVETRAIL_TOKEN": given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "tea.csv"
    path.write_bytes(CSV)
    return path


async def test_upload_tells_what_happens_until_the_end(server: Server, table: Path) -> None:
    code, output = await said(server, "upload", table, "--name", "June")
    lines = output.splitlines()
    assert lines[0].startswith("job:")
    assert lines[0].endswith("tea.csv")
    assert lines[-1] == "Your file is done"
    assert code == 0


async def test_a_file_that_can_not_be_read_ends_in_1(server: Server, tmp_path: Path) -> None:
    empty = tmp_path / "nothing.csv"
    empty.write_bytes(b"\0\1\2" * 100)
    code, output = await said(server, "upload", empty)
    assert code == 1
    assert "0 of 1 file done, 1 not" in output


async def test_follow_repeats_the_log_as_json(server: Server, table: Path) -> None:
    _, output = await said(server, "upload", table, "--no-follow")
    job = output.split()[0]
    code, output = await said(server, "follow", job, "--until-done", "--json")
    events = [json.loads(line) for line in output.splitlines()]
    assert code == 0
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))
    code, again = await said(server, "follow", job, "--after", "0", "--until-done", "--json")
    assert again == output


async def test_a_question_is_listed_and_answered(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "dates.csv"
    path.write_bytes(UNDECIDED)
    async with Livetrail(server.url, token_of(server.settings, "bob")) as trail:
        upload = await trail.upload(path)
        async for told in trail.until_done(upload.room):
            if told.type == "clarification_requested":
                _, output = await said(server, "questions", upload.room)
                ident, choice = output.split()[0], output.splitlines()[1].split()[0]
                assert await said(server, "answer", ident, choice) == (0, "")
        assert (await trail.job(upload.job_ids[0]))["status"] == "completed"


async def test_a_job_is_undone_and_what_is_stored_is_written(server: Server, table: Path) -> None:
    _, output = await said(server, "upload", table)
    job = output.split()[0]
    into = table.parent / "all.csv"
    assert await said(server, "export", into, job) == (0, f"{into}\n")
    assert "Milk" in into.read_text()
    assert await said(server, "undo", job.removeprefix("job:")) == (0, "")
    async with Livetrail(server.url, token_of(server.settings, "bob")) as trail:
        assert (await trail.job(job.removeprefix("job:")))["undone"]


async def test_files_of_a_watched_folder_are_given_once(server: Server, table: Path) -> None:
    folder = table.parent
    (folder / "half.pdf.part").write_bytes(b"%PDF")
    code, output = await said(server, "watch", folder, "--once")
    assert (code, len(output.splitlines())) == (0, 1)
    assert (folder / "done" / "tea.csv").read_bytes() == CSV
    assert not table.exists()
    assert (folder / "half.pdf.part").exists()
    assert await said(server, "watch", folder, "--once") == (0, "")


@pytest.fixture
async def small(tmp_path: Path) -> AsyncIterator[Server]:
    """A server that takes small files only."""
    settings = settings_for(tmp_path / "data", max_upload_bytes=1000)
    with_user(settings, "bob")
    async with serving(settings) as running:
        yield running


async def test_a_file_that_is_refused_keeps_no_other_from_being_given(
    small: Server, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_bytes(CSV * 100)
    (folder / "b.csv").write_bytes(CSV)
    code, output = await said(small, "watch", folder, "--once")
    assert code == 1
    assert "a.csv is larger than 1.0 KB" in output
    assert output.splitlines()[-1].endswith(" b.csv")
    assert {path.name for path in folder.iterdir()} == {"a.csv", "done"}
    assert [path.name for path in (folder / "done").iterdir()] == ["b.csv"]


async def test_a_server_without_room_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AGAIN_S", 0.0)
    monkeypatch.setattr(watching, "QUIET_S", 0.0)
    taken = {"batch_id": "b", "jobs": [{"job_id": "j", "filename": "a.csv"}]}
    full = {"code": "storage_full", "title": "No room"}
    answers = [web.json_response(full, status=507), web.json_response(taken, status=202)]
    (tmp_path / "a.csv").write_bytes(CSV)
    async with (
        asyncio.timeout(LONGEST_S),
        elsewhere({"/api/v1/batches": answers}) as url,
        Livetrail(url, "lt_any") as trail,
    ):
        async for path, given in watching.watch_folder(trail, tmp_path, tmp_path / "done"):
            assert (path.name, given) == ("a.csv", Upload("b", ("j",), ("a.csv",)))
            break
    assert answers == []
    assert (tmp_path / "done" / "a.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["upload", "a.csv", "--options", "{"], "'{' is not JSON"),
        (["upload", "a.csv", "--options", "[]"], "'[]' is not a JSON object"),
        (["follow", "--after", "yesterday"], "one looks like <log>:<seq>"),
        (["simulate", "--speed", "fast"], "'fast' is no number above 0"),
        (["simulate", "--fail", "nan"], "'nan' is no number from 0 to 1"),
        (["follow", "--url", "localhost:8080"], "'localhost:8080' is no address of a server"),
        (["questions", "everywhere"], "'everywhere' is no job and no batch"),
    ],
)
def test_a_wrong_argument_is_said_in_words(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_commands(parser.add_subparsers(), talk)
    try:
        options = parser.parse_args(arguments)
        assert options.run(options, {"LIVETRAIL_TOKEN": "lt_any"}) == 2
        told = capsys.readouterr().err
    except (argparse.ArgumentError, SystemExit) as error:
        told = str(error) + capsys.readouterr().err
    assert sentence in told


async def test_what_is_wrong_is_said_in_one_sentence(server: Server, table: Path) -> None:
    code, output = await said(server, "upload", table, token="")
    assert (code, len(output.splitlines())) == (2, 1)
    assert "LIVETRAIL_TOKEN" in output
    code, output = await said(server, "upload", table, token="lt_bad")
    assert (code, len(output.splitlines())) == (1, 1)
    code, output = await said(server, "upload", table.parent / "nowhere.csv")
    assert (code, len(output.splitlines())) == (1, 1)
    assert "nowhere.csv" in output
    assert "data folder" not in output  # which is the server's
    code, output = await said(server, "undo", "batch:nothing")
    assert (code, len(output.splitlines())) == (1, 1)


@asynccontextmanager
async def elsewhere(answers: dict[str, Any]) -> AsyncIterator[str]:
    """Yield the address of a server that is no friend of who asks it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        said = answers[request.path]
        if isinstance(said, list):
            said = said.pop(0)
        return said if isinstance(said, web.StreamResponse) else web.json_response(said)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_no_server_writes_to_the_terminal_but_text(server: Server) -> None:
    question = {
        "clarification_id": ESCAPE,
        "question": ESCAPE,
        "choices": [{"value": ESCAPE, "label": ESCAPE}],
    }
    refusal = web.json_response({"title": ESCAPE, "code": ESCAPE}, status=400)
    answers = {"/api/v1/clarifications": {"clarifications": [question], "next": None}}
    async with elsewhere(answers) as url:
        _, listed = await said(server, "questions", "--url", url)
    async with elsewhere({"/api/v1/clarifications": refusal}) as url:
        _, refused = await said(server, "questions", "--url", url)
    assert "owned" in listed
    assert "owned" in refused
    assert (listed + refused).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "told", [Snapshot("j", {"message": ESCAPE}), Event(type="new", message=ESCAPE)]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_what_is_told_is_one_line_of_text(
    capsys: pytest.CaptureFixture[str], told: Told, as_json: bool
) -> None:
    _Screen(as_json=as_json).show(told)
    line = capsys.readouterr().out
    assert "owned" in line
    assert line.removesuffix("\n").isprintable()


def test_a_line_is_not_repeated_but_every_event_is_there_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = [Event(type="new", message=said) for said in ("Reading...", "Reading...", "Done!")]
    for as_json, lines in ((False, 2), (True, 3)):
        screen = _Screen(as_json=as_json)
        for one in told:
            screen.show(one)
        assert len(capsys.readouterr().out.splitlines()) == lines


@pytest.mark.parametrize(
    "program",
    [("-m", "app.cli"), ("-c", "import sys; from app.commands import main; sys.exit(main())")],
    ids=["checkout", "package"],
)
async def test_whoever_reads_only_the_beginning_ends_it_in_silence(
    server: Server, table: Path, program: tuple[str, ...]
) -> None:
    await said(server, "upload", table)
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *program,
        *("follow", "--after", "0", "--url", server.url),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LIVETRAIL_TOKEN": token_of(server.settings, "bob")},
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    async with asyncio.timeout(LONGEST_S):
        _, complaint = await process.communicate()
    assert (process.returncode, complaint) == (1, b"")


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        (".bashrc", "bashrc"),
        ("../../etc/passwd", "passwd"),
        ("..", "unnamed file"),
        ("a\x1b[2J.csv", "a[2J.csv"),
        ("there.csv", "there (2).csv"),
        ("link.csv", "link (2).csv"),
    ],
)
def test_a_server_names_no_file_that_is_hidden_elsewhere_or_there(
    tmp_path: Path, named: str, kept: str
) -> None:
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    assert place_of(tmp_path, named) == tmp_path / kept
