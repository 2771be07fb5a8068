"""What is asked and told of webhooks over HTTP: the models that check and answer."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.core.events import check_types
from app.core.protocol import LARGEST_SEQ
from app.core.times import iso_from_ms
from app.core.webhooks import USUAL_TYPES, check_secret
from app.store.deliveries import Delivery, DeliveryState
from app.store.webhooks import Hook, HookState
from app.web.outbound import URL_CHARACTERS

Url = Annotated[str, StringConstraints(min_length=1, max_length=URL_CHARACTERS)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(check_secret)]
Place = Annotated[int, Field(ge=0, le=LARGEST_SEQ)]


def _known(types: list[str] | None) -> list[str] | None:
    check_types(types or ())
    return None if types is None else list(dict.fromkeys(types))


Types = Annotated[
    list[str] | None,
    Field(min_length=1, max_length=100, description="of events; null: all of them"),
    AfterValidator(_known),
]


class WebhookWish(BaseModel):
    """A new webhook."""

    model_config = ConfigDict(extra="forbid")
    url: Url = Field(description="what is called, by POST")
    label: Label = ""
    room: str = Field(
        default="user:me", max_length=80, description="job:<id>, batch:<id>, user:me or all"
    )
    types: Types = Field(default=list(USUAL_TYPES))
    active: bool = True
    after: Place | None = Field(
        default=None, description="a seq: events behind it are told too; null: only what comes"
    )
    secret: Secret | None = Field(default=None, description="null: a new one is made")


class WebhookChange(BaseModel):
    """What is to be different. What is not named stays."""

    model_config = ConfigDict(extra="forbid")
    url: Url | None = None
    label: Label | None = None
    room: str | None = Field(default=None, max_length=80)
    types: Types = None
    active: bool | None = None
    after: Place | None = Field(
        default=None, description="a seq: goes on from there, back or forth"
    )


class SecretWish(BaseModel):
    """Another secret; by default a new one is made."""

    model_config = ConfigDict(extra="forbid")
    secret: Secret | None = None


class WebhookAnswer(BaseModel):
    """A webhook, without its secret.

    after          up to there everything that it is told of was sent, or is pending
    pending        messages that are on their way, or wait for another attempt
    failing_since  the last attempts failed, since then
    """

    id: str
    url: str
    label: str
    room: str
    types: list[str] | None
    state: HookState
    why: str = Field(description="it was disabled; empty when it was not")
    after: int
    pending: int
    failing_since: str | None
    created_at: str

    @classmethod
    def of(cls, hook: Hook, count: int) -> "WebhookAnswer":
        return cls(
            id=hook.id,
            url=hook.url,
            label=hook.label,
            room=str(hook.room),
            types=list(hook.types) or None,
            state=hook.state,
            why=hook.why,
            after=hook.cursor,
            pending=count,
            failing_since=_iso(hook.failing_since_ms),
            created_at=iso_from_ms(hook.created_ms),
        )


class NewWebhook(BaseModel):
    """A webhook with its new secret, which is told this once.

    old_secret_until  the secret before signs too until then; null: there was none
    """

    secret: str
    old_secret_until: str | None = None
    webhook: WebhookAnswer


class WebhookList(BaseModel):
    """One's webhooks, newest first."""

    webhooks: list[WebhookAnswer]


class DeliveryAnswer(BaseModel):
    """A message to a webhook. `id` is its webhook-id; what follows `attempts` is of the last one.

    seq      of the event; null for a test
    next_at  when it is tried next, while it is pending
    answer   the beginning of what was answered
    """

    id: str
    seq: int | None
    type: str
    state: DeliveryState
    created_at: str
    next_at: str | None
    attempts: int
    tried_at: str | None
    took_ms: int | None
    status: int | None = Field(description="of HTTP; null: there was no answer")
    error: str
    answer: str

    @classmethod
    def of(cls, one: Delivery) -> "DeliveryAnswer":
        return cls(
            id=one.id,
            seq=one.seq,
            type=one.type,
            state=one.state,
            created_at=iso_from_ms(one.created_ms),
            next_at=iso_from_ms(one.next_ms) if one.state == "pending" else None,
            attempts=one.attempts,
            tried_at=_iso(one.tried_ms),
            took_ms=one.took_ms,
            status=one.status,
            error=one.error,
            answer=one.answer,
        )


class DeliveryList(BaseModel):
    """Messages, newest first. `next` is the cursor of the page after this one."""

    deliveries: list[DeliveryAnswer]
    next: str | None


class DeliveryQuery(BaseModel):
    """Which messages."""

    model_config = ConfigDict(extra="forbid")
    state: Literal["pending", "delivered", "failed"] | None = None
    before: str | None = Field(default=None, max_length=64, description="cursor: `next` of a page")
    limit: int = Field(default=50, ge=1, le=200)


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_from_ms(at_ms)
