"""Readers that a file from a stranger has got hold of: each tries what it must not be able to."""

import ctypes
import errno
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

from app.core.reading import Task, Tell


def look_around(task: Task, tell: Tell) -> dict[str, Any]:
    """Read each of options["wanted"]; tell what came of it, by path."""
    return {path: _tried(Path(path).read_bytes) for path in task["options"]["wanted"]}


def work_as_it_may(task: Task, tell: Tell) -> dict[str, Any]:
    """Do what readers do: read the original, use the own folder, make a thread, ask for chance."""
    folder = Path(task["work_dir"])
    (folder / "sub").mkdir()
    (folder / "sub" / "a").write_text("kept")
    (folder / "sub" / "a").rename(folder / "b")
    (folder / "sub").rmdir()
    heard: list[bytes] = []
    thread = threading.Thread(target=lambda: heard.append(os.urandom(1)))
    thread.start()
    thread.join()
    return {
        "read": Path(task["path"]).read_text(),
        "kept": (folder / "b").read_text(),
        "thread": len(heard),
        "cores": len(os.sched_getaffinity(0)),
    }


def change_the_original(task: Task, tell: Tell) -> dict[str, Any]:
    """Spoil the stored file in every way."""
    path = Path(task["path"])
    return {
        "write": _tried(lambda: path.write_text("spoilt")),
        "truncate": _tried(lambda: os.truncate(path, 0)),
        "remove": _tried(path.unlink),
        "chmod": _tried(lambda: path.chmod(0)),
        "link": _tried(lambda: os.link(path, Path(task["work_dir"]) / "link")),
        "symlink": _tried(lambda: (Path(task["work_dir"]) / "link").symlink_to(path)),
    }


def break_out(task: Task, tell: Tell) -> dict[str, Any]:
    """Reach for the network, other programs and other processes."""
    libc = ctypes.CDLL(None, use_errno=True)
    server = int(task["options"]["server_pid"])
    return {
        "tcp": _tried(lambda: socket.socket(socket.AF_INET)),
        "unix": _tried(lambda: socket.socket(socket.AF_UNIX)),
        "program": _tried(lambda: subprocess.run(["/bin/true"], check=True)),
        "exec": _tried(lambda: os.execv("/bin/true", ["true"])),
        "fork": _tried(os.fork),
        "signal": _tried(lambda: os.kill(server, signal.SIGCONT)),
        "environment": _tried(Path(f"/proc/{server}/environ").read_bytes),
        "ptrace": _tried(lambda: _call(libc.ptrace, 16, server, 0, 0)),
        "mount": _tried(lambda: _call(libc.mount, b"none", b"/", b"tmpfs", 0, None)),
        "unshare": _tried(lambda: _call(libc.unshare, 0x1000_0000)),
        "shared memory": _tried(lambda: _call(libc.shmget, 0, 4096, 0o1600)),
        "messages": _tried(lambda: _call(libc.msgget, 0, 0o1600)),
        "watch": _tried(lambda: _call(libc.inotify_init1, 0)),
        "limits": _tried(lambda: _call(libc.prlimit, server, 7, None, None)),
    }


def network_of(task: Task, tell: Tell) -> dict[str, Any]:
    """Tell in which network it is."""
    return {"network": str(Path("/proc/self/ns/net").readlink())}


def use_the_database(task: Task, tell: Tell) -> dict[str, Any]:
    """Write into the database of rows, and list the folder that it lies in."""
    from app.store.records_schema import writing_records

    def write() -> None:
        with writing_records(task["records_path"]) as connection:
            connection.execute("INSERT INTO person (user_id) VALUES ('ann')")

    return {
        "write": _tried(write),
        "list": _tried(lambda: list(Path(task["records_path"]).parent.iterdir())),
    }


def _call(function: Any, *values: Any) -> None:
    if function(*values) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def _tried(act: Any) -> str:
    """Return how `act` ended: "done", or why it was not."""
    try:
        act()
    except OSError as error:
        # Landlock answers a link between what is open and what is closed with EXDEV.
        refused = error.errno in (errno.EPERM, errno.EACCES, errno.EXDEV)
        return "refused" if refused else repr(error)
    except Exception as error:
        return repr(error)
    return "done"
