"""Every example in docs/ that is marked `run` does what it says: it ends well, and says something.

Each has the server's address, a token, a finished job and a reported one in its environment, a file
to send beside it, and what Node's packages for tests bring.
"""

import asyncio
import io
import os
import re
import shutil
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from app.web.wheel import make_wheel
from tests.integration.serving import (
    LONGEST_S,
    ended,
    exported,
    serving,
    settings_for,
    token_of,
    upload,
    with_user,
)
from tests.node import CLIENTS
from tests.process import ROOT

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
BLOCK = re.compile(r"^```(bash|js|python) run\n(.*?)^```$", re.M | re.S)
WRITTEN = re.compile(r"^```(bash|sh|js|python)( run)?\n(.*?)^```$", re.M | re.S)
ELSEWHERE = {"listening.md": "test_listening_docs.py", "plugins.md": "test_plugins.py"}
NOT_RUN = {
    "npm install http": "it needs Livetrail at that address; test_kit.py installs it from its own",
    "pip install http": "it needs Livetrail at that address; test_wheel.py installs from its own",
    "attachToPage(": "it needs a page: the browser's tests have ours",
    "await client.send(": "lines for within a program",
    "-m pip install": "it installs",
    "run.py user add": "test_cli.py calls it",
    "run.py token create": "test_cli.py calls it",
    "run.py simulate": "it stays; test_simulate.py calls it",
    "import Webhook": "lines for within a program",
    "https://example.com/": "nobody answers there",
    "ntfys://ntfy.sh/": "nobody is told there",
}
"""Examples that are not run, by what stands in them, and why."""
EXAMPLES = [
    pytest.param(found[1], found[2], id=f"{page.name}:{text[: found.start()].count(chr(10)) + 1}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for text in [page.read_text(encoding="utf-8")]
    for found in BLOCK.finditer(text)
]
# What a shell's example asks for and does not get must end it, however its author wrote the call.
STRICT = 'set -euo pipefail; curl() { command curl -sS --fail-with-body "$@"; }\n'

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("node_packages")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    """A server, and what an example finds of it in its environment."""
    settings = settings_for(tmp_path_factory.mktemp("examples"))
    with_user(settings, "ann")
    client = tmp_path_factory.mktemp("client")
    with zipfile.ZipFile(io.BytesIO(make_wheel(ROOT / "app").body)) as wheel:
        wheel.extractall(client)
    async with serving(settings) as server, server.client("ann") as ann:
        accepted = await upload(ann, ("a.csv", CSV))
        await ended(ann, accepted)
        export = await exported(ann)
        async with ann.post("/api/v1/jobs", json={"filename": "elsewhere.bin"}) as answer:
            assert answer.status == 201, await answer.text()
            reported = (await answer.json())["job_id"]
        yield {
            **dict.fromkeys(("URL", "LIVETRAIL", "LIVETRAIL_URL"), server.url),
            **dict.fromkeys(("TOKEN", "LIVETRAIL_TOKEN"), token_of(settings, "ann")),
            "BATCH": accepted["batch_id"],
            "DONE": accepted["jobs"][0]["job_id"],
            "JOB": reported,
            "EXPORT": export,
            "PATH": f"{CLIENTS / 'node_modules' / '.bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(client),
        }


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("language", "code"), EXAMPLES)
async def test_an_example_ends_well_and_says_something(
    house: dict[str, str], tmp_path: Path, language: str, code: str
) -> None:
    (tmp_path / "expenses.csv").write_bytes(CSV)
    (tmp_path / "node_modules").symlink_to(CLIENTS / "node_modules")
    command = {
        "bash": ["bash", "-c", STRICT + code],
        "js": ["node", "--no-warnings", "--input-type=module", "-e", code],
        "python": [sys.executable, "-c", code],
    }[language]
    running = await asyncio.create_subprocess_exec(
        *command,
        cwd=tmp_path,
        env={**os.environ, **house},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            said, complained = await running.communicate()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, 9)
        await running.wait()
    assert running.returncode == 0, (said + complained).decode()[-4000:]
    assert said.strip() or len(list(tmp_path.iterdir())) > 2  # or it brought a file


async def test_every_example_is_run_or_it_is_said_why_not() -> None:
    silent = []
    for page in sorted((ROOT / "docs").glob("*.md")):
        for _, run, code in WRITTEN.findall(page.read_text(encoding="utf-8")):
            if run or page.name in ELSEWHERE or any(words in code for words in NOT_RUN):
                continue
            silent.append((page.name, code.splitlines()[0]))
    assert silent == []
    tests = Path(__file__).parent
    assert [name for name in ELSEWHERE.values() if not (tests / name).is_file()] == []
