"""The Python client as a package: installed from a server, beside a program's own `app`."""

import ast
import asyncio
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest

from app import __version__
from app.web.wheel import REQUIRES, make_wheel, modules
from tests.integration.serving import LONGEST_S, Server, token_of
from tests.process import ROOT

APP = ROOT / "app"
ADDRESS = f"/static/livetrail-{__version__}-py3-none-any.whl"
FOLLOW = """
import sys
import app
from livetrail import LivetrailSync
from livetrail.core.events import BatchCompleted

with LivetrailSync(*sys.argv[1:]) as trail:
    upload = trail.upload(("milk.csv", b"Date,Description,Amount\\n2025-01-05,Milk,-1.30\\n"))
    told = list(trail.until_done(upload.room))
    assert isinstance(told[-1], BatchCompleted), told[-1]
    print(app.WHOSE, trail.rows(upload.job_ids[0])["total"])
"""


async def run(*command: str | Path, cwd: Path, env: dict[str, str]) -> str:
    """Run a program to its end; return what it said. Raises AssertionError when it fails."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        env=env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(3 * LONGEST_S):  # of which pip takes its own
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()[-4000:]
    return said.decode()


async def test_pip_installs_it_from_a_server_and_it_works_beside_an_app_of_ones_own(
    server: Server, tmp_path: Path
) -> None:
    into, project = tmp_path / "into", tmp_path / "project"
    (project / "app").mkdir(parents=True)
    (project / "app" / "__init__.py").write_text('WHOSE = "my own"')
    (project / "follow.py").write_text(FOLLOW)
    (project / "tea.csv").write_bytes(b"Date,Description,Amount\n2025-01-04,Tea,-2.10\n")
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-cache-dir", "--quiet"]
    pip.append("--disable-pip-version-check")  # which asks elsewhere
    plain = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    await run(*pip, "--target", into, f"{server.url}{ADDRESS}", cwd=project, env=plain)
    token = token_of(server.settings, "ann")
    env = {
        **plain,
        "PYTHONPATH": str(into),
        "LIVETRAIL_URL": server.url,
        "LIVETRAIL_TOKEN": token,
    }
    said = await run(sys.executable, "follow.py", server.url, token, cwd=project, env=env)
    assert said.split() == ["my", "own", "1"]
    for command in ([into / "bin" / "livetrail"], [sys.executable, "-m", "livetrail"]):
        said = await run(*command, "upload", "tea.csv", cwd=project, env=env)
        assert said.splitlines()[-1] == "Your file is done", said


async def test_pages_of_other_sites_and_caches_get_it_and_other_versions_are_not_there(
    server: Server,
) -> None:
    made = await asyncio.to_thread(make_wheel, APP)
    async with aiohttp.ClientSession(server.url) as client:
        async with client.get(ADDRESS) as answer:
            assert (answer.status, await answer.read()) == (200, made.body)
            etag = answer.headers["ETag"]
        async with client.get(ADDRESS, headers={"If-None-Match": etag}) as again:
            assert again.status == 304
        async with client.get("/static/livetrail-0.0.1-py3-none-any.whl") as other:
            assert other.status == 404


def test_the_same_modules_make_the_same_bytes_and_every_one_is_recorded() -> None:
    first, second = make_wheel(APP), make_wheel(APP)
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first.body)) as wheel:
        names = wheel.namelist()
        (record,) = (name for name in names if name.endswith("/RECORD"))
        listed = [line.split(",")[0] for line in wheel.read(record).decode().splitlines()]
        assert sorted(listed) == sorted(names)
        assert len(names) == len(set(names))


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_what_is_written_names_the_version_of_today(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert ADDRESS in text


def test_its_modules_know_nothing_of_the_server_and_need_what_it_says() -> None:
    found = modules(APP)
    assert {name.split(".")[1] for name in found} == {
        "client",
        "commands",
        "core",
        "simulate",
        "watching",
    }
    needed = {
        name
        for path in found.values()
        for name in imported(ast.parse(path.read_text(encoding="utf-8")))
        if name != "app" and name not in sys.stdlib_module_names
    }
    assert needed == {one.partition(">")[0] for one in REQUIRES}


def imported(tree: ast.Module) -> Sequence[str]:
    """Return the top names of what a module imports."""
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [one.name for one in node.names]
        )
    ]
    return [name.split(".")[0] for name in names]


def test_no_module_imports_what_lies_beside_it_under_its_old_name() -> None:
    with zipfile.ZipFile(io.BytesIO(make_wheel(APP).body)) as wheel:
        for name in wheel.namelist():
            if name.endswith(".py"):
                assert "app" not in imported(ast.parse(wheel.read(name))), name
