"""run.py: what it installs, when it is done, and what it says when it can not start."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """run.py as a module, with its .venv in a folder of the test."""
    spec = importlib.util.spec_from_file_location("run_under_test", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    venv = tmp_path / ".venv"
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(module, "INSTALLED", venv / "livetrail-installed.json")
    monkeypatch.setattr(module, "LOG", venv / "install.log")
    return module


def pretend_pip(run: ModuleType, status: int) -> None:
    """Put a Python in place that answers `-m pip` like pip and installs nothing."""
    run.PYTHON.parent.mkdir(parents=True)
    run.PYTHON.write_text(
        "#!/bin/sh\necho 'Collecting aiohttp==3.14.5'\n"
        f"echo 'Installing collected packages: aiohttp'\nexit {status}\n"
    )
    run.PYTHON.chmod(0o755)


def test_every_requirement_is_pinned(run: ModuleType) -> None:
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    wanted = {
        line.split(";")[0].split("[")[0].strip().lower().replace("_", "-")
        for line in run.requirements(["llm", "test"])
    }
    assert wanted - pinned == set()


def test_an_install_is_done_once(run: ModuleType) -> None:
    pretend_pip(run, 0)
    assert not run.is_installed([])
    run.install([])
    assert run.is_installed([])
    assert not run.is_installed(["test"])


def test_an_install_for_tests_serves_both(run: ModuleType) -> None:
    pretend_pip(run, 0)
    run.install(["test"])
    assert run.is_installed([])
    assert run.is_installed(["test"])


def test_new_pins_are_installed_at_the_next_start(
    run: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_pip(run, 0)
    run.install([])
    monkeypatch.setattr(run, "requirements", lambda extras: ["something-new"])
    assert not run.is_installed([])


def test_a_failed_install_says_what_to_do_and_is_not_taken_for_done(run: ModuleType) -> None:
    pretend_pip(run, 1)
    with pytest.raises(run.StartFailed, match="check the network and the free space"):
        run.install([])
    assert not run.is_installed([])
    assert "Collecting aiohttp" in run.LOG.read_text()


def test_an_old_python_is_told_so(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "OLDEST", (99, 0))
    with pytest.raises(run.StartFailed, match="needs Python 99.0 or newer"):
        run.main([])


def test_it_stands_on_the_standard_library() -> None:
    code = (
        "import sys; before = set(sys.modules); sys.argv = ['run.py'];"
        "import importlib.util as u; s = u.spec_from_file_location('r', 'run.py');"
        "m = u.module_from_spec(s); s.loader.exec_module(m);"
        "new = {n.split('.')[0] for n in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
