"""Livetrail and its peers: how each is started, and how it is spoken to.

All publish the same JSON object. The peers store nothing; Livetrail commits every event to SQLite
(synchronous=FULL) before anybody hears it.
"""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.listening import tools
from benchmarks.listening.processes import Process, cores, free_port
from benchmarks.listening.servers.livetrail import JOB, Hello, Order

LIVETRAIL = "Livetrail"
NCHAN = "nchan"
SOCKETIO = "socket.io"
FASTAPI = "FastAPI"
PYTHON_SOCKETIO = "python-socketio"
PEERS = (NCHAN, SOCKETIO, FASTAPI, PYTHON_SOCKETIO)

PUBLISHED_S = 120
ROOT = Path(__file__).resolve().parents[2]
LIVETRAIL_SERVER = "benchmarks.listening.servers.livetrail"
SCRIPTS = tools.HERE / "servers"

EVENT = json.dumps(
    {
        "seq": 100042,
        "n": 17,
        "type": "processing_progress",
        "job_id": JOB.format(0),
        "batch_id": "01900000-0000-7000-8000-00000000000b",
        "document_id": None,
        "status": "completed",
        "stage": "parsing",
        "step": "extracting",
        "progress": 45.5,
        "message": "Reading through expenses.csv: 150 of 500 rows",
        "timestamp": "2026-11-20T08:10:11.123Z",
        "estimated_time_remaining": 12,
        "details": {
            "q": "@q@",
            "t": "@t@",
            "processed": 150,
            "total": 500,
            "errors": 2,
            "filename": "expenses.csv",
        },
        "current_operation": None,
        "current_zone": None,
        "zones_completed": None,
        "zones_total": None,
    },
    separators=(",", ":"),
)
EVENT = EVENT.replace('"@q@"', "@q@").replace('"@t@"', "@t@")


@dataclass(slots=True)
class Running:
    """A server that takes connections."""

    process: Process
    speech: dict[str, str | int]
    committed: int = 0  # events that the first room held at the start (Livetrail only)

    def publish(self, events: int, *, rooms: int = 1, rate: float = 0, pad: int = 0) -> None:
        """Publish inside the server's own process (Livetrail only), and wait until it is done."""
        self.order(events, rooms=rooms, rate=rate, pad=pad)
        self.published()

    def order(self, events: int, *, rooms: int = 1, rate: float = 0, pad: int = 0) -> None:
        """Begin to publish inside the server's own process (Livetrail only)."""
        order: Order = {"events": events, "rooms": rooms, "rate": rate, "pad_bytes": pad}
        self.process.say(json.dumps(order))

    def published(self) -> None:
        """Wait for the end of what `order` began. Raises Failed when it does not come."""
        self.process.line(PUBLISHED_S)


Start = Callable[[], AbstractContextManager[Running]]


def starters() -> dict[str, Start]:
    """Return how each contender is started; a peer that can not be had is told and left out."""
    found: dict[str, Start] = {LIVETRAIL: livetrail}
    wanted: tuple[tuple[str, Callable[[], object], Start], ...] = (
        (NCHAN, tools.nchan, nchan),
        (SOCKETIO, tools.node_modules, socketio_node),
        (FASTAPI, tools.python_peers, fastapi),
        (PYTHON_SOCKETIO, tools.python_peers, socketio_python),
    )
    for name, get, start in wanted:
        try:
            get()
        except tools.Missing as missing:
            print(f"  {name} is left out: {missing}", file=sys.stderr, flush=True)
        else:
            found[name] = start
    return found


