"""The HTTP surface over a job that was read to its end: what it tells, and to whom."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest
import pytest_asyncio

from app.core.state import fold_all
from app.keys import DATABASE
from app.store.events import latest_of_job, read_job
from app.web import jobs
from tests.integration.serving import (
    Server,
    ended,
    files_form,
    followed,
    serving,
    settings_for,
    state_of,
    upload,
    with_user,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

CSV = b"Date,Description,Amount\n2026-01-01,REWE,-3.20\n2026-01-02,Netflix,-9.99\nnever,x,y\n"


@dataclass(frozen=True)
class Shop:
    """A server with three browsers, and a job of ann's that was read to its end."""

    server: Server
    ann: aiohttp.ClientSession  # an operator
    bob: aiohttp.ClientSession  # a member
    eve: aiohttp.ClientSession  # another member, who owns nothing
    batch_id: str
    job_id: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shop]:
    settings = settings_for(tmp_path_factory.mktemp("shop") / "data")
    for name in ("ann", "bob", "eve"):
        with_user(settings, name)
    async with (
        serving(settings, warm=True) as server,
        server.client("ann") as ann,
        server.client("bob") as bob,
        server.client("eve") as eve,
    ):
        accepted = await upload(bob, ("expenses.csv", CSV))
        (state,) = await ended(bob, accepted)
        assert state["status"] == "completed", state["error"]
        yield Shop(server, ann, bob, eve, accepted["batch_id"], state["job_id"])


async def told(client: aiohttp.ClientSession, path: str, **how: Any) -> Any:
    async with client.get(path, **how) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def refused(client: aiohttp.ClientSession, method: str, path: str, **how: Any) -> str:
    async with client.request(method, path, **how) as answer:
        problem = await answer.json(content_type="application/problem+json")
        assert answer.status == problem["status"]
        return str(problem["code"])


# What a job tells


async def test_a_job_is_the_fold_of_its_events(shop: Shop) -> None:
    state = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}")
    events = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}/events?limit=1000")
    assert fold_all(events["events"]) == {k: v for k, v in state.items() if k != "links"}


async def test_the_events_of_a_job_have_no_hole(shop: Shop) -> None:
    events = (await told(shop.bob, f"/api/v1/jobs/{shop.job_id}/events?limit=1000"))["events"]
    assert [event["n"] for event in events] == list(range(1, len(events) + 1))


async def test_a_job_can_be_seen_as_it_was(shop: Shop) -> None:
    first = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}?at_n=1")
    assert (first["status"], first["n"], first["progress"]) == ("pending", 1, 0.0)
    code = await refused(shop.bob, "GET", f"/api/v1/jobs/{shop.job_id}?at_n=100000")
    assert code == "invalid_request"


@pytest.mark.parametrize("at_once", [1, 3, 500])
async def test_how_it_was_is_read_a_few_events_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(jobs, "FOLDED_AT_ONCE", at_once)
    events = (await told(shop.bob, f"/api/v1/jobs/{shop.job_id}/events?limit=1000"))["events"]
    for n in (1, 2, 3, 4, len(events) - 1):
        state = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}?at_n={n}")
        del state["links"]
        assert fold_all(events[:n]) == state


async def test_the_latest_events_of_a_job_are_those_up_to_its_state(shop: Shop) -> None:
    reader = shop.server.app[DATABASE].reader
    events = await read_job(reader, shop.job_id)
    for upto in (1, 3, len(events)):
        found = await latest_of_job(reader, shop.job_id, events[upto - 1].seq, 2)
        assert found == events[max(0, upto - 2) : upto]


async def test_pages_of_events_lead_to_the_next(shop: Shop) -> None:
    path: str | None = f"/api/v1/jobs/{shop.job_id}/events?limit=3"
    seen: list[int] = []
    while path is not None:
        async with shop.bob.get(path) as answer:
            page = await answer.json()
            seen += [event["n"] for event in page["events"]]
            link = answer.links.get("next")
            path = str(link["url"].relative()) if link else None
            assert (path is not None) == page["more"]
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) > 6


