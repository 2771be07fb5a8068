"""Webhooks and services for notifications in one's account, by forms alone."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from tests.integration.hooks import message_of, telling
from tests.integration.receiver import Receiver, receiving, well
from tests.integration.serving import Server
from tests.integration.test_account_page import action
from tests.integration.test_pages import page, send, send_and_fail


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with telling(tmp_path) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


def secret_in(text: str) -> str:
    found = re.search(r'value="(whsec_[^"]+)" readonly', text)
    assert found
    return found[1]


async def test_a_webhook_is_made_tested_rotated_turned_off_and_removed(
    bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    form = {"url": receiver.url + "/in", "label": "book <keeping>", "told": "usual"}
    _, text = await send(bob, "/account/webhooks", form)
    first = secret_in(text)
    assert "book &lt;keeping&gt;" in text
    assert "ends and questions" in text
    assert "Nothing was sent yet" in text
    text = await page(bob, "/account")
    found = re.search(r'href="(/account/webhooks/[\w-]+)"', text)
    assert found
    path = found[1]
    _, text = await send(bob, f"{path}/test", {})
    assert "The test has arrived" in text
    assert "webhook_test" in text
    assert first not in text
    _, text = await send(bob, f"{path}/rotate", {})
    second = secret_in(text)
    _, text = await send(bob, action(text, f"{path}/deliveries/[\\w-]+/resend"), {})
    calls = await receiver.called(2)
    assert message_of(calls[1], second) == message_of(calls[0], first)
    _, text = await send(bob, f"{path}/state", {"off": "1"})
    assert "Turn on, go on where it stopped" in text
    _, text = await send(bob, f"{path}/state", {"skip": "1"})
    assert "Turn off" in text
    where, text = await send(bob, f"{path}/remove", {})
    assert where == "/account"
    assert "No webhooks yet" in text


async def test_what_is_wrong_with_a_webhook_is_said_and_what_was_typed_stays(
    bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    form = {"url": "ftp://example.com", "label": "mine", "told": "everything"}
    _, text = await send_and_fail(bob, "/account/webhooks", form, 422)
    assert "does not begin with https:// or http://" in text
    assert 'value="ftp://example.com"' in text
    assert 'value="everything" selected' in text

    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="<b>no</b>")

    receiver.answer = fails
    _, text = await send(bob, "/account/webhooks", {**form, "url": receiver.url})
    path = action(text, r"/account/webhooks/[\w-]+/test")
    _, text = await send_and_fail(bob, path, {}, 400)
    assert "it answered with status 500" in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text


async def test_a_service_is_added_tested_turned_off_and_removed(
    bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    address = receiver.url.replace("http://", "json://me:secret-word@")
    _, text = await send(bob, "/account/notifications", {"address": address, "ended": "on"})
    assert "json://127.0.0.1… · an upload is done" in text
    _, text = await send(bob, action(text, r"/account/notifications/[\w-]+/test"), {})
    assert "The test was taken" in text
    await receiver.called(1)
    receiver.answer = well
    _, text = await send(bob, action(text, r"/account/notifications/[\w-]+/state"), {"off": "1"})
    assert "Turn on" in text
    _, text = await send(bob, action(text, r"/account/notifications/[\w-]+/remove"), {})
    assert "No services yet" in text
    form = {"address": "dbus://secret-word", "label": "phone", "ended": "on"}
    _, text = await send_and_fail(bob, "/account/notifications", form, 400)
    assert "dbus:// is not a service that is offered" in text
    assert 'value="phone"' in text
    assert "secret-word" not in text
