"""The whole surface on one page."""

from aiohttp import web

from app.web import (
    asyncapi,
    audit,
    auth,
    batches,
    clarifications,
    control,
    delta,
    documents,
    events,
    exports,
    fetching,
    forms,
    framelogs,
    health,
    history,
    invoices,
    jobs,
    lines,
    logins,
    memory,
    notifications,
    openapi,
    operations,
    pictures,
    plugins,
    reports,
    rules,
    shares,
    socketio,
    sockets,
    stats,
    tokens,
    tus,
    users,
    vendors,
    webhooks,
)
from app.web.account import account_routes
from app.web.apipage import api_page_routes
from app.web.opspage import operations_routes
from app.web.outgoing import outgoing_routes
from app.web.pages import page_routes
from app.web.reference import deposits, sessions
from app.web.reference import invoices as tasks
from app.web.reference.uploads import upload_csv
from app.web.rulespage import rules_routes
from app.web.sharing import sharing_routes
from app.web.uploads import send_later

API = "/api/v1"
BATCH = f"{API}/batches/{{batch_id}}"
JOB = f"{API}/jobs/{{job_id}}"
UPLOAD = f"{API}/uploads/{{upload_id}}"
EXPORT = f"{API}/exports/{{export_id}}"
HOOK = f"{API}/webhooks/{{webhook_id}}"
CHANNEL = f"{API}/notifications/{{channel_id}}"
QUESTION = f"{API}/clarifications/{{clarification_id}}"


def api_routes() -> list[web.RouteDef]:
    """Return the HTTP API: what /openapi.json describes."""
    return [
        web.post(f"{API}/auth/login", auth.login),
        web.post(f"{API}/auth/logout", auth.logout),
        web.get(f"{API}/auth/me", auth.me),
        web.post(f"{API}/auth/claim", auth.claim),
        web.post(f"{API}/auth/link", auth.link),
        web.post(f"{API}/auth/websocket-token", auth.websocket_token),
        web.get(f"{API}/auth/sessions", logins.listing),
        web.delete(f"{API}/auth/sessions/{{session_id}}", logins.end),
        web.post(f"{API}/auth/logout-everywhere", logins.logout_everywhere),
        web.post(f"{API}/auth/password", logins.password),
        web.get(f"{API}/tokens", tokens.listing),
        web.post(f"{API}/tokens", tokens.create),
        web.patch(f"{API}/tokens/{{token_id}}", tokens.change),
        web.delete(f"{API}/tokens/{{token_id}}", tokens.revoke),
        web.get(f"{API}/users", users.listing),
        web.post(f"{API}/users", users.create),
        web.patch(f"{API}/users/{{user_id}}", users.change),
        web.delete(f"{API}/users/{{user_id}}", users.remove),
        web.get(f"{API}/shares", shares.listing),
        web.post(f"{API}/shares", shares.create),
        web.delete(f"{API}/shares/{{share_id}}", shares.revoke),
        web.post(f"{API}/auth/share", shares.enter),
        web.post(f"{API}/batches", fetching.create),
        web.get(f"{API}/batches", batches.listing),
        web.get(f"{API}/batches/{{batch_id}}", batches.one),
        web.post(f"{API}/samples", batches.create_samples),
        web.options(f"{API}/uploads/", tus.options),
        web.post(f"{API}/uploads/", tus.create),
        web.get(UPLOAD, tus.state),
        web.patch(UPLOAD, tus.patch),
        web.delete(UPLOAD, tus.delete),
        web.post(UPLOAD, tus.overridden),
        web.post(f"{API}/upload/csv", upload_csv),
        web.get(f"{API}/jobs", jobs.listing),
        web.post(f"{API}/jobs", reports.create),
        web.get(JOB, jobs.one),
        web.get(f"{JOB}/events", history.of_job),
        web.post(f"{JOB}/events", reports.take),
        web.get(f"{JOB}/rows", jobs.rows),
        web.patch(f"{JOB}/rows/{{row}}", rules.correct),
        web.get(f"{JOB}/delta", delta.one),
        web.post(f"{JOB}/delta", delta.decide),
        web.get(f"{JOB}/rejected.csv", jobs.rejected),
        web.get(f"{JOB}/original", jobs.original),
        web.get(f"{JOB}/fields", invoices.fields),
        web.patch(f"{JOB}/fields", invoices.edit),
        web.get(f"{JOB}/zones", documents.zones),
        web.get(f"{JOB}/pages", documents.pages),
        web.get(f"{JOB}/pages/{{number}}.png", pictures.picture),
        web.get(f"{JOB}/text", documents.text),
        web.get(f"{API}/search", documents.search),
        web.get(f"{API}/clarifications", clarifications.listing),
        web.get(QUESTION, clarifications.one),
        web.post(f"{QUESTION}/answer", clarifications.answer),
        web.post(f"{JOB}/undo", control.undo),
        web.post(f"{JOB}/retry", control.retry),
        web.post(f"{JOB}/cancel", control.cancel),
        web.post(f"{JOB}/pause", control.pause),
        web.post(f"{JOB}/resume", control.resume),
        web.post(f"{JOB}/priority", control.prioritise),
        web.delete(JOB, control.delete),
        *(web.post(f"{BATCH}/{op}", control.of_batch(op)) for op in control.DOES),
        web.get(f"{API}/memory", memory.listing),
        web.delete(f"{API}/memory", memory.forget),
        web.post(f"{API}/exports", exports.create),
        web.get(f"{API}/exports", exports.listing),
        web.get(EXPORT, exports.one),
        web.get(f"{EXPORT}/file", exports.file),
        web.delete(EXPORT, exports.delete),
        web.get(f"{API}/events", events.stream, allow_head=False),
        web.get(f"{API}/events/history", history.of_room),
        web.get(f"{API}/rules", rules.listing),
        web.post(f"{API}/rules", rules.create),
        web.get(f"{API}/rules/preview", rules.preview),
        web.patch(f"{API}/rules/{{rule_id}}", rules.change),
        web.delete(f"{API}/rules/{{rule_id}}", rules.remove),
        web.get(f"{API}/categories", rules.categories),
        web.get(f"{API}/vendors/suggestions", vendors.suggestions),
        web.post(f"{API}/vendors/merge", vendors.merge),
        web.post(f"{API}/vendors/part", vendors.part),
        web.get(f"{API}/webhooks", webhooks.listing),
        web.post(f"{API}/webhooks", webhooks.create),
        web.get(HOOK, webhooks.one),
        web.patch(HOOK, webhooks.change),
        web.delete(HOOK, webhooks.remove),
        web.post(f"{HOOK}/rotate", webhooks.rotate),
        web.post(f"{HOOK}/test", webhooks.test),
        web.get(f"{HOOK}/deliveries", webhooks.deliveries),
        web.post(f"{HOOK}/deliveries/{{delivery_id}}/resend", webhooks.resend),
        web.get(f"{API}/notifications", notifications.listing),
        web.post(f"{API}/notifications", notifications.create),
        web.get(CHANNEL, notifications.one),
        web.patch(CHANNEL, notifications.change),
        web.delete(CHANNEL, notifications.remove),
        web.post(f"{CHANNEL}/test", notifications.test),
        web.get(f"{API}/stats", stats.stats),
        web.get(f"{API}/audit", audit.listing),
        web.get(f"{API}/plugins", plugins.listing),
        web.get(f"{API}/websocket/status", operations.status),
        web.get(f"{API}/websocket/connections/{{connection}}/log", framelogs.frames),
        web.post(f"{API}/websocket/connections/{{connection}}/log", framelogs.switch_log),
        web.put("/up/{filename}", lines.put, expect_handler=send_later),
        web.post("/api/upload", deposits.deposit),
        web.get("/api/upload/{deposit_id}", deposits.content),
        web.post("/api/invoices/upload", tasks.begin),
        web.get("/api/invoices/status/{task_id}", tasks.status),
        web.get("/api/health", tasks.health),
        web.get("/api/wizard/session/{shown_id}", sessions.session),
        web.post("/api/wizard/clarifications/respond", sessions.respond),
        web.get("/healthz", health.healthz),
        web.get("/readyz", health.readyz),
        web.get("/metrics", health.metrics),
        web.get("/openapi.json", openapi.document),
        web.get("/asyncapi.json", asyncapi.document),
    ]


