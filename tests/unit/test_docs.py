"""The documentation names everything that a person or a program can meet."""

import re
from pathlib import Path

import pytest

from app.core.errors import AppError
from app.core.events import EVENT_TYPES
from app.core.messages import FIXED, OWN
from app.core.notices import Notice
from app.core.permissions import SCOPES
from app.core.protocol import Close, ServerMessage
from app.settings import PREFIX, Settings
from app.store.audit import KINDS
from app.web.routes import api_routes

DOCS = Path(__file__).resolve().parents[2] / "docs"


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


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    broken = [
        (page.name, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
