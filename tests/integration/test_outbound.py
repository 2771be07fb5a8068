"""Calls to addresses that users gave go where they may, and take no more than they may."""

import asyncio
import contextlib
import socket
import threading
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from yarl import URL

from app.core.errors import TargetRefused, TargetUnreachable
from app.web import outbound
from app.web.outbound import Outbound, read_at_most
from tests.integration.receiver import Receiver, receiving
from tests.patience import LONGEST_S


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let every name stand for the first of `answers`, then the next; return the lookups."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any) -> list[Any]:
        asked.append(host)
        address = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", look_up)
    return asked


def only(monkeypatch: pytest.MonkeyPatch, public: str) -> None:
    """Let one address be the open internet."""
    monkeypatch.setattr(
        outbound, "why_refused", lambda address, **_: "" if address == public else "private"
    )


def by_name(url: str, name: str = "example.com") -> str:
    return str(URL(url).with_host(name))


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://[::1]:8080/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://printer.local/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://ann:secret@example.com/",
        "//example.com",
        "example.com",
        "https://",
        "https://[v1.a]@",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 2048,
        "",
    ],
)
async def test_an_address_that_must_not_be_called_is_refused_by_its_words(target: str) -> None:
    with pytest.raises(TargetRefused):
        Outbound(allow_private=False).check(target)


@pytest.mark.parametrize("name", ["example.com", "0x7f000001", "localtest.example"])
async def test_a_name_that_stands_for_a_private_address_is_never_connected_to(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    names(monkeypatch, "127.0.0.1")
    async with receiving() as other, Outbound(allow_private=False) as out:
        with pytest.raises(TargetRefused):
            async with out.request("GET", by_name(other.url, name)):
                pass
        assert other.calls == []


async def test_what_was_judged_is_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = names(monkeypatch, "127.0.0.2", "127.0.0.1")  # the second answer would rebind it
    only(monkeypatch, "127.0.0.2")
    async with AsyncExitStack() as both:
        while True:  # the same port may be somebody else's at the other address
            public = await both.enter_async_context(receiving(host="127.0.0.2"))
            with contextlib.suppress(OSError):
                port = URL(public.url).port or 0
                private = await both.enter_async_context(receiving(port=port))
                break
        out = await both.enter_async_context(Outbound(allow_private=False))
        async with out.request("GET", by_name(public.url)) as answer:
            assert await answer.text() == "thanks"
        assert (len(public.calls), len(private.calls)) == (1, 0)
        assert asked == ["example.com"]


async def test_the_socket_itself_refuses_a_private_address() -> None:
    out = Outbound(allow_private=False)
    with pytest.raises(TargetRefused):
        out._socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)))


async def test_no_cookie_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def baker(_: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "who=you; Path=/"})

    names(monkeypatch, "127.0.0.1")
    async with receiving(baker) as other, Outbound(allow_private=True) as out:
        for _ in range(2):
            async with out.request("GET", by_name(other.url)) as answer:
                assert answer.headers["Set-Cookie"]
        assert ["Cookie" in call.headers for call in other.calls] == [False, False]


async def test_private_networks_are_called_where_the_operator_allows_it() -> None:
    async with receiving() as other, Outbound(allow_private=True) as out:
        async with out.request("POST", other.url, headers={"X-A": "1"}, body=b"hello") as answer:
            assert answer.status == 200
        (call,) = other.calls
        assert (call.body, call.headers["X-A"], "Cookie" in call.headers) == (b"hello", "1", False)


async def test_where_a_cloud_tells_its_keys_nothing_is_called_even_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names(monkeypatch, "169.254.169.254")
    async with Outbound(allow_private=True) as out:
        for target in (
            "http://169.254.169.254/latest/",
            "http://[fe80::1]/",
            "http://keys.example/",
        ):
            with pytest.raises(TargetRefused, match="told their keys"):
                async with out.request("GET", target):
                    pass
        with pytest.raises(TargetRefused):
            out._socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80)))


