"""Small readers that behave, or misbehave, as the batch's options ask: {"acts": {step: act}}."""

import errno
import mmap
import os
import resource
import signal
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from app.core.asking import Asking, Choice, Question
from app.core.notices import RejectedRows
from app.core.reading import Task, Tell
from app.core.unreadable import NotATable
from app.pipeline import child, jail
from app.pipeline.steps import STEPS
from app.settings import GIB

FOUND: dict[str, dict[str, Any]] = {
    "initializing_streaming": {"kind": "csv", "media_type": "text/csv", "label": "CSV"},
    "malware_scan": {"clean": True, "rules": 3, "findings": [], "engine": "none"},
    "field_detection": {
        "columns": [{"name": "Date"}, {"name": "Amount"}],
        "header_line": 1,
        "sample": [],
    },
    "platform_detection": {"platform": "stripe", "name": "Stripe", "score": 0.9},
    "document_classification": {"document_type": "payments", "label": "list of payments"},
    "extracting": {"rows": 10, "rejected": 1, "parts": 1},
    "delta_analysis": {"new_rows": 6, "existing_rows": 3},
    "storing": {"stored": 6, "known": 3, "rejected": 1},
    "entity_resolution": {"vendors": 4, "matched": 5, "total": 6, "suggestions": 0},
    "classification": {"categorised": 5, "review": 1, "categories": {"Groceries": 5}},
    "enrichment": {"income": "12.00", "spending": "3.00", "by_currency": [], "added": 2},
    "undo": {"rows": 6},
}
PREPARED: list[str] = []
KEPT: list[mmap.mmap] = []
MARK = Question("mark", "choice", "Comma or point?", (Choice(",", "Comma"), Choice(".", "Point")))
READERS = {
    step: f"{__name__}:{'undo' if step == 'undo' else 'read_' + step}"
    for step in (*STEPS, "undo")
    if step != "duplicate_check"
}


def prepare() -> None:
    """Make something once that every worker then has."""
    PREPARED.append("made before the fork")


def refuse_the_second_fork() -> None:
    """Let the system refuse the fork server one process, after the first one."""
    fork, forks = os.fork, count(1)

    def refusing() -> int:
        if next(forks) == 2:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return fork()

    os.fork = refusing


def open_the_diary() -> None:
    """Let the workers write into the diary, which outlives the job's own folder."""
    by_itself = jail.access_for

    def access_for(task: Task, *, records: bool) -> jail.Access:
        access = by_itself(task, records=records)
        if "diary" not in task["options"]:
            return access
        return replace(access, folders=(*access.folders, Path(task["options"]["diary"]).parent))

    jail.access_for = access_for


def _act(step: str, task: Task, tell: Tell) -> dict[str, Any]:
    if "diary" in task["options"]:
        with Path(task["options"]["diary"]).open("a") as stream:
            stream.write(f"{task['filename']} {step} {os.getpid()}\n")
    act = task["options"].get("acts", {}).get(step)
    # The mark is made before the first word, so that whoever heard it can rely on the mark.
    first_time = _mark(task) if act in ("crash once", "hang once") else True
    if act is not None or step == "extracting":
        tell(1, 10, rows_done=1, rows_total=10)
    match act:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "crash once" if first_time:
            os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            signal.pause()
        case "hang once" if first_time:
            signal.pause()
        case "wait at the gate":
            Path(task["options"]["diary"]).with_name("gate").read_bytes()
        case "ask" if "mark" not in task["answers"]:
            raise Asking(MARK)
        case "eat memory":
            bytearray(1 << 40)
        case "give up for memory":
            os.write(2, b"memory allocation of 4294967296 bytes failed\n")
            os.abort()
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "burn":
            while True:
                pass
        case "refuse":
            raise NotATable(filename=task["filename"])
        case "stumble":
            raise RuntimeError("a secret of the inside: \udcff")
        case "disk full":
            raise OSError(28, "No space left on device")
        case "chat":
            for done in range(1, 50_001):
                tell(done, 50_000)
        case "doubt":
            _doubt(task)
        case "warn":
            tell.warn(RejectedRows(rejected=1, rows=10))
        case "warn and warn":
            for row in range(1, 6):
                tell.warn(RejectedRows(rejected=row, rows=10))
        case "babble":
            os.write(_channel(), b"this is no message\n")
            signal.pause()
        case "never stop talking":
            while True:
                tell.events([{"type": "zone_processing", "message": "x" * 1_000_000}])
        case "show what is prepared":
            return {"prepared": PREPARED}
        case "leave":
            os._exit(3)
    return FOUND[step]


