"""The rows of a table as JSON lines, for a plugin that asked for them."""

from pathlib import Path
from typing import Any

import orjson

from app.core.plugins import ROW_FIELDS
from app.core.reading import Task, Tell
from app.reading.parts import Parts


def list_rows(task: Task, tell: Tell) -> dict[str, Any]:
    """Write what was extracted to options["to"], ROW_FIELDS of each row a line. Returns rows."""
    parts = Parts(Path(task["work_dir"]))
    currencies = {label.id: label.currency for label in parts.labels()}
    total, done = int(parts.summary["rows"]), 0
    with Path(task["options"]["to"]).open("wb") as out:
        for frame in parts.frames():
            rows = frame.with_columns(
                frame["label"].replace_strict(currencies, default=None).alias("currency")
            )
            for row in rows.select(ROW_FIELDS).iter_rows():
                out.write(orjson.dumps(row) + b"\n")
            done += frame.height
            tell(done, total)
    return {"rows": done}
