"""From where a request comes, when proxies stand between: what is believed, and who goes by it."""

import logging
from pathlib import Path

import pytest

from app.settings import SettingsError, load_settings
from tests.integration.serving import PASSWORD, serving, settings_for, with_user

FAR = "203.0.113.9"


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        ((), FAR, "127.0.0.1"),
        (("10.0.0.1",), FAR, "127.0.0.1"),
        (("127.0.0.1",), None, "127.0.0.1"),
        (("127.0.0.1",), FAR, FAR),
        (("127.0.0.0/8",), f"198.51.100.1, {FAR}", FAR),  # what is left of it anybody may claim
        (("127.0.0.1", "10.0.0.0/8"), f"{FAR}, 10.1.2.3", FAR),
        (("127.0.0.1", "10.0.0.0/8"), "10.9.9.9, 10.1.2.3", "10.9.9.9"),
        (("127.0.0.1",), f"{FAR}:4711", FAR),
        (("127.0.0.1",), "[2001:db8::1]:4711", "2001:db8::1"),
        (("127.0.0.1",), "2001:db8::1", "2001:db8::1"),
        (("127.0.0.1",), "fe80::1%<b>", "fe80::1"),
        (("127.0.0.1",), "unknown", "127.0.0.1"),
        (("127.0.0.1",), f"{FAR}, <script>", "127.0.0.1"),
        (("127.0.0.1",), "", "127.0.0.1"),
        (("127.0.0.1", "::/0"), f"{FAR}, ::ffff:127.0.0.1", FAR),
    ],
)
async def test_whom_a_trusted_proxy_heard_is_believed(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    trusted: tuple[str, ...],
    forwarded: str | None,
    expected: str,
) -> None:
    caplog.set_level(logging.INFO, "app.access")
    settings = settings_for(tmp_path / "data", trusted_proxies=trusted)
    with_user(settings, "ann")
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    async with serving(settings) as server, server.client("ann") as ann:
        body = {"name": "ann", "password": "wrong"}
        async with ann.post("/api/v1/auth/login", json=body, headers=headers):
            pass
        async with ann.get("/api/v1/audit?kind=sign_in_failed") as answer:
            (entry,) = (await answer.json())["entries"]
    assert entry["address"] == expected
    assert f"remote={expected} " in next(line for line in caplog.messages if "login" in line)


async def test_a_guesser_behind_a_proxy_does_not_slow_its_neighbours_down(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", trusted_proxies=("127.0.0.1",))
    with_user(settings, "ann")
    codes = []
    async with serving(settings) as server, server.client() as client:
        for _ in range(6):
            body = {"name": "ann", "password": "a guess"}
            headers = {"X-Forwarded-For": FAR}
            async with client.post("/api/v1/auth/login", json=body, headers=headers) as answer:
                codes.append(answer.status)
        body = {"name": "ann", "password": PASSWORD}
        headers = {"X-Forwarded-For": "198.51.100.7"}
        async with client.post("/api/v1/auth/login", json=body, headers=headers) as answer:
            codes.append(answer.status)
        async with client.get("/api/v1/auth/sessions") as answer:
            (session,) = (await answer.json())["sessions"]
    assert codes == [401] * 5 + [429, 200]
    assert session["address"] == "198.51.100.7"


async def test_a_connection_is_known_by_its_own_address(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "data", trusted_proxies=("127.0.0.1",))
    with_user(settings, "ann")
    headers = {"X-Forwarded-For": FAR}
    async with (
        serving(settings) as server,
        server.client("ann") as ann,
        ann.ws_connect("/ws", headers=headers) as socket,
    ):
        await socket.receive()
        async with ann.get("/api/v1/audit?kind=connected") as answer:
            (entry,) = (await answer.json())["entries"]
    assert entry["address"] == FAR


def test_a_proxy_that_is_no_address_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="trusted_proxies"):
        load_settings({}, {"LIVETRAIL_TRUSTED_PROXIES": "nginx"}, tmp_path / "none.toml")
