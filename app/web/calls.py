"""Every call of the HTTP API: what it takes and answers. /openapi.json is made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from app.core.reports import ReportList
from app.core.tus import ALGORITHMS, VERSION
from app.web import (
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
    framelogs,
    health,
    history,
    hookmodels,
    invoices,
    jobs,
    logins,
    memory,
    models,
    notifications,
    operations,
    plugins,
    reportbody,
    reports,
    rules,
    shares,
    stats,
    tokens,
    tus,
    uploads,
    users,
    vendors,
)
from app.web.reference import deposits, sessions
from app.web.reference import invoices as tasks
from app.web.reference import uploads as reference_uploads

Headers = Mapping[str, Mapping[str, Any]]
"""Headers that a call takes, each with its schema; `required` in it: it has to be there."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method at one address.

    answer       the model of the answer, a media type of one that is not JSON, or None for no body
    is_open      answers without signing in
    also_as      a further media type of the body
    also_at      a further status with the same answer; 0: none
    answers_as   a further media type of the answer, for who asks for it by `Accept`
    """

    method: str
    path: str
    summary: str
    answer: Any
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    is_open: bool = False
    takes_files: bool = False
    takes_one_file: bool = False
    takes_bytes: bool = False
    takes_pieces: bool = False
    takes_key: bool = False
    also_as: str = ""
    also_at: int = 0
    answers_as: str = ""
    headers: Headers = field(default_factory=dict)


API = "/api/v1"
JOB = f"{API}/jobs/{{job_id}}"
UPLOAD = f"{API}/uploads/{{upload_id}}"
EXPORT = f"{API}/exports/{{export_id}}"
HOOK = f"{API}/webhooks/{{webhook_id}}"
CHANNEL = f"{API}/notifications/{{channel_id}}"
QUESTION = f"{API}/clarifications/{{clarification_id}}"
CONNECTION_LOG = f"{API}/websocket/connections/{{connection}}/log"
TUS = {"Tus-Resumable": {"const": VERSION, "required": True}}
BYTES = {"type": "integer", "minimum": 0}
CHECKSUM = {
    "Upload-Checksum": {
        "type": "string",
        "description": f"how the piece is hashed ({', '.join(ALGORITHMS)}), and its hash in Base64",
    }
}
BEGINNING: Headers = {
    **TUS,
    "Upload-Length": {**BYTES, "description": "of the whole file, where it is known"},
    "Upload-Defer-Length": {"const": "1", "description": "it is not known yet"},
    "Upload-Metadata": {
        "type": "string",
        "description": "filename, batch_id and options, each with its value in Base64, by commas",
    },
    **CHECKSUM,
}
PIECE: Headers = {
    **TUS,
    "Upload-Offset": {**BYTES, "required": True, "description": "where the piece begins"},
    "Upload-Length": {**BYTES, "description": "of the whole file, where it was not said before"},
    **CHECKSUM,
}
OVERRIDDEN: Headers = {
    **PIECE,
    "Upload-Offset": {**BYTES, "description": "where the piece of a PATCH begins"},
    tus.OVERRIDE: {"enum": ["PATCH", "DELETE", "HEAD"], "required": True},
}
ACCEPTED, JOB_ANSWER = models.Accepted, models.JobAnswer

OPERATIONS = (
    Operation("post", f"{API}/auth/login", "Sign a browser in", auth.Me, body=auth.Credentials,
              is_open=True),
    Operation("post", f"{API}/auth/logout", "End this browser's session", None, 204, is_open=True),
    Operation("get", f"{API}/auth/me", "Who is signed in", auth.Me),
    Operation("post", f"{API}/auth/claim", "Become the owner of a new server", auth.Me,
              body=auth.Claim, is_open=True),
    Operation("post", f"{API}/auth/link", "Sign a browser in with a single-use link", auth.Me,
              body=auth.Link, is_open=True),
    Operation("post", f"{API}/auth/websocket-token", "A token for a connection", auth.Ticket,
              body=auth.TicketWish),
    Operation("get", f"{API}/auth/sessions", "The browsers in which one is signed in",
              logins.SessionList),
    Operation("delete", f"{API}/auth/sessions/{{session_id}}", "Sign one browser out", None, 204),
    Operation("post", f"{API}/auth/logout-everywhere", "Sign out everywhere", None, 204,
              body=logins.Everywhere),
    Operation("post", f"{API}/auth/password", "Change one's password", None, 204,
              body=logins.NewPassword),
    Operation("get", f"{API}/tokens", "One's API tokens", tokens.TokenList,
              query=tokens.TokenQuery),
    Operation("post", f"{API}/tokens", "Make an API token", tokens.NewToken, 201,
              body=tokens.TokenWish),
    Operation("patch", f"{API}/tokens/{{token_id}}", "Give a token limits of its own",
              tokens.TokenAnswer, body=tokens.TokenChange),
    Operation("delete", f"{API}/tokens/{{token_id}}", "Revoke an API token", None, 204),
    Operation("get", f"{API}/users", "Everybody", users.UserList),
    Operation("post", f"{API}/users", "Add a user", users.UserAnswer, 201, body=users.UserWish),
    Operation("patch", f"{API}/users/{{user_id}}", "Change a user", users.UserAnswer,
              body=users.UserChange),
    Operation("delete", f"{API}/users/{{user_id}}", "Remove a user", None, 204),
    Operation("get", f"{API}/shares", "One's share links", shares.ShareList,
              query=shares.ShareQuery),
    Operation("post", f"{API}/shares", "Share a job or a batch", shares.NewShare, 201,
              body=shares.ShareWish),
    Operation("delete", f"{API}/shares/{{share_id}}", "Revoke a share link", None, 204),
    Operation("post", f"{API}/auth/share", "Follow what a share link shows", shares.Shared,
              body=shares.ShareToken, is_open=True),
    Operation("post", f"{API}/batches", "Take files in, or fetch them", ACCEPTED, 202,
              body=fetching.FetchWish, takes_files=True, takes_key=True),
    Operation("get", f"{API}/batches", "One's batches, newest first", models.BatchList,
              query=batches.BatchQuery),
    Operation("get", f"{API}/batches/{{batch_id}}", "One batch", models.BatchAnswer),
    Operation("post", f"{API}/samples", "Take the sample files in", ACCEPTED, 202,
              takes_key=True),
    Operation("options", f"{API}/uploads/", "What resumable uploads can do here (tus 1.0.0)", None,
              204, is_open=True),
    Operation("post", f"{API}/uploads/", "Begin an upload that can be resumed", None, 201,
              headers=BEGINNING),
    Operation("get", UPLOAD, "How far an upload came", tus.UploadState),
    Operation("patch", UPLOAD, "The next piece", None, 204, takes_pieces=True, headers=PIECE),
    Operation("delete", UPLOAD, "Forget an upload", None, 204, headers=TUS),
    Operation("post", UPLOAD, "PATCH, DELETE or HEAD, by X-HTTP-Method-Override", None, 204,
              takes_pieces=True, headers=OVERRIDDEN),
    Operation("post", f"{API}/upload/csv", "Take one file in, under an id of one's own",
              reference_uploads.CsvAccepted, 202, takes_one_file=True, takes_key=True),
    Operation("get", f"{API}/jobs", "One's jobs, newest first", models.JobList,
              query=jobs.JobQuery),
    Operation("post", f"{API}/jobs", "A job whose work is reported", reports.JobMade, 201,
              body=reports.JobWish, takes_key=True),
    Operation("post", f"{JOB}/events", "Report what was done", reports.ReportsTaken,
              body=ReportList, also_as=reportbody.NDJSON[0], takes_key=True),
    Operation("get", JOB, "A job as it stands, or stood", JOB_ANSWER, query=jobs.StateQuery),
    Operation("get", f"{JOB}/events", "What happened to a job", models.EventList,
              query=history.EventQuery, answers_as=history.NDJSON),
    Operation("get", f"{JOB}/rows", "The rows that were read", models.RowList,
              query=jobs.RowQuery),
    Operation("patch", f"{JOB}/rows/{{row}}", "Say what a row is", rules.Corrected,
              body=rules.Correction),
    Operation("get", f"{JOB}/delta", "New and known rows", models.Delta),
    Operation("post", f"{JOB}/delta", "Store known rows after all, or leave them out",
              delta.DeltaDecided, body=delta.DeltaDecision),
    Operation("get", f"{JOB}/rejected.csv", "The rows that could not be read", "text/csv"),
    Operation("get", f"{JOB}/original", "The file as it came", "application/octet-stream"),
    Operation("get", f"{JOB}/fields", "The fields of an invoice", models.FieldList),
    Operation("patch", f"{JOB}/fields", "Say what fields are", models.FieldList,
              body=invoices.FieldsWish),
    Operation("get", f"{JOB}/zones", "The parts of a document's pages", models.ZoneList,
              query=documents.ZoneQuery),
    Operation("get", f"{JOB}/pages", "The pages of a document", models.PageList),
    Operation("get", f"{JOB}/pages/{{number}}.png", "A page as it is shown", "image/png"),
    Operation("get", f"{JOB}/text", "What a document says", "text/plain",
              query=documents.TextQuery),
    Operation("get", f"{API}/search", "Look for words in one's documents", models.DocumentHits,
              query=documents.SearchQuery),
    Operation("post", f"{JOB}/undo", "Take back what the job stored", models.Undone),
    Operation("post", f"{JOB}/retry", "Begin again where it stopped", JOB_ANSWER, 202,
              body=control.RetryWish),
    Operation("post", f"{JOB}/cancel", "Stop the job", JOB_ANSWER, 202),
    Operation("get", f"{API}/clarifications", "Questions that jobs ask, newest first",
              clarifications.ClarificationList, query=clarifications.ClarificationQuery),
    Operation("get", QUESTION, "One question", clarifications.ClarificationAnswer),
    Operation("post", f"{QUESTION}/answer", "Answer a question", clarifications.Answered,
              body=clarifications.AnswerWish, takes_key=True),
    Operation("post", f"{JOB}/pause", "Let the job rest", JOB_ANSWER, 202),
    Operation("post", f"{JOB}/resume", "Let the job go on", JOB_ANSWER, 202),
    Operation("post", f"{JOB}/priority", "Before or behind the owner's other files", JOB_ANSWER,
              body=control.PriorityWish),
    Operation("delete", JOB, "Forget the job and everything that came of it", None, 204),
    *(Operation("post", f"{API}/batches/{{batch_id}}/{op}", f"The same for a batch: {op}",
                models.BatchSteered, 202) for op in control.DOES),
    Operation("get", f"{API}/memory", "What one's answers taught", memory.MemoryList,
              query=memory.MemoryQuery),
    Operation("delete", f"{API}/memory", "Forget an answer", None, 204,
              query=memory.ForgetQuery),
    Operation("post", f"{API}/exports", "Have a file made to take away", exports.ExportAnswer, 202,
              body=exports.ExportWish, takes_key=True),
    Operation("get", f"{API}/exports", "One's exports, newest first", exports.ExportList,
              query=exports.ListQuery),
    Operation("get", EXPORT, "An export as it stands", exports.ExportAnswer),
    Operation("get", f"{EXPORT}/file", "The file of an export", "application/octet-stream"),
    Operation("delete", EXPORT, "Forget an export and its file", None, 204),
    Operation("get", f"{API}/events", "Events as they happen", "text/event-stream",
              query=events.StreamQuery),
    Operation("get", f"{API}/events/history", "What happened in a room", models.EventList,
              query=history.HistoryQuery, answers_as=history.NDJSON),
    Operation("get", f"{API}/rules", "One's rules, in their order", rules.RuleList),
    Operation("post", f"{API}/rules", "Make a rule", rules.RuleMade, 201, body=rules.RuleWish),
    Operation("get", f"{API}/rules/preview", "What a rule would change", rules.RulePreview,
              query=rules.RuleQuery),
    Operation("patch", f"{API}/rules/{{rule_id}}", "Change or move a rule", rules.RuleMade,
              body=rules.RuleChange),
    Operation("delete", f"{API}/rules/{{rule_id}}", "Let a rule go", None, 204),
    Operation("get", f"{API}/categories", "The categories there are", rules.CategoryList),
    Operation("get", f"{API}/vendors/suggestions", "Vendors that may be one",
              vendors.VendorSuggestions),
    Operation("post", f"{API}/vendors/merge", "Two vendors are one", vendors.VendorsChanged,
              body=vendors.MergeWish),
    Operation("post", f"{API}/vendors/part", "Two vendors are not one", vendors.VendorsChanged,
              body=vendors.PartWish),
    Operation("get", f"{API}/webhooks", "One's webhooks", hookmodels.WebhookList),
    Operation("post", f"{API}/webhooks", "Make a webhook", hookmodels.NewWebhook, 201,
              body=hookmodels.WebhookWish, takes_key=True),
    Operation("get", HOOK, "One webhook", hookmodels.WebhookAnswer),
    Operation("patch", HOOK, "Change a webhook, turn it off or on", hookmodels.WebhookAnswer,
              body=hookmodels.WebhookChange),
    Operation("delete", HOOK, "Remove a webhook", None, 204),
    Operation("post", f"{HOOK}/rotate", "Give a webhook a new secret", hookmodels.NewWebhook,
              body=hookmodels.SecretWish),
    Operation("post", f"{HOOK}/test", "Send a test now", hookmodels.DeliveryAnswer),
    Operation("get", f"{HOOK}/deliveries", "What was sent, newest first",
              hookmodels.DeliveryList, query=hookmodels.DeliveryQuery),
    Operation("post", f"{HOOK}/deliveries/{{delivery_id}}/resend", "Send a message once more",
              hookmodels.DeliveryAnswer, 202),
    Operation("get", f"{API}/notifications", "The services by which one is notified",
              notifications.ChannelList),
    Operation("post", f"{API}/notifications", "Be notified by a service",
              notifications.ChannelAnswer, 201, body=notifications.ChannelWish, takes_key=True),
    Operation("get", CHANNEL, "One service", notifications.ChannelAnswer),
    Operation("patch", CHANNEL, "Change a service, turn it off or on",
              notifications.ChannelAnswer, body=notifications.ChannelChange),
    Operation("delete", CHANNEL, "Remove a service", None, 204),
    Operation("post", f"{CHANNEL}/test", "Notify by it now", notifications.TestAnswer),
    Operation("get", f"{API}/stats", "What became of files, by day, plan and stage",
              stats.StatsAnswer, query=stats.StatsQuery),
    Operation("get", f"{API}/audit", "Who came in, who was refused, who steered what",
              audit.AuditList, query=audit.AuditQuery),
    Operation("get", f"{API}/plugins", "What plugins add", plugins.PluginList),
    Operation("get", f"{API}/websocket/status", "How the live side does", operations.Status,
              query=operations.StatusQuery),
    Operation("get", CONNECTION_LOG, "What went over a connection", framelogs.FrameList,
              query=framelogs.LogQuery),
    Operation("post", CONNECTION_LOG, "Log a connection's frames for a while",
              framelogs.FrameList, body=framelogs.LogWish),
    Operation("put", "/up/{filename}", "Take a file in, and tell its messages until the job ends",
              "text/plain", query=uploads.UploadOptions, takes_bytes=True, takes_key=True),
    Operation("post", "/api/upload", "Keep a PDF or an image until it is begun with",
              deposits.Deposited, takes_one_file=True),
    Operation("get", "/api/upload/{deposit_id}", "The file as it came",
              "application/octet-stream"),
    Operation("post", "/api/invoices/upload", "Begin with a file at an address",
              tasks.TaskAccepted, 202, body=tasks.InvoiceWish, takes_key=True),
    Operation("get", "/api/invoices/status/{task_id}", "How a task stands", tasks.TaskStatus),
    Operation("get", "/api/health", "The server answers", tasks.TaskHealth, is_open=True),
    Operation("get", "/api/wizard/session/{shown_id}", "How a job or a batch stands",
              sessions.SessionProgress),
    Operation("post", "/api/wizard/clarifications/respond", "Answer a question",
              sessions.Responded, body=sessions.Response, takes_key=True),
    Operation("get", "/healthz", "The process answers", health.Health, is_open=True),
    Operation("get", "/readyz", "Whether new work is welcome; 503 where not", health.Readiness,
              is_open=True, also_at=503),
    Operation("get", "/metrics", "Prometheus text", "text/plain"),
    Operation("get", "/openapi.json", "This description", "application/json"),
    Operation("get", "/asyncapi.json", "What is said on live connections (AsyncAPI 3.0)",
              "application/json"),
)  # fmt: skip