async def test_events_come_as_lines_to_who_asks_for_lines(shop: Shop) -> None:
    headers = {"Accept": "application/x-ndjson"}
    path = f"/api/v1/jobs/{shop.job_id}/events"
    async with shop.bob.get(path, headers=headers) as answer:
        assert answer.content_type == "application/x-ndjson"
        lines = (await answer.read()).splitlines()
    listed = (await told(shop.bob, path))["events"]
    assert [orjson.loads(line) for line in lines] == listed


async def test_the_history_of_a_batch_begins_with_it(shop: Shop) -> None:
    path = f"/api/v1/events/history?room=batch:{shop.batch_id}&types=batch_created,batch_completed"
    events = (await told(shop.bob, path))["events"]
    assert [event["type"] for event in events] == ["batch_created", "batch_completed"]


async def test_rows_are_told_with_their_counts(shop: Shop) -> None:
    page = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}/rows?limit=1")
    assert (page["total"], len(page["rows"])) == (2, 1)
    assert page["rows"][0]["amount"] == "-3.20"


async def test_a_page_of_rows_leads_to_the_next(shop: Shop) -> None:
    async with shop.bob.get(f"/api/v1/jobs/{shop.job_id}/rows?limit=1") as answer:
        link = answer.links["next"]["url"]
    page = await told(shop.bob, str(link.relative()))
    assert page["rows"][0]["row"] == 2


async def test_rejected_rows_come_with_their_reason(shop: Shop) -> None:
    async with shop.bob.get(f"/api/v1/jobs/{shop.job_id}/rejected.csv") as answer:
        assert "expenses.rejected.csv" in answer.headers["Content-Disposition"]
        lines = (await answer.text()).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("never,x,y,")


async def test_the_original_comes_back_as_a_download(shop: Shop) -> None:
    async with shop.bob.get(f"/api/v1/jobs/{shop.job_id}/original") as answer:
        assert await answer.read() == CSV
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.content_type == "application/octet-stream"


async def test_the_delta_counts_new_and_known_rows(shop: Shop) -> None:
    delta = await told(shop.bob, f"/api/v1/jobs/{shop.job_id}/delta")
    assert (delta["new_rows"], delta["existing_rows"], delta["rejected_rows"]) == (2, 0, 1)


@pytest.mark.parametrize("part", ["", "/rows", "/delta"])
async def test_what_did_not_change_is_not_sent_again(shop: Shop, part: str) -> None:
    path = f"/api/v1/jobs/{shop.job_id}{part}"
    async with shop.bob.get(path) as answer:
        etag = answer.headers["ETag"]
    async with shop.bob.get(path, headers={"If-None-Match": etag}) as answer:
        assert (answer.status, await answer.read()) == (304, b"")


async def test_lists_go_page_by_page(shop: Shop) -> None:
    for number in range(3):
        await upload(shop.eve, (f"{number}.csv", b"a,b\n%d,2\n" % number))
    for kind in ("batches", "jobs"):
        seen: list[str] = []
        path = f"/api/v1/{kind}?limit=2"
        while path:
            page = await told(shop.eve, path)
            seen += [one["links"]["self"] for one in page[kind]]
            path = f"/api/v1/{kind}?limit=2&before={page['next']}" if page["next"] else ""
        assert len(seen) == len(set(seen)) == 3
        assert seen == sorted(seen, reverse=True)


# Who may see it


OF_A_JOB = (
    ("GET", ""),
    ("GET", "/events"),
    ("GET", "/rows"),
    ("GET", "/delta"),
    ("GET", "/rejected.csv"),
    ("GET", "/fields"),
    ("PATCH", "/fields"),
    ("GET", "/zones"),
    ("GET", "/pages"),
    ("GET", "/text"),
    ("GET", "/original"),
    ("POST", "/undo"),
    ("POST", "/retry"),
    ("POST", "/cancel"),
)