async def test_a_redirect_is_the_answer_unless_the_caller_follows() -> None:
    async def elsewhere(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/further")

    async with receiving(elsewhere) as other, Outbound(allow_private=True) as out:
        async with out.request("POST", other.url) as answer:
            assert answer.status == 302
        with pytest.raises(TargetUnreachable, match="redirects too often"):
            async with out.request("GET", other.url, redirects=3):
                pass
        assert len(other.calls) == 5


async def test_a_redirect_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, "127.0.0.2", "127.0.0.1")
    only(monkeypatch, "127.0.0.2")
    async with receiving() as private:

        async def elsewhere(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(by_name(private.url, "inner.example"))

        async with (
            receiving(elsewhere, host="127.0.0.2") as public,
            Outbound(allow_private=False) as out,
        ):
            with pytest.raises(TargetRefused):
                async with out.request("GET", by_name(public.url), redirects=3):
                    pass
            assert (len(public.calls), private.calls) == (1, [])


async def test_a_redirect_that_would_lay_something_bare_is_refused() -> None:
    async def elsewhere(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound(request.query["to"])

    async with receiving(elsewhere) as other, Outbound(allow_private=True) as out:
        named = other.url.replace("http://", "http://ann:secret@")
        with pytest.raises(TargetRefused, match="a name or a password"):
            async with out.request("GET", f"{other.url}?to={quote(named)}", redirects=1):
                pass
        assert len(other.calls) == 1
        async with out.request("GET", f"{other.url}?to=http://example.com/") as answer:
            with pytest.raises(TargetRefused, match="from https leads to http"):
                out._moved(URL("https://example.com/"), answer, 1)


async def test_what_was_sent_to_one_server_is_not_shown_to_the_next() -> None:
    async with receiving() as second:

        async def elsewhere(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(second.url + "/x")

        async with receiving(elsewhere) as first, Outbound(allow_private=True) as out:
            secret = {"Authorization": "Bearer secret"}
            async with out.request("GET", first.url, headers=secret, redirects=1) as answer:
                assert answer.status == 200
            assert "Authorization" in first.calls[0].headers
            assert "Authorization" not in second.calls[0].headers


async def test_who_never_answers_is_given_up() -> None:
    ended = asyncio.Event()

    async def never(_: web.Request) -> web.StreamResponse:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        raise AssertionError

    async with receiving(never) as other, Outbound(allow_private=True) as out:
        with pytest.raises(TargetUnreachable, match="too long"):
            async with out.request("GET", other.url, total_s=0.2):
                pass
        async with asyncio.timeout(LONGEST_S):
            await ended.wait()


async def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    ended = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        try:
            while True:
                await answer.write(b"x" * 65536)
        finally:
            ended.set()

    async with receiving(endless) as other, Outbound(allow_private=True) as out:
        async with out.request("GET", other.url, total_s=10) as answer:
            assert await read_at_most(answer, 1024) == b"x" * 1024
        async with asyncio.timeout(LONGEST_S):
            await ended.wait()


async def test_a_dead_host_and_an_unknown_name_are_told_in_words(
    monkeypatch: pytest.MonkeyPatch, gone: Receiver
) -> None:
    async with Outbound(allow_private=True) as out:
        with pytest.raises(TargetUnreachable, match="nothing answers there"):
            async with out.request("GET", gone.url):
                pass

        def unknown(*_: Any) -> list[Any]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(outbound.socket, "getaddrinfo", unknown)
        with pytest.raises(TargetUnreachable, match="its name is not known"):
            async with out.request("GET", by_name(gone.url)):
                pass


async def test_slow_name_servers_keep_no_other_lookup_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answering = threading.Event()

    def slow(host: str, port: int, *_: Any) -> list[Any]:
        if host == "slow.example":
            answering.wait(60)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", slow)
    async with receiving() as other, Outbound(allow_private=True) as out:

        async def call_slow() -> None:
            with pytest.raises(TargetUnreachable, match="too long"):
                async with out.request("GET", by_name(other.url, "slow.example"), total_s=0.2):
                    pass

        await asyncio.gather(*(call_slow() for _ in range(20)))
        async with out.request("GET", by_name(other.url), total_s=30) as answer:
            assert answer.status == 200
        answering.set()


async def test_who_is_slow_for_many_keeps_no_other_caller_of_the_same_host_waiting() -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with receiving(never) as other, Outbound(allow_private=True) as out:

        async def call() -> None:
            async with out.request("POST", other.url):
                pass

        calls = [asyncio.create_task(call()) for _ in range(70)]
        assert len(await other.called(70)) == 70
        for one in calls:
            one.cancel()
        await asyncio.wait(calls)
