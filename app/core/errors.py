"""Every failure a person can meet, with a stable code and three sentences.

What happened, what was kept, what to do. An error keeps its facts and forms its own sentences;
it knows no HTTP (web/problems.py gives each code its status) and no traceback reaches a user.
"""

from typing import Any, ClassVar, TypedDict

from app.core.sentences import Facts


class ErrorBody(TypedDict):
    """The `error` of an event: what happened, what was kept, what to do."""

    code: str
    title: str
    detail: str
    hint: str
    step: str | None
    retryable: bool


class AppError(Exception):
    """Base of all errors that are told. Subclasses are looked up by their `code`.

    The three sentences are templates that the facts fill in.
    """

    code: ClassVar[str]
    title: ClassVar[str]  # what happened
    kept: ClassVar[str]  # what was kept
    hint: ClassVar[str]  # what to do
    retryable: ClassVar[bool] = False
    by_code: ClassVar[dict[str, type["AppError"]]] = {}

    def __init__(self, **facts: Any) -> None:
        super().__init__(facts)
        self.facts = facts

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" in cls.__dict__:
            if cls.code in AppError.by_code:
                raise TypeError(f"two errors share the code {cls.code}")
            AppError.by_code[cls.code] = cls

    def __str__(self) -> str:
        return self.title.format_map(Facts(self.facts))

    def body(self, step: str | None = None) -> ErrorBody:
        """Return the error as an event, the API and the page tell it."""
        facts = Facts(self.facts)
        return ErrorBody(
            code=self.code,
            title=self.title.format_map(facts),
            detail=self.kept.format_map(facts),
            hint=self.hint.format_map(facts),
            step=step,
            retryable=self.retryable,
        )


REFUSED = "Nothing was changed."
NOTHING_TAKEN_IN = "No file of this upload was taken in; everything from before is safe."


class InternalError(AppError):
    """Something nobody foresaw. `reference` finds the log line."""

    code = "internal_error"
    title = "Something went wrong on the server (reference {reference})"
    kept = "Everything stored before is safe."
    hint = "Try again; if it happens again, look for the reference in the server's log."
    retryable = True


# The work could not go on


class WorkerCrashed(AppError):
    code = "worker_crashed"
    title = "The worker that was reading {filename} stopped unexpectedly ({reason})"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "Retry; it starts at the step that stopped."
    retryable = True


class ServerCrashed(AppError):
    code = "crashed"
    title = "Livetrail itself stopped {deaths:time/times} in this step of {filename}"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "It may need more memory than there is. Retry when there is more, or split the file."
    retryable = True


class StepTimeout(AppError):
    code = "step_timeout"
    title = "This step of {filename} took longer than {limit_s:second/seconds}"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "Retry, or split the file into smaller ones."
    retryable = True


class OutOfMemory(AppError):
    code = "out_of_memory"
    title = "Reading {filename} needs more memory than it may use"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "Split the file into smaller ones and upload those."
    retryable = True


class StorageFull(AppError):
    code = "storage_full"
    title = "The server has no room left to store this"
    kept = "Nothing is half stored; everything that was accepted before is safe."
    hint = (
        "Free some space in the data folder, or raise LIVETRAIL_STORAGE_QUOTA_BYTES if that is the"
        " limit; then try again."
    )
    retryable = True


class PluginFailed(AppError):
    """Code of a plugin raised, took too long, ended its process, or returned what can not be.

    The fact `trace` is for the log alone.
    """

    code = "plugin_failed"
    title = "The plugin {plugin} failed in “{part}” of {filename}: {reason}"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "Retry once whoever looks after this server has mended or removed the plugin."
    retryable = True


class PluginGone(AppError):
    """What reads this kind of file is not there any more."""

    code = "plugin_gone"
    title = "{filename} is read by the plugin {plugin}, which is not here any more"
    kept = "Every step before this one is kept, and nothing is half stored."
    hint = "Retry once whoever looks after this server has put the plugin back."
    retryable = True


class FileMissing(AppError):
    code = "file_missing"
    title = "The stored copy of {filename} is gone from the data folder"
    kept = "What was read from it before is kept."
    hint = "Upload the file again."


