"""The commands that talk to a running server: what the Python client does, for a shell."""

import argparse
import asyncio
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from app.client import Livetrail, LivetrailError, Position, Snapshot, Told, Upload
from app.core.ids import is_uuid
from app.core.names import one_line
from app.simulate import PLAN_NAMES, Stage, scripts_of
from app.watching import watch_folder

URL, TOKEN = "LIVETRAIL_URL", "LIVETRAIL_TOKEN"
DEFAULT_URL = "http://127.0.0.1:8080"
JOBS_AT_MOST = 100  # simulated at once
FASTEST = 10_000.0

ROOMS = "job:<id>, a job's id, batch:<id>, or user:me, which is all that is yours"

Do = Callable[[Livetrail, argparse.Namespace], Awaitable[int]]


def add_commands(commands: Any, run: Callable[..., int]) -> None:
    """Add the commands to a parser's subcommands; `run` is called with the parsed options."""

    def command(name: str, do: Do, about: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, help=about)
        parser.set_defaults(run=run, do=do)
        parser.add_argument("--url", help=f"address of the server; ${URL}, or {DEFAULT_URL}")
        parser.add_argument(
            "--token-file", type=Path, help=f"file that holds the API token; else ${TOKEN}"
        )
        return parser

    upload = command("upload", _upload, "give files, and tell what happens to them")
    upload.add_argument("files", nargs="+", type=Path, metavar="FILE")
    upload.add_argument("--name", help="of the batch")
    upload.add_argument("--options", type=_json, default={}, help="further options, as JSON")
    upload.add_argument("--no-follow", action="store_true", help="leave once the files are safe")
    upload.add_argument("--json", action="store_true", help="whole events, one a line")

    follow = command("follow", _follow, "tell what happens in a room, for ever")
    follow.add_argument("room", nargs="?", default="user:me", type=_target, help=ROOMS)
    follow.add_argument("--after", type=_position, help="0 from the start, or a kept <log>:<seq>")
    follow.add_argument("--until-done", action="store_true", help="of a job or a batch: its end")
    follow.add_argument("--json", action="store_true", help="whole events, one a line")

    questions = command("questions", _questions, "list the questions that wait for an answer")
    questions.add_argument("room", nargs="?", default="user:me", type=_target, help=ROOMS)
    answer = command("answer", _answer, "answer a question")
    answer.add_argument("question", help="its id")
    answer.add_argument("answer")
    answer.add_argument("--for-batch", action="store_true", help="good for the whole batch")

    for name, about in STEERING.items():
        steer = command(name, _steer, about)
        steer.set_defaults(op=name)
        steer.add_argument("room", type=_target, help="job:<id>, batch:<id>, or a job's id")

    export = command("export", _export, "write what is stored to a file")
    export.add_argument("into", type=Path, help="a file, or a folder")
    export.add_argument("room", nargs="?", type=_target, help="job:<id> or batch:<id>; else all")
    export.add_argument(
        "--format", default="csv", help="csv, json, xlsx, parquet, or what a plugin adds"
    )

    watch = command("watch", _watch, "give every file that comes into a folder")
    watch.add_argument("folder", type=Path)
    watch.add_argument("--done", type=Path, help="where given files go; by default FOLDER/done")
    watch.add_argument("--once", action="store_true", help="give what is there, and leave")

    simulate = command("simulate", _simulate, "report believable jobs, to build a listener with")
    simulate.add_argument("--plan", action="append", choices=PLAN_NAMES, help="by default all")
    simulate.add_argument("--jobs", type=_count, default=5, help="how many, at once (5)")
    simulate.add_argument("--speed", type=_speed, default=1.0, help="2 is twice as fast (1)")
    simulate.add_argument("--fail", type=_share, default=0.2, help="how many fail, 0 to 1 (0.2)")
    simulate.add_argument("--ask", type=_share, default=0.2, help="how many ask, 0 to 1 (0.2)")
    simulate.add_argument("--seed", type=int, help="the same jobs again")
    simulate.add_argument("--stay", action="store_true", help="play what is retried, until Ctrl+C")


STEERING: Mapping[str, str] = {
    "pause": "let a job or a batch rest",
    "resume": "let it go on",
    "cancel": "stop it, and take back what it stored",
    "retry": "do it again from where it stopped",
    "undo": "take back what it stored",
}


