"""The page's modules under Node: they parse, they pass their own tests, and they agree with Python.

Skipped with one line where node is missing.
"""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from app.core.events import (
    ClarificationAnswered,
    ClarificationExpired,
    ClarificationRequested,
    ControlRequested,
    Event,
    FieldsEdited,
    JobCancelled,
    JobCreated,
    JobPaused,
    JobResumed,
    JobRetried,
    JobUndone,
    PlanChosen,
    PriorityChanged,
    ProcessingCompleted,
    ProcessingFailed,
    ProcessingProgress,
    ProcessingStarted,
    ProcessingWarning,
    RowsEdited,
    StepCompleted,
    StepStarted,
    WarningInfo,
)
from app.core.plans import DOCUMENT, INVOICE, TRANSACTIONS
from app.core.quantities import size_text
from app.core.state import JobState, fold, place
from app.web import words
from app.web.rendering import MODULES as ENTRIES
from app.web.static import StaticFiles

ROOT = Path(__file__).parents[2]
KIT = sorted((ROOT / "static/sdk").rglob("*.js"))
PAGES = sorted((ROOT / "static/js").rglob("*.js"))
MODULES = [*KIT, *PAGES]
# What runs anywhere, in a browser or not, and without asking for anything.
PURE = {"fold.js", "format.js", "jobs.js", "rooms.js", "store.js", "words.js"}
# Modules of the kit for pages that have one already: it is named, not reached by a path.
PEERS = {"react": {"react"}}
TESTS = sorted(Path(__file__).parent.glob("js/*.test.js"))
JOB = "01936d2e-0000-7000-8000-000000000001"

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def node(*arguments: str | Path, told: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run node in the repository and return what it said."""
    return subprocess.run(
        [str(NODE), *map(str, arguments)],
        cwd=ROOT,
        input=told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ask(script: str, questions: list[Any]) -> list[Any]:
    """Give `script` a line for each question and return its answers."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    ran = node(Path(__file__).parent / "js" / script, told=lines)
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.split("\n") if line]


def code_of(path: Path) -> str:
    """Return a module without its comments, which import types."""
    return re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_parses(path: Path) -> None:
    ran = node("--check", path)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_modules_pass_their_own_tests(path: Path) -> None:
    ran = node("--test", path)
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]


def test_what_is_pure_knows_no_page_and_imports_only_its_like() -> None:
    page = re.compile(r"\b(document|window|localStorage|XMLHttpRequest|WebSocket|fetch)\b\s*[.(]")
    for name in PURE:
        text = code_of(ROOT / "static/sdk" / name)
        assert not page.search(text), name
        assert {Path(target).name for target in IMPORTED.findall(text)} <= PURE, name


def test_no_module_parses_text_as_html_or_code() -> None:
    parsing = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\("
    )
    for path in MODULES:
        assert not parsing.search(path.read_text()), path


IMPORTED = re.compile(r"""\b(?:from|import)\s*\(?\s*["']([^"']+)["']""")


def test_imports_are_relative_and_the_kit_knows_nothing_of_our_pages() -> None:
    for path in MODULES:
        for target in IMPORTED.findall(code_of(path)):
            if path in KIT and target in PEERS.get(path.parent.name, ()):
                continue
            assert target.startswith("."), (path, target)
            found = (path.parent / target).resolve()
            assert found.is_file(), (path, target)
            assert path in PAGES or found in KIT, (path, target)


def test_every_name_that_is_imported_is_exported() -> None:
    imports = re.compile(r"""import\s*\{([^}]*)\}\s*from\s*["'](\.[^"']+)["']""")
    exports = re.compile(r"export\s+(?:async\s+)?(?:function|const|let|class)\s+(\w+)")
    for path in MODULES:
        for names, target in imports.findall(path.read_text()):
            wanted = {name.split(" as ")[0].strip() for name in names.split(",") if name.strip()}
            given = set(exports.findall((path.parent / target).read_text()))
            assert wanted <= given, (path, target, wanted - given)


def test_what_the_pages_load_of_the_kit_stays_within_two_thirds_of_their_budget() -> None:
    served = StaticFiles.load(ROOT / "static")
    loaded = {
        path
        for entry in ENTRIES.values()
        for path in served.modules(entry)
        if path.startswith("sdk/")
    }
    bodies = [asset.body for name in loaded if (asset := served.get(name)) is not None]
    assert sum(map(len, bodies)) <= 60_000
    assert sum(len(gzip.compress(body, 9)) for body in bodies) <= 20_000


# The fold

STEPS = TRANSACTIONS.step_keys
WARNING = {"title": "Some dates can be read two ways", "detail": "I took one.", "hint": "Look."}
FAILURE = {"code": "not_a_table", "title": "No table", "detail": "Nothing stored.", "hint": "Try."}


