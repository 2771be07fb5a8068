"""What a worker can reach: the file it reads, its own folder, and the libraries; nothing else.

A file from a stranger may get hold of the library that reads it. It then finds no network, no
other person's file, no database but that of the rows (where its step writes it), no program to
start and no process to look into. Each part is as strong as the kernel offers it; what is in
force is found by trying, once, before the first worker.
"""

import contextlib
import ctypes
import os
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.core.reading import Task
from app.pipeline import landlock, seccomp
from app.pipeline.landlock import Right

READ = Right.READ_FILE | Right.READ_DIR
CHANGE = READ | Right.WRITE_FILE | Right.TRUNCATE
# No symbolic links: the server, which nobody holds back, would follow them.
OWN_FOLDER = CHANGE | Right.MAKE_REG | Right.MAKE_DIR | Right.REMOVE_FILE | Right.REMOVE_DIR
OWN_FOLDER |= Right.REFER

# Libraries of the system, the machine's size, the time zone.
SYSTEM = (
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/usr/share/zoneinfo",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/sys/devices/system",
    "/sys/bus/pci",
    "/sys/fs/cgroup",
    "/dev/random",
    "/dev/urandom",
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
TERMINALS = ("/dev/tty", "/dev/pts")
DISKS_AND_ALL = Path("/dev")
LIBRARY_FOLDERS = frozenset({"site-packages", "dist-packages"})
IMPORTABLE = frozenset({".py", ".so", ".dist-info", ".egg-info"})

CAPABILITY_VERSION_3 = 0x2008_0522
KEPT_CAPABILITIES = 1 << 1  # root may read files of others in a data folder that it does not own


@dataclass(frozen=True, slots=True)
class InForce:
    """What holds a worker back here.

    network   it has none
    landlock  the version by which it reaches only its own files; 0: it reaches what the server does
    calls     dangerous calls of the kernel are refused
    """

    network: bool = False
    landlock: int = 0
    calls: bool = False

    @property
    def is_whole(self) -> bool:
        """Nothing is missing."""
        return self.network and self.landlock > 0 and self.calls

    def to_bits(self) -> int:
        """Return it as one small number, for the fork server's frames."""
        return self.network | self.calls << 1 | self.landlock << 2

    @classmethod
    def from_bits(cls, bits: int) -> "InForce":
        """Return what `to_bits` made into a number."""
        return cls(network=bool(bits & 1), landlock=bits >> 2, calls=bool(bits & 2))

    def sentence(self) -> str:
        """Return it for people."""
        files = f"only their own files (Landlock {self.landlock})"
        parts = {
            "no network": self.network,
            files if self.landlock else "only their own files": bool(self.landlock),
            "no dangerous system calls (seccomp)": self.calls,
        }
        held = ", ".join(part for part, is_held in parts.items() if is_held)
        not_held = ", ".join(part for part, is_held in parts.items() if not is_held)
        if not not_held:
            return f"readers have {held}"
        refused = f"this system does not enforce: {not_held}"
        return f"readers have {held}; {refused}" if held else refused


@dataclass(frozen=True, slots=True)
class Access:
    """What a worker may touch.

    data_dir  where everybody's files are: nothing in it but what follows
    reads     files, and folders with what is in them
    changes   files that it reads and writes, which exist
    folders   in which it may do everything but make links and devices
    """

    data_dir: Path
    reads: tuple[Path, ...] = ()
    changes: tuple[Path, ...] = ()
    folders: tuple[Path, ...] = ()


def access_for(task: Task, *, records: bool) -> Access:
    """Return what a step may touch; with `records` also the database of rows.

    The server has made it. SQLite keeps two files beside it; they are made here if need be, so
    that the folder they lie in, everybody's, can stay closed.
    """
    records_path = Path(task["records_path"])
    beside = [records_path.with_name(records_path.name + end) for end in ("-wal", "-shm")]
    if records:
        for path in beside:
            if not path.exists():
                path.touch(mode=0o600)
    return Access(
        data_dir=records_path.parent,
        # An errand has no file.
        reads=tuple(Path(path) for path in (task["path"], *task.get("reads", ())) if path),
        changes=(records_path, *beside) if records else (),
        folders=(Path(task["work_dir"]),),
    )


def confine(access: Access, held_by: InForce) -> None:
    """Give up everything but `access`, for good, by the means in `held_by`. Raises OSError."""
    if access.folders:
        _be_at_home_in(access.folders[0])
    if held_by.landlock:
        landlock.restrict(_rules(access))
    if sys.platform == "linux":
        _drop_capabilities()
    if held_by.calls:
        seccomp.restrict()


def keep_out(data_dir: Path, own: Path) -> None:
    """Give up, for good, what a program that is to reach others has no need of. Raises OSError.

    own  a file or folder in the data folder that may be read all the same

    Everybody's data goes, the server's memory and environment, being an administrator, and the
    right to change Livetrail itself. The network stays, and other files and programs as far as the
    server may use them; this is as strong as the system's Landlock, and nothing where it has none.
    """
    if find_out(network=False).landlock:
        landlock.restrict(_outside(data_dir, own), network=0, scoped=landlock.SIGNALS)
    if sys.platform == "linux":
        _drop_capabilities()


def find_out(*, network: bool) -> InForce:
    """Try, in a process of its own, what this system enforces. Not with other threads about.

    network  whether the network was left already
    """
    offered = landlock.version()
    asked = InForce(network, offered, seccomp.offered())
    # One after the other: where one is refused, the other may still hold.
    return InForce(
        network,
        offered if offered and _holds(InForce(landlock=offered), _reaches_a_file) else 0,
        asked.calls and _holds(InForce(calls=True), _reaches_a_socket),
    )


def _holds(means: InForce, reaches: Callable[[], object]) -> bool:
    pid = os.fork()
    if pid == 0:
        code = 1
        with contextlib.suppress(BaseException):
            confine(Access(Path("/")), means)
            try:
                reaches()
            except PermissionError:
                code = 0
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    return status == 0


def _reaches_a_file() -> object:
    return os.listdir("/")  # noqa: PTH208


def _reaches_a_socket() -> object:
    return socket.socket(socket.AF_UNIX)


def _rules(access: Access) -> Iterator[tuple[Path, int]]:
    """Yield what Landlock shall leave open."""
    for path in access.folders:
        yield path, OWN_FOLDER
    for path in access.changes:
        yield path, CHANGE
    for path in access.reads:
        yield path, READ
    for name in DEVICES:
        yield Path(name), CHANGE
    for name in SYSTEM:
        yield Path(name), READ
    for path in _libraries(access.data_dir.resolve()):
        yield path, READ


def _outside(data_dir: Path, own: Path) -> Iterator[tuple[Path, int]]:
    """Yield what `keep_out` leaves open. Of what is run here nothing can be changed."""
    code = {Path(name).resolve() for name in (sys.prefix, sys.base_prefix)}
    code.add(Path(__file__).resolve().parents[1])
    for path in _all_but({data_dir, DISKS_AND_ALL, *code}, Path("/")):
        yield path, landlock.EVERYTHING
    for whole in code:
        for path in _all_but({data_dir}, whole):
            yield path, READ | Right.EXECUTE
    yield own, READ
    for name in (*DEVICES, *TERMINALS, "/dev/random", "/dev/urandom"):
        yield Path(name), CHANGE
    yield Path("/dev/shm"), landlock.EVERYTHING  # noqa: S108 - where programs share memory


def _libraries(data_dir: Path) -> Iterator[Path]:
    """Yield where Python and its packages are, without anything of the data folder."""
    whole = {Path(name) for name in (sys.prefix, sys.base_prefix, sys.exec_prefix)}
    others = {Path(name or os.curdir) for name in sys.path}
    whole |= {path for path in others if path.name in LIBRARY_FOLDERS}
    whole |= {Path(name) for name in os.environ.get("LD_LIBRARY_PATH", "").split(":") if name}
    whole = {path.resolve() for path in whole}
    # What lies in one of these is open with it: hundreds of rules less to make for each worker.
    opened = {path for path in whole if not data_dir.is_relative_to(path)}
    for path in whole:
        if opened.isdisjoint(path.parents):
            yield from _all_but({data_dir}, path)
    for path in {path.resolve() for path in others} - whole:
        if opened.isdisjoint(path.parents):
            # The folder that a program was started in may hold anything: only what is importable.
            for part in _parts(path):
                if part.suffix in IMPORTABLE or (part / "__init__.py").is_file():
                    yield from _all_but({data_dir}, part.resolve())


def _all_but(closed: Collection[Path], path: Path) -> Iterator[Path]:
    """Yield `path`, or what is in it without the ways to what is closed."""
    if path in closed:
        return
    if not any(one.is_relative_to(path) for one in closed):
        yield path
        return
    for part in _parts(path):
        if not part.is_symlink():
            yield from _all_but(closed, part)


def _parts(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:  # not there, a file, or not for us
        return []


def _be_at_home_in(folder: Path) -> None:
    """Let what libraries put aside, in whichever way they ask where, go to the own folder."""
    tempfile.tempdir = str(folder)
    for name in ("TMPDIR", "HOME"):
        os.environ[name] = str(folder)


def _drop_capabilities() -> None:
    """Be no administrator, also where the server is one."""
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    now = ctypes.create_string_buffer(24)
    if libc.capget(header, now) != 0:
        return
    # Two words each of effective, permitted and inheritable ones.
    low = struct.unpack_from("=I", now, 4)[0] & KEPT_CAPABILITIES
    libc.capset(header, struct.pack("=6I", low, low, 0, 0, 0, 0))
