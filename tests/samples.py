"""Where the sample files written by others are; tests that need them skip where they are not."""

import os
from pathlib import Path

import pytest

ROOT = Path(
    os.environ.get("LIVETRAIL_SAMPLES")
    or Path(__file__).resolve().parent.parent.parent / "shared" / "samples"
)


def sample(name: str) -> Path:
    """Return the path of a sample such as "beanhub-extract/mercury.csv", or skip the test."""
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"sample files are not here: {ROOT} (set LIVETRAIL_SAMPLES)")
    return path
