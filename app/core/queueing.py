"""Whose files go first, as people say it. Pure."""

from collections.abc import Mapping
from typing import Literal

PriorityName = Literal["high", "normal", "low"]
PRIORITIES: Mapping[PriorityName, int] = {"high": 1, "normal": 0, "low": -1}
"""Within the files of one owner; nobody goes before another person by it."""
