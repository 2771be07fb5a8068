"""Language models beside the other readers, asked over real sockets from a server of our own."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.core.agreement import UNVERIFIED_AT_MOST
from app.core.documents import FIELDS
from app.core.model_names import ADDRESSES
from app.core.reading import Task
from app.pipeline.models.answer import CONFIDENCE
from app.pipeline.models.prompt import LARGEST_PAGE, MOST_PAGES, PAGE_CHARACTERS
from app.pipeline.models.reading import LONGEST_WAIT_S, ModelReading
from app.pipeline.worker import Heard, OwnEvents
from app.reading.evidence import verified
from app.reading.page import Page, Word, load_pages
from app.settings import Settings
from tests import model_server as ms
from tests.model_server import ModelServer, model_server
from tests.pages import save_pages
from tests.patience import LONGEST_S
from tests.readers import task_for

NAME = "openai-chat:good"
INVOICE = ("ACME GmbH", "Rechnung RE-7 vom 20.11.2026", "Gesamt 1.234,50 EUR")
LAYOUT = {"field_reading": {"readings": {"layout": {"fields": {}, "line_items": []}}}}
ANSWER = {
    "vendor_name": "ACME GmbH",
    "invoice_number": "RE-7",
    "invoice_date": "2026-11-20",
    "total_amount": "1234.50",
    "currency": "EUR",
}


@pytest.fixture
async def models() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


class House:
    """One job's folder with its pages, and the step that asks models about it."""

    def __init__(self, folder: Path, server: ModelServer) -> None:
        self.folder = folder
        self.server = server
        self.told: list[dict[str, Any]] = []
        self.waits: list[float] = []
        self.completed = asyncio.Event()

    def pages(self, *pages: tuple[str, ...]) -> None:
        save_pages(
            self.folder,
            iter([_page(number, lines) for number, lines in enumerate(pages, 1)]),
        )

    async def read(
        self, *names: str, found: dict[str, Any] | None = None, **settings: Any
    ) -> dict[str, Any]:
        values = {
            "data_dir": self.folder,
            "models": names,
            "model_base_url": self.server.url,
            **settings,
        }
        step = ModelReading(Settings.model_validate(values), load_pages, verified, self._pause)
        return await step(self.task(names, LAYOUT if found is None else found), self.hear)

    def task(self, names: tuple[str, ...], found: dict[str, Any]) -> Task:
        (self.folder / "invoice.pdf").touch()
        task = task_for(self.folder / "invoice.pdf", "pdf")
        return {**task, "options": {"models": list(names)}, "found": found}

    async def hear(self, said: Heard) -> None:
        assert isinstance(said, OwnEvents)
        self.told += said.bodies
        if said.bodies[-1]["model_status"] == "completed":
            self.completed.set()

    async def _pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    def last(self) -> dict[str, Any]:
        return self.told[-1]


def _page(number: int, lines: tuple[str, ...]) -> Page:
    return Page(
        number,
        595.0,
        842.0,
        "text",
        [
            [Word(10.0 * n, 12.0 * row, 10.0 * n + 9, 12.0 * row + 10, word)
             for n, word in enumerate(line.split(" "))]
            for row, line in enumerate(lines)
        ],
    )  # fmt: skip


@pytest.fixture
def house(tmp_path: Path, models: ModelServer) -> House:
    house = House(tmp_path, models)
    house.pages(INVOICE)
    return house


async def test_a_good_answer_is_a_reading_with_places_tokens_and_time(
    house: House, models: ModelServer
) -> None:
    models.answers(
        "good", ms.good(**ANSWER, line_items=[{"description": "ACME", "amount": 1234.5}])
    )
    found = await house.read(NAME)
    fields = found["readings"][NAME]["fields"]
    assert {name: value["value"] for name, value in fields.items()} == {
        **dict.fromkeys(FIELDS),
        **ANSWER,
    }
    assert all(fields[name]["page"] == 1 and fields[name]["bbox"] for name in ANSWER)
    assert {fields[name]["source"] for name in ANSWER} == {NAME}
    assert found["readings"][NAME]["line_items"] == [{"description": "ACME", "amount": "1234.50"}]
    assert [event["model_status"] for event in house.told] == ["processing", "completed"]
    told = house.last()
    assert (told["input_tokens"], told["output_tokens"], told["cost"]) == (120, 30, None)
    assert (told["model_name"], told["provider"]) == ("good", "openai-chat")
    assert told["duration_ms"] >= 0
    assert told["result"]["unverified"] == 0