@contextmanager
def livetrail(
    folder: Path | None = None,
    *,
    rooms: int = 1,
    heartbeat_s: float = 30.0,
    env: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """Run Livetrail on `folder`, which may hold what an earlier one left there; or a new one."""
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-") as fresh:
        command = [
            sys.executable,
            "-m",
            "benchmarks.listening.servers.livetrail",
            folder or fresh,
            rooms,
            heartbeat_s,
        ]
        with Process(LIVETRAIL, command, cores()[0], env=env, cwd=ROOT) as process:
            hello: Hello = json.loads(process.line(60))
            yield Running(process, _livetrail_speech(hello), hello["committed"])


def subscription(**more: str) -> dict[str, str]:
    """Return what a listener of Livetrail asks for."""
    return {"op": "subscribe", "id": "1", "room": f"job:{JOB}".replace("{:012d}", "@R@"), **more}


def _livetrail_speech(hello: Hello) -> dict[str, str | int]:
    again = subscription(after="@c@", log=hello["log"])
    return {
        "kind": "ws",
        "port": hello["port"],
        "path": "/ws",
        "header": f"Authorization: Bearer {hello['token']}",
        "hello": json.dumps(subscription()),
        "resume_hello": json.dumps(again).replace('"@c@"', "@c@"),
        "ready": '"type":"live"',
        "cursor_key": '"seq":',
        "post_port": hello["publish_port"],
        "post_path": "/publish/@r@",
        "body": EVENT,
    }


@contextmanager
def livetrail_socketio() -> Iterator[Running]:
    """Run Livetrail, listened to by Socket.IO clients of system B."""
    with livetrail() as running:
        token = str(running.speech["header"]).rpartition(" ")[2]
        task = JOB.replace("{:012d}", "@R@")
        spoken: dict[str, str | int] = {
            "kind": "sio",
            "port": running.speech["port"],
            "path": "/socket.io/?EIO=4&transport=websocket",
            "hello": "40" + json.dumps({"token": token}),
            "join": "42" + json.dumps(["join_task", {"task_id": task}]),
            "ready": '"joined_task"',
            "post_port": running.speech["post_port"],
            "post_path": running.speech["post_path"],
            "body": EVENT,
        }
        yield Running(running.process, spoken, running.committed)


@contextmanager
def nchan() -> Iterator[Running]:
    """Run nginx with nchan. Its listeners come back with the message id that `meta` gives them."""
    found, port = tools.nchan(), free_port()
    with tempfile.TemporaryDirectory(prefix="livetrail-bench-nchan-") as folder:
        (Path(folder) / "var/lib/nginx").mkdir(parents=True)
        config = Path(folder) / "nginx.conf"
        text = (SCRIPTS / "nchan.conf").read_text()
        for key, value in (("FOLDER", folder), ("PORT", port), ("MODULE", found.module)):
            text = text.replace(key, str(value))
        if os.geteuid() != 0:
            text = text.replace("user root;\n", "")  # only root may choose
        config.write_text(text)
        command = [found.program, "-p", folder, "-c", config]
        with Process(NCHAN, command, cores()[0]) as process:
            process.listens_on(port)
            yield Running(
                process,
                {
                    "kind": "ws",
                    "port": port,
                    "path": "/sub/room@r@",
                    "header": "Sec-WebSocket-Protocol: ws+meta.nchan",
                    "cursor_key": "id: ",
                    "resume_path": "/sub/room@r@?last_event_id=@c@",
                    "post_path": "/pub/room@r@",
                    "body": EVENT,
                },
            )


@contextmanager
def socketio_node() -> Iterator[Running]:
    """Run socket.io on Node. Its listeners come back with their pid and offset."""
    port = free_port()
    command = ["node", SCRIPTS / "socketio_node.cjs", port]
    env = {"NODE_PATH": str(tools.node_modules())}
    with Process(SOCKETIO, command, cores()[0], env=env) as process:
        process.listens_on(port)
        yield Running(
            process,
            {
                "kind": "sio",
                "port": port,
                "path": "/socket.io/?EIO=4&transport=websocket&room=room@r@",
                "cursor_key": ',"',
                "resume_hello": '40{"pid":"@p@","offset":"@c@"}',
                "post_path": "/publish/room@r@",
                "body": EVENT,
            },
        )


@contextmanager
def socketio_python(python: str | Path | None = None) -> Iterator[Running]:
    """Run python-socketio on aiohttp, by default that of the peers. It has no resume."""
    port = free_port()
    command = [python or tools.python_peers(), SCRIPTS / "socketio_python.py", port]
    with Process(PYTHON_SOCKETIO, command, cores()[0]) as process:
        process.listens_on(port)
        yield Running(
            process,
            {
                "kind": "sio",
                "port": port,
                "path": "/socket.io/?EIO=4&transport=websocket&room=room@r@",
                "post_path": "/publish/room@r@",
                "body": EVENT,
            },
        )


@contextmanager
def fastapi() -> Iterator[Running]:
    """Run the FastAPI connection manager. It has no resume."""
    port = free_port()
    command = [tools.python_peers(), SCRIPTS / "fastapi_manager.py", port]
    with Process(FASTAPI, command, cores()[0]) as process:
        process.listens_on(port)
        yield Running(
            process,
            {
                "kind": "ws",
                "port": port,
                "path": "/ws/room@r@",
                "post_path": "/publish/room@r@",
                "body": EVENT,
            },
        )
