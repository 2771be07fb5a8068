"""How much a job whose work is done elsewhere keeps of its worker's facts, and which. Pure."""

import json
from collections.abc import Mapping
from typing import Any

DETAILS_BYTES = 16 * 1024
RESULT_BYTES = 32 * 1024
NOT_OWN = {
    "eta_range": "how long it takes is for estimated_time_remaining to say",
}


def check_details(details: Mapping[str, Any]) -> None:
    """Raise ValueError for facts that mean something else to whoever shows a job."""
    for key, why in NOT_OWN.items():
        if key in details:
            raise ValueError(f"details.{key}: {why}")
    for key in ("document_type", "platform"):
        if not isinstance(details.get(key, ""), str | None):
            raise ValueError(f"details.{key}: it is a text")


def check_kept(details: Mapping[str, Any]) -> None:
    """Raise ValueError where all facts of a job together are more than it keeps."""
    if _size(details) > DETAILS_BYTES:
        raise ValueError(f"details: a job keeps {DETAILS_BYTES} bytes")


def check_result(result: Mapping[str, Any]) -> None:
    """Raise ValueError for a result that is too large."""
    if _size(result) > RESULT_BYTES:
        raise ValueError(f"result: at most {RESULT_BYTES} bytes")


def _size(facts: Mapping[str, Any]) -> int:
    """Return how many bytes `facts` take in the log."""
    return len(json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode())
