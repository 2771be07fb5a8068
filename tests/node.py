"""Node and the packages that tests need of it, as tests/clients/package-lock.json pins them."""

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent / "clients"
INSTALLS_WITHIN_S = 300.0  # a slow network


def install_packages() -> str | None:
    """Put the pinned packages into tests/clients/node_modules, once for each lock file.

    Returns why that could not be done, or None when they are there. Processes that test side by
    side wait for the first of them.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return "node and npm are not installed"
    wanted = hashlib.sha256((CLIENTS / "package-lock.json").read_bytes()).hexdigest()
    modules = CLIENTS / "node_modules"
    done = modules / ".installed"
    modules.mkdir(exist_ok=True)
    with (CLIENTS / "package.json").open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if done.is_file() and done.read_text() == wanted:
            return None
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        try:
            ran = subprocess.run(
                command,
                cwd=CLIENTS,
                capture_output=True,
                text=True,
                timeout=INSTALLS_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return "npm could not install the packages in time"
        if ran.returncode != 0:
            said = [line for line in ran.stderr.splitlines() if "error" in line]
            return f"npm could not install the packages: {' '.join(said[:2]) or ran.returncode}"
        done.write_text(wanted)
        return None
