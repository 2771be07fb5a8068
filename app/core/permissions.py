"""Who may see this? One pure question, asked in every handler and every subscription."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["operator", "member"]


@dataclass(frozen=True, slots=True)
class Viewer:
    """A person or program that was recognised. `client` says how: cookie, token or ticket."""

    user_id: str
    name: str
    role: Role
    client: Literal["cookie", "token", "ticket"] = "cookie"


def may_see(viewer: Viewer, owner_id: str) -> bool:
    """Tell whether `viewer` may see (and steer) what belongs to the user `owner_id`."""
    return viewer.role == "operator" or viewer.user_id == owner_id


def may_operate(viewer: Viewer) -> bool:
    """Tell whether `viewer` may look at and change the server as a whole."""
    return viewer.role == "operator"
