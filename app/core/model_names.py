"""How language models are named in settings: `provider:model`, where needed with an address."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ADDRESSES = {
    "openai-chat": "https://api.openai.com/v1",
    "groq": "https://api.groq.com/openai/v1",
    "ollama": "http://127.0.0.1:11434/v1",
}
"""Where each provider answers when no address is set."""

WITH_ADDRESS = re.compile(r"(?P<name>.+?)@(?P<address>https?://\S*)")


@dataclass(frozen=True, slots=True)
class ModelName:
    """One language model.

    name      as events, fields and uploads name it: "ollama:llama3.1:8b"
    provider  one of ADDRESSES; all of them are spoken to as to OpenAI
    model     as its server calls it
    address   its own address, with the path before /chat/completions; "" where none is set
    """

    name: str
    provider: str
    model: str
    address: str = ""

    def address_with(self, base_url: str) -> str:
        """Return where it answers, when `base_url` is set for models without their own address."""
        return self.address or base_url or ADDRESSES[self.provider]

    @classmethod
    def parse(cls, text: str) -> "ModelName":
        """Read "openai-chat:gpt-4o-mini" or "openai-chat:qwen3@http://10.0.0.5:8000/v1".

        Raises ValueError, whose text says what is wrong.
        """
        found = WITH_ADDRESS.fullmatch(text)
        name, address = (found["name"], found["address"]) if found else (text, "")
        provider, _, model = name.partition(":")
        if provider not in ADDRESSES or not model:
            known = ", ".join(f"{known}:" for known in ADDRESSES)
            raise ValueError(f"{text!r} is no model; a name begins with one of {known}")
        check_address(address)
        return cls(name, provider, model, address.rstrip("/"))


def model_names(texts: Iterable[str]) -> tuple[ModelName, ...]:
    """Read several names. Raises ValueError, also for one that comes twice."""
    names = tuple(ModelName.parse(text) for text in texts)
    seen: set[str] = set()
    for one in names:
        if one.name in seen:
            raise ValueError(f"{one.name!r} is named twice")
        seen.add(one.name)
    return names


def check_address(address: str) -> None:
    """Raise ValueError for what is neither empty nor a web address."""
    if address and not (address.startswith(("http://", "https://")) and urlsplit(address).hostname):
        raise ValueError(f"{address!r} is no address; it is like http://127.0.0.1:11434/v1")


def key_for(provider: str, keys: str) -> str:
    """Return the key that goes to `provider`; "" for none.

    keys  one key for all, or several as "openai-chat=sk-1, groq=gsk-2"
    """
    pairs = [pair.strip().partition("=") for pair in keys.split(",")]
    named = {name: value for name, mark, value in pairs if mark and name in ADDRESSES}
    return named.get(provider, "") if named else keys.strip()


def chosen_among(configured: Sequence[ModelName], wanted: Iterable[str] | None) -> list[ModelName]:
    """Return the configured models that an upload wants; all where it wants None in particular.

    wanted  full names ("ollama:llama3.1:8b"), or models without their provider; what is not
            configured is never called
    """
    if wanted is None:
        return list(configured)
    names = set(wanted)
    return [one for one in configured if one.name in names or one.model in names]
