"""The process that forks the workers: small, single-threaded, with the heavy libraries loaded.

The server talks to it over one socket, in fixed frames: START (with the worker's end of a channel
as a file descriptor) and KILL one way, HELD, READY, STARTED and EXITED the other. A worker that the
system refused has EXITED and never STARTED. The fork server reaps its children itself, so a kill
can never hit a stranger that got a dead worker's process id. When the server is gone, however it
went, the socket ends, and the fork server takes every worker with it.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from app.pipeline import child, jail

REQUEST = struct.Struct("!BQ")  # what, worker
REPLY = struct.Struct("!BQq")  # what, worker, process id, wait status or what workers are held by
START, KILL = 1, 2
READY, STARTED, EXITED, HELD = 3, 4, 5, 6

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
LOOK_AT_PARENT_S = 0.2
NICENESS = 5


def main(control_fd: int, parent_pid: int, preload: list[str]) -> None:
    """Load `preload`, then fork on request until the other end of `control_fd` closes.

    preload  "module", or "module:function" for one that is also called once, so that what it makes
             is shared by every worker; it must start no thread and open no file
    """
    control = socket.socket(fileno=control_fd)
    os.nice(NICENESS)  # and so every worker: the event loop goes first when the cores are busy
    held_by = jail.find_out(network=leave_the_network())
    # Imports take seconds; a server that dies meanwhile must not leave this behind.
    with _ending_with(parent_pid):
        for name in preload:
            _load(name)
    gc.collect()
    gc.freeze()
    _ForkServer(control, held_by).serve()


def _load(name: str) -> None:
    module, _, function = name.partition(":")
    try:
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    except Exception as error:  # the reader that needs it says so in its job; the others work
        print(f"worker preload failed: name={name} error={error!r}", file=sys.stderr, flush=True)


def leave_the_network() -> bool:
    """Move to a network of its own, without a single way out; the workers inherit it.

    A file from a stranger may get hold of a reader, but it can send nothing away. False where the
    system refuses; then everything works all the same.
    """
    if sys.platform != "linux":
        return False
    unshare = ctypes.CDLL(None, use_errno=True).unshare
    if unshare(CLONE_NEWNET) == 0:
        return True
    user, group = os.getuid(), os.getgid()
    if unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    # Whoever we are outside, we stay inside.
    own = Path("/proc/self")
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with contextlib.suppress(OSError):
            (own / name).write_text(line)
    return True


@contextlib.contextmanager
def _ending_with(parent_pid: int) -> Iterator[None]:
    """End this process when its parent is gone; a timer looks."""

    def look(_signal: int, _frame: FrameType | None) -> None:
        if os.getppid() != parent_pid:
            os._exit(0)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOK_AT_PARENT_S, LOOK_AT_PARENT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


class _ForkServer:
    def __init__(self, control: socket.socket, held_by: jail.InForce) -> None:
        self._control = control
        self._held_by = held_by
        self._workers: dict[int, int] = {}  # worker -> process id, until it is reaped
        self._wake_read, self._wake_write = os.pipe()
        for fd in (self._wake_read, self._wake_write):
            os.set_blocking(fd, False)

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        try:
            self._reply(HELD, 0, self._held_by.to_bits())
            self._reply(READY, 0, os.getpid())
            while True:
                for fd, _ in poller.poll():
                    if fd == self._wake_read:
                        with contextlib.suppress(BlockingIOError):
                            os.read(self._wake_read, 4096)
                    elif not self._take_request():
                        return
                self._reap()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            for pid in self._workers.values():
                _kill(pid)

    def _take_request(self) -> bool:
        """Do what the next frame asks for; False when the server is gone."""
        frame, fds, _, _ = socket.recv_fds(self._control, REQUEST.size, 1)
        while frame and len(frame) < REQUEST.size:
            more = self._control.recv(REQUEST.size - len(frame))
            frame = frame + more if more else b""
        if not frame:
            return False
        what, worker = REQUEST.unpack(frame)
        if what == START:
            self._fork(worker, fds[0])
        elif worker in self._workers:
            _kill(self._workers[worker])
        return True

    def _fork(self, worker: int, channel_fd: int) -> None:
        own_pid = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or no memory: the other workers go on
            os.close(channel_fd)
            print(f"worker not started: error={error!r}", file=sys.stderr, flush=True)
            self._reply(EXITED, worker, 0)
            return
        if pid == 0:
            self._become_worker(channel_fd, own_pid)
        os.close(channel_fd)
        self._workers[worker] = pid
        self._reply(STARTED, worker, pid)

    def _become_worker(self, channel_fd: int, parent_pid: int) -> NoReturn:
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            self._control.close()
            os.close(self._wake_read)
            os.close(self._wake_write)
            code = child.main(channel_fd, parent_pid, self._held_by)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        for worker, pid in list(self._workers.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self._workers[worker]
                self._reply(EXITED, worker, status)

    def _reply(self, what: int, worker: int, value: int) -> None:
        self._control.sendall(REPLY.pack(what, worker, value))


def _kill(pid: int) -> None:
    """Kill a child that was not reaped yet, and whatever it started."""
    for kill in (os.killpg, os.kill):
        # It may not have made its own group yet, or be dead already.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)
