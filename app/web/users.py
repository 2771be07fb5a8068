"""Users over HTTP: listed, added, changed and removed by signed-in operators."""

import sqlite3

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import NotFound
from app.core.permissions import Role, Viewer
from app.core.times import iso_from_ms
from app.keys import ACCOUNTS, DATABASE, DELIVERER, NOTIFIER, RECHECK, SETTINGS
from app.store.accounts import User, add_user, change_password, now_ms
from app.store.logins import demand_login
from app.store.users import Member, change_role, find_member, list_users, remove_user
from app.web.audit import note
from app.web.identity import viewer_for
from app.web.wire import json_answer, read_id, read_json


class UserWish(BaseModel):
    """Somebody new."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    password: str = Field(max_length=4096)
    role: Role = "member"


class UserChange(BaseModel):
    """What is to be different; null stays as it is."""

    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    password: str | None = Field(
        default=None, max_length=4096, description="a new one signs every browser out"
    )


class UserAnswer(BaseModel):
    """A user."""

    id: str
    name: str
    role: Role
    created_at: str
    sessions: int = Field(description="browsers in which they are signed in")

    @classmethod
    def of(cls, member: Member) -> "UserAnswer":
        return cls(
            id=member.user.id,
            name=member.user.name,
            role=member.user.role,
            created_at=iso_from_ms(member.created_ms),
            sessions=member.sessions,
        )


class UserList(BaseModel):
    """Everybody, by name."""

    users: list[UserAnswer]


async def listing(request: web.Request) -> web.Response:
    """GET /api/v1/users: everybody. Operators only."""
    viewer_for(request, "operate")
    return json_answer(UserList(users=await users_of(request)))


async def users_of(request: web.Request) -> list[UserAnswer]:
    """Return everybody, by name."""
    members = await list_users(request.app[DATABASE].reader, now_ms())
    return [UserAnswer.of(member) for member in members]


async def create(request: web.Request) -> web.Response:
    """POST /api/v1/users: somebody new. Signed-in operators only."""
    _demand_operator(request)
    user = await create_user(request, await read_json(request, UserWish))
    headers = {"Location": f"/api/v1/users/{user.id}"}
    return json_answer(await _answer(request, user.id), 201, headers)


async def change(request: web.Request) -> web.Response:
    """PATCH /api/v1/users/{user_id}: another role, a new password. Signed-in operators only."""
    _demand_operator(request)
    user = await change_user(request, await read_json(request, UserChange))
    return json_answer(await _answer(request, user.id))


async def remove(request: web.Request) -> web.Response:
    """DELETE /api/v1/users/{user_id}: nobody may come in as them. Signed-in operators only."""
    await remove_that_user(request)
    return web.Response(status=204)


async def create_user(request: web.Request, wish: UserWish) -> User:
    """Add somebody. Raises NotAllowed, NameTaken, WeakPassword, InvalidRequest."""
    viewer = _demand_operator(request)
    password_hash = await _hashed(request, wish.password)

    def add(connection: sqlite3.Connection) -> User:
        demand_login(connection, viewer.via, now_ms(), "operator")
        return add_user(connection, wish.name, password_hash, wish.role, now_ms())

    user = await request.app[DATABASE].writer.run(add)
    note(request, "user_created", created=user.name, user=user.id, role=user.role)
    return user


async def change_user(request: web.Request, wish: UserChange) -> User:
    """Change the user in the path; what listens in their name ends, and comes back if it may.

    Raises NotAllowed, NotFound, WeakPassword, Conflict for the last operator.
    """
    viewer = _demand_operator(request)
    user_id = read_id(request, "user_id")
    password_hash = None if wish.password is None else await _hashed(request, wish.password)

    def change_all(connection: sqlite3.Connection) -> User:
        demand_login(connection, viewer.via, now_ms(), "operator")
        user = find_member(connection, user_id)
        if wish.role is not None:
            change_role(connection, user_id, wish.role)
        if password_hash is not None:
            change_password(connection, user_id, password_hash)
        return user

    user = await request.app[DATABASE].writer.run(change_all)
    note(
        request,
        "user_changed",
        changed=user.name,
        user=user.id,
        role=wish.role,
        password=password_hash is not None,
    )
    await request.app[RECHECK].look()
    return user


async def remove_that_user(request: web.Request) -> None:
    """Remove the user in the path, and end what listens in their name.

    Raises NotAllowed, NotFound, Conflict for the last operator.
    """
    viewer = _demand_operator(request)
    user_id = read_id(request, "user_id")

    def remove(connection: sqlite3.Connection) -> User:
        demand_login(connection, viewer.via, now_ms(), "operator")
        return remove_user(connection, user_id)

    user = await request.app[DATABASE].writer.run(remove)
    note(request, "user_removed", removed=user.name, user=user.id)
    request.app[DELIVERER].look_again()
    request.app[NOTIFIER].look_again()
    await request.app[RECHECK].look()


def _demand_operator(request: web.Request) -> Viewer:
    """Return the operator who asks by browser: a token could let itself in as more.

    Raises NotAuthenticated, NotAllowed.
    """
    viewer_for(request, "account")
    return viewer_for(request, "operate")


async def _hashed(request: web.Request, password: str) -> str:
    at_least = request.app[SETTINGS].min_password_length
    return await request.app[ACCOUNTS].hashed(password, at_least)


async def _answer(request: web.Request, user_id: str) -> UserAnswer:
    found = await list_users(request.app[DATABASE].reader, now_ms(), user_id)
    if not found:
        raise NotFound(what="user")
    return UserAnswer.of(found[0])
