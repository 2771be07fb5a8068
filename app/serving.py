"""A server that runs: its address, its signals, its end; as a process, or within a test."""

import asyncio
import gc
import logging
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web

from app import keys
from app.main import make_app
from app.openfiles import allow_open_files
from app.settings import Settings, SettingsError
from app.store.offline import issue_token, mint_setup_link, mint_signin_link, register_user
from app.web.edge import EdgeRunner
from app.web.middlewares import AccessLog, access_logger

logger = logging.getLogger(__name__)

HANDLERS_SHARE = 0.2  # of the time for a graceful stop; the rest is the pipeline's
BACKLOG = 1024
DEMO_USER = "demo"
GIVE_WAY_S = 0.001
COLLECT_AFTER = (50_000, 50, 100)  # new objects; collections of the young, of the older

OnReady = Callable[[str], None]
Beside = Callable[[str, str], None]


@asynccontextmanager
async def listening(
    settings: Settings, *, warm: bool = True
) -> AsyncIterator[tuple[web.Application, str]]:
    """Run the server and yield it and its address; at the end it stops gracefully.

    Raises SettingsError when the address or the data folder is taken or of a newer version,
    TimeoutError when the stop took longer than it may.
    """
    app = make_app(settings, warm=warm)
    runner = EdgeRunner(
        app,
        app[keys.LOBBY],
        access_log_class=AccessLog,
        keepalive_timeout=app[keys.LOBBY].idle_s,
        shutdown_timeout=settings.shutdown_timeout_s * HANDLERS_SHARE,
    )
    try:
        await runner.setup()
        site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(
                f"can not listen on {settings.host}:{settings.port} ({error.strerror}); choose"
                " another with --host and --port"
            ) from error
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        yield app, f"http://{host}:{runner.addresses[0][1]}"
    finally:
        async with asyncio.timeout(settings.shutdown_timeout_s):
            await runner.cleanup()


def let_the_loop_in() -> None:
    """Have threads that compute give way to the event loop after a millisecond, not after five.

    Of all that can keep it waiting, this was the longest: the writer places thousands of events.
    """
    sys.setswitchinterval(GIVE_WAY_S)


def spare_the_collector() -> None:
    """Let the garbage collector look seldom, and never at what was loaded until now.

    Nearly all that comes and goes here is freed without it. Measured with 1000 listeners: by its
    own habits it takes a third of the time at 10,000 events a second, and 50 ms at once.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


async def run_until_stopped(settings: Settings, on_ready: OnReady) -> None:
    """Serve until SIGTERM or SIGINT. `on_ready` gets the address once it answers."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with listening(settings) as (_, url):
        spare_the_collector()
        let_the_loop_in()
        logger.info("listening: url=%s data_dir=%s", url, settings.data_dir)
        on_ready(url)
        await stop.wait()
        logger.info("stopping")


def serve(settings: Settings, on_ready: OnReady | None = None) -> int:
    """Serve until stopped; return the exit code. By default the address is printed.

    A server without an owner also prints the setup link; every start makes a new one.
    """

    def greet(url: str) -> None:
        print(f"Livetrail is at {url} (data in {settings.data_dir.resolve()})", flush=True)
        token = mint_setup_link(settings.database_path)
        if token is not None:
            print(f"Nobody owns it yet. Claim it here: {url}/setup#token={token}", flush=True)

    return _run(settings, on_ready or greet)


def serve_demo(settings: Settings, beside: Beside | None = None) -> int:
    """Serve a throw-away instance with one user, and print the link that signs a browser in.

    Its requests are not logged: they would bury that link.

    beside  is begun once it answers: gets its address and a token of that user
    """

    def greet(url: str) -> None:
        token = mint_signin_link(settings.database_path, DEMO_USER)
        print(f"Livetrail demo: {url}/signin#token={token}", flush=True)
        print("Its data is thrown away when you stop it (Ctrl+C).", flush=True)
        if beside is not None:
            beside(url, issue_token(settings.database_path, DEMO_USER))

    register_user(settings.database_path, DEMO_USER, secrets.token_urlsafe(16), admin=True)
    access_logger.setLevel(logging.WARNING)
    return _run(settings, greet)


def _run(settings: Settings, on_ready: OnReady) -> int:
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    allow_open_files(settings.max_websocket_connections)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run_until_stopped(settings, on_ready))
        except TimeoutError:
            logger.error("the stop took longer than %s s", settings.shutdown_timeout_s)
            return 1
    return 0