@pytest.mark.parametrize(("method", "part"), OF_A_JOB)
async def test_somebody_elses_job_is_as_good_as_none(shop: Shop, method: str, part: str) -> None:
    nowhere = "00000000-0000-7000-8000-000000000000"
    for ident in (shop.job_id, nowhere, "not-an-id"):
        path = f"/api/v1/jobs/{ident}{part}"
        async with shop.eve.request(method, path) as answer:
            problem = await answer.json(content_type="application/problem+json")
            assert (answer.status, problem["title"]) == (
                404,
                "There is no such job, or it is not yours to see",
            )


@pytest.mark.parametrize("part", ["undo", "retry", "cancel"])
async def test_somebody_elses_job_can_not_be_steered_by_a_form(shop: Shop, part: str) -> None:
    assert await refused(shop.eve, "POST", f"/jobs/{shop.job_id}/{part}") == "not_found"


async def test_somebody_elses_batch_is_as_good_as_none(shop: Shop) -> None:
    assert await refused(shop.eve, "GET", f"/api/v1/batches/{shop.batch_id}") == "not_found"


async def test_somebody_elses_rooms_can_not_be_read(shop: Shop) -> None:
    me = await told(shop.bob, "/api/v1/auth/me")
    rooms = (f"job:{shop.job_id}", f"batch:{shop.batch_id}", f"user:{me['user_id']}", "all")
    for room in rooms:
        code = await refused(shop.eve, "GET", f"/api/v1/events/history?room={room}")
        assert code == "not_found", room


async def test_lists_hold_only_ones_own(shop: Shop) -> None:
    async with shop.server.client("ann") as ann:
        assert (await told(ann, "/api/v1/jobs"))["jobs"] == []
        assert (await told(ann, "/api/v1/batches"))["batches"] == []
    eves = await told(shop.eve, f"/api/v1/jobs?batch_id={shop.batch_id}")
    assert eves["jobs"] == []


async def test_an_operator_sees_everything(shop: Shop) -> None:
    assert (await told(shop.ann, f"/api/v1/jobs/{shop.job_id}"))["job_id"] == shop.job_id
    listed = await told(shop.ann, "/api/v1/jobs?owner=all")
    assert shop.job_id in {job["job_id"] for job in listed["jobs"]}
    assert await refused(shop.eve, "GET", "/api/v1/jobs?owner=all") == "not_allowed"


@pytest.mark.parametrize(("method", "part"), OF_A_JOB)
async def test_nobody_sees_a_job_without_signing_in(shop: Shop, method: str, part: str) -> None:
    async with shop.server.client() as stranger:
        path = f"/api/v1/jobs/{shop.job_id}{part}"
        assert await refused(stranger, method, path) == "not_authenticated"


# Steering


async def test_an_undone_file_can_come_again_as_if_it_had_never_been_there(shop: Shop) -> None:
    content = b"Date,Description,Amount\n2026-05-01,Lidl,-5.20\n2026-05-02,Shell,-50\n"
    (first,) = await ended(shop.bob, await upload(shop.bob, ("may.csv", content)))
    async with shop.bob.post(f"/api/v1/jobs/{first['job_id']}/undo") as answer:
        assert answer.status == 200, await answer.text()
        undone = await answer.json()
    assert (undone["rows"], undone["job"]["undone"]) == (2, True)
    again = f"/api/v1/jobs/{first['job_id']}/undo"
    assert await refused(shop.bob, "POST", again) == "conflict"
    (second,) = await ended(shop.bob, await upload(shop.bob, ("may.csv", content)))
    delta = await told(shop.bob, f"/api/v1/jobs/{second['job_id']}/delta")
    assert (delta["new_rows"], delta["existing_rows"]) == (2, 0)


