"""The Python client: what the command line uses, and programs of your own; see docs/python.md."""

from app.client.asynchronous import Livetrail, Upload
from app.client.blocking import LivetrailSync
from app.client.errors import Incomplete, LivetrailError, Refused, Unreachable
from app.client.following import Caught, Following, Position, Snapshot, Told

__all__ = [
    "Caught",
    "Following",
    "Incomplete",
    "Livetrail",
    "LivetrailError",
    "LivetrailSync",
    "Position",
    "Refused",
    "Snapshot",
    "Told",
    "Unreachable",
    "Upload",
]
