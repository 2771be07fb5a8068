"""What plugins say of a file's categories: what they are asked about, and what came of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from app.core.plugins import BEGUN_WITH, FAILED, SUGGESTED, folder_of
from app.core.reading import Task, Tell
from app.core.taxonomy import CATEGORIES
from app.reading.category_match import Decision
from app.store.records import get_import, labels_of, reading_records

MOST_SAID_BYTES = 64 * 1024 * 1024


def list_groups(task: Task, tell: Tell) -> dict[str, Any]:
    """Write the groups of rows of a file to options["to"], a JSON object a line. Returns groups.

    Those that a person has spoken of are left out.
    """
    with reading_records(task["records_path"]) as connection:
        stored = get_import(connection, task["job_id"])
        labels = labels_of(connection, task["job_id"]) if stored and stored.has_amounts else []
    asked = [label for label in labels if not label.edited]
    with Path(task["options"]["to"]).open("wb") as out:
        for label in asked:
            group = {
                "id": label.id,
                "text": label.text,
                "vendor": label.vendor,
                "sign": label.sign,
                "currency": label.currency,
                "rows": label.rows,
            }
            out.write(orjson.dumps(group) + b"\n")
    return {"groups": len(asked)}


def suggestions(task: Task) -> dict[int, Decision]:
    """Return what plugins said of a job's labels, by the label's id; the first one that spoke.

    What stands there a plugin wrote: it is believed only in its shape.
    """
    found: dict[int, Decision] = {}
    for key in _categorisers(task):
        path = folder_of(Path(task["work_dir"]), key) / SUGGESTED
        if not path.is_file() or path.stat().st_size > MOST_SAID_BYTES:
            continue
        for line in path.read_bytes().splitlines():
            label, category, confidence, reason = orjson.loads(line)
            if category in CATEGORIES and 0 <= confidence <= 1:
                found.setdefault(int(label), Decision(category, str(reason), float(confidence)))
    return found


def _categorisers(task: Task) -> Iterator[str]:
    """Yield the keys of those that were asked and have answered."""
    for part in task["found"].get(BEGUN_WITH, {}).get("parts", ()):
        key = f"{part['plugin']}.{part['name']}"
        if part["kind"] == "categoriser" and FAILED not in task["found"].get(key, {FAILED: ""}):
            yield key