async def test_a_call_to_a_models_maker_is_told_with_its_cost(
    house: House, models: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ADDRESSES, "openai-chat", models.url)
    for name in ("gpt-4o-mini", "unheard-of"):
        models.answers(name, ms.good(**ANSWER))
        await house.read(f"openai-chat:{name}", model_base_url="")
    costs = [event["cost"] for event in house.told if event["model_status"] == "completed"]
    assert costs[1] is None
    assert Decimal("0.000001") < Decimal(costs[0]) < Decimal("0.01")


async def test_what_no_page_says_is_told_as_unverified(house: House, models: ModelServer) -> None:
    models.answers("good", ms.good(**{**ANSWER, "total_amount": "999.99", "iban": "DE0212"}))
    found = await house.read(NAME)
    fields = found["readings"][NAME]["fields"]
    assert fields["total_amount"]["status"] == "check"
    assert fields["total_amount"]["confidence"] <= UNVERIFIED_AT_MOST
    assert fields["invoice_number"]["confidence"] == CONFIDENCE
    assert house.last()["result"]["unverified"] == 2
    assert house.last()["result"]["fields"]["total_amount"]["verified"] is False


async def test_values_that_are_none_of_their_field_are_left_out(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.good(**{**ANSWER, "invoice_date": "soon", "total_amount": "N/A"}))
    fields = (await house.read(NAME))["readings"][NAME]["fields"]
    assert fields["invoice_date"]["status"] == fields["total_amount"]["status"] == "absent"
    assert fields["invoice_number"]["value"] == "RE-7"


async def test_nobody_is_called_unless_configured(house: House, models: ModelServer) -> None:
    assert await house.read() == {"readings": {}}
    assert models.calls == house.told == []


async def test_an_embedded_e_invoice_needs_no_model(house: House, models: ModelServer) -> None:
    xml = {"xml": {"fields": {}, "line_items": []}}
    found = {"field_reading": {"readings": {**xml, **LAYOUT["field_reading"]["readings"]}}}
    assert await house.read(NAME, found=found) == {"readings": {}}
    assert models.calls == house.told == []


async def test_what_has_no_fields_is_shown_to_nobody(house: House, models: ModelServer) -> None:
    found: dict[str, Any] = {"field_reading": {"readings": {}}}
    assert await house.read(NAME, found=found) == {"readings": {}}
    assert models.calls == house.told == []


async def test_a_document_without_text_is_shown_to_nobody(
    house: House, models: ModelServer
) -> None:
    house.pages(())
    assert await house.read(NAME) == {"readings": {}}
    assert models.calls == house.told == []


async def test_a_model_sees_the_beginning_of_the_first_pages_and_the_last(
    house: House, models: ModelServer
) -> None:
    house.pages(("x" * (2 * PAGE_CHARACTERS),), *((f"sheet-{n}",) for n in range(2, 31)))
    models.answers("good", ms.good())
    await house.read(NAME)
    (shown,) = [m["content"] for m in models.calls[0]["messages"] if m["role"] == "user"]
    assert shown.count("x") == PAGE_CHARACTERS
    assert shown.count("[page ") == MOST_PAGES
    assert "sheet-9" in shown
    assert "sheet-10" not in shown
    assert "sheet-30" in shown


async def test_a_page_larger_than_any_invoices_is_shown_to_nobody(
    house: House, models: ModelServer
) -> None:
    house.pages(("x" * (LARGEST_PAGE + 1),), INVOICE)
    models.answers("good", ms.good(**ANSWER))
    fields = (await house.read(NAME))["readings"][NAME]["fields"]
    assert fields["invoice_number"]["page"] == 2
    assert "[page 1]" not in str(models.calls[0]["messages"])


async def test_a_model_too_slow_is_given_up_and_its_connection_closed(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.never)
    assert await house.read(NAME, model_timeout_s=0.2, model_retries=0) == {"readings": {}}
    assert house.last()["model_status"] == "failed"
    assert house.last()["error"] == "it did not answer in time"
    async with asyncio.timeout(LONGEST_S):
        await models.left.wait()


