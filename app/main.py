"""make_app(settings): the one module that knows every room and introduces them."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial

from aiohttp import web

from app import keys
from app.core.messages import Phrase, friendly_message
from app.core.rooms import Room
from app.fairness import FairTurns
from app.live.deliverer import Deliverer
from app.live.frames import FrameLogs
from app.live.hub import Hub
from app.live.journal import Journal
from app.live.messenger import Messenger
from app.live.notifier import Notifier
from app.live.positions import Positions
from app.live.presence import Presence
from app.live.recheck import Recheck
from app.live.reservations import Reservations
from app.live.retention import Retention
from app.live.upload_progress import Uploads
from app.live.zone_progress import ZoneManner
from app.pipeline.exports import Exporter
from app.pipeline.learner import Learner
from app.pipeline.models.client import load_library
from app.pipeline.models.phrases import Phrases
from app.pipeline.models.reading import ModelReading
from app.pipeline.outside_jobs import Reporting
from app.pipeline.placing import Placing
from app.pipeline.plugins.asking import keep_asking
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.finding import find_plugins
from app.pipeline.plugins.telling import Notifiers
from app.pipeline.plugins.work import AT_WORK
from app.pipeline.runner import Runner
from app.readers import EXPORT, LEARN, PRELOADED, READERS
from app.reading.evidence import verified
from app.reading.magic import CLAIMS
from app.reading.page import load_pages
from app.settings import Settings, SettingsError
from app.store.accounts import Accounts
from app.store.audit import Audit
from app.store.credentials import Credentials
from app.store.database import Database, DatabaseTooNew
from app.store.events import Recorded, read_room
from app.store.files import FileStore
from app.store.folder import locked
from app.store.idempotency import Idempotency
from app.store.jobs import is_referred_to, states_in, stored_hashes
from app.store.pictures import PictureStore
from app.store.records import RecordsReader
from app.store.retention import floor_of_room, pruned_jobs
from app.store.uploads import unfinished_uploads
from app.tasks import running
from app.web.arrivals import Arrivals
from app.web.audit import SocketWitness
from app.web.budgets import Budgets
from app.web.door import Door
from app.web.drawer import Drawer
from app.web.edge import Lobby
from app.web.fetching import FETCHES_AT_ONCE
from app.web.lag import LagMonitor
from app.web.middlewares import add_headers, errors, gate, request_id
from app.web.outbound import Outbound
from app.web.pages import setup_pages
from app.web.posting import post_to
from app.web.routes import all_routes
from app.web.socketio import make_socketio
from app.web.sockets import make_desk
from app.web.throttle import Throttle
from app.web.tickets import Tickets, load_key
from app.web.tidying import keep_tidy
from app.web.turnstile import Turnstile
from app.web.tus import complete_whole_uploads

logger = logging.getLogger(__name__)

SMALL_BODY_BYTES = 256 * 1024  # of forms and JSON; files are streamed and have their own limit
SNAPSHOT_PAGE = 50  # states that are read, and held for a client, at once
IDLE_S = 75.0  # a connection that asks nothing more is closed


def make_app(settings: Settings, *, warm: bool = True) -> web.Application:
    """Return the application; it opens what it needs when it starts, and closes it at the end.

    warm  load the readers before the first job comes
    """
    app = web.Application(middlewares=[request_id, errors, gate], client_max_size=SMALL_BODY_BYTES)
    app[keys.SETTINGS] = settings
    app[keys.DOOR] = Door()
    app[keys.THROTTLE] = Throttle()
    app[keys.BUDGETS] = Budgets(
        signed_in=settings.requests_per_minute, anonymous=settings.anonymous_requests_per_minute
    )
    app[keys.FRAME_LOGS] = FrameLogs()
    app[keys.REPORTS_UNDER_WAY] = Turnstile("requests with reports", at_once=64, of_one=8)
    app[keys.UPLOADS_UNDER_WAY] = Turnstile("uploads", at_once=256, of_one=64)
    app[keys.REFUSED] = Counter()
    app[keys.LOBBY] = Lobby(
        idle_s=IDLE_S,
        # A listener that does not read has its own, earlier end, which tells it why.
        patience_s=2 * settings.websocket_connection_timeout,
        on_refusal=lambda address, why: app[keys.AUDIT].note(
            "refused", None, address, reason=why.code
        ),
    )
    app.add_routes(all_routes())
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(break_arrivals_off)
    app.on_shutdown.append(say_goodbye)
    app.cleanup_ctx.extend([with_store, with_live, partial(with_pipeline, warm=warm)])
    setup_pages(app)
    return app


async def with_store(app: web.Application) -> AsyncIterator[None]:
    """Open the databases and the file store; sweep what an earlier life left half done."""
    settings = app[keys.SETTINGS]
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with locked(settings.data_dir):
        app[keys.TICKETS] = Tickets(load_key(settings.data_dir / "secret.key"))
        try:
            database = app[keys.DATABASE] = await Database.open(settings.database_path)
        except DatabaseTooNew as error:
            raise SettingsError(str(error)) from error
        try:
            app[keys.CREDENTIALS] = Credentials(
                database.writer, database.reader, session_days=settings.session_days
            )
            app[keys.IDEMPOTENCY] = Idempotency(database.reader)
            app[keys.JOINING] = asyncio.Lock()
            files = app[keys.FILES] = FileStore(
                settings.files_dir,
                settings.incoming_dir,
                min_free_bytes=settings.min_free_bytes,
                quota_bytes=settings.storage_quota_bytes,
            )
            hashes = await stored_hashes(database.reader)
            await files.sweep(hashes, await unfinished_uploads(database.reader))
            pictures = app[keys.PICTURE_STORE] = PictureStore(
                settings.pictures_dir, settings.picture_cache_bytes
            )
            await pictures.sweep(hashes)
            records = app[keys.RECORDS] = await RecordsReader.open(settings.records_path)
            try:
                async with (
                    Accounts(
                        database.writer, database.reader, session_days=settings.session_days
                    ) as app[keys.ACCOUNTS],
                    Audit(database.writer, days=settings.audit_days) as app[keys.AUDIT],
                ):
                    yield
            finally:
                await records.close()
        finally:
            await database.close()


async def with_live(app: web.Application) -> AsyncIterator[None]:
    """Open the log, and the hub that tells what is committed to it."""
    database = app[keys.DATABASE]

    def tell(events: Sequence[Recorded]) -> None:
        app[keys.HUB].publish(events, since_s=app[keys.JOURNAL].asked_s)
        app[keys.DELIVERER].told(events)
        app[keys.NOTIFIER].told(events)
        if (notifiers := app.get(keys.PLUGIN_NOTIFIERS)) is not None:  # they come with the pipeline
            notifiers.told(events)

    async with AsyncExitStack() as stack:
        app[keys.JOURNAL] = journal = await stack.enter_async_context(Journal(database, tell))
        app[keys.HUB] = hub = Hub(
            log_id=journal.log_id,
            read_room=partial(read_room, database.reader),
            head=journal.head,
            settings=app[keys.SETTINGS],
            snapshot=partial(states_in, database.reader, limit=SNAPSHOT_PAGE),
            floor=partial(floor_of_room, database.reader),
            pruned=partial(pruned_jobs, database.reader, limit=SNAPSHOT_PAGE),
            pruned_upto=await floor_of_room(database.reader, Room("all")),
            witness=SocketWitness(app[keys.AUDIT]),
        )
        journal.audience = hub
        app[keys.POSITIONS] = await stack.enter_async_context(
            Positions(database.writer, keep_days=app[keys.SETTINGS].durable_name_days)
        )
        app[keys.DESK] = make_desk(app)
        app[keys.PRESENCE] = Presence()
        app[keys.ZONE_MANNER] = ZoneManner(app[keys.PRESENCE])
        app[keys.UPLOADS] = Uploads()
        app[keys.RESERVATIONS] = Reservations()
        app[keys.OUTBOUND] = outbound = await stack.enter_async_context(
            Outbound(allow_private=app[keys.SETTINGS].allow_private_targets)
        )
        app[keys.FETCHES] = FairTurns(FETCHES_AT_ONCE)
        app[keys.DELIVERER] = await stack.enter_async_context(
            Deliverer(database, head=lambda: journal.head, post=partial(post_to, outbound))
        )
        app[keys.SOCKETIO] = socketio = make_socketio(app)
        stack.push_async_callback(socketio.close)
        messenger = await stack.enter_async_context(
            Messenger(allow_private=app[keys.SETTINGS].allow_private_targets)
        )
        app[keys.NOTIFIER] = await stack.enter_async_context(
            Notifier(database, head=lambda: journal.head, messenger=messenger)
        )
        stack.push_async_callback(hub.close)
        app[keys.RECHECK] = recheck = Recheck(hub, app[keys.CREDENTIALS].still_good)
        await stack.enter_async_context(running(recheck.run(), name="recheck of connections"))
        retention = Retention(database.writer, hub, app[keys.SETTINGS])
        await stack.enter_async_context(running(retention.keep(), name="retention"))
        app[keys.LAG] = lag = LagMonitor()
        await stack.enter_async_context(running(lag.watch(), name="lag monitor"))
        yield


async def with_pipeline(app: web.Application, *, warm: bool = True) -> AsyncIterator[None]:
    """Let the work go on; at the end it stops at a safe point.

    Raises SettingsError where models are named and their library is not installed.
    """
    settings = app[keys.SETTINGS]
    if settings.models or settings.phrase_model:
        try:
            await asyncio.to_thread(load_library)
        except ImportError as error:
            raise SettingsError(
                "language models are configured, and what speaks to them is not installed;"
                " install Livetrail with its extra llm, or leave models and phrase_model empty"
            ) from error
    plugins = app[keys.PLUGINS] = Plugins(await asyncio.to_thread(find_plugins, settings))
    phrases = Phrases(settings) if settings.phrase_model else None
    phrase: Phrase = phrases or friendly_message
    runner = app[keys.RUNNER] = Runner(
        settings=settings,
        database=app[keys.DATABASE],
        journal=app[keys.JOURNAL],
        readers=READERS,
        server_steps={
            "model_reading": ModelReading(settings, load_pages, verified),
            "placing": Placing(
                app[keys.FILES],
                app[keys.DATABASE].reader,
                app[keys.JOURNAL],
                lambda: app[keys.RUNNER].wake(),
            ),
        },
        recall=app[keys.RECORDS].profiles,
        plugins=plugins,
        path_of=app[keys.FILES].path_of,
        preload=(*PRELOADED, *((AT_WORK,) if plugins.asked else ())) if warm else (),
        forget_exports=lambda job: app[keys.EXPORTER].forget_job(job),
        forget_file=partial(_forget_file, app),
        phrase=phrase,
    )
    exporter = app[keys.EXPORTER] = Exporter(
        app[keys.SETTINGS], app[keys.DATABASE], app[keys.JOURNAL], runner.workers, plugins, EXPORT
    )
    app[keys.REPORTING] = Reporting(
        app[keys.DATABASE],
        app[keys.JOURNAL],
        settle=runner.settle,
        asked=runner.asked,
        answer_within_h=settings.answer_within_h,
        phrase=phrase,
    )
    notifiers = Notifiers(plugins, app[keys.DATABASE], settings, lambda: app[keys.JOURNAL].head)
    asking = keep_asking(plugins, settings.data_dir, tuple(CLAIMS))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(asking, name="asking plugins"))
        await stack.enter_async_context(runner)
        await stack.enter_async_context(exporter)
        if phrases is not None:
            await stack.enter_async_context(running(phrases.keep(), name="sentences of steps"))
        app[keys.PLUGIN_NOTIFIERS] = await stack.enter_async_context(notifiers)
        drawer = app[keys.PICTURES] = Drawer(app[keys.PICTURE_STORE], runner)
        learner = app[keys.LEARNER] = Learner(lambda user: runner.look(user, LEARN, {}))
        learner.taught(await app[keys.RECORDS].untaught())  # and the server ended soon after
        app[keys.ARRIVALS] = Arrivals(
            settings, app[keys.DATABASE], app[keys.FILES], app[keys.JOURNAL], runner.settle
        )
        await complete_whole_uploads(app)
        async with (
            running(learner.run(), name="learner"),
            running(keep_tidy(app), name="tidying"),
        ):
            yield
        await drawer.close()


async def _forget_file(app: web.Application, sha256: str) -> None:
    reader = app[keys.DATABASE].reader
    await app[keys.FILES].remove(sha256, partial(is_referred_to, reader))
    if not await is_referred_to(reader, sha256):
        await app[keys.PICTURE_STORE].forget(sha256)


async def break_arrivals_off(app: web.Application) -> None:
    """Let go of uploads that arrive piece by piece: what is there of them counts."""
    app[keys.DOOR].close()
    app[keys.ARRIVALS].close()


async def say_goodbye(app: web.Application) -> None:
    """Let nothing new in, and close all sockets with 1012, so that their clients come back."""
    app[keys.DOOR].close()
    await app[keys.HUB].close()