async def test_a_failed_job_can_be_tried_again(shop: Shop) -> None:
    (failed,) = await ended(shop.bob, await upload(shop.bob, ("empty.csv", b"")))
    assert (failed["status"], failed["error"]["code"]) == ("error", "empty_file")
    path = f"/api/v1/jobs/{failed['job_id']}/retry"
    wrong = {"from_step": "storing"}
    assert await refused(shop.bob, "POST", path, json=wrong) == "invalid_request"
    async with shop.bob.post(path) as answer:
        assert (answer.status, (await answer.json())["attempt"]) == (202, 2)
    await followed(
        shop.bob, f"job:{failed['job_id']}", "processing_failed", after=failed["last_seq"]
    )
    assert (await state_of(shop.bob, failed["job_id"]))["status"] == "error"


async def test_a_job_that_has_ended_can_not_be_cancelled(shop: Shop) -> None:
    assert await refused(shop.bob, "POST", f"/api/v1/jobs/{shop.job_id}/cancel") == "conflict"


async def test_a_socket_steers_ones_own_jobs_only(shop: Shop) -> None:
    wish = {"op": "cancel", "id": "1", "job_id": shop.job_id}
    for client, code in ((shop.eve, "not_found"), (shop.bob, "conflict")):
        async with client.ws_connect("/ws?frames=single") as socket:
            await socket.receive_json()
            await socket.send_json(wish)
            answer = await socket.receive_json()
        assert (answer["type"], answer["code"]) == ("error", code)


async def test_forms_steer_without_scripts(shop: Shop) -> None:
    (failed,) = await ended(shop.bob, await upload(shop.bob, ("void.csv", b"")))
    path = f"/jobs/{failed['job_id']}"
    async with shop.bob.post(f"{path}/retry", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, path)


# What is no good question


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=5000", "colour=red", "after=-1", "after=1e9"]
)
async def test_a_query_that_can_not_be_is_refused_by_name(shop: Shop, query: str) -> None:
    path = f"/api/v1/events/history?{query}"
    async with shop.bob.get(path) as answer:
        problem = await answer.json(content_type="application/problem+json")
    assert problem["code"] == "invalid_request"
    assert query.partition("=")[0] in problem["title"]


@pytest.mark.parametrize("room", ["", "x", "job:", "job:1", "user:you", "all:1"])
async def test_what_is_no_room_is_said_to_be_none(shop: Shop, room: str) -> None:
    assert await refused(shop.bob, "GET", f"/api/v1/events/history?room={room}") == (
        "invalid_request"
    )


async def test_unknown_addresses_and_wrong_methods_are_problems_too(shop: Shop) -> None:
    assert await refused(shop.bob, "GET", "/api/v1/nothing") == "not_found"
    async with shop.bob.put("/api/v1/jobs") as answer:
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]
    assert await refused(shop.bob, "PUT", "/api/v1/jobs") == "method_not_allowed"


async def test_a_body_that_is_too_large_is_a_problem_too(shop: Shop) -> None:
    body = b'{"name": "' + b"a" * 1_000_000 + b'"}'
    assert await refused(shop.bob, "POST", "/api/v1/auth/login", data=body) == "body_too_large"


async def test_a_body_that_is_not_json_is_refused(shop: Shop) -> None:
    code = await refused(shop.bob, "POST", f"/api/v1/jobs/{shop.job_id}/retry", data=b"{")
    assert code == "invalid_request"


async def test_a_person_sees_an_error_as_a_page(shop: Shop) -> None:
    async with shop.bob.get("/nowhere", headers={"Accept": "text/html"}) as answer:
        assert (answer.status, answer.content_type) == (404, "text/html")
        assert "There is no such page" in await answer.text()


async def test_a_batch_without_a_name_takes_its_files(shop: Shop) -> None:
    form = files_form(("a.csv", CSV), options='{"name": ""}')
    async with shop.bob.post("/api/v1/batches", data=form) as answer:
        assert answer.status == 202  # an empty name is no name: the files give theirs
        batch_id = (await answer.json())["batch_id"]
    assert (await told(shop.bob, f"/api/v1/batches/{batch_id}"))["name"] == "a.csv"