# The request was not right


class InvalidRequest(AppError):
    code = "invalid_request"
    title = "The request can not be understood: {what}"
    kept = REFUSED
    hint = "Correct it as described and send it again."


class NotMultipart(AppError):
    code = "not_multipart"
    title = "An upload has to be multipart/form-data; this was {found}"
    kept = NOTHING_TAKEN_IN
    hint = (
        "Send the files as parts named files, for example with curl -F files=@export.csv; "
        "or send their addresses as urls, in JSON."
    )


class MalformedMultipart(AppError):
    code = "malformed_multipart"
    title = "The upload's parts could not be told apart: {what}"
    kept = NOTHING_TAKEN_IN
    hint = "Let the client library make the body and its boundary, and send it again."


class NoFiles(AppError):
    code = "no_files"
    title = "The upload holds no file"
    kept = NOTHING_TAKEN_IN
    hint = "Add at least one part named files, with a filename."


class TooManyFiles(AppError):
    code = "too_many_files"
    title = "The upload holds more than {limit} files"
    kept = NOTHING_TAKEN_IN
    hint = "Send them in several batches."


class UploadTooLarge(AppError):
    code = "upload_too_large"
    title = "{filename} is larger than {limit}"
    kept = NOTHING_TAKEN_IN
    hint = "Split the file, or ask the operator to raise LIVETRAIL_MAX_UPLOAD_BYTES."


class TooManyUploads(AppError):
    code = "too_many_uploads"
    title = "You have {limit:unfinished upload/unfinished uploads} already"
    kept = "Those are kept, each as far as it came; this one was not begun."
    hint = "Finish some or delete them, or wait until the old ones end by themselves."


class PieceCut(AppError):
    code = "piece_cut"
    title = "The connection broke off in the middle of a piece of {filename}"
    kept = "What arrived before is kept: {offset:byte/bytes}."
    hint = "Ask with HEAD how far it came, and go on from there."
    retryable = True


class ChecksumMismatch(AppError):
    code = "checksum_mismatch"
    title = "A piece of {filename} was damaged on its way: its checksum is another one"
    kept = "The piece was thrown away; what arrived before is kept: {offset:byte/bytes}."
    hint = "Send the same piece again."
    retryable = True


class NotAPiece(AppError):
    code = "not_a_piece"
    title = "A piece of an upload has to be application/offset+octet-stream; this was {found}"
    kept = "What arrived before is kept."
    hint = "Set the Content-Type, or let a tus client library do all of it."


class UnknownTus(AppError):
    code = "unknown_tus"
    title = "Resumable uploads speak tus {version}; the request names {found}"
    kept = REFUSED
    hint = "Send the header Tus-Resumable: {version}, or let a tus client library do all of it."


class UploadCut(AppError):
    code = "upload_cut"
    title = "The upload broke off before the last byte"
    kept = NOTHING_TAKEN_IN
    hint = "Check the connection and upload it again."
    retryable = True


class NotFound(AppError):
    """Also said for what belongs to somebody else: the two must not be told apart.

    The fact `is_foreign` tells them apart, for the audit log alone.
    """

    code = "not_found"
    title = "There is no such {what}, or it is not yours to see"
    kept = REFUSED
    hint = "Check the address, or look for it in the list of your files."


class HistoryPruned(AppError):
    """Its events went with the log's age or size; the last state is kept for good."""

    code = "history_pruned"
    title = "What happened to {filename} step by step was removed, as this server is set to do"
    kept = "How it ended, and everything that was read from it, is kept."
    hint = "Ask for it without at_n to see its last state."


class MethodNotAllowed(AppError):
    code = "method_not_allowed"
    title = "{method} can not be used at this address"
    kept = REFUSED
    hint = "Use one of these: {allowed}."


class BodyTooLarge(AppError):
    code = "body_too_large"
    title = "The body of the request is larger than this address takes"
    kept = REFUSED
    hint = "Send less; files go to /api/v1/batches."


class NotAuthenticated(AppError):
    code = "not_authenticated"
    title = "You are not signed in"
    kept = REFUSED
    hint = "Sign in, or send a token in the Authorization header."


