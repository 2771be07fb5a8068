"""The pages over real sockets, as a browser without scripts sees them."""

import re

import aiohttp

from tests.integration.serving import PASSWORD, files_form, followed, upload

HTML = {"Accept": "text/html"}
EXPENSES = (
    b"Date,Description,Amount,Currency\n"
    b"2026-03-01,LIDL 4411,-12.50,EUR\n"
    b"2026-03-02,<b>Shell</b>,-60.00,EUR\n"
    b"2026-03-03,ACME Payroll,2500.00,EUR\n"
)


async def page(client: aiohttp.ClientSession, url: str, status: int = 200) -> str:
    """Return the page at `url`, wherever it leads."""
    async with client.get(url, headers=HTML) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def send(client: aiohttp.ClientSession, url: str, data: object) -> tuple[str, str]:
    """Send a form; return where it leads and the page there."""
    async with client.post(url, data=data, headers=HTML) as answer:
        assert answer.status == 200, await answer.text()
        return answer.url.path, await answer.text()


async def send_and_fail(
    client: aiohttp.ClientSession, url: str, data: object, status: int
) -> tuple[str, str]:
    """Send a form that is refused; return where and the page that says why."""
    async with client.post(url, data=data, headers=HTML) as answer:
        assert answer.status == status, await answer.text()
        return answer.url.path, await answer.text()


async def finished(client: aiohttp.ClientSession, accepted: dict[str, object]) -> None:
    """Wait until every job of an upload has ended."""
    await followed(client, f"batch:{accepted['batch_id']}", "batch_completed")


async def test_a_person_without_scripts_signs_in_uploads_and_takes_it_back(
    stranger: aiohttp.ClientSession,
) -> None:
    assert "Sign in" in await page(stranger, "/")
    where, text = await send(stranger, "/login", {"name": "ann", "password": PASSWORD})
    assert where == "/"
    assert "Drop your first files here" in text
    where, text = await send(stranger, "/upload", files_form(("expenses.csv", EXPENSES)))
    assert re.fullmatch(r"/batches/[\w-]+", where)
    assert "expenses.csv" in text
    await followed(stranger, f"batch:{where.split('/')[2]}", "batch_completed")
    text = await page(stranger, where)
    assert "3 rows stored" in text
    found = re.search(r'href="(/jobs/[\w-]+)"', text)
    assert found
    text = await page(stranger, found[1])
    assert "&lt;b&gt;Shell&lt;/b&gt;" in text
    assert "<b>Shell" not in text
    where, text = await send(stranger, f"{found[1]}/undo", {})
    assert where == found[1]
    assert "Nothing of this file is stored any more." in text


async def test_rows_seen_before_are_marked_with_where(
    ann: aiohttp.ClientSession,
) -> None:
    await finished(ann, await upload(ann, ("march.csv", EXPENSES)))
    longer = EXPENSES + b"2026-03-04,Spotify,-9.99,EUR\n"
    accepted = await upload(ann, ("april.csv", longer))
    await finished(ann, accepted)
    job_id = accepted["jobs"][0]["job_id"]
    known = await page(ann, f"/jobs/{job_id}?state=known")
    assert known.count('<tr data-k="known"><td class="num dim"') == 3
    assert "march.csv, row 1" in known
    new = await page(ann, f"/jobs/{job_id}?state=new")
    assert "Spotify" in new
    assert "LIDL" not in new


async def test_all_files_are_listed_and_found_by_name(
    ann: aiohttp.ClientSession,
) -> None:
    for name in ("first.csv", "second.csv"):
        text = EXPENSES + f"2026-04-01,{name},1.00,EUR\n".encode()
        await finished(ann, await upload(ann, (name, text)))
    everything = await page(ann, "/")
    assert "first.csv" in everything
    assert "second.csv" in everything
    found = await page(ann, "/?q=SECOND")
    assert "second.csv" in found
    assert ">first.csv<" not in found


