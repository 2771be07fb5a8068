"""What people answered about a file is kept for later ones, and forgotten when they say so."""

import sqlite3
import time
from typing import Any

from app.core.reading import Task, Tell
from app.store.records_memory import forget, remember
from app.store.records_schema import writing_records


def keep_answers(connection: sqlite3.Connection, task: Task) -> None:
    """Keep what the job's answers are worth for later files, in the transaction that stores it."""
    now_ms = time.time_ns() // 1_000_000
    for key, learned in task.get("learned", {}).items():
        remember(connection, task["user_id"], "profile", key, learned, now_ms)


def forget_answer(task: Task, tell: Tell) -> dict[str, Any]:
    """Errand: forget options["key"] of the kind options["kind"]. Returns {"forgotten"}."""
    kind, key = task["options"]["kind"], task["options"]["key"]
    with writing_records(task["records_path"]) as connection:
        return {"forgotten": forget(connection, task["user_id"], kind, key)}
