"""What tests of webhooks share: a server whose webhooks may come to this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from standardwebhooks import Webhook

from app.core.events import ProcessingWarning, WarningInfo
from app.keys import JOURNAL
from tests.integration.receiver import Call
from tests.integration.serving import Server, serving, settings_for, with_user

HOOKS = "/api/v1/webhooks"


@asynccontextmanager
async def telling(folder: Path, **changes: Any) -> AsyncIterator[Server]:
    """Run a server with the users ann, an operator, and bob."""
    settings = settings_for(folder / "data", allow_private_targets=True, **changes)
    with_user(settings, "ann")
    with_user(settings, "bob")
    async with serving(settings) as server:
        yield server


async def make_hook(client: aiohttp.ClientSession, url: str, **wish: Any) -> dict[str, Any]:
    """Make a webhook; return what was answered: its secret, and the webhook."""
    async with client.post(HOOKS, json={"url": url, **wish}) as answer:
        assert answer.status == 201, await answer.text()
        made: dict[str, Any] = await answer.json()
        return made


async def ask(client: aiohttp.ClientSession, method: str, path: str, **given: Any) -> Any:
    """Return the JSON that is answered below /api/v1/webhooks."""
    async with client.request(method, f"{HOOKS}{path}", **given) as answer:
        assert answer.ok, await answer.text()
        return await answer.json()


def message_of(call: Call, secret: str) -> dict[str, Any]:
    """Return the message of a call that was signed with `secret`, as the library reads it.

    Raises WebhookVerificationError.
    """
    message: dict[str, Any] = Webhook(secret).verify(call.body, call.headers)
    assert message == orjson.loads(call.body)
    return message


async def warn(server: Server, job_id: str, times: int = 1) -> list[int]:
    """Let something happen to a job, so often; return the places of the events."""
    warning = WarningInfo(code="no_amounts", title="t", detail="d", hint="h")
    drafts = [
        ProcessingWarning(job_id=job_id, message=f"{n}", warning=warning) for n in range(times)
    ]
    return [one.seq for one in await server.app[JOURNAL].append(*drafts)]
