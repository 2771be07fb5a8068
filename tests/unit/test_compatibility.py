"""docs/compatibility.md has a place for every requirement, and the tests that it names exist."""

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = (TESTS.parent / "docs" / "compatibility.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([A-E]-\d{3}) \| (.+) \| (.+?) \|$", PAGE, re.M)
LAST = {"A": 104, "B": 65, "C": 66, "D": 101, "E": 145}
NEVER_GIVEN = {"E-134"}


@cache
def names_in(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file, of Python or of Node."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".js":
        return frozenset(re.findall(r'^test\("(.*?)",', text, re.M))
    top = ast.parse(text).body
    return frozenset(
        one.name
        for one in top
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and one.name.lower().startswith("test")
    )


def test_every_requirement_has_its_place() -> None:
    wanted = [f"{key}-{n:03d}" for key, last in LAST.items() for n in range(1, last + 1)]
    assert [ident for ident, _, _ in ROWS] == [one for one in wanted if one not in NEVER_GIVEN]


def test_every_row_says_where_it_holds_or_why_it_does_not_apply() -> None:
    said = re.compile(
        r"`\S+::.+`( \([^`]+\))?|(Does not apply|Not yet): .{20,}"
        r"|Measured: `python3 run.py bench \w+`"
    )
    assert [ident for ident, _, where in ROWS if not said.fullmatch(where)] == []


def test_every_test_that_is_named_exists() -> None:
    named = [
        (ident, *one) for ident, _, where in ROWS for one in re.findall(r"`(\S+?)::(.+?)`", where)
    ]
    assert len(named) > 400
    missing = [
        (ident, file, name)
        for ident, file, name in named
        if not (TESTS / file).is_file() or name not in names_in(TESTS / file)
    ]
    assert missing == []


def test_every_measurement_that_is_named_can_be_made() -> None:
    named = set(re.findall(r"run\.py bench (\w+)", PAGE))
    benchmarks = TESTS.parent / "benchmarks"
    assert {name for name in named if not (benchmarks / f"{name}.py").is_file()} == set()
