"""How well files are read: shares that are right on files written by others, each miss by name.

A section is a module here with `measure(samples)`. The samples are found where the tests find them.
"""

import importlib
import os
import sys
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.quality.scores import Score

SAMPLES = Path(
    os.environ.get("LIVETRAIL_SAMPLES")
    or Path(__file__).resolve().parents[3] / "shared" / "samples"
)
SECTIONS = ("dialect", "tables", "categories", "invoices")


def run(*, quick: bool) -> list[Figure]:
    """Measure every section; --quick leaves out what has to be read by OCR."""
    if not SAMPLES.is_dir():
        print(f"no samples at {SAMPLES} (set LIVETRAIL_SAMPLES)", file=sys.stderr)
        return []
    figures = []
    for name in SECTIONS:
        section = importlib.import_module(f"benchmarks.quality.{name}")
        for score in section.measure(SAMPLES, quick=quick):
            _tell(score)
            figures.append(score.figure())
    return figures


def _tell(score: Score) -> None:
    """Print the misses, since a share alone tells nobody what to mend."""
    print(f"{score.what}: {score.right} of {score.of}", file=sys.stderr)
    for miss in score.misses:
        print(f"    {miss}", file=sys.stderr)