def socket_routes() -> list[web.RouteDef]:
    """Return where sockets are opened."""
    return [
        web.get("/ws", sockets.websocket, allow_head=False),
        web.get("/ws/{client_id}", sockets.websocket, allow_head=False),
        web.get("/ws/upload-progress/{batch_id}", sockets.upload_progress, allow_head=False),
        web.get(socketio.PATH, socketio.answer, allow_head=False),
        web.post(socketio.PATH, socketio.answer),
    ]


def form_routes() -> list[web.RouteDef]:
    """Return what pages send without scripts."""
    return [
        web.post("/login", forms.login),
        web.post("/logout", forms.logout),
        web.post("/setup", forms.setup),
        web.post("/upload", forms.upload_files),
        web.post("/samples", forms.take_samples),
        web.post("/jobs/{job_id}/undo", forms.of_job("undo")),
        web.post("/clarifications/{clarification_id}/answer", forms.answer_question),
        web.post("/exports", forms.export),
        web.post("/jobs/{job_id}/retry", forms.retry),
        web.post("/jobs/{job_id}/cancel", forms.of_job("cancel")),
        web.post("/jobs/{job_id}/pause", forms.of_job("pause")),
        web.post("/jobs/{job_id}/resume", forms.of_job("resume")),
        web.post("/jobs/{job_id}/priority", forms.prioritise),
        web.post("/jobs/{job_id}/known-rows", forms.known_rows),
        web.post("/jobs/{job_id}/delete", forms.delete),
        *(web.post(f"/batches/{{batch_id}}/{op}", forms.of_batch(op)) for op in control.DOES),
    ]


def all_routes() -> list[web.AbstractRouteDef]:
    """Return every address there is."""
    return [
        *api_routes(),
        *socket_routes(),
        *form_routes(),
        *page_routes(),
        *operations_routes(),
        *account_routes(),
        *outgoing_routes(),
        *rules_routes(),
        *api_page_routes(),
        *stats.stats_routes(),
        *sharing_routes(),
    ]
