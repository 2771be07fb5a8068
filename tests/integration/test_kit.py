"""The JavaScript kit as others get it: from a running server, by npm, with its types."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from app import __version__
from app.web.kit import make_package
from app.web.pages import STATIC_FOLDER
from tests.integration.serving import LONGEST_S, Server, serving, settings_for, token_of, with_user
from tests.node import CLIENTS
from tests.process import ROOT

KIT = STATIC_FOLDER / "sdk"
ELSEWHERE = {"Origin": "https://elsewhere.example"}
TSC = CLIENTS / "node_modules/.bin/tsc"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path / "data")
    with_user(settings, "ann")
    async with serving(settings) as running:
        yield running


async def run(*command: str | Path, cwd: Path) -> str:
    """Run `command` to its end and return what it said."""
    running = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            said, complained = await running.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()
    assert running.returncode == 0, (said + complained).decode()[-4000:]
    return said.decode()


# As it is served


async def test_pages_of_any_site_may_import_the_kit(server: Server) -> None:
    async with aiohttp.ClientSession(server.url, headers=ELSEWHERE) as page:
        async with page.get("/static/sdk/index.js") as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Content-Type"].startswith("text/javascript")
            etag = answer.headers["ETag"]
        async with page.get("/static/sdk/index.js", headers={"If-None-Match": etag}) as again:
            assert again.status == 304
        for path in ("/static/sdk/none.js", "/static/sdk/..%2Fjs%2Fpages%2Ffiles.js"):
            async with page.get(path) as answer:
                assert answer.status == 404


async def test_the_package_is_known_again(server: Server) -> None:
    async with aiohttp.ClientSession(server.url, headers=ELSEWHERE) as page:
        async with page.get("/static/sdk.tgz") as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            etag, body = answer.headers["ETag"], await answer.read()
        async with page.get("/static/sdk.tgz", headers={"If-None-Match": etag}) as again:
            assert again.status == 304
    assert body == await asyncio.to_thread(make_package, KIT)


def test_the_package_says_which_livetrail_it_is_of_and_all_it_exports_is_there() -> None:
    described = json.loads((KIT / "package.json").read_text())
    assert described["version"] == __version__
    for entry in described["exports"].values():
        for path in entry.values():
            assert (KIT / path).is_file(), path


# Its types


@pytest.mark.usefixtures("node_packages")
async def test_the_kit_is_typed_without_gaps_and_its_declarations_are_of_today(
    tmp_path: Path,
) -> None:
    await run(TSC, "-p", ROOT / "tsconfig.json", "--outDir", tmp_path, cwd=ROOT)
    made, kept = (
        {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.d.ts")}
        for folder in (tmp_path, KIT / "types")
    )
    assert made == kept, "run tests/clients/node_modules/.bin/tsc"


WRITTEN = """
import {
  createClient,
  createFileStatusStore,
  createUpload,
  type ConnectionState,
  type FileStatus,
} from "livetrail";

const store = createFileStatusStore({ forgetAfterMs: 60_000 });
export const client = createClient({
  server: "https://files.example.org",
  getToken: async () => "token",
  ...store.handlers,
  onState(state: ConnectionState) {
    if (state.name === "live") console.log(state.transport);
  },
});
export const stop: () => void = store.subscribe("job", (file: FileStatus | undefined) => {
  const progress: number | undefined = file?.overallProgress;
  console.log(progress);
});
export async function send(file: File): Promise<string> {
  const { job_id } = await createUpload(file, { onProgress: ({ percent }) => percent }).done;
  await client.send({ op: "cancel", job_id });
  return job_id;
}
// @ts-expect-error what there is not is told
store.getNothing();
// @ts-expect-error nor may anything be sent
client.send({ op: "nothing" });
"""

# The socket of Node 20 is behind a flag: without it, the kit listens to an event stream.
FOLLOW = """
import { createClient, createFileStatusStore } from "livetrail";

const [server, secret] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${secret}` };
const store = createFileStatusStore();
const client = createClient({
  server,
  rooms: [{ room: "user:me" }],
  async getToken() {
    const address = `${server}/api/v1/auth/websocket-token`;
    const answer = await fetch(address, { method: "POST", headers });
    return (await answer.json()).token;
  },
  ...store.handlers,
  onState(state) {
    if (state.name !== "live") return;
    client.stop();
    console.log(JSON.stringify(state));
  },
});
client.start();
"""

OPTIONS = {"strict": True, "noEmit": True, "module": "nodenext", "target": "es2022", "types": []}


@pytest.mark.usefixtures("node_packages")
async def test_npm_installs_it_from_a_server_and_typescript_knows_it(
    server: Server, tmp_path: Path
) -> None:
    npm = shutil.which("npm")
    assert npm is not None
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    install = await run(
        npm, "install", "--no-audit", "--no-fund", f"{server.url}/static/sdk.tgz", cwd=project
    )
    assert "added 1 package" in install
    (project / "main.ts").write_text(WRITTEN)
    (project / "tsconfig.json").write_text(json.dumps({"compilerOptions": OPTIONS}))
    await run(TSC, "-p", project, cwd=project)
    (project / "follow.js").write_text(FOLLOW)
    for flags, transport in ((["--experimental-websocket"], "websocket"), ([], "sse")):
        secret = token_of(server.settings, "ann")
        command = ["node", "--no-warnings", *flags, "follow.js", server.url, secret]
        told = json.loads(await run(*command, cwd=project))
        assert (told["name"], told["transport"]) == ("live", transport)
