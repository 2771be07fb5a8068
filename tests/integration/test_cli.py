"""The command line: beside a running server or without one, and complaining in a sentence."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.process import ROOT, ServerProcess


def livetrail(*arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *arguments],
        cwd=ROOT,
        input=stdin,
        env={"PATH": "/usr/bin:/bin", **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )


def add_user(name: str, data: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    return livetrail(
        "user",
        "add",
        name,
        "--password-stdin",
        "--data-dir",
        str(data),
        *flags,
        stdin="long enough\n",
    )


async def status(url: str, path: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers) as client, client.get(path) as answer:
        return answer.status


async def test_the_first_user_on_the_command_line_claims_a_running_server(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as client:
            async with client.get("/api/v1/jobs") as answer:
                assert (await answer.json())["code"] == "not_claimed"
            added = await asyncio.to_thread(add_user, "mara", tmp_path)
            assert added.returncode == 0, added.stderr
            assert "operator" in added.stdout
            async with client.get("/api/v1/jobs") as answer:
                assert (await answer.json())["code"] == "not_authenticated"
        made = await asyncio.to_thread(
            livetrail, "token", "create", "--user", "mara", "--data-dir", str(tmp_path)
        )
        token = made.stdout.splitlines()[-1]
        assert await status(server.url, "/api/v1/jobs", token) == 200
    finally:
        assert await server.stop() == 0


async def test_users_and_tokens_made_before_the_start_are_good_after_it(tmp_path: Path) -> None:
    assert add_user("mara", tmp_path).returncode == 0
    made = livetrail("token", "create", "--user", "mara", "--data-dir", str(tmp_path))
    assert made.stdout == made.stdout.splitlines()[-1] + "\n"
    server = ServerProcess(tmp_path)
    await server.start()
    try:
        assert await status(server.url, "/api/v1/jobs", made.stdout.strip()) == 200
        assert not any("setup#token" in line for line in server.lines)
    finally:
        assert await server.stop() == 0


async def test_a_second_server_on_the_same_data_is_refused_in_one_sentence(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    await server.start()
    try:
        second = await asyncio.to_thread(
            livetrail, "serve", "--port", "0", "--data-dir", str(tmp_path)
        )
        assert second.returncode == 2
        assert "another Livetrail is using the data folder" in second.stderr
        assert "Traceback" not in second.stderr
        taken = await asyncio.to_thread(
            livetrail, "serve", "--port", str(server.port), "--data-dir", str(tmp_path / "other")
        )
        assert taken.returncode == 2
        assert str(server.port) in taken.stderr
        assert "Traceback" not in taken.stderr
    finally:
        assert await server.stop() == 0


def test_names_and_passwords_that_can_not_be_are_told_in_a_sentence(tmp_path: Path) -> None:
    assert add_user("mara", tmp_path).returncode == 0
    again = add_user("MARA", tmp_path)
    assert again.returncode == 1
    assert "already a user named" in again.stderr
    short = livetrail(
        "user", "add", "bob", "--password-stdin", "--data-dir", str(tmp_path), stdin="short\n"
    )
    assert short.returncode == 1
    assert "shorter than 8 characters" in short.stderr
    nobody = livetrail("token", "create", "--user", "nobody", "--data-dir", str(tmp_path))
    assert nobody.returncode == 1
    assert nobody.stdout == ""


async def test_a_new_password_signs_every_browser_out(tmp_path: Path) -> None:
    assert add_user("mara", tmp_path).returncode == 0
    server = ServerProcess(tmp_path)
    await server.start()
    try:
        jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
        async with aiohttp.ClientSession(
            server.url, headers={"Origin": server.url}, cookie_jar=jar
        ) as browser:
            body = {"name": "mara", "password": "long enough"}
            async with browser.post("/api/v1/auth/login", json=body) as answer:
                assert answer.status == 200
            reset = await asyncio.to_thread(
                livetrail,
                *("user", "reset", "mara", "--password-stdin", "--data-dir", str(tmp_path)),
                stdin="another long one\n",
            )
            assert reset.returncode == 0, reset.stderr
            async with browser.get("/api/v1/auth/me") as answer:
                assert answer.status == 401
            async with browser.post("/api/v1/auth/login", json=body) as answer:
                assert (await answer.json())["code"] == "wrong_password"
    finally:
        assert await server.stop() == 0


def test_a_database_of_a_newer_version_is_told_in_a_sentence(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "livetrail.db") as connection:
        connection.execute("PRAGMA user_version = 999")
    for refused in (add_user("mara", tmp_path), livetrail("serve", "--data-dir", str(tmp_path))):
        assert refused.returncode != 0
        assert "newer Livetrail" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_config_show_says_where_each_value_came_from(tmp_path: Path) -> None:
    file = tmp_path / "livetrail.toml"
    file.write_text("workers = 3\n")
    shown = livetrail(
        "config",
        "show",
        "--data-dir",
        str(tmp_path),
        LIVETRAIL_PORT="9000",
        LIVETRAIL_CONFIG=str(file),
    ).stdout
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert "(environment)" in lines["port"]
    assert f"(file {file})" in lines["workers"]
    assert "(flag)" in lines["data_dir"]
    assert "(default)" in lines["host"]


def test_an_unknown_setting_stops_the_start() -> None:
    refused = livetrail("serve", LIVETRAIL_PROT="9000")
    assert refused.returncode == 2
    assert "unknown setting 'prot'" in refused.stderr


def test_a_token_is_made_with_few_scopes_and_an_end_or_not_at_all(tmp_path: Path) -> None:
    add_user("mara", tmp_path)
    create = ("token", "create", "--user", "mara", "--data-dir", str(tmp_path))
    made = livetrail(*create, "--scope", "read", "--scope", "listen", "--days", "3")
    assert made.stdout.startswith("lt_"), made.stderr
    with sqlite3.connect(tmp_path / "livetrail.db") as database:
        scopes, lasts_ms = database.execute(
            "SELECT scopes, expires_ms - created_ms FROM token"
        ).fetchone()
    assert (scopes, lasts_ms) == ("listen read", 3 * 86_400_000)
    for wrong in (("--days", "0"), ("--days", "36501"), ("--days", "x"), ("--scope", "root")):
        refused = livetrail(*create, *wrong)
        assert (refused.returncode, refused.stdout) == (2, "")
    add_user("bob", tmp_path)
    refused = livetrail(*create[:3], "bob", *create[4:], "--scope", "operate")
    assert (refused.returncode, "bob is no operator" in refused.stderr) == (1, True)


def test_doctor_finds_a_machine_in_order(tmp_path: Path) -> None:
    found = livetrail("doctor", "--sizes", "--port", "0", "--data-dir", str(tmp_path / "new"))
    assert found.returncode == 0, found.stdout
    assert "will be made at the first start" in found.stdout
    assert "bad " not in found.stdout
    assert "MB  in all" in found.stdout
    assert not (tmp_path / "new").exists()


def test_doctor_names_a_damaged_database_and_changes_nothing(tmp_path: Path) -> None:
    damaged = tmp_path / "livetrail.db"
    damaged.write_bytes(b"this is no database" * 1000)
    before = damaged.read_bytes()
    found = livetrail("doctor", "--port", "0", "--data-dir", str(tmp_path))
    assert found.returncode == 1
    assert "bad   livetrail.db" in found.stdout
    assert damaged.read_bytes() == before


def test_a_secret_setting_is_not_shown() -> None:
    shown = livetrail("config", "show", LIVETRAIL_MODEL_API_KEY="sk-very-secret")
    assert "very-secret" not in shown.stdout
    assert "not shown" in shown.stdout


def test_whoever_reads_only_the_beginning_is_not_complained_to() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    shown = subprocess.run(
        [sys.executable, "-m", "app.cli", "config", "show"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
    )
    os.close(writing)
    assert (shown.returncode, shown.stderr) == (1, b"")
