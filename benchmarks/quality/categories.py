"""Categories: what a person's corrections of the first half of a card statement say of the second.

The statement is a council's, with what each purchase was for. Every other row is corrected, as if
somebody had gone through them; the other rows are then decided like those of a new file.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from app.reading.categories import Own, decide
from app.reading.learning import fit
from app.reading.payees import payee_key
from app.store.records import REVIEW_BELOW, Label
from benchmarks.quality.scores import Score

STATEMENT = "csvsniffer/Wakefield Council Procurement Card Transactions 2018-19 Q2.csv"
HEADER_LINE = 2  # from 0
WHO, WHAT_FOR = "Supplier Name", "Purpose of Spend"


def measure(root: Path, *, quick: bool) -> Iterator[Score]:
    """Yield the shares that are right; quick makes no difference, it takes seconds."""
    known = Score("categories: rows of corrected suppliers, best guess", aim=0.7)
    sure = Score("categories: those of them that need no look", aim=0.85)
    unseen = Score("categories: rows of unseen suppliers, best guess")
    rows = _rows(root / STATEMENT)
    said: dict[str, Counter[str]] = {}
    for who, what in rows[::2]:
        said.setdefault(payee_key(who), Counter())[what] += 1
    taught = {
        key: {"name": key, "category": counts.most_common(1)[0][0], "said": dict(counts)}
        for key, counts in said.items()
    }
    model = fit({key: str(value["category"]) for key, value in taught.items()})
    asked = sorted(set(rows[1::2]))
    labels = [Label(at, who, -1, "GBP", None, 1, -1, None, None, None, None)
              for at, (who, _) in enumerate(asked)]  # fmt: skip
    decided = decide(labels, {}, own=Own(taught, {}, model))
    times = Counter(rows[1::2])
    for at, (who, what) in enumerate(asked):
        found, is_known = decided[at], payee_key(who) in taught
        miss = f"{who}: {found.category} ({found.confidence:.2f}), should be {what}"
        for _ in range(times[who, what]):
            (known if is_known else unseen).count(found.category == what, miss)
            if is_known and found.confidence >= REVIEW_BELOW:
                sure.count(found.category == what, miss)
    for score in (known, sure, unseen):
        score.misses = [f"{miss} ({n} rows)" for miss, n in Counter(score.misses).most_common()]
        yield score


def _rows(path: Path) -> list[tuple[str, str]]:
    """Return (supplier, what for) of every purchase; [] where the file is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="cp1252", newline="") as stream:
        lines = list(csv.reader(stream))
    names = lines[HEADER_LINE]
    who, what = names.index(WHO), names.index(WHAT_FOR)
    return [
        (line[who].strip(), line[what].strip())
        for line in lines[HEADER_LINE + 1 :]
        if len(line) > max(who, what) and line[who].strip() and line[what].strip()
    ]
