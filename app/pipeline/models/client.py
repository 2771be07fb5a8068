"""One call to one language model, through a library that is loaded only where one is named."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from app.core.model_names import ADDRESSES, ModelName, key_for
from app.pipeline.models.answer import Answer
from app.pipeline.models.prompt import INSTRUCTIONS
from app.settings import Settings

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.run import AgentRunResult

logger = logging.getLogger(__name__)

MOST_TOKENS = 8192  # of one answer
BUSY = (408, 409, 429)
NO_KEY = "none"  # what a server gets that wants no key; the library insists on one
LIBRARY = ("pydantic_ai", "pydantic_ai.models.openai", "pydantic_ai.providers.openai", "openai")

Why = Literal["timeout", "unreachable", "busy", "rejected", "refused", "malformed"]
SENTENCES: dict[Why, str] = {
    "timeout": "it did not answer in time",
    "unreachable": "its server could not be reached",
    "busy": "its server is busy or failing",
    "rejected": "its server did not accept the request; look at the key and the model's name",
    "refused": "it refused to answer",
    "malformed": "its answer was not what was asked for",
}
WORTH_ANOTHER_CALL: frozenset[Why] = frozenset({"timeout", "unreachable", "busy", "malformed"})


def load_library() -> None:
    """Load what speaks to models. Takes a second or two: before the server serves.

    Raises ImportError where the extra llm is not installed.
    """
    for module in LIBRARY:
        importlib.import_module(module)


class ModelFailed(Exception):
    """A call came to nothing. `str()` says why in words that hold nothing of the document."""

    def __init__(self, why: Why, wait_s: float | None = None) -> None:
        super().__init__(SENTENCES[why])
        self.why = why
        self.wait_s = wait_s  # what the server asked for

    @property
    def is_worth_another_call(self) -> bool:
        return self.why in WORTH_ANOTHER_CALL


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model answered, and what it took. cost is US dollars, None where nobody knows."""

    answer: Answer
    input_tokens: int
    output_tokens: int
    cost: Decimal | None


class ModelClient:
    """Speaks to one configured model."""

    def __init__(self, name: ModelName, settings: Settings) -> None:
        self.name = name
        self._address = name.address_with(settings.model_base_url)
        self._key = key_for(name.provider, settings.model_api_key) or NO_KEY
        self._timeout_s = settings.model_timeout_s

    async def ask(self, prompt: str) -> Answered:
        """Call the model once. Raises ModelFailed. Cancelling closes the connection."""
        async with self._agent() as agent:
            try:
                async with asyncio.timeout(self._timeout_s):
                    result = await agent.run(prompt)
            except TimeoutError as error:
                raise ModelFailed("timeout") from error
            except Exception as error:
                raise self._failed(error) from error
        return Answered(
            result.output,
            result.usage.input_tokens,
            result.usage.output_tokens,
            self._cost(result),
        )

    @asynccontextmanager
    async def _agent(self) -> AsyncIterator["Agent[None, Answer]"]:
        # Certificates are read from the disk: not on the loop's thread.
        agent, connection = await asyncio.to_thread(self._make_agent)
        try:
            yield agent
        finally:
            await connection.close()

    def _make_agent(self) -> tuple["Agent[None, Answer]", Any]:
        from openai import AsyncOpenAI
        from pydantic_ai import Agent
        from pydantic_ai.models.openai import OpenAIChatModel
        from pydantic_ai.providers.openai import OpenAIProvider

        connection = AsyncOpenAI(
            base_url=self._address, api_key=self._key, max_retries=0, timeout=self._timeout_s
        )
        model = OpenAIChatModel(self.name.model, provider=OpenAIProvider(openai_client=connection))
        agent = Agent(
            model,
            output_type=Answer,
            instructions=INSTRUCTIONS,
            retries=0,
            model_settings={"max_tokens": MOST_TOKENS, "temperature": 0.0},
        )
        return agent, connection

    def _failed(self, error: Exception) -> ModelFailed:
        from pydantic_ai import exceptions as ai

        # The error's own text may quote the document.
        status = getattr(error, "status_code", None)
        kind = type(error).__name__
        logger.warning(
            "model call failed: model=%s error=%s status=%s", self.name.name, kind, status
        )
        match error:
            case ai.ContentFilterError():
                return ModelFailed("refused")
            case ai.ModelHTTPError() if error.status_code in BUSY or error.status_code >= 500:
                return ModelFailed("busy", _seconds((error.headers or {}).get("retry-after")))
            case ai.ModelHTTPError():
                return ModelFailed("rejected")
            case ai.ModelTimeoutError():
                return ModelFailed("timeout")
            case ai.ModelAPIError():
                return ModelFailed("unreachable")
        return ModelFailed("malformed")

    def _cost(self, result: "AgentRunResult[Answer]") -> Decimal | None:
        """Return what the makers' list says that it costs; another server's price nobody knows."""
        if self._address != ADDRESSES[self.name.provider] or self.name.provider == "ollama":
            return None
        try:
            return result.response.cost().total_price
        except (LookupError, ValueError, AssertionError):
            return None


def _seconds(header: str | None) -> float | None:
    try:
        return float(header or "")
    except ValueError:
        return None
