"""Zone progress: what differs for pages that show a document zone by zone and know no more.

To them `status` of a zone's event is the zone's own, and every field of a progress event is there.
All other events they get as everybody does.
"""

from collections.abc import Mapping
from typing import Any

DIFFERENT = frozenset({"zone_processing", "zone_completed", "processing_progress"})
"""Types of events that are told otherwise."""
OF_ZONE = {"zone_processing": "processing", "zone_completed": "completed"}


def told(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event of one of the types in DIFFERENT as these clients know it."""
    own = OF_ZONE.get(event["type"])
    if own is not None:
        return {**event, "status": own, "job_status": event["status"]}
    operation = event.get("current_operation") or event["message"]
    done = event.get("zones_completed") or 0
    return {
        "current_zone": None,
        **event,
        "zones_completed": done,
        "zones_total": event.get("zones_total") or done,
        "current_operation": operation,
    }