class NotAllowed(AppError):
    code = "not_allowed"
    title = "You may not do this: {why}"
    kept = REFUSED
    hint = "Ask an operator of this server, or use a token that may."


class WrongPassword(AppError):
    code = "wrong_password"
    title = "The name or the password is wrong"
    kept = REFUSED
    hint = "Try again, or have the password reset on the server's command line."


class WeakPassword(AppError):
    code = "weak_password"
    title = "The password is shorter than {limit} characters"
    kept = REFUSED
    hint = "Choose a longer one; a few words in a row are easy to keep."


class NotClaimed(AppError):
    code = "not_claimed"
    title = "This server has no owner yet"
    kept = REFUSED
    hint = "Open the setup link that it printed when it started."


class AlreadyClaimed(AppError):
    code = "already_claimed"
    title = "This setup link was used already, or is not the latest one"
    kept = REFUSED
    hint = "Sign in, or restart the server for a new link if nobody owns it yet."


class NameTaken(AppError):
    code = "name_taken"
    title = "There is already a user named {name}"
    kept = REFUSED
    hint = "Choose another name."


class CrossSite(AppError):
    code = "cross_site"
    title = "The request came from another site ({origin})"
    kept = REFUSED
    hint = (
        "Open Livetrail's own page, or add the site to LIVETRAIL_ALLOWED_ORIGINS."
        " A program sends a token, or its cookie with an Origin header."
    )


class Conflict(AppError):
    code = "conflict"
    title = "{what}"
    kept = REFUSED
    hint = "{todo}"


class TargetRefused(AppError):
    """An address that this server would have to call, and must not."""

    code = "target_refused"
    title = "This server does not call {host}: {why}"
    kept = REFUSED
    hint = (
        "Use an http or https address on the open internet, or ask the operator to set"
        " LIVETRAIL_ALLOW_PRIVATE_TARGETS."
    )


class TargetUnreachable(AppError):
    """An address was called, and the call came to nothing."""

    code = "target_unreachable"
    title = "{host} could not be reached: {why}"
    kept = REFUSED
    hint = "Check the address, and that a server answers there; then try again."
    retryable = True


class FetchRefused(AppError):
    """An address was called for a file, and the answer was none."""

    code = "fetch_refused"
    title = "{host} does not give {filename} away: {why}"
    kept = NOTHING_TAKEN_IN
    hint = "Check the address. If one has to sign in there, download the file and upload it."


class ReportTooLarge(AppError):
    code = "report_too_large"
    title = "The reports of this request are larger than {limit}"
    kept = "Nothing of this request was stored; what was reported before it stays."
    hint = "Send them in several requests, one after the other."


class InvalidReport(AppError):
    """`index` is the place of the report in its request, from 0."""

    code = "invalid_report"
    title = "Report {index} can not be taken: {what}"
    kept = "Nothing of this request was stored; what was reported before it stays."
    hint = "Correct it as described and send the whole request again."


class JobEnded(AppError):
    """Of a job that is reported from outside. `job_status` says how it ended."""

    code = "job_ended"
    title = "{filename} has ended already: it is {job_status}"
    kept = "Nothing of this request was stored; what was reported before it stays."
    hint = "Stop reporting it. A retry begins it again, and is told as job_retried."


class TooManyRequests(AppError):
    code = "too_many_requests"
    title = "Too many requests; the limit is {limit}"
    kept = REFUSED
    hint = "Wait {retry_after} seconds and go on more slowly."
    retryable = True


class TooManyConnections(AppError):
    code = "too_many_connections"
    title = "One connection too many: {why}"
    kept = REFUSED
    hint = "Close one that listens, or wait {retry_after} seconds and try again."
    retryable = True


class RequestTimeout(AppError):
    code = "request_timeout"
    title = "The request did not arrive in time"
    kept = REFUSED
    hint = "Check the connection and send it again at once, not piece by piece."
    retryable = True


class ShuttingDown(AppError):
    code = "shutting_down"
    title = "The server is restarting"
    kept = "Everything accepted before is safe."
    hint = "Try again in a few seconds."
    retryable = True
