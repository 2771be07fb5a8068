"""No secret is kept as it is, and none reaches a log, an audit entry or an answer that lists."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from app.keys import AUDIT
from app.store.offline import mint_signin_link
from tests.integration.serving import PASSWORD, Server, upload

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
NEW_PASSWORD = "quite another horse"


@dataclass
class Known:
    """Everything secret that a visit to the server brings about, by what it is."""

    secrets: dict[str, str]
    logged: str
    listed: str

    def found_in(self, text: str | bytes) -> list[str]:
        """Return which secrets stand in `text`."""
        data = text.encode() if isinstance(text, str) else text
        return [name for name, secret in self.secrets.items() if secret.encode() in data]


@pytest.fixture
async def known(
    server: Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Known]:
    """Use every kind of secret, in the right place and in wrong ones."""
    caplog.set_level(logging.DEBUG)
    secrets = {"password": PASSWORD, "new password": NEW_PASSWORD}
    secrets["sign-in link"] = mint_signin_link(server.settings.database_path, "ann")
    async with server.client() as ann, server.client() as stranger:
        link = {"token": secrets["sign-in link"]}
        await said(ann, "POST", "/api/v1/auth/link", json=link)
        secrets["session"] = next(c.value for c in ann.cookie_jar if c.key == "livetrail_session")
        job_id = (await upload(ann, ("a.csv", CSV)))["jobs"][0]["job_id"]
        token = await said(ann, "POST", "/api/v1/tokens", json={"label": "x"})
        secrets["API token"] = token["secret"]
        share = await said(ann, "POST", "/api/v1/shares", json={"room": f"job:{job_id}"})
        secrets["share link"] = share["token"]
        for kind in ("ticket", "listen"):
            wish = {"kind": kind}
            path = "/api/v1/auth/websocket-token"
            secrets[kind] = (await said(ann, "POST", path, json=wish))["token"]
        passwords = {"old": PASSWORD, "new": NEW_PASSWORD}
        await said(ann, "POST", "/api/v1/auth/password", json=passwords)
        await said(stranger, "POST", "/api/v1/auth/share", json={"token": secrets["share link"]})
        for secret in secrets.values():
            headers = {"Authorization": f"Bearer {secret}"}
            await said(stranger, "GET", "/api/v1/jobs", headers=headers)
            await said(stranger, "GET", f"/api/v1/jobs?token={secret}")
            await said(stranger, "POST", "/api/v1/auth/link", json={"token": secret})
            wrong = {"name": "ann", "password": "x", "secret": secret}
            await said(stranger, "POST", "/api/v1/auth/login", json=wrong)
            async with stranger.ws_connect(f"/ws?token={secret}") as socket:
                await socket.receive()

        async def fail(*_: object) -> None:
            raise RuntimeError("on purpose")

        monkeypatch.setattr("app.web.events.followed_room", fail)
        path = f"/api/v1/events?token={secrets['listen']}"
        headers = {"Authorization": f"Bearer {secrets['API token']}"}
        await said(stranger, "GET", path, headers=headers)
        await server.app[AUDIT].flush()
        listed = [
            str(await said(ann, "GET", f"/api/v1/{path}"))
            for path in ("audit?limit=500", "tokens", "shares", "auth/sessions", "users")
        ]
        yield Known(secrets, caplog.text, "\n".join(listed))


async def said(
    client: aiohttp.ClientSession, method: str, path: str, **how: object
) -> dict[str, str]:
    """Return what the server answers, {} for nothing."""
    async with client.request(method, path, **how) as answer:  # type: ignore[arg-type]
        if "json" not in answer.content_type:
            return {}
        found: dict[str, str] = await answer.json(content_type=answer.content_type)
        return found


async def test_no_secret_reaches_a_log_a_list_or_the_disk(server: Server, known: Known) -> None:
    assert "on purpose" in known.logged  # the failure, with its traceback
    assert "/ws" in known.logged
    assert known.found_in(known.logged) == []
    assert "sign_in" in known.listed
    assert known.found_in(known.listed) == []
    files = [path for path in server.settings.data_dir.rglob("*") if path.is_file()]
    kept = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in files))
    assert b"bob" in kept
    assert known.found_in(kept) == []
