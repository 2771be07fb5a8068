"""Starts Livetrail on a machine that has only Python: makes .venv, installs, and goes on inside it.

Standard library only, and readable by old Pythons far enough to say that they are too old.
"""

import configparser
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
INSTALLED = VENV / "livetrail-installed.json"
LOG = VENV / "install.log"
OLDEST = (3, 11)


class StartFailed(Exception):
    """The text says in one sentence what to do."""


def main(arguments):
    """Install what is missing, then hand over to the command line inside .venv."""
    if sys.version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise StartFailed(
            f"Livetrail needs Python {wanted} or newer and this is {sys.version.split()[0]}:"
            f" install a newer one and start it with that."
        )
    extras = ["test"] if arguments[:1] in (["test"], ["bench"]) else []
    if not is_installed(extras):
        install(extras)
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), str(ROOT / "run.py"), *arguments])
    if arguments[:1] == ["test"]:
        return run_tests(arguments[1:])
    if arguments[:1] == ["bench"]:
        return subprocess.call([PYTHON, "-m", "benchmarks", *arguments[1:]], cwd=ROOT)
    from app.cli import main as command_line

    return command_line(arguments)


def requirements(extras):
    """Return the requirement lines of setup.cfg, with those of `extras`."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = config["options"]["install_requires"].splitlines()
    for extra in extras:
        lines += config["options.extras_require"][extra].splitlines()
    return [line.strip() for line in lines if line.strip()]


def fingerprint(extras):
    """Return what an install depends on, as a hash: requirements, pins, this Python."""
    parts = [*requirements(extras), (ROOT / "constraints.txt").read_text(), sys.version]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def is_installed(extras):
    """Tell whether .venv holds exactly what is asked for."""
    try:
        done = json.loads(INSTALLED.read_text())
    except (OSError, ValueError):
        return False
    # An install with the test extras holds everything that one without them needs.
    return PYTHON.exists() and any(
        done.get(name) == fingerprint(wanted)
        for name, wanted in (("", []), ("test", ["test"]))
        if set(extras) <= set(wanted)
    )


def install(extras):
    """Make .venv and install into it, showing one moving line. Raises StartFailed."""
    started_fresh = not PYTHON.exists()
    if started_fresh:
        say("Making .venv ...")
        made = subprocess.run(
            [sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True
        )
        if made.returncode != 0:
            raise StartFailed(
                f"The virtual environment {VENV} could not be made: install Python's venv module"
                " (on Debian and Ubuntu: apt install python3-venv) and check that the folder can be"
                " written to, then start again."
            )
    wanted = requirements(extras)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "off", "-c", str(ROOT / "constraints.txt"), *wanted]
    seen = set()
    with LOG.open("w", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        )
        for line in pip.stdout:
            log.write(line)
            words = line.split()
            if words[:1] == ["Collecting"]:
                seen.add(words[1])
                name = re.match(r"[\w.-]+", words[1])[0]
                say(f"Installing, only this once: {len(seen)} packages so far ({name})")
            elif words[:1] == ["Installing"]:
                say(f"Installing, only this once: unpacking {len(seen)} packages ...")
        status = pip.wait()
    if status != 0:
        say("")
        raise StartFailed(
            f"The packages could not be installed: check the network and the free space, then start"
            f" again (what pip said is in {LOG})."
        )
    done = {}
    if not started_fresh and INSTALLED.exists():
        try:
            done = json.loads(INSTALLED.read_text())
        except ValueError:
            done = {}
    done[extras[0] if extras else ""] = fingerprint(extras)
    INSTALLED.write_text(json.dumps(done))
    say("Installed.\n")


def say(text):
    """Show `text` on the one moving line, or as a line of its own where nothing can move."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
    elif text.strip():
        sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()


def run_tests(arguments):
    """Run the checks and the suite, on every core; with arguments, only pytest with those."""
    checks = [] if arguments else [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]]
    # The tests of a file stay together: they share a server.
    suite = ["pytest", *(arguments or ["-n", "auto", "--dist", "loadfile"])]
    for check in [*checks, suite]:
        status = subprocess.call([PYTHON, "-m", *check], cwd=ROOT)
        if status != 0:
            return status
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StartFailed as failed:
        sys.exit(f"\nLivetrail can not start. {failed}")
    except KeyboardInterrupt:
        sys.exit(130)