async def test_what_belongs_to_somebody_else_is_told_apart_from_nothing_by_nobody(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    accepted = await upload(ann, ("private.csv", EXPENSES))
    ident = accepted["jobs"][0]["job_id"]
    hers = await page(bob, f"/jobs/{ident}", 404)
    none = await page(bob, "/jobs/00000000-0000-7000-8000-000000000000", 404)
    assert hers == none
    assert "There is no such file" in hers
    assert "private.csv" not in await page(bob, "/")
    await page(bob, f"/batches/{accepted['batch_id']}", 404)


async def test_pages_are_under_a_strict_policy_and_files_are_kept_for_ever(
    ann: aiohttp.ClientSession,
) -> None:
    async with ann.get("/", headers=HTML) as answer:
        policy = answer.headers["Content-Security-Policy"]
        text = await answer.text()
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for url in set(re.findall(r'(?:href|src)="(/static/[^"]+)"', text)):
        await is_kept(ann, url)
    async with ann.get("/static/0123456789ab/app.css") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-cache"
    async with ann.get("/static/0123456789ab/..%2F..%2Fsetup.cfg") as answer:
        assert answer.status == 404


async def is_kept(client: aiohttp.ClientSession, url: str) -> None:
    """Assert that a static file is there and may be kept."""
    async with client.get(url) as answer:
        assert answer.status == 200, url
        assert "immutable" in answer.headers["Cache-Control"]


async def test_the_theme_a_person_chose_is_rendered(
    ann: aiohttp.ClientSession,
) -> None:
    assert "data-theme" not in await page(ann, "/")
    ann.cookie_jar.update_cookies({"livetrail_theme": "dark"})
    assert '<html lang="en" data-theme="dark">' in await page(ann, "/")
    ann.cookie_jar.update_cookies({"livetrail_theme": 'x"onload=y'})
    assert "onload=y" not in await page(ann, "/")


async def test_an_operator_looks_inside_without_scripts(
    ann: aiohttp.ClientSession, bob: aiohttp.ClientSession
) -> None:
    assert "/operations" in await page(ann, "/")
    async with bob.ws_connect("/ws/phone") as socket:
        await socket.send_json({"op": "subscribe", "room": "user:me"})
        await socket.receive()
        text = await page(ann, "/operations")
        assert "own files" in text
        assert "browser · 127.0.0.1" in text
        found = re.search(r'action="(/operations/connections/\d+/log)"', text)
        assert found
        _, text = await send(ann, found[1], {"on": "on"})
        assert "Frames of connection" in text
        assert "Stop logging" in text
        assert "logged a connection" in text
        assert "Log frames" in (await send(ann, found[1], {"on": ""}))[1]
    _, text = await send_and_fail(ann, "/operations/connections/999/log", {"on": "on"}, 404)
    assert "There is no such connection" in text


async def test_the_audit_log_is_narrowed_and_paged_by_links(ann: aiohttp.ClientSession) -> None:
    await send(ann, "/login", {"name": "ann", "password": PASSWORD})
    text = await page(ann, "/operations?kind=sign_in")
    notes = text.partition('id="notes"')[2].partition("</tbody>")[0]
    assert notes.count("signed in") == notes.count("<tr") == 1
    await page(ann, "/operations?kind=nonsense", 400)
    await page(ann, "/operations?before=1")


async def test_members_have_no_page_of_operations(bob: aiohttp.ClientSession) -> None:
    assert "/operations" not in await page(bob, "/")
    assert "operators" in await page(bob, "/operations", 403)


async def test_known_rows_are_stored_after_all_and_left_out_again_by_a_form(
    ann: aiohttp.ClientSession,
) -> None:
    await finished(ann, await upload(ann, ("march.csv", EXPENSES)))
    longer = EXPENSES + b"2026-03-04,Spotify,-9.99,EUR\n"
    accepted = await upload(ann, ("april.csv", longer))
    await finished(ann, accepted)
    path = f"/jobs/{accepted['jobs'][0]['job_id']}"
    assert "1 new row, 3 I already know" in await page(ann, path)
    where, text = await send(ann, f"{path}/known-rows", {"state": "new"})
    assert where == path
    assert "4 new rows, 0 I already know" in text
    assert "what earlier files hold (3)" in text
    _, text = await send(ann, f"{path}/known-rows", {"state": "known"})
    assert "1 new row, 3 I already know" in text
    await send_and_fail(ann, f"{path}/known-rows", {"state": "odd"}, 400)
