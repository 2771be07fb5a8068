"""Webhooks: everything arrives, signed, at those who asked for it, whatever others do."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import WebhookVerificationError

from app.core.webhooks import USUAL_TYPES, secret_text
from app.keys import DELIVERER, NOTIFIER
from app.store.accounts import now_ms
from app.web.calls import API
from app.web.openapi import describe
from app.web.outbound import Outbound
from app.web.posting import post_to
from app.web.tidying import sweep_secrets
from tests.integration.hooks import HOOKS, ask, make_hook, message_of, telling, warn
from tests.integration.listening import until
from tests.integration.receiver import Receiver, receiving, well
from tests.integration.serving import (
    Server,
    ended,
    serving,
    settings_for,
    token_of,
    upload,
    with_user,
)
from tests.patience import LONGEST_S

CSV = b"Date,Description,Amount\n2025-01-03,Coffee,-3.40\n"
WARNINGS = ["processing_warning"]
HOUR_MS = 3_600_000


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with telling(tmp_path) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


async def job_of(client: aiohttp.ClientSession) -> str:
    """Return the id of a job that has ended."""
    accepted = await upload(client, ("a.csv", CSV))
    await ended(client, accepted)
    return str(accepted["jobs"][0]["job_id"])


async def settled(client: aiohttp.ClientSession, hook_id: str, times: int) -> list[dict[str, str]]:
    """Wait until so many deliveries have ended, and return them, newest first."""
    async with asyncio.timeout(LONGEST_S):
        while True:
            told = await ask(client, "GET", f"/{hook_id}/deliveries")
            done: list[dict[str, str]] = [
                one for one in told["deliveries"] if one["state"] != "pending"
            ]
            if len(done) >= times:
                return done


async def tried(client: aiohttp.ClientSession, hook_id: str) -> dict[str, str]:
    """Wait until the first delivery was tried, and return it."""
    async with asyncio.timeout(LONGEST_S):
        while True:
            told = await ask(client, "GET", f"/{hook_id}/deliveries")
            for one in told["deliveries"]:
                if one["attempts"]:
                    first: dict[str, str] = one
                    return first


async def test_an_upload_is_told_signed_and_in_full(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url + "/in?x=1")
    accepted = await upload(ann, ("a.csv", CSV))
    await ended(ann, accepted)
    calls = await receiver.called(2)
    messages = [message_of(call, made["secret"]) for call in calls]
    assert {one["type"] for one in messages} == {"processing_completed", "batch_completed"}
    (completed,) = (one for one in messages if one["type"] == "processing_completed")
    assert completed["data"]["job_id"] == accepted["jobs"][0]["job_id"]
    assert completed["timestamp"] == completed["data"]["timestamp"]
    assert calls[0].path == "/in"
    assert len({call.headers["webhook-id"] for call in calls}) == 2
    (first, _) = await settled(ann, made["webhook"]["id"], 2)
    assert (first["state"], first["status"], first["answer"]) == ("delivered", 200, "thanks")


async def test_only_what_was_asked_for_is_told(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    job, other = await job_of(ann), await job_of(ann)
    made = await make_hook(ann, receiver.url, types=WARNINGS, room=f"job:{job}")
    await warn(server, other)
    (seq,) = await warn(server, job)
    (call, *more) = await receiver.called(1)
    assert message_of(call, made["secret"])["data"]["seq"] == seq
    assert not more


async def test_nobody_is_told_of_what_is_somebody_elses(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    mine, theirs = await job_of(bob), await job_of(ann)
    made = await make_hook(bob, receiver.url, types=WARNINGS)
    for room, status in ((f"job:{theirs}", 404), ("all", 404), ("job:1", 400)):
        async with bob.post(HOOKS, json={"url": receiver.url, "room": room}) as answer:
            assert answer.status == status
    await warn(server, theirs)
    (seq,) = await warn(server, mine)
    (call,) = await receiver.called(1)
    assert message_of(call, made["secret"])["data"]["seq"] == seq
    ident = made["webhook"]["id"]
    async with ann.get(f"{HOOKS}/{ident}") as answer:
        assert answer.status == 404
    assert (await ask(ann, "GET", ""))["webhooks"] == []


async def test_an_operator_may_be_told_of_everybodys_until_they_are_none(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    job = await job_of(bob)
    await make_hook(ann, receiver.url, types=WARNINGS, room="all")
    await warn(server, job)
    await receiver.called(1)
    users = {one["name"]: one["id"] for one in (await _users(ann))}
    for name, role in (("bob", "operator"), ("ann", "member")):
        async with ann.patch(f"{API}/users/{users[name]}", json={"role": role}) as answer:
            assert answer.status == 200
    await warn(server, job)
    (seq,) = await warn(server, await job_of(ann))
    calls = await receiver.called(2)
    assert f'"seq":{seq}'.encode() in calls[1].body


async def _users(client: aiohttp.ClientSession) -> list[dict[str, str]]:
    async with client.get(f"{API}/users") as answer:
        users: list[dict[str, str]] = (await answer.json())["users"]
        return users


async def test_who_is_slow_dead_or_odd_keeps_nobody_waiting(
    server: Server,
    ann: aiohttp.ClientSession,
    bob: aiohttp.ClientSession,
    receiver: Receiver,
    gone: Receiver,
) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="no\x00 luck")

    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(receiver.url)

    async def huge(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(1000):
            await answer.write(b"y" * 65536)
        return answer

    async with (
        receiving(never) as silent,
        receiving(fails) as failing,
        receiving(elsewhere) as moved,
        receiving(huge) as wordy,
    ):
        hooks = {
            name: (await make_hook(ann, url, types=WARNINGS))["webhook"]["id"]
            for name, url in {
                "dead": gone.url,
                "silent": silent.url,
                "failing": failing.url,
                "moved": moved.url,
                "wordy": wordy.url,
            }.items()
        }
        made = await make_hook(ann, receiver.url, types=WARNINGS)
        theirs = await make_hook(bob, receiver.url + "/bob", types=WARNINGS)
        job, other = await job_of(ann), await job_of(bob)
        await silent_called(server, job, silent)
        await warn(server, job, 19)
        await warn(server, other)
        calls = await receiver.called(21)
        for call in calls:
            message_of(call, (theirs if call.path == "/bob" else made)["secret"])
        for name, status, words in (
            ("dead", None, "nothing answers there"),
            ("failing", 500, "it answered with status 500"),
            ("moved", 302, "it redirects (status 302), which is not followed"),
        ):
            one = await tried(ann, hooks[name])
            assert (one["state"], one["status"]) == ("pending", status)
            assert words in one["error"]
        assert (await tried(ann, hooks["failing"]))["answer"] == "no� luck"
        (one, *_) = await settled(ann, hooks["wordy"], 1)
        assert (one["state"], one["answer"]) == ("delivered", "y" * 1024)


async def silent_called(server: Server, job: str, silent: Receiver) -> None:
    """Let something happen, and wait until it has come to who never answers."""
    await warn(server, job)
    await silent.called(1)


async def test_what_failed_is_tried_again_under_its_id_and_then_the_rest_follows(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.webhooks.WAITS_S", (0.01, 3600))
    answers = iter((500, 500))

    async def at_last(_: web.Request) -> web.StreamResponse:
        return web.Response(status=next(answers, 204))

    receiver.answer = at_last
    made = await make_hook(ann, receiver.url, types=WARNINGS, active=False)
    await warn(server, await job_of(ann), 3)
    await ask(ann, "PATCH", f"/{made['webhook']['id']}", json={"active": True})
    calls = await receiver.called(5)
    ids = [call.headers["webhook-id"] for call in calls]
    assert len(set(ids)) == 3
    by_id = {ident: [c.body for c in calls if c.headers["webhook-id"] == ident] for ident in ids}
    assert sorted(len(set(bodies)) for bodies in by_id.values()) == [1, 1, 1]
    done = await settled(ann, made["webhook"]["id"], 3)
    assert {one["state"] for one in done} == {"delivered"}
    hook = await ask(ann, "GET", f"/{made['webhook']['id']}")
    assert (hook["failing_since"], hook["pending"]) == (None, 0)


async def test_once_something_arrives_what_failed_is_tried_without_waiting(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.webhooks.WAITS_S", (3600,))
    monkeypatch.setattr("app.live.courier.AT_ONCE", 1)
    answers = iter((500,))

    async def at_last(_: web.Request) -> web.StreamResponse:
        return web.Response(status=next(answers, 204))

    receiver.answer = at_last
    await make_hook(ann, receiver.url, types=WARNINGS)
    await warn(server, await job_of(ann), 2)
    ids = [call.headers["webhook-id"] for call in await receiver.called(3)]
    assert ids[2] == ids[0] != ids[1]


async def test_what_never_arrives_is_given_up_and_can_be_sent_again(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.webhooks.WAITS_S", (0.01,))

    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503)

    receiver.answer = fails
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    await warn(server, await job_of(ann))
    ident = made["webhook"]["id"]
    (one,) = await settled(ann, ident, 1)
    assert (one["state"], one["attempts"], one["status"]) == ("failed", 2, 503)
    receiver.answer = well
    again = await ask(ann, "POST", f"/{ident}/deliveries/{one['id']}/resend")
    assert again["state"] in ("pending", "delivered")
    calls = await receiver.called(3)
    assert {call.headers["webhook-id"] for call in calls} == {one["id"]}
    (one,) = await settled(ann, ident, 1)
    assert one["state"] == "delivered"
    await ask(ann, "PATCH", f"/{ident}", json={"active": False})
    async with ann.post(f"{HOOKS}/{ident}/deliveries/{one['id']}/resend") as answer:
        assert answer.status == 409


async def test_long_failure_turns_it_off_with_words_and_nothing_is_missed(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.webhooks.WAITS_S", (0.01,) * 10)
    monkeypatch.setattr("app.core.webhooks.DISABLED_AFTER_MS", 0)
    monkeypatch.setattr("app.core.webhooks.DISABLED_AFTER", 3)

    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    receiver.answer = fails
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    ident, job = made["webhook"]["id"], await job_of(ann)
    await warn(server, job)
    await receiver.called(3)
    hook = await disabled(ann, ident)
    assert hook["why"] == "Nothing has arrived there for 0 days: it answered with status 500"
    await warn(server, job)  # nobody is told meanwhile
    receiver.answer = well
    hook = await ask(ann, "PATCH", f"/{ident}", json={"active": True})
    assert (hook["state"], hook["why"], hook["failing_since"]) == ("on", "", None)
    done = await settled(ann, ident, 2)
    assert {one["state"] for one in done} == {"delivered"}


async def disabled(client: aiohttp.ClientSession, ident: str) -> dict[str, str]:
    async with asyncio.timeout(LONGEST_S):
        while True:
            hook: dict[str, str] = await ask(client, "GET", f"/{ident}")
            if hook["state"] == "disabled":
                return hook


async def test_gone_is_taken_at_its_word(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    async def gone(_: web.Request) -> web.StreamResponse:
        return web.Response(status=410)

    receiver.answer = gone
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    await warn(server, await job_of(ann))
    hook = await disabled(ann, made["webhook"]["id"])
    assert "410 Gone" in hook["why"]
    await until(lambda: not server.app[DELIVERER].working)  # its courier is leaving


async def test_the_log_is_told_from_any_place_and_a_full_backlog_waits_in_it(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.live.courier.OWED_AT_MOST", 10)
    monkeypatch.setattr("app.live.courier.PAGE", 4)
    job = await job_of(ann)
    places = await warn(server, job, 50)
    await make_hook(ann, receiver.url, types=WARNINGS)  # from now on: none of these
    made = await make_hook(ann, receiver.url + "/all", types=WARNINGS, after=places[0])
    calls = await receiver.called(49)
    told = [message_of(call, made["secret"])["data"]["seq"] for call in calls]
    assert sorted(told) == places[1:]


async def test_both_secrets_sign_after_a_rotation(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    ident, old = made["webhook"]["id"], made["secret"]
    own = secret_text(b"z" * 24)
    rotated = await ask(ann, "POST", f"/{ident}/rotate", json={"secret": own})
    assert rotated["secret"] == own
    assert rotated["old_secret_until"] > made["webhook"]["created_at"]
    await ask(ann, "POST", f"/{ident}/test")
    (call,) = await receiver.called(1)
    assert message_of(call, own) == message_of(call, old)
    with pytest.raises(WebhookVerificationError):
        message_of(call, secret_text(b"y" * 24))
    for path in ("", f"/{ident}", f"/{ident}/deliveries"):
        told = str(await ask(ann, "GET", path))
        assert old not in told
        assert own not in told
    with closing(sqlite3.connect(server.settings.database_path)) as db, db:
        ((until_ms,),) = db.execute("SELECT old_until_ms FROM webhook").fetchall()
        assert 23 * HOUR_MS < until_ms - now_ms() <= 24 * HOUR_MS
        db.execute("UPDATE webhook SET old_until_ms = ?", (now_ms() - 1,))
    await ask(ann, "POST", f"/{ident}/test")
    *_, call = await receiver.called(2)
    assert message_of(call, own)
    with pytest.raises(WebhookVerificationError):
        message_of(call, old)


async def test_it_ends_with_its_user(
    server: Server, ann: aiohttp.ClientSession, bob: aiohttp.ClientSession, receiver: Receiver
) -> None:
    await make_hook(bob, receiver.url)
    address = receiver.url.replace("http://", "json://")
    async with bob.post("/api/v1/notifications", json={"address": address}) as answer:
        assert answer.status == 201
    async with bob.get("/api/v1/auth/me") as answer:
        user_id = (await answer.json())["user_id"]
    deliverer, heralds = server.app[DELIVERER], server.app[NOTIFIER]._heralds
    assert (deliverer.working, len(heralds)) == (1, 1)
    async with ann.delete(f"/api/v1/users/{user_id}") as answer:
        assert answer.status == 204
    await until(lambda: not deliverer.working and not len(heralds))


@pytest.mark.parametrize(
    ("status", "said", "wait_s"), [(503, "120", 120), (429, "soon", None), (500, "120", None)]
)
async def test_who_is_busy_may_say_for_how_long(
    receiver: Receiver, status: int, said: str, wait_s: int | None
) -> None:
    async def busy(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={"Retry-After": said})

    receiver.answer = busy
    async with Outbound(allow_private=True) as outbound:
        reply = await post_to(outbound, receiver.url, {}, b"{}")
    assert (reply.status, reply.wait_s) == (status, wait_s)


async def test_its_secrets_are_in_no_answer_page_or_log(
    server: Server,
    ann: aiohttp.ClientSession,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fails(_: web.Request) -> web.StreamResponse:
        return web.Response(status=500)

    caplog.set_level(logging.DEBUG)
    receiver.answer = fails
    job = await job_of(ann)
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    path = f"/{made['webhook']['id']}"
    await ask(ann, "POST", f"{path}/test")
    await warn(server, job)
    await tried(ann, made["webhook"]["id"])
    rotated = await ask(ann, "POST", f"{path}/rotate", json={})
    told = [
        rotated["webhook"],
        await ask(ann, "GET", ""),
        await ask(ann, "GET", f"{path}/deliveries"),
        await ask(ann, "PATCH", path, json={"label": "x", "active": False}),
        [one.getMessage() for one in caplog.records],
    ]
    async with ann.post(f"{HOOKS}{path}/rotate", json={"secret": made["secret"] + "x"}) as answer:
        assert answer.status == 400
        told.append(await answer.text())
    for page in ("/account", f"/account/webhooks{path}", "/api/v1/audit"):
        async with ann.get(page) as answer:
            assert answer.status == 200
            told.append(await answer.text())
    for secret in (made["secret"], rotated["secret"]):
        assert secret.removeprefix("whsec_") not in str(told)


async def test_secrets_of_no_use_any_more_are_erased(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    wish, key = {"url": receiver.url, "types": WARNINGS}, {"Idempotency-Key": "k"}
    made = await ask(ann, "POST", "", json=wish, headers=key)
    await ask(ann, "POST", f"/{made['webhook']['id']}/rotate", json={})
    await sweep_secrets(server.app)
    path = server.settings.database_path
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("SELECT old_secret FROM webhook").fetchall() == [(made["secret"],)]
        assert len(db.execute("SELECT body FROM idempotency").fetchall()) == 1
        db.execute("UPDATE webhook SET old_until_ms = ?", (now_ms() - 1,))
        db.execute("UPDATE idempotency SET created_ms = created_ms - ?", (24 * HOUR_MS + 1,))
    await sweep_secrets(server.app)
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute("SELECT old_secret FROM webhook").fetchall() == [(None,)]
        assert db.execute("SELECT body FROM idempotency").fetchall() == []


async def test_what_can_not_be_written_down_is_not_passed_by(
    server: Server,
    ann: aiohttp.ClientSession,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("app.live.courier.AGAIN_S", 0.01)
    job = await job_of(ann)
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    with closing(sqlite3.connect(server.settings.database_path)) as db, db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON delivery BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    (seq,) = await warn(server, job)
    await until(lambda: "webhook has to wait" in caplog.text)
    with closing(sqlite3.connect(server.settings.database_path)) as db, db:
        db.execute("DROP TRIGGER full")
    (call,) = await receiver.called(1)
    assert message_of(call, made["secret"])["data"]["seq"] == seq


async def test_a_test_is_sent_at_once_even_while_it_is_off(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url, active=False)
    ident = made["webhook"]["id"]
    sent = await ask(ann, "POST", f"/{ident}/test")
    assert (sent["type"], sent["state"], sent["status"]) == ("webhook_test", "delivered", 200)
    (call,) = await receiver.called(1)
    assert message_of(call, made["secret"])["data"]["webhook_id"] == ident
    assert call.headers["webhook-id"] == sent["id"]
    assert (await ask(ann, "GET", f"/{ident}/deliveries"))["deliveries"] == [sent]


async def test_making_one_twice_under_one_key_makes_one(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = []
    for _ in range(2):
        async with ann.post(
            HOOKS, json={"url": receiver.url}, headers={"Idempotency-Key": "k"}
        ) as answer:
            assert answer.status == 201
            assert answer.headers["Location"].startswith(HOOKS)
            made.append(await answer.json())
    assert made[0] == made[1]
    assert made[0]["webhook"]["types"] == list(USUAL_TYPES)
    async with ann.post(
        HOOKS, json={"url": receiver.url + "/b"}, headers={"Idempotency-Key": "k"}
    ) as answer:
        assert answer.status == 409
    assert len((await ask(ann, "GET", ""))["webhooks"]) == 1


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({}, 400),
        ({"url": "ftp://example.com"}, 422),
        ({"url": "https://a:b@example.com"}, 422),
        ({"url": "https://example.com", "types": []}, 400),
        ({"url": "https://example.com", "types": ["processing_complete"]}, 400),
        ({"url": "https://example.com", "secret": "whsec_short"}, 400),
        ({"url": "https://example.com", "after": -1}, 400),
        ({"url": "https://example.com", "color": "red"}, 400),
    ],
)
async def test_what_can_be_no_webhook_is_refused_with_words(
    ann: aiohttp.ClientSession, wish: dict[str, object], status: int
) -> None:
    async with ann.post(HOOKS, json=wish) as answer:
        assert answer.status == status
        assert (await answer.json(content_type=None))["hint"]
    assert (await ask(ann, "GET", ""))["webhooks"] == []


async def test_a_private_address_is_refused_unless_the_operator_allows_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    settings = settings_for(tmp_path / "strict")
    with_user(settings, "ann")
    async with serving(settings) as strict, strict.client("ann") as ann:
        for method, path, status in (("POST", HOOKS, 422), ("GET", HOOKS, 200)):
            async with ann.request(method, path, json={"url": receiver.url}) as answer:
                assert answer.status == status
                told = await answer.json(content_type=None)
        assert told == {"webhooks": []}


async def test_changes_and_removal_take_effect(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url + "/old", types=WARNINGS, label=" mine ")
    ident, job = made["webhook"]["id"], await job_of(ann)
    changed = await ask(ann, "PATCH", f"/{ident}", json={"url": receiver.url + "/new"})
    assert (changed["label"], changed["types"]) == ("mine", WARNINGS)
    await warn(server, job)
    (call,) = await receiver.called(1)
    assert call.path == "/new"
    assert (await ask(ann, "PATCH", f"/{ident}", json={"types": None}))["types"] is None
    async with ann.delete(f"{HOOKS}/{ident}") as answer:
        assert answer.status == 204
    async with ann.get(f"{HOOKS}/{ident}") as answer:
        assert answer.status == 404
    keeper = await make_hook(ann, receiver.url + "/other", types=WARNINGS)
    await warn(server, job)
    assert (await receiver.called(2))[1].path == "/other"
    assert (await ask(ann, "GET", ""))["webhooks"][0]["id"] == keeper["webhook"]["id"]


async def test_what_it_was_not_told_of_stays_untold_unless_somebody_goes_back(
    tmp_path: Path, receiver: Receiver
) -> None:
    async with telling(tmp_path) as server, server.client("ann") as ann:
        made = await make_hook(ann, receiver.url, types=["batch_created", "job_undone"])
        ident, job = made["webhook"]["id"], await job_of(ann)
        await receiver.called(1)
        await settled(ann, ident, 1)
        await warn(server, job, 3)
        # What it is told of is behind the warnings: they were looked at.
        await upload(ann, ("b.csv", CSV + b"2025-01-04,Tea,-2\n"))
        await receiver.called(2)
        await ask(ann, "PATCH", f"/{ident}", json={"types": WARNINGS})
    async with serving(server.settings) as again, again.client("ann") as ann:
        (seq,) = await warn(again, job)
        (call,) = (await receiver.called(3))[2:]
        assert message_of(call, made["secret"])["data"]["seq"] == seq
        for expected in (7, 11):  # the same place twice
            await ask(ann, "PATCH", f"/{ident}", json={"after": 0})
            calls = await receiver.called(expected)
        places = [message_of(one, made["secret"])["data"]["seq"] for one in calls[3:]]
        assert sorted(places[:4]) == sorted(places[4:])
        assert seq in places


async def test_what_was_sent_is_listed_page_by_page_and_counted(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url, types=WARNINGS)
    ident = made["webhook"]["id"]
    await warn(server, await job_of(ann), 5)
    done = await settled(ann, ident, 5)
    first = await ask(ann, "GET", f"/{ident}/deliveries?limit=3")
    rest = await ask(ann, "GET", f"/{ident}/deliveries?limit=3&before={first['next']}")
    assert [*first["deliveries"], *rest["deliveries"]] == done
    assert rest["next"] is None
    assert (await ask(ann, "GET", f"/{ident}/deliveries?state=failed"))["deliveries"] == []
    async with ann.get("/metrics") as answer:
        text = await answer.text()
    assert 'livetrail_webhook_attempts_total{outcome="delivered"} 5.0' in text
    assert "livetrail_webhooks 1.0" in text


async def test_a_deleted_file_is_told_of_no_more(
    server: Server, ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    made = await make_hook(ann, receiver.url, types=["processing_completed"], after=0)
    job, ident = await job_of(ann), made["webhook"]["id"]
    (one,) = await settled(ann, ident, 1)
    async with ann.delete(f"{API}/jobs/{job}") as answer:
        assert answer.status == 204
    await ask(ann, "POST", f"/{ident}/deliveries/{one['id']}/resend")
    async with asyncio.timeout(LONGEST_S):
        while (one := (await settled(ann, ident, 1))[0])["state"] != "failed":
            pass
    assert one["error"] == "its event was removed from the log"
    assert len(receiver.calls) == 1


async def test_every_call_answers_with_the_fields_that_are_described_for_it(
    ann: aiohttp.ClientSession, receiver: Receiver
) -> None:
    document = describe()
    ident = (await make_hook(ann, receiver.url))["webhook"]["id"]
    for method, path in (
        ("get", ""),
        ("get", "/{webhook_id}"),
        ("post", "/{webhook_id}/test"),
        ("post", "/{webhook_id}/rotate"),
        ("get", "/{webhook_id}/deliveries"),
    ):
        found = await ask(ann, method, path.format(webhook_id=ident))
        operation = document["paths"][f"{HOOKS}{path}"][method]
        model = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        schema = document["components"]["schemas"][model.rpartition("/")[2]]
        assert set(found) == set(schema["properties"]), (method, path)


async def test_a_token_needs_to_listen_and_to_control(server: Server, receiver: Receiver) -> None:
    headers = {"Authorization": f"Bearer {token_of(server.settings, 'ann')}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as program:
        made = await make_hook(program, receiver.url)
        assert (await ask(program, "GET", f"/{made['webhook']['id']}"))["state"] == "on"
