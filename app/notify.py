"""A process of its own that tells one service one thing, by Apprise, and ends.

It gets a JSON object on its standard input (`address`, `title`, `body`, `allow_private`; without a
title it only looks whether the address can be used) and prints one: the name of the
`service`, and `why` it came to nothing, "" when it did not.

Whoever gave the address must not get further by it than to that service: connections go to public
addresses alone, no other program is run, and no file is written, or read but those of Python and of
the system's network. Whatever Apprise says is kept for itself, for it may hold secrets.
"""

import json
import logging
import os
import re
import resource
import ssl
import sys
from pathlib import Path
from typing import Any

from app.core.addresses import why_refused

MEMORY_BYTES = 1024**3
OPEN_FILES = 64
CPU_S = 20
CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
RUNS = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.")
CHANGES = (
    *("os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    *("os.symlink", "os.truncate", "os.utime", "shutil.", "sqlite3.", "tempfile."),
)
OF_THE_NETWORK = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/mime.types")
SHARED = ("/etc/ssl", "/etc/pki", "/usr/share/zoneinfo", "/usr/share/ca-certificates", "/dev/null")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
NOT_TAKEN = "the service did not take it; look at the address, and at the rights of its key"


class Guard:
    """An audit hook: it lets through what telling a service needs, and nothing else."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        # Not the folder we were started in: the data may lie there.
        paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path} - {"", str(Path.cwd())}
        homes = {str(Path(path).resolve()) for path in paths}
        certificates = ssl.get_default_verify_paths()
        trusted = {path for path in (certificates.cafile, certificates.capath) if path}
        self._homes = tuple(paths | homes | trusted | set(SHARED))
        self.refused = ""

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event in CONNECTS:
            self._connect(args[1] if len(args) > 1 else None)
        elif event.startswith(RUNS + CHANGES):
            raise PermissionError(f"not here: {event}")
        elif event == "open":
            self._open(args[0], args[2])

    def _connect(self, address: Any) -> None:
        if address is None:  # of a socket that is connected already
            return
        host = str(address[0]) if isinstance(address, tuple) else ""
        if why := why_refused(host, allow_private=self._allow_private):
            self.refused = why
            raise PermissionError(why)

    def _open(self, path: Any, flags: int) -> None:
        if isinstance(path, int):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - Path would look at the disk
        is_known = name in OF_THE_NETWORK or any(
            name == home or name.startswith(home.rstrip("/") + "/") for home in self._homes
        )
        if not is_known or (flags & WRITES and name != "/dev/null"):
            raise PermissionError(f"not here: {name}")


def tell(wish: dict[str, Any]) -> dict[str, str]:
    """Return what became of a wish, as the module's docstring says."""
    import apprise

    guard = Guard(allow_private=wish["allow_private"])
    sys.addaudithook(guard)
    asset = apprise.AppriseAsset(
        app_id="Livetrail", storage_mode=apprise.PersistentStoreMode.MEMORY, plugin_paths=[]
    )
    service = apprise.Apprise.instantiate(wish["address"], asset=asset, suppress_exceptions=True)
    if service is None:
        return {"service": "", "why": "the service does not know such an address"}
    told = {"service": str(service.service_name), "why": ""}
    if "title" in wish:
        told_by = apprise.Apprise(asset=asset)
        told_by.add(service)
        # Names of files are anybody's words: a service that takes HTML is sent them escaped.
        plain = apprise.NotifyFormat.TEXT
        with apprise.LogCapture(level=logging.WARNING) as said:  # type: ignore[no-untyped-call]
            if not told_by.notify(body=wish["body"], title=wish["title"], body_format=plain):
                told["why"] = guard.refused or _why(said.getvalue())
    return told


def _why(said: str) -> str:
    """Return why, in words that hold nothing of the address."""
    found = re.search(r"error[=:]\s?(\d{3})\b", said)
    if found is not None:
        return f"the service answered with status {found[1]}"
    if re.search(r"connection|timed? ?out|resolve", said, re.IGNORECASE):
        return "the service could not be reached"
    return NOT_TAKEN


def main() -> int:
    """Read one wish, do it, and print what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the address
    print(json.dumps(tell(json.load(sys.stdin))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
