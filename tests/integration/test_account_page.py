"""The account page and the users of the operations page, by forms alone."""

import re

import aiohttp

from tests.integration.serving import PASSWORD, Server, ended, upload
from tests.integration.test_pages import EXPENSES, HTML, page, send, send_and_fail

NEW = "a longer horse battery"


def action(text: str, pattern: str) -> str:
    """Return the first address of a form that fits `pattern`."""
    found = re.search(rf'action="({pattern})"', text)
    assert found, pattern
    return found[1]


async def is_signed_in(client: aiohttp.ClientSession) -> bool:
    async with client.get("/api/v1/auth/me") as answer:
        return answer.status == 200


async def test_a_token_is_made_shown_once_used_and_revoked(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    form = {"label": "nightly <import>", "upload": "on", "read": "on", "days": "30"}
    _, text = await send(bob, "/account/tokens", form)
    found = re.search(r'value="(lt_[\w-]+)" readonly', text)
    assert found
    assert "nightly &lt;import&gt;" in text
    headers = {"Authorization": f"Bearer {found[1]}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as program:
        async with program.get("/api/v1/jobs") as answer:
            assert answer.status == 200
        async with program.get("/api/v1/audit") as answer:
            assert answer.status == 403
        text = await page(bob, "/account")
        assert found[1] not in text
        assert found[1][:9] in text
        assert "upload, read" in text
        where, text = await send(bob, action(text, r"/account/tokens/[\w-]+/revoke"), {})
        assert where == "/account"
        assert "No tokens yet" in text
        async with program.get("/api/v1/jobs") as answer:
            assert answer.status == 401


async def test_what_is_wrong_with_a_token_is_said_and_the_form_keeps_what_was_typed(
    bob: aiohttp.ClientSession, ann: aiohttp.ClientSession
) -> None:
    _, text = await send_and_fail(bob, "/account/tokens", {"label": "no rights"}, 400)
    assert 'value="no rights"' in text
    assert 'name="operate"' not in text
    wish = {"label": "more", "operate": "on"}
    _, text = await send_and_fail(bob, "/account/tokens", wish, 403)
    assert "this is for operators" in text
    _, text = await send(ann, "/account/tokens", {**wish, "connections": "50"})
    assert "50 connections" in text
    await send_and_fail(ann, "/account/tokens", {**wish, "connections": "many"}, 400)


async def test_a_new_password_signs_other_browsers_out(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    async with server.client("bob") as other:
        wrong = {"old": "not this one", "new": NEW}
        _, text = await send_and_fail(bob, "/account/password", wrong, 401)
        assert "password is wrong" in text
        _, text = await send_and_fail(bob, "/account/password", {"old": PASSWORD, "new": "x"}, 422)
        assert "shorter than 8 characters" in text
        assert await is_signed_in(other)
        _, text = await send(bob, "/account/password", {"old": PASSWORD, "new": NEW})
        assert "Your password is changed" in text
        assert await is_signed_in(bob)
        assert not await is_signed_in(other)
        where, _ = await send(other, "/login", {"name": "bob", "password": NEW, "next": "/account"})
        assert where == "/account"


async def test_one_browser_is_signed_out_and_then_every_other(
    server: Server, bob: aiohttp.ClientSession
) -> None:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    async with server.client() as other:
        other.headers["User-Agent"] = agent
        await send(other, "/login", {"name": "bob", "password": PASSWORD})
        text = await page(bob, "/account")
        assert "Firefox on Linux" in text
        assert text.count(">this one<") == 1
        await send(bob, action(text, r"/account/sessions/[\w-]+/end"), {})
        assert not await is_signed_in(other)
        await send(other, "/login", {"name": "bob", "password": PASSWORD})
        await send(bob, "/account/tokens", {"label": "stays", "read": "on"})
        where, _ = await send(other, "/account/sign-out-everywhere", {})
        assert where == "/login"
        assert not await is_signed_in(bob)
        await send(bob, "/login", {"name": "bob", "password": PASSWORD})
        assert "stays" in await page(bob, "/account")
        await send(bob, "/account/sign-out-everywhere", {"tokens": "on"})
        await send(bob, "/login", {"name": "bob", "password": PASSWORD})
        assert "No tokens yet" in await page(bob, "/account")


async def test_share_links_are_listed_and_ended(bob: aiohttp.ClientSession) -> None:
    accepted = await upload(bob, ("expenses.csv", EXPENSES))
    await ended(bob, accepted)
    job = accepted["jobs"][0]["job_id"]
    where, text = await send(bob, f"/jobs/{job}/share", {"hours": "24"})
    assert where == f"/jobs/{job}/share"
    found = re.search(r'value="http://[^"]+/share#token=([^"]+)"', text)
    assert found
    await send(bob, f"/batches/{accepted['batch_id']}/share", {})
    text = await page(bob, "/account")
    assert found[1] not in text
    assert f'href="/jobs/{job}"' in text
    assert f'href="/batches/{accepted["batch_id"]}"' in text
    for _ in range(2):
        _, text = await send(bob, action(text, r"/account/shares/[\w-]+/revoke"), {})
    assert "No links are out" in text


async def test_an_operator_adds_changes_and_removes_a_user_by_forms(
    server: Server, ann: aiohttp.ClientSession
) -> None:
    wish = {"name": "carla", "password": NEW, "role": "member"}
    where, text = await send(ann, "/operations/users", wish)
    assert where == "/operations"
    assert "carla" in text
    _, text = await send_and_fail(ann, "/operations/users", wish, 409)
    assert "carla" in text
    async with server.client() as carla:
        await send(carla, "/login", {"name": "carla", "password": NEW})
        async with ann.get("/api/v1/users") as answer:
            users = {user["name"]: user for user in (await answer.json())["users"]}
        path = f"/operations/users/{users['carla']['id']}"
        await send(ann, f"{path}/role", {"role": "operator"})
        assert "Operations" in await page(carla, "/")
        await send(ann, f"{path}/password", {"password": PASSWORD})
        assert not await is_signed_in(carla)
        await send(ann, f"{path}/remove", {})  # not sure
        await send(carla, "/login", {"name": "carla", "password": PASSWORD})
        await send(ann, f"{path}/remove", {"sure": "on"})
        assert not await is_signed_in(carla)
    mine = f"/operations/users/{users['ann']['id']}/role"
    _, text = await send_and_fail(ann, mine, {"role": "member"}, 409)
    assert 'role="alert"' in text


async def test_a_program_has_no_account_page(server: Server, bob: aiohttp.ClientSession) -> None:
    _, text = await send(bob, "/account/tokens", {"label": "t", "read": "on"})
    found = re.search(r'value="(lt_[\w-]+)" readonly', text)
    assert found
    headers = {"Authorization": f"Bearer {found[1]}", **HTML}
    async with (
        aiohttp.ClientSession(server.url, headers=headers) as program,
        program.get("/account") as answer,
    ):
        assert answer.status == 403
