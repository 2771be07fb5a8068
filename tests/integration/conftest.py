"""What integration tests share: a running server, its owner, and somebody else."""

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from app.settings import Settings
from tests.integration.receiver import Receiver
from tests.integration.serving import Server, serving, settings_for, with_user


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path / "data")


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[Server]:
    """A server with two users: ann, its operator, and bob, a member."""
    with_user(settings, "ann")
    with_user(settings, "bob")
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def ann(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser in which the operator is signed in."""
    async with server.client("ann") as session:
        yield session


@pytest.fixture
async def bob(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser in which a member is signed in, who owns nothing of ann's."""
    async with server.client("bob") as session:
        yield session


@pytest.fixture
def gone() -> Iterator[Receiver]:
    """A server of somebody else that is not there; nobody is given its port meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        yield Receiver(f"http://127.0.0.1:{bound.getsockname()[1]}")


@pytest.fixture
async def stranger(server: Server) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser in which nobody is signed in."""
    async with server.client() as session:
        yield session
