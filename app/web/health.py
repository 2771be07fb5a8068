"""Is it alive, is it ready, and how much does it do? /healthz, /readyz, /metrics."""

import asyncio
import ipaddress
import os
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from pydantic import BaseModel

from app import __version__
from app.core.model_names import ModelName
from app.core.quantities import count
from app.keys import DATABASE, DOOR, FILES, HUB, PLUGINS, RUNNER, SETTINGS
from app.store.events import head
from app.web.figures import Figures
from app.web.identity import viewer_for
from app.web.plugins import in_words
from app.web.wire import json_answer

State = Literal["ok", "degraded", "failing", "stopping", "not installed"]
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Component(BaseModel):
    """One part of the server. `detail` is for people and holds no secret.

    degraded: something of it is missing, and everything else works
    """

    state: State
    detail: str = ""


class Readiness(BaseModel):
    """Whether new work is welcome, and how each part does."""

    status: Literal["ready", "not ready"]
    version: str = __version__
    components: dict[str, Component]


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return json_answer(Health())


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 when new work is welcome, 503 when not, and how each part does."""
    components = await components_of(request)
    ready = all(component.state in ("ok", "degraded") for component in components.values())
    answer = Readiness(status="ready" if ready else "not ready", components=components)
    return json_answer(answer, 200 if ready else 503)


async def components_of(request: web.Request) -> dict[str, Component]:
    """Return how each part does."""
    return {
        "intake": _intake(request),
        "database": await _database(request),
        "files": await asyncio.to_thread(_files, request),
        "scanner": SCANNER,
        "workers": _workers(request),
        "jail": _jail(request),
        "models": _models(request),
        "plugins": _plugins(request),
        "live": Component(
            state="ok", detail=count(request.app[HUB].counts().connections, "connection")
        ),
    }


def _intake(request: web.Request) -> Component:
    closed = request.app[DOOR].closed
    return Component(state="stopping" if closed else "ok")


async def _database(request: web.Request) -> Component:
    try:
        await head(request.app[DATABASE].reader)
    except (sqlite3.Error, ValueError) as error:  # ValueError: the connection is closed
        return Component(state="failing", detail=type(error).__name__)
    return Component(state="ok")


def _files(request: web.Request) -> Component:
    store = request.app[FILES]
    try:
        disk = os.statvfs(store.incoming_dir)
    except OSError as error:
        return Component(state="failing", detail=type(error).__name__)
    if disk.f_bavail * disk.f_frsize < store.min_free_bytes:
        return Component(state="failing", detail="the disk is nearly full")
    return Component(state="ok", detail=f"{store.used_bytes} bytes stored")


def _workers(request: web.Request) -> Component:
    runner = request.app[RUNNER]
    if not runner.is_working:
        return Component(state="failing", detail="no file is read any more; see the log")
    return Component(state="ok", detail=f"{count(runner.active, 'job')} at work")


def _jail(request: web.Request) -> Component:
    held_by = request.app[RUNNER].held_by
    return Component(state="ok", detail=held_by.sentence() if held_by else "not tried yet")


def _models(request: web.Request) -> Component:
    """Name the language models that are configured; nobody is called here, nor where they are."""
    settings = request.app[SETTINGS]
    names = [*settings.models, *filter(None, [settings.phrase_model])]
    named = ", ".join(dict.fromkeys(ModelName.parse(name).name for name in names))
    return Component(state="ok", detail=named or "none; nothing is sent anywhere")


def _plugins(request: web.Request) -> Component:
    """Name the plugins; what is wrong with one is for operators: see GET /api/v1/plugins."""
    found = request.app[PLUGINS]
    return Component(state="degraded" if found.broken else "ok", detail=in_words(found))


def _scanner() -> Component:
    # Asked of the installed packages: importing the scanner is the workers' business.
    try:
        return Component(state="ok", detail=f"yara-x {version('yara-x')}")
    except PackageNotFoundError:
        return Component(state="not installed", detail="files are not scanned")


SCANNER = _scanner()


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: Prometheus text, for operators and for collectors on this machine."""
    if not _is_local(request):
        viewer_for(request, "operate")
    registry = CollectorRegistry()
    registry.register(Figures(request.app))
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
    )


def _is_local(request: web.Request) -> bool:
    """Tell whether a program on this machine asks itself, not for somebody behind a proxy.

    Nor for a web page: a browser here may be led to believe that we are some site's own server,
    but it still asks for the site by its name.
    """
    if any(name in request.headers for name in FORWARDED):
        return False
    try:
        asked = urlsplit(f"//{request.host}").hostname
        return _is_loopback(request.remote) and (asked == "localhost" or _is_loopback(asked))
    except ValueError:
        return False


def _is_loopback(address: str | None) -> bool:
    """Raises ValueError for what is no address."""
    return ipaddress.ip_address(address or "").is_loopback