def _doubt(task: Task) -> None:
    """Ask what the options say, until the answer is their `right` one; None: any is."""
    question = {"key": "doubt", "kind": "text", "text": "What is it?", "choices": ()}
    wanted = Question.from_json({**question, **task["options"].get("question", {})})
    right = task["options"].get("right")
    said = task["answers"].get(wanted.key)
    if wanted.key not in task["answers"] or (right is not None and said != right):
        facts = {"filename": task["filename"]}
        raise Asking(wanted, unanswered=("password_protected", facts))
    with Path(task["options"]["diary"]).open("a") as stream:
        stream.write(f"{task['filename']} heard {said}\n")


def _mark(task: Task) -> bool:
    """Leave a mark that outlives the job's folder; False when there was one."""
    mark = Path(task["options"]["diary"]).with_name(f"marked-{task['job_id']}")
    first_time = not mark.exists()
    mark.touch()
    return first_time


def _channel() -> int:
    """Return the one socket that a worker has."""
    sockets = (int(fd.name) for fd in Path("/proc/self/fd").iterdir() if fd.is_socket())
    return max(sockets)


def use_the_processor(task: Task, tell: Tell) -> dict[str, Any]:
    """Use more of it than a process may that is to be given another step."""
    while time.process_time() <= child.FIT_CPU_S:
        pass
    return _act("extracting", task, tell)


def keep_memory(task: Task, tell: Tell) -> dict[str, Any]:
    """Keep more than half of the address space that tests allow, without touching it."""
    KEPT.append(mmap.mmap(-1, 2 * GIB))
    return _act("extracting", task, tell)


def tell_the_limits(task: Task, tell: Tell) -> dict[str, Any]:
    """Return what the system enforces: each as its soft and its hard limit."""
    kinds = {
        "cpu_s": resource.RLIMIT_CPU,
        "memory": resource.RLIMIT_AS,
        "file": resource.RLIMIT_FSIZE,
    }
    return {name: resource.getrlimit(kind) for name, kind in kinds.items()}


def speak_to_nobody(task: Task, tell: Tell) -> dict[str, Any]:
    """Say on standard error what a library says that runs out of memory, and go on."""
    os.write(2, b"memory allocation of a lot failed\n")
    return _act("extracting", task, tell)


def read_initializing_streaming(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("initializing_streaming", task, tell)


def read_malware_scan(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("malware_scan", task, tell)


def read_field_detection(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("field_detection", task, tell)


def read_platform_detection(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("platform_detection", task, tell)


def read_document_classification(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("document_classification", task, tell)


def read_extracting(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("extracting", task, tell)


def read_delta_analysis(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("delta_analysis", task, tell)


def read_storing(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("storing", task, tell)


def read_entity_resolution(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("entity_resolution", task, tell)


def read_classification(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("classification", task, tell)


def read_enrichment(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("enrichment", task, tell)


def undo(task: Task, tell: Tell) -> dict[str, Any]:
    return _act("undo", task, tell)


def errand(task: Task, tell: Tell) -> dict[str, Any]:
    """Show what an errand is given; or refuse, where its options ask for it."""
    if task["options"].get("act") == "refuse":
        raise NotATable(filename=task["filename"])
    if "diary" in task["options"]:
        with Path(task["options"]["diary"]).open("a") as stream:
            stream.write("nobody errand\n")
    tell(1, 1)
    folder = Path(task["work_dir"])
    (folder / "note").touch()
    return {"user": task["user_id"], "options": task["options"], "folder": str(folder)}


def never(task: Task, tell: Tell) -> dict[str, Any]:
    """Come to no end."""
    signal.pause()
    raise AssertionError("nobody sends a signal that is survived")
