"""Every key by which a handler reaches what the application holds."""

import asyncio
from collections import Counter

from aiohttp import web

from app.core.permissions import Viewer
from app.fairness import FairTurns
from app.live.deliverer import Deliverer
from app.live.frames import FrameLogs
from app.live.hub import Hub
from app.live.journal import Journal
from app.live.notifier import Notifier
from app.live.positions import Positions
from app.live.presence import Presence
from app.live.recheck import Recheck
from app.live.reservations import Reservations
from app.live.socketio.service import SocketIO
from app.live.upload_progress import Uploads
from app.live.visit import Desk
from app.live.zone_progress import ZoneManner
from app.pipeline.exports import Exporter
from app.pipeline.learner import Learner
from app.pipeline.outside_jobs import Reporting
from app.pipeline.plugins.catalogue import Plugins
from app.pipeline.plugins.telling import Notifiers
from app.pipeline.runner import Runner
from app.settings import Settings
from app.store.accounts import Accounts
from app.store.audit import Audit
from app.store.credentials import Credentials
from app.store.database import Database
from app.store.files import FileStore
from app.store.idempotency import Idempotency
from app.store.pictures import PictureStore
from app.store.records import RecordsReader
from app.web.arrivals import Arrivals
from app.web.budgets import Budget, Budgets
from app.web.door import Door
from app.web.drawer import Drawer
from app.web.edge import Lobby
from app.web.lag import LagMonitor
from app.web.outbound import Outbound
from app.web.throttle import Throttle
from app.web.tickets import Tickets
from app.web.turnstile import Turnstile

SETTINGS = web.AppKey("settings", Settings)
DATABASE = web.AppKey("database", Database)
ACCOUNTS = web.AppKey("accounts", Accounts)
CREDENTIALS = web.AppKey("credentials", Credentials)
AUDIT = web.AppKey("audit", Audit)
FILES = web.AppKey("files", FileStore)
RECORDS = web.AppKey("records", RecordsReader)
PICTURE_STORE = web.AppKey("picture_store", PictureStore)
PICTURES = web.AppKey("pictures", Drawer)
JOURNAL = web.AppKey("journal", Journal)
HUB = web.AppKey("hub", Hub)
FRAME_LOGS = web.AppKey("frame_logs", FrameLogs)
POSITIONS = web.AppKey("positions", Positions)
RECHECK = web.AppKey("recheck", Recheck)
SOCKETIO = web.AppKey("socketio", SocketIO)
DESK = web.AppKey("desk", Desk)
PRESENCE = web.AppKey("presence", Presence)
ZONE_MANNER = web.AppKey("zone_manner", ZoneManner)
UPLOADS = web.AppKey("uploads", Uploads)
RESERVATIONS = web.AppKey("reservations", Reservations)
EXPORTER = web.AppKey("exporter", Exporter)
RUNNER = web.AppKey("runner", Runner)
PLUGINS = web.AppKey("plugins", Plugins)
PLUGIN_NOTIFIERS = web.AppKey("plugin_notifiers", Notifiers)
REPORTING = web.AppKey("reporting", Reporting)
REPORTS_UNDER_WAY = web.AppKey("reports_under_way", Turnstile)
UPLOADS_UNDER_WAY = web.AppKey("uploads_under_way", Turnstile)
LEARNER = web.AppKey("learner", Learner)
TICKETS = web.AppKey("tickets", Tickets)
BUDGETS = web.AppKey("budgets", Budgets)
THROTTLE = web.AppKey("throttle", Throttle)
LAG = web.AppKey("lag", LagMonitor)
REFUSED = web.AppKey("refused", Counter[str])  # requests, by the code of their error
LOBBY = web.AppKey("lobby", Lobby)
DOOR = web.AppKey("door", Door)
DELIVERER = web.AppKey("deliverer", Deliverer)
NOTIFIER = web.AppKey("notifier", Notifier)
OUTBOUND = web.AppKey("outbound", Outbound)
IDEMPOTENCY = web.AppKey("idempotency", Idempotency)
ARRIVALS = web.AppKey("arrivals", Arrivals)
FETCHES = web.AppKey("fetches", FairTurns)  # of files that are fetched
JOINING = web.AppKey("joining", asyncio.Lock)  # of files to batches that are there already

BUDGET = web.RequestKey("budget", Budget)
VIEWER = web.RequestKey("viewer", Viewer)
GIVEN = web.RequestKey("given", dict[str, str])  # the fields of a form, for showing it again
REQUEST_ID = web.RequestKey("request_id", str)
ADDRESS = web.RequestKey("address", str)  # of the caller, see web/address.py
