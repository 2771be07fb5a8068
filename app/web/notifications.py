"""Notifications over HTTP: the services by which one is told, without their secrets."""

import sqlite3
from collections.abc import Collection
from functools import partial
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.core.errors import InvalidRequest, NotFound
from app.core.notifications import KINDS, LONGEST_ADDRESS, Kind, check_target, masked
from app.core.times import iso_from_ms
from app.keys import DATABASE, DOOR, JOURNAL, NOTIFIER
from app.store.accounts import now_ms
from app.store.channels import (
    Channel,
    ChannelState,
    ChannelUpdate,
    add_channel,
    change_channel,
    get_channel,
    list_channels,
    new_channel_id,
    remove_channel,
)
from app.store.idempotency import Answer
from app.web.audit import note
from app.web.once import ALWAYS, Once, fingerprint_of, once
from app.web.webhooks import keeper_of
from app.web.wire import json_answer, json_bytes, read_id, read_json

Label = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
Kinds = Annotated[
    list[Kind],
    Field(
        min_length=1,
        max_length=len(KINDS),
        description="ended: an upload is done; failed: something in it failed; question: one waits",
    ),
]


class ChannelWish(BaseModel):
    """A new service."""

    model_config = ConfigDict(extra="forbid")
    address: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_ADDRESS)
    ] = Field(description="as Apprise has it, for example ntfys://ntfy.sh/a-topic")
    label: Label = ""
    kinds: Kinds = ["ended", "failed", "question"]


class ChannelChange(BaseModel):
    """What is to be different. What is not named stays."""

    model_config = ConfigDict(extra="forbid")
    label: Label | None = None
    kinds: Kinds | None = None
    active: bool | None = None


class ChannelAnswer(BaseModel):
    """A service. Its address is never told again, only where it leads.

    told_at  of the last notification
    error    why that one did not arrive; "" when it did
    """

    id: str
    label: str
    service: str
    shown: str
    kinds: list[Kind]
    state: ChannelState
    told_at: str | None
    error: str
    created_at: str

    @classmethod
    def of(cls, one: Channel) -> "ChannelAnswer":
        return cls(
            id=one.id,
            label=one.label,
            service=one.service,
            shown=one.shown,
            kinds=list(one.kinds),
            state=one.state,
            told_at=None if one.told_ms is None else iso_from_ms(one.told_ms),
            error=one.error,
            created_at=iso_from_ms(one.created_ms),
        )


class ChannelList(BaseModel):
    """One's services, newest first."""

    notifications: list[ChannelAnswer]


class TestAnswer(BaseModel):
    """What became of a test: `why` it did not arrive, "" when it did."""

    arrived: bool
    why: str


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/notifications: one's own."""
    viewer = keeper_of(request)
    channels = await list_channels(request.app[DATABASE].reader, viewer.user_id)
    return json_answer(ChannelList(notifications=[ChannelAnswer.of(one) for one in channels]))


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/notifications: a new one. Nobody is called before something happens."""
    viewer = keeper_of(request)
    wish = await read_json(request, ChannelWish)
    async with once(request, viewer.user_id) as asked:
        answer = await create_channel(request, wish, asked)
    headers = {"Location": f"/api/v1/notifications/{orjson.loads(answer.body)['id']}"}
    return json_bytes(answer.body.encode(), answer.status, headers)


async def one(request: web.Request) -> web.Response:
    """GET /api/v1/notifications/{channel_id}."""
    return json_answer(ChannelAnswer.of(await channel_of(request)))


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/notifications/{channel_id}: change it, turn it off or on."""
    await channel_of(request)
    wish = await read_json(request, ChannelChange)
    return json_answer(ChannelAnswer.of(await update_channel(request, wish)))


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/notifications/{channel_id}."""
    await delete_channel(request)
    return web.Response(status=204)


async def test(request: web.Request) -> web.Response:
    """POST /api/v1/notifications/{channel_id}/test: tell it now, and answer how that went."""
    why = await test_channel(request)
    return json_answer(TestAnswer(arrived=not why, why=why))


# What the API and the page's forms both do


async def channel_of(request: web.Request) -> Channel:
    """Return the service in the path, one's own. Raises NotAuthenticated, NotAllowed, NotFound."""
    viewer = keeper_of(request)
    channel = await get_channel(request.app[DATABASE].reader, read_id(request, "channel_id"))
    if channel is None or channel.user_id != viewer.user_id:
        raise NotFound(what="service", is_foreign=channel is not None)
    return channel


async def create_channel(request: web.Request, wish: ChannelWish, asked: Once = ALWAYS) -> Answer:
    """Let whoever asks be notified by a service; return what is answered, a ChannelAnswer.

    Raises NotAuthenticated, NotAllowed, InvalidRequest, Conflict for too many.
    """
    request.app[DOOR].pass_through()
    viewer = keeper_of(request)
    fingerprint = fingerprint_of(wish.model_dump(mode="json", exclude_unset=True))
    if (before := asked.before(fingerprint)) is not None:
        return before
    try:
        check_target(wish.address)
    except ValueError as error:
        raise InvalidRequest(what=f"the address can not be used: {error}") from error
    told = await request.app[NOTIFIER].look(viewer.user_id, wish.address)
    if told.why:
        raise InvalidRequest(what=f"the address can not be used: {told.why}")
    at_ms = now_ms()
    channel = Channel(
        id=new_channel_id(at_ms),
        user_id=viewer.user_id,
        label=wish.label,
        address=wish.address,
        service=told.service,
        shown=masked(wish.address),
        kinds=_in_order(wish.kinds),
        state="on",
        cursor=request.app[JOURNAL].head,
        told_ms=None,
        error="",
        created_ms=at_ms,
    )
    answer = Answer(201, ChannelAnswer.of(channel).model_dump_json())

    def work(connection: sqlite3.Connection) -> None:
        add_channel(connection, channel)
        asked.remember(connection, answer, fingerprint, at_ms)

    await request.app[DATABASE].writer.run(work)
    note(request, "channel_created", channel=channel.id, service=channel.service)
    await request.app[NOTIFIER].changed(channel.id)
    return answer


async def update_channel(request: web.Request, wish: ChannelChange) -> Channel:
    """Change the service in the path, and return it. What happened while it was off is not told."""
    channel = await channel_of(request)
    state: ChannelState | None = None
    if wish.active is not None:
        state = "on" if wish.active else "off"
    made = ChannelUpdate(
        label=wish.label,
        kinds=None if wish.kinds is None else _in_order(wish.kinds),
        state=state,
    )
    head = request.app[JOURNAL].head
    work = partial(change_channel, channel_id=channel.id, change=made, head=head)
    await request.app[DATABASE].writer.run(work)
    await request.app[NOTIFIER].changed(channel.id)
    return await channel_of(request)


async def delete_channel(request: web.Request) -> None:
    """Remove the service in the path. Raises NotAuthenticated, NotAllowed, NotFound."""
    channel = await channel_of(request)
    await request.app[DATABASE].writer.run(partial(remove_channel, channel_id=channel.id))
    note(request, "channel_removed", channel=channel.id, service=channel.service)
    await request.app[NOTIFIER].changed(channel.id)


async def test_channel(request: web.Request) -> str:
    """Tell the service in the path that this is a test; return why that failed, "" if it went."""
    request.app[DOOR].pass_through()
    told = await request.app[NOTIFIER].test(await channel_of(request))
    return told.why


def _in_order(kinds: Collection[Kind]) -> tuple[Kind, ...]:
    return tuple(kind for kind in KINDS if kind in kinds)
