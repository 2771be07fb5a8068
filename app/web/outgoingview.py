"""What pages say of webhooks, their deliveries, and services for notifications. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.core.errors import AppError
from app.core.notifications import Kind
from app.core.times import iso_from_ms
from app.core.webhooks import USUAL_TYPES
from app.store.channels import Channel
from app.store.deliveries import Delivery
from app.store.webhooks import Hook
from app.web.views import Shell

KIND_WORDS: Mapping[Kind, str] = {
    "ended": "an upload is done",
    "failed": "something in it failed",
    "question": "a question waits",
}
TYPES_NAMED = 3  # of those that a webhook is told of


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form held that was refused, to be shown again; no secrets.

    form  webhook or service; "" for none
    """

    form: str = ""
    label: str = ""
    url: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class HookLine:
    """A webhook. `tone` is good, bad or "" for one that is off; `trouble` is "" while it works."""

    id: str
    name: str
    url: str
    about: str
    state: str
    tone: str
    trouble: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """A service for notifications; `told` is "" for never, `trouble` "" while it works."""

    id: str
    name: str
    shown: str
    kinds: str
    told: str
    trouble: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """A message to a webhook. `at` of its last attempt, `next_at` of the next one; "" for none."""

    id: str
    type: str
    seq: int | None
    state: str
    tone: str
    about: str
    answer: str
    at: str
    next_at: str
    attempts: int
    can_resend: bool


@dataclass(frozen=True, slots=True)
class WebhookPage:
    """webhook.html.

    error   what was wrong with what was asked for, or None
    said    what was done, "" when there is nothing to say
    secret  a new one, which is on this one page and nowhere else; "" for none
    older   address of the next page of deliveries, "" when this is the last
    """

    shell: Shell
    error: AppError | None
    said: str
    secret: str
    hook: HookLine
    created: str
    pending: int
    deliveries: tuple[DeliveryLine, ...]
    older: str


def hook_line(hook: Hook) -> HookLine:
    """Return what is said of a webhook."""
    tones = {"on": "bad" if hook.failures else "good", "off": "", "disabled": "bad"}
    words = {"on": "failing" if hook.failures else "on", "off": "off", "disabled": "turned off"}
    trouble = hook.why
    if hook.state == "on" and hook.failing_since_ms is not None:
        since = iso_from_ms(hook.failing_since_ms)
        trouble = f"Nothing has arrived since {since[:10]} {since[11:16]} UTC; it is tried again"
    return HookLine(
        id=hook.id,
        name=hook.label or urlsplit(hook.url).hostname or hook.url,
        url=hook.url,
        about=_told_of(hook.types) + ("" if hook.room.kind == "user" else f" in {hook.room}"),
        state=words[hook.state],
        tone=tones[hook.state],
        trouble=trouble,
        is_on=hook.state == "on",
    )


def _told_of(types: Sequence[str]) -> str:
    if not types:
        return "everything"
    if set(types) == set(USUAL_TYPES):
        return "ends and questions"
    named = ", ".join(types[:TYPES_NAMED])
    return named if len(types) <= TYPES_NAMED else f"{named} and {len(types) - TYPES_NAMED} more"


def channel_line(one: Channel) -> ChannelLine:
    """Return what is said of a service."""
    return ChannelLine(
        id=one.id,
        name=one.label or one.service,
        shown=one.shown if one.label == "" else f"{one.service} · {one.shown}",
        kinds=", ".join(KIND_WORDS[kind] for kind in one.kinds),
        told="" if one.told_ms is None else iso_from_ms(one.told_ms),
        trouble=one.error,
        is_on=one.state == "on",
    )


def delivery_line(one: Delivery, *, is_on: bool) -> DeliveryLine:
    """Return what is said of a message; it can be sent once more while its webhook `is_on`."""
    status = "no answer" if one.status is None else f"status {one.status}"
    about = one.error or (status if one.attempts else "not sent yet")
    if one.took_ms is not None:
        about += f" · {one.took_ms} ms"
    state, tone = {
        "delivered": ("arrived", "good"),
        "failed": ("failed", "bad"),
        "pending": ("waits", "warn"),
    }[one.state]
    return DeliveryLine(
        id=one.id,
        type=one.type,
        seq=one.seq,
        state=state,
        tone=tone,
        about=about,
        answer=one.answer,
        at=iso_from_ms(one.tried_ms or one.created_ms),
        next_at=iso_from_ms(one.next_ms) if one.state == "pending" and one.attempts else "",
        attempts=one.attempts,
        can_resend=is_on and one.state != "pending",
    )