def main() -> int:
    """Run the command line of the package that has the client alone; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="livetrail", description="Give files to a Livetrail server, and follow what happens."
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    add_commands(commands, talk)
    options = parser.parse_args()
    try:
        return talk(options)
    except BrokenPipeError:
        return unread()


def talk(options: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """Run the chosen command against the server; return the exit code. Ctrl+C ends it with 130.

    Raises BrokenPipeError when who read what it prints has left.
    """
    url = options.url or environ.get(URL, DEFAULT_URL)
    try:
        token = _token(options.token_file, environ)
        return asyncio.run(_until_interrupted(options, url, token))
    except LivetrailError as error:
        _complain(error)
        return 1
    except BrokenPipeError:  # no error of the command: `unread`
        raise
    except OSError as error:
        _complain(error)
        return 1
    except ValueError as error:
        _complain(error)
        return 2


def unread() -> int:
    """Return the exit code when who read what was printed, such as `head`, has enough."""
    sys.stdout = None  # or its flush at the end of the process fails again
    return 1


def _say(text: str, begins: str = "") -> None:
    """Print one line that does nothing to the terminal, whatever a server put into `text`."""
    print(f"{begins}{one_line(text)}", flush=True)


def _complain(error: Exception, about: str = "") -> None:
    said = f"{about}: {error}" if about else str(error)
    print(f"livetrail: {one_line(said)}", file=sys.stderr, flush=True)


def _token(path: Path | None, environ: Mapping[str, str]) -> str:
    """Return the token. Raises ValueError where there is none, OSError."""
    token = path.read_text().strip() if path is not None else environ.get(TOKEN, "")
    if not token:
        raise ValueError(
            f"no token: set {TOKEN}, or name a file with --token-file; your account's page makes"
            " one, and so does `python3 run.py token create --user NAME`"
        )
    return token


def talk_in_thread(options: argparse.Namespace, url: str, token: str) -> None:
    """Run the chosen command beside a server in this process, whose end ends it."""

    async def talking() -> None:
        try:
            async with Livetrail(url, token) as trail:
                await options.do(trail, options)
        except LivetrailError as error:
            _complain(error)

    threading.Thread(target=asyncio.run, args=(talking(),), name="command", daemon=True).start()


async def _until_interrupted(options: argparse.Namespace, url: str, token: str) -> int:
    async with Livetrail(url, token) as trail:
        work = asyncio.ensure_future(options.do(trail, options))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):  # Windows: Ctrl+C ends it as it ends everything
                loop.add_signal_handler(number, work.cancel)
        try:
            code: int = await work
        except asyncio.CancelledError:
            return 130
        return code


async def _upload(trail: Livetrail, options: argparse.Namespace) -> int:
    wishes = {**options.options, **({"name": options.name} if options.name else {})}
    upload = await trail.upload(*options.files, options=wishes)
    for job_id, filename in zip(upload.job_ids, upload.filenames, strict=True):
        _say(f"job:{job_id} {filename}")
    if options.no_follow:
        return 0
    return await _tell_until_done(trail, upload.room, 0, as_json=options.json)


async def _follow(trail: Livetrail, options: argparse.Namespace) -> int:
    if options.until_done:
        after = 0 if options.after is None else options.after
        return await _tell_until_done(trail, options.room, after, as_json=options.json)
    screen = _Screen(as_json=options.json)
    async with trail.follow(options.room, options.after) as following:
        async for told in following:
            screen.show(told)
    return 0


async def _tell_until_done(
    trail: Livetrail, room: str, after: Position | int, *, as_json: bool
) -> int:
    """Print until it has ended. Return 0 when all ended well."""
    screen = _Screen(as_json=as_json)
    async for told in trail.until_done(room, after):
        screen.show(told)
    kind, _, ident = room.partition(":")
    if kind == "job":
        return int((await trail.job(ident))["status"] != "completed")
    counts = (await trail.batch(ident))["counts"]
    return int(any(count for status, count in counts.items() if status != "completed"))


class _Screen:
    """Prints what is told, one line each.

    As text, what reads like the line before it is left out: a step often begins, goes on and ends
    in the same words. As JSON everything is printed.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._last: tuple[str, str] | None = None

    def show(self, told: Told) -> None:
        if self._as_json:  # in ASCII: what is written there does nothing either
            if isinstance(told, Snapshot):
                line = {"type": "snapshot", "job_id": told.job_id, "state": told.state}
            else:
                line = told.model_dump(mode="json")
            print(json.dumps(line), flush=True)
            return
        if isinstance(told, Snapshot):
            said = ("", str(told.state["message"]))
        else:
            begins = "" if told.progress is None else f"{told.progress:3.0f}%  "
            said = (begins, told.message)
        if said != self._last:
            _say(said[1], said[0])
        self._last = said


async def _questions(trail: Livetrail, options: argparse.Namespace) -> int:
    for one in await trail.questions(options.room):
        _say(f"{one['clarification_id']} {one['question']}")
        for choice in one.get("choices", []):
            _say(f"{choice['value']} {choice['label']}", "    ")
    return 0


async def _answer(trail: Livetrail, options: argparse.Namespace) -> int:
    await trail.answer(options.question, options.answer, use_for_batch=options.for_batch)
    return 0


async def _steer(trail: Livetrail, options: argparse.Namespace) -> int:
    await getattr(trail, options.op)(options.room)
    return 0


async def _export(trail: Livetrail, options: argparse.Namespace) -> int:
    path = await trail.export(options.into, options.room, file_format=options.format)
    print(path, flush=True)
    return 0


async def _watch(trail: Livetrail, options: argparse.Namespace) -> int:
    done = options.done or options.folder / "done"
    code = 0
    async for path, given in watch_folder(trail, options.folder, done, once=options.once):
        if isinstance(given, Upload):
            _say(f"job:{given.job_ids[0]} {path.name}")
        else:
            _complain(given, path.name)
            code = 1
    return code


async def _simulate(trail: Livetrail, options: argparse.Namespace) -> int:
    chance = Random(options.seed)  # noqa: S311 - it makes jobs up
    plans = options.plan or PLAN_NAMES
    scripts = scripts_of(plans, options.jobs, chance, fails=options.fail, asks=options.ask)
    stage = Stage(
        trail,
        chance,
        speed=options.speed,
        say=_say,
        stays=options.stay,
    )
    await stage.play(scripts)
    return 0


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= JOBS_AT_MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {JOBS_AT_MOST}")
    return int(text)


def _speed(text: str) -> float:
    if not 0 < (speed := _number(text)) <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0 and at most {FASTEST:g}")
    return speed


def _share(text: str) -> float:
    if not 0 <= (share := _number(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return share


def _number(text: str) -> float:
    """Return the number that `text` is; one that lies in no range where it is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _target(text: str) -> str:
    return f"job:{text}" if is_uuid(text) else text


def _position(text: str) -> Position | int:
    try:
        return int(text) if text.isdecimal() else Position.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object")
    return found
