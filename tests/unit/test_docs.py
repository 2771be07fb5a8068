"""The documentation names everything that a person or a program can meet."""

import re
from pathlib import Path

import pytest

from app.core.errors import AppError
from app.core.events import EVENT_TYPES, Event
from app.core.messages import FIXED, OWN
from app.core.notices import Notice
from app.core.permissions import SCOPES
from app.core.protocol import Close, ServerMessage
from app.settings import PREFIX, Settings
from app.store.audit import KINDS
from app.web.asyncapi import EVENTS
from app.web.routes import api_routes

DOCS = Path(__file__).resolve().parents[2] / "docs"
CELLS = re.compile(r"^\| `(\w+)` \| `LIVETRAIL_\w+` \| ([^|]*) \|", re.M)
ADDS = re.compile(r"^\| `(\w+)` \| ([^|]*) \|", re.M)
NAMED = re.compile(r"`(\w+)`")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("configuration.md", list(Settings.model_fields)),
        ("configuration.md", [PREFIX + name.upper() for name in Settings.model_fields]),
        ("errors.md", list(AppError.by_code)),
        ("errors.md", list(Notice.by_code)),
        ("events.md", EVENT_TYPES),
        ("messages.md", [*FIXED, *OWN]),
        ("operating.md", list(KINDS)),
        ("api.md", list(SCOPES)),
    ],
)
def test_nothing_is_left_out(page: str, names: list[str]) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert [name for name in names if f"`{name}`" not in text] == []


NOT_A_NUMBER = {(): "none", "": "none"}
OF_THE_MACHINE = {"workers": "cores - 1"}


def test_the_defaults_of_settings_are_documented() -> None:
    told = dict(CELLS.findall((DOCS / "configuration.md").read_text(encoding="utf-8")))
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
    }
    expected = {
        name: OF_THE_MACHINE.get(name, NOT_A_NUMBER.get(default, str(default)))
        for name, default in defaults.items()
    }
    assert {name: told[name].partition(" (")[0] for name in expected} == expected


def test_whether_a_retry_helps_is_documented() -> None:
    rows = (DOCS / "errors.md").read_text(encoding="utf-8").partition("## Warnings")[0]
    helps = {row.split("`")[1] for row in rows.splitlines() if row.endswith("| yes |")}
    assert helps == {code for code, error in AppError.by_code.items() if error.retryable}


def test_the_fields_of_every_event_are_documented_and_no_others() -> None:
    models = {str(model.model_fields["type"].default): model for model in EVENTS}
    text, before, wrong = (DOCS / "events.md").read_text(encoding="utf-8"), set[str](), []
    for name, adds in ADDS.findall(text):
        if name not in models:
            continue
        given, _, less = adds.partition("without")
        fields = set(NAMED.findall(given))
        if "the same" in given:  # as in the row before
            fields |= before - set(NAMED.findall(less))
        if fields != set(models[name].model_fields) - set(Event.model_fields):
            wrong.append((name, fields))
        before = fields
    assert wrong == []


def test_everything_in_the_data_folder_is_documented(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    text = (DOCS / "operating.md").read_text(encoding="utf-8")
    places = [getattr(settings, name) for name in dir(Settings) if name.endswith(("_dir", "_path"))]
    named = [place.relative_to(tmp_path).name for place in places if isinstance(place, Path)]
    assert len(named) > 5
    assert [
        name for name in named if f"| `{name}`" not in text and f"| `{name}/`" not in text
    ] == []


def test_whatever_a_connection_says_and_ends_with_is_documented() -> None:
    text = "".join((DOCS / page).read_text("utf-8") for page in ("events.md", "listening.md"))
    said = [
        f"`{message.model_fields['type'].default}`" for message in ServerMessage.__subclasses__()
    ]
    assert [
        name for name in [*said, *(str(code.value) for code in Close)] if name not in text
    ] == []


def test_the_sentences_are_documented_verbatim() -> None:
    text = (DOCS / "messages.md").read_text(encoding="utf-8")
    assert [s for s in [*FIXED.values(), *OWN.values()] if s not in text] == []


def test_the_failures_are_documented_verbatim() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    said = [s for error in AppError.by_code.values() for s in (error.title, error.kept, error.hint)]
    assert [sentence for sentence in said if sentence not in text] == []


def test_the_warnings_are_documented_verbatim() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    said = [s for told in Notice.by_code.values() for s in (told.title, told.detail, told.hint)]
    assert [sentence for sentence in said if sentence not in text] == []


def test_every_call_of_the_api_is_documented() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    calls = [f"{route.method} {route.path}" for route in api_routes()]
    assert [call for call in calls if call not in text] == []


def anchors_of(page: Path) -> set[str]:
    """Return what may stand behind # in a link to `page`: its headings, as forges write them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    words = [re.sub(r"[^\w\- ]", "", heading).strip().lower() for heading in headings]
    return {word.replace(" ", "-") for word in words}


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md", DOCS.parent / "CHANGELOG.md"]:
        for link in re.findall(r"\]\(([^):]+)\)", page.read_text(encoding="utf-8")):
            target, _, anchor = link.partition("#")
            there = page.parent / target if target else page
            if not there.exists() or (anchor and anchor not in anchors_of(there)):
                broken.append((page.name, link))
    assert broken == []
