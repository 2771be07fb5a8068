"""How language models are named, and which of them get which key."""

import pytest
from pydantic import ValidationError

from app.core.model_names import ADDRESSES, ModelName, chosen_among, key_for, model_names
from app.settings import Settings


@pytest.mark.parametrize(
    ("text", "name", "model", "address"),
    [
        ("openai-chat:gpt-4o-mini", "openai-chat:gpt-4o-mini", "gpt-4o-mini", ""),
        ("ollama:llama3.1:8b", "ollama:llama3.1:8b", "llama3.1:8b", ""),
        ("ollama:a@http://gpu:1/v1/", "ollama:a", "a", "http://gpu:1/v1"),
        ("groq:@cf/meta@https://x.org/v1", "groq:@cf/meta", "@cf/meta", "https://x.org/v1"),
    ],
)
def test_a_name_says_provider_model_and_address(
    text: str, name: str, model: str, address: str
) -> None:
    found = ModelName.parse(text)
    assert (found.name, found.model, found.address) == (name, model, address)


@pytest.mark.parametrize("text", ["gpt-4o", "openai:gpt-4o", "ollama:", "", "ollama:a@http://"])
def test_what_is_no_name_is_an_error_at_the_start(text: str) -> None:
    with pytest.raises(ValidationError):
        Settings(models=(text,))


def test_a_model_is_named_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        model_names(["ollama:a", "ollama:a@http://gpu:1/v1"])


def test_a_model_answers_at_its_own_address_then_the_common_then_its_makers() -> None:
    own, common = ModelName.parse("groq:a@http://own/v1"), "http://common/v1"
    plain = ModelName.parse("groq:a")
    assert own.address_with(common) == "http://own/v1"
    assert plain.address_with(common) == common
    assert plain.address_with("") == ADDRESSES["groq"]


@pytest.mark.parametrize(
    ("keys", "groq", "ollama"),
    [
        ("", "", ""),
        ("sk-1", "sk-1", "sk-1"),
        ("c2stMQ==", "c2stMQ==", "c2stMQ=="),
        ("groq=gsk, openai-chat=sk", "gsk", ""),
    ],
)
def test_one_key_goes_to_all_and_named_ones_only_where_they_belong(
    keys: str, groq: str, ollama: str
) -> None:
    assert (key_for("groq", keys), key_for("ollama", keys)) == (groq, ollama)


def test_an_upload_chooses_among_the_configured_and_never_another() -> None:
    names = model_names(["ollama:a", "groq:b"])
    chosen = [
        [name.name for name in chosen_among(names, wanted)]
        for wanted in (None, [], ["b"], ["groq:b", "openai-chat:x"])
    ]
    assert chosen == [["ollama:a", "groq:b"], [], ["groq:b"], ["groq:b"]]