def any_draft(chance: Random) -> Event:
    """Any event that a job may tell after its creation, however unlikely its place."""
    step = chance.choice(STEPS)
    keys = chance.sample(["processed", "total", "errors", "document_type", "platform"], 2)
    own: dict[str, Any] = {
        "job_id": JOB,
        "message": chance.choice(["Reading…", "Größe: 3 rows", "\u2028 “quoted” \\ 😀"]),
        "step": step,
        "stage": chance.choice([None, TRANSACTIONS.stage_of(step).key]),
        "progress": chance.choice([None, round(chance.uniform(0, 100), 1), 100]),
        "estimated_time_remaining": chance.choice([None, 0, 12]),
        "details": {
            key: chance.choice([None, 0, 3, "Wise"]) for key in keys[: chance.randint(0, 2)]
        },
    }
    code = chance.choice(["ambiguous_dates", "no_header"])
    question = {"clarification_id": chance.choice("abc"), "question": "3 April or March 4?"}
    return chance.choice(
        [
            lambda: ProcessingStarted(**own),
            lambda: StepStarted(**own),
            lambda: StepCompleted(**own, duration_ms=5, summary=chance.choice(["", "12 rows"])),
            lambda: ProcessingProgress(**own),
            lambda: ProcessingProgress(**own),
            lambda: ProcessingWarning(**own, warning=WarningInfo(code=code, **WARNING)),
            lambda: JobCancelled(**own, by="Mara"),
            lambda: JobRetried(
                **own, attempt=chance.randint(2, 4), from_step=chance.choice([None, *STEPS])
            ),
            lambda: JobUndone(**own, rows=3),
            lambda: RowsEdited(**own, rows=1, new_rows=2, existing_rows=3, review=4),
            lambda: FieldsEdited(**own, fields_said={"total_amount": "2.00", "iban": None}),
            lambda: JobPaused(**own, by="Mara"),
            lambda: JobResumed(**own, by="Mara"),
            lambda: ControlRequested(**own, op=chance.choice(["pause", "cancel"]), by="Mara"),
            lambda: PriorityChanged(**own, priority=chance.randint(-1, 1), by="Mara"),
            lambda: PlanChosen(**own, plan=chance.choice([DOCUMENT, INVOICE]).describe()),
            lambda: ClarificationRequested(**own, **question),
            lambda: ClarificationRequested(**own, **question),
            lambda: ClarificationAnswered(**own, **question, answer="dmy", status="pending"),
            lambda: ClarificationExpired(**own, **question, answer="dmy", status="waiting"),
            lambda: ProcessingCompleted(
                **own,
                result=chance.choice([{"stored": 3}, {"fields": {"total_amount": "1.00"}}]),
                duration_ms=9,
            ),
            lambda: ProcessingFailed(**own, error=FAILURE),
        ]
    )()


def any_story(chance: Random) -> tuple[list[dict[str, Any]], JobState]:
    """A job's events in an order that chance chose, and its state after them."""
    length = chance.randint(0, 40)
    return told([(any_draft(chance), chance.randint(1, 90_000)) for _ in range(length)])


def told(following: list[tuple[Event, int]]) -> tuple[list[dict[str, Any]], JobState]:
    """Place a job's creation and the drafts that follow; return the events and the state."""
    created = JobCreated(
        job_id=JOB,
        message="expenses.csv is here and safe",
        filename="expenses.csv",
        size=1024,
        plan=TRANSACTIONS.describe(),
    )
    state: JobState | None = None
    events = []
    now_ms = 1_795_161_600_000
    for seq, (draft, passed_ms) in enumerate([(created, 1), *following], start=7):
        now_ms += passed_ms
        body, state = place(draft, state, seq=seq, now_ms=now_ms)
        events.append(body)
    assert state is not None
    return events, state


@pytest.mark.parametrize("seed", range(5))
def test_the_page_folds_events_to_the_same_state_as_the_server(seed: int) -> None:
    chance = Random(seed)
    stories = [any_story(chance) for _ in range(200)]
    answers = ask("fold-stories.js", [events for events, _ in stories])
    for (_, state), answer in zip(stories, answers, strict=True):
        assert answer["job"] == state
        assert answer["same"]
        status = answer["status"]
        assert (status["n"], status["seq"]) == (state["n"], state["last_seq"])
        assert (status["stages"], status["attempt"]) == (state["stages"], state["attempt"])


def test_repeated_events_change_nothing_on_either_side() -> None:
    chance = Random(11)
    stories = [any_story(chance) for _ in range(100)]
    twice = [[*events, *events[1:]] for events, _ in stories]
    answers = ask("fold-stories.js", twice)
    for (_, state), events, answer in zip(stories, twice, answers, strict=True):
        again: JobState | None = None
        for event in events:
            again = fold(again, event)
        assert answer["job"] == again == state


# Words


def test_page_and_server_say_sizes_and_times_alike() -> None:
    chance = Random(5)
    numbers = [*range(130), 999, 1000, 9949, 9950, 9999, 999_499, 999_500]
    numbers += [int(10 ** chance.uniform(2, 13)) for _ in range(2000)]
    pairs = (
        ("formatBytes", size_text),
        ("formatLeft", words.time_left),
        ("formatDuration", words.took_text),
    )
    questions = [(name, number) for number in numbers for name, _ in pairs]
    wanted = [say(number) for number in numbers for _, say in pairs]
    assert ask("say-words.js", questions) == wanted
