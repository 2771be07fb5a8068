"""What the bench needs beside Livetrail, peers and a load generator, kept in a cache folder.

Nothing here touches the system or the repository: packages of Debian are unpacked, not installed.
What is there already is used again; removing the folder is always safe.
"""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PYTHON_PEERS = (
    "aiohttp==3.14.5",
    "fastapi==0.163.2",
    "python-socketio==5.18.1",
    "uvicorn[standard]==0.54.0",
)
NODE_PEERS = ("socket.io@4.8.4",)
DEBIAN_PEERS = ("nginx", "libnginx-mod-nchan")
INSTALL_S = 300


class Missing(Exception):
    """Something can not be had here. The text says what, and what to do."""


class Nginx(NamedTuple):
    """A program and the module that makes it nchan."""

    program: Path
    module: Path


def cache_folder() -> Path:
    """Return the folder for everything that is built or downloaded."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "livetrail-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@functools.cache
def load_generator() -> Path:
    """Return the load generator, built here. Raises Missing without a C compiler."""
    return _built("load", ("-O2",))


@functools.cache
def slow_fsync() -> Path:
    """Return the library that makes fsync slower. Raises Missing without a C compiler."""
    return _built("slow_fsync", ("-O2", "-shared", "-fPIC"), ("-ldl",))


@functools.cache
def python_peers() -> Path:
    """Return a Python that has the peers written in Python. Raises Missing."""

    def make(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", folder], "make a virtual environment")
        pip = [folder / "bin/python", "-m", "pip", "install", "-q", "--no-input"]
        _run([*pip, "--disable-pip-version-check", *PYTHON_PEERS], "install with pip")

    return _kept("python", (*PYTHON_PEERS, sys.version), make) / "bin/python"


@functools.cache
def node_modules() -> Path:
    """Return the folder that holds socket.io for Node. Raises Missing."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing(f"{program} is not installed")

    def make(folder: Path) -> None:
        folder.mkdir()
        npm = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefix", folder]
        _run([*npm, *NODE_PEERS], "install with npm")

    return _kept("node", NODE_PEERS, make) / "node_modules"


@functools.cache
def nchan() -> Nginx:
    """Return nginx with nchan: the system's, or Debian's packages unpacked. Raises Missing."""
    installed = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is not None and installed.exists():
        return Nginx(Path(program), installed)
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Missing("nginx with its nchan module is not installed, and this is no Debian")

    def make(folder: Path) -> None:
        folder.mkdir()
        _run(["apt-get", "download", *DEBIAN_PEERS], "download (apt-get update first?)", cwd=folder)
        for package in folder.glob("*.deb"):
            _run(["dpkg-deb", "-x", package, folder], "unpack")
        # Not installed, it has no folder for its temporary files, and nchan knows no other than
        # the one compiled in: let that be within the folder which nginx is started with (-p).
        for part in (folder / "usr/sbin/nginx", folder / f".{installed}"):
            part.write_bytes(part.read_bytes().replace(b"/var/lib/nginx/", b"var/lib//nginx/"))

    root = _kept("nchan", DEBIAN_PEERS, make)
    return Nginx(root / "usr/sbin/nginx", root / f".{installed}")


def _built(name: str, flags: Sequence[str], libraries: Sequence[str] = ()) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        raise Missing("there is no C compiler, cc (on Debian and Ubuntu: apt install gcc)")
    sources = HERE / "generator"
    texts = [path.read_text() for path in sorted(sources.iterdir())]

    def make(folder: Path) -> None:
        folder.mkdir()
        _run(
            [compiler, *flags, "-o", folder / name, sources / f"{name}.c", *libraries],
            f"compile {name}.c",
        )

    return _kept(name, (*texts, *flags), make) / name


def _kept(name: str, made_of: Sequence[str], make: Callable[[Path], None]) -> Path:
    """Return a folder of the cache, made now unless there is one made of the very same things."""
    print_of = hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:12]
    folder = cache_folder() / f"{name}-{print_of}"
    complete = folder / "complete"
    if not complete.exists():
        print(f"  {name}: getting it ready, only this once ...", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        make(folder)
        complete.touch()
    return folder


def _run(command: Sequence[object], what: str, cwd: Path | None = None) -> None:
    """Run a command. Raises Missing with the last line it said."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"could not {what}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
        raise Missing(f"could not {what}: {said[-1]}")
