"""A seat among the connections, for what listens over plain HTTP."""

from aiohttp import web

from app.core.errors import ShuttingDown, TooManyConnections
from app.core.permissions import Viewer
from app.core.protocol import Close
from app.keys import HUB
from app.web.address import address_of

BACK_IN_S = 5


def demand_seat(request: web.Request, viewer: Viewer) -> None:
    """Refuse the request unless there is a seat for one more connection of `viewer`.

    The seat has to be taken before anything is waited for. Raises TooManyConnections,
    ShuttingDown.
    """
    refusal = request.app[HUB].refusal(viewer, address_of(request))
    if refusal is None:
        return
    if refusal.code is Close.RESTART:
        raise ShuttingDown
    raise TooManyConnections(why=refusal.reason, retry_after=BACK_IN_S)
