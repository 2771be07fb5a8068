"""Requests a minute, over HTTP: what is told, what is refused, and what is never counted."""

from pathlib import Path

import aiohttp

from app.settings import Settings
from tests.integration.serving import serving, settings_for, with_user


def strict(folder: Path) -> Settings:
    return settings_for(folder / "data", requests_per_minute=3, anonymous_requests_per_minute=2)


async def test_every_answer_tells_what_is_left_and_the_last_one_when_to_come_back(
    tmp_path: Path,
) -> None:
    settings = strict(tmp_path)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client("ann") as ann:
        left = []
        for _ in range(3):
            async with ann.get("/api/v1/jobs") as answer:
                assert answer.status == 200
                assert answer.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
                left.append(answer.headers["RateLimit"].split(";")[1])
        assert left == ["r=2", "r=1", "r=0"]
        async with ann.get("/api/v1/jobs") as answer:
            problem = await answer.json()
        assert (answer.status, problem["code"]) == (429, "too_many_requests")
        assert 1 <= int(answer.headers["Retry-After"]) <= 20
        assert answer.headers["RateLimit"].startswith('"requests";r=0;')


async def test_strangers_are_counted_by_address_and_take_nothing_from_users(
    tmp_path: Path,
) -> None:
    settings = strict(tmp_path)
    with_user(settings, "ann")
    async with serving(settings) as server:
        async with aiohttp.ClientSession(server.url) as stranger:
            codes = []
            for _ in range(4):
                async with stranger.get("/api/v1/jobs") as answer:
                    codes.append(answer.status)
            assert codes == [401, 401, 429, 429]
        async with server.client("ann") as ann, ann.get("/api/v1/jobs") as answer:
            assert answer.status == 200
            assert answer.headers["RateLimit"].startswith('"requests";r=2;')


async def test_health_and_what_pages_are_made_of_are_never_counted(tmp_path: Path) -> None:
    settings = strict(tmp_path)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client() as stranger:
        for path in ("/healthz", "/readyz", "/static/1/app.css") * 3:
            async with stranger.get(path) as answer:
                assert answer.status != 429
                assert "RateLimit" not in answer.headers


async def test_a_page_tells_people_to_wait(tmp_path: Path) -> None:
    settings = strict(tmp_path)
    with_user(settings, "ann")
    async with serving(settings) as server, server.client() as stranger:
        for _ in range(3):
            async with stranger.get("/login", headers={"Accept": "text/html"}) as answer:
                page = await answer.text()
        assert answer.status == 429
        assert "Too many requests; the limit is 2 requests a minute" in page
