"""Who may do this? One pure question, asked in every handler and every subscription."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from app.core.rooms import Room

Role = Literal["operator", "member"]
Scope = Literal["upload", "listen", "read", "control", "operate"]
"""What a token may be used for.

upload   give files, and report from outside
listen   follow rooms, on a socket, as an event stream or by asking the history
read     look at jobs, their rows and their files
control  steer jobs, share them, answer questions
operate  use an operator's rights: other people's things, and the server as a whole
"""
Action = Scope | Literal["account", "download"]
"""account   change who may come in as this user: only a signed-in person may, never a token
download  take a file away as it came: whoever may read it, but no share link
"""

SCOPES: tuple[Scope, ...] = get_args(Scope)
EVERYTHING: frozenset[Scope] = frozenset(SCOPES)
FOLLOWING: frozenset[Scope] = frozenset({"listen", "read"})

Client = Literal["cookie", "token", "ticket", "listen", "share"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limits of a connection that an operator set for one token; None is as the settings say."""

    connections: int | None = None
    messages_per_second: int | None = None
    message_bytes: int | None = None
    silence_s: int | None = None


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person or program that was recognised.

    client     how: session cookie, API token, single-use ticket, listen-only token or share link
    scopes     what it may be used for; a cookie is good for everything
    via        id of the login, token or share by which it came; "" when there is none
    shared     the one job or batch that a share link shows; then `user_id`, `name` and `role` are
               those of whoever shared it, whose rights its bearer can never exceed
    allowance  the token's own limits
    epoch      of the user, where it counts: what names another one has ended
    guest      the share link that a signed-in person has also opened; what it shows may be seen,
               as by anybody else who holds the link
    """

    user_id: str
    name: str
    role: Role
    client: Client = "cookie"
    scopes: frozenset[Scope] = EVERYTHING
    via: str = ""
    shared: Room | None = None
    allowance: Allowance = field(default_factory=Allowance)
    epoch: int | None = None
    guest: "Viewer | None" = None

    @property
    def holder(self) -> str:
        """Whose connections and requests are counted together: a user's, or a share link's."""
        return self.user_id if self.shared is None else f"share:{self.via}"


@dataclass(frozen=True, slots=True)
class Thing:
    """What somebody wants to see or steer: whose it is, and the job or batch it belongs to."""

    owner_id: str
    batch_id: str | None = None
    job_id: str | None = None

    def is_of(self, room: Room) -> bool:
        """Tell whether this is the job or batch of `room`, or lies within it."""
        if room.kind == "job":
            return self.job_id == room.id
        return room.kind == "batch" and self.batch_id == room.id


def may(viewer: Viewer | None, action: Action, thing: Thing | None = None) -> bool:
    """Tell whether `viewer` may do `action` to `thing`.

    viewer  None for nobody
    thing   None: to what is the viewer's own, or, for `operate`, to the server as a whole
    """
    if viewer is None:
        return False
    if viewer.guest is not None and thing is not None and may(viewer.guest, action, thing):
        return True
    if obstacle(viewer, action):
        return False
    if action in ("account", "operate"):
        return True
    if viewer.shared is not None:
        return thing is not None and thing.is_of(viewer.shared) and _reaches(viewer, thing)
    return thing is None or _operates(viewer) or thing.owner_id == viewer.user_id


def obstacle(viewer: Viewer, action: Action) -> str:
    """Return why `viewer` may do `action` to nothing at all; "" when there may be something."""
    if action == "account":
        return "" if viewer.client == "cookie" else "sign in with a browser for that"
    if action == "download" and viewer.shared is not None:
        return "a share link shows what was read, and gives no files away"
    scope: Scope = "read" if action == "download" else action
    if scope not in viewer.scopes:
        return f"this needs the scope {scope}"
    if scope == "operate" and viewer.role != "operator":
        return "this is for operators"
    return ""


def _operates(viewer: Viewer) -> bool:
    return viewer.role == "operator" and "operate" in viewer.scopes


def _reaches(guest: Viewer, thing: Thing) -> bool:
    """Tell whether whoever shared it may still see it."""
    return guest.role == "operator" or thing.owner_id == guest.user_id


def may_follow(viewer: Viewer | None, room: Room, thing: Thing | None) -> bool:
    """Tell whether `viewer` may listen to `room`.

    thing  what the room is about; None when there is no such thing, and for `all`
    """
    if room.kind == "all":
        return may(viewer, "listen") and may(viewer, "operate")
    return thing is not None and may(viewer, "listen", thing)