@pytest.mark.parametrize(
    ("behaviour", "calls", "error"),
    [
        (ms.chatty, 3, "its answer was not what was asked for"),
        (ms.with_arguments('{"total_amount": {"nested": true}}'), 3, "its answer was not"),
        (ms.with_arguments("{not json"), 3, "its answer was not"),
        (ms.no_json, 3, "its answer was not"),
        (ms.no_choices, 3, "its answer was not"),
        (ms.refusing, 1, "it refused to answer"),
        (ms.status(401), 1, "its server did not accept the request"),
        (ms.status(404), 1, "its server did not accept the request"),
        (ms.status(429), 3, "its server is busy"),
        (ms.status(500), 3, "its server is busy"),
        (ms.gone, 3, "its server could not be reached"),
    ],
)
async def test_a_model_that_fails_is_told_and_missed(
    house: House, models: ModelServer, behaviour: ms.Behaviour, calls: int, error: str
) -> None:
    models.answers("good", behaviour)
    assert await house.read(NAME, model_retries=2) == {"readings": {}}
    assert len(models.calls) == calls
    assert [event["model_status"] for event in house.told] == ["processing", "failed"]
    assert house.last()["error"].startswith(error)


async def test_a_failure_that_passes_is_tried_again_after_a_growing_wait(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.status(503), ms.chatty, ms.good(**ANSWER))
    found = await house.read(NAME, model_retries=2)
    assert found["readings"][NAME]["fields"]["invoice_number"]["value"] == "RE-7"
    assert house.waits == [1.0, 2.0]


async def test_a_server_says_how_long_to_wait_up_to_a_bound(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.status(429, "7"), ms.status(429, "3600"), ms.good())
    await house.read(NAME, model_retries=2)
    assert house.waits == [7.0, LONGEST_WAIT_S]


async def test_models_read_side_by_side_and_one_that_fails_is_missed_alone(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.good(**ANSWER))
    models.answers("bad", ms.refusing)
    found = await house.read(NAME, "ollama:bad")
    assert list(found["readings"]) == [NAME]
    ends = {event["model_name"]: event["model_status"] for event in house.told[2:]}
    assert ends == {"good": "completed", "bad": "failed"}
    assert {event["provider"] for event in house.told} == {"openai-chat", "ollama"}
    assert (house.told[0]["done"], house.last()["done"], house.last()["total"]) == (0, 2, 2)


async def test_what_was_answered_before_a_break_is_not_asked_again(
    house: House, models: ModelServer
) -> None:
    models.answers("good", ms.good(**ANSWER))
    models.answers("slow", ms.never)
    broken = asyncio.create_task(house.read(NAME, "openai-chat:slow"))
    async with asyncio.timeout(LONGEST_S):
        await house.completed.wait()
        await models.until_called(2)
    broken.cancel()
    with pytest.raises(asyncio.CancelledError):
        await broken
    async with asyncio.timeout(LONGEST_S):
        await models.left.wait()
    models.answers("slow", ms.good(**ANSWER))
    found = await house.read(NAME, "openai-chat:slow")
    assert list(found["readings"]) == [NAME, "openai-chat:slow"]
    assert [call["model"] for call in models.calls].count("good") == 1
    assert list(house.folder.glob("model-*")) == []


async def test_each_provider_gets_its_own_key(house: House, models: ModelServer) -> None:
    models.answers("a", ms.good())
    models.answers("b", ms.good())
    models.answers("c", ms.good())
    keys = "openai-chat=sk-1, groq=gsk-2"
    await house.read("openai-chat:a", "groq:b", "ollama:c", model_api_key=keys)
    sent = {call["model"]: key for call, key in zip(models.calls, models.keys, strict=True)}
    assert sent == {"a": "Bearer sk-1", "b": "Bearer gsk-2", "c": "Bearer none"}


async def test_a_model_may_have_an_address_of_its_own(house: House, models: ModelServer) -> None:
    models.answers("good", ms.good(**ANSWER))
    name = f"ollama:good@{models.url}"
    values = {"data_dir": house.folder, "models": [name], "model_base_url": "http://127.0.0.1:9/v1"}
    step = ModelReading(Settings.model_validate(values), load_pages, verified)
    found = await step(house.task(("ollama:good",), LAYOUT), house.hear)
    assert found["readings"]["ollama:good"]["fields"]["invoice_number"]["value"] == "RE-7"
