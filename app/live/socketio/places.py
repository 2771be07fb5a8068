"""Where a client is, told in the way in which Socket.IO's own client keeps it.

That client (from version 4.6 on) keeps the last argument of an event where it is a text, and the
`pid` of its connect. When it comes back by itself it says both: a place in the log, and which log.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.core.dialects.packets import SEPARATOR
from app.live.formats import NO_PLACE, Format, Message


def place_packet(seq: int) -> bytes:
    """Return the packet that tells a client that it has everything up to `seq`."""
    return b'42["position","%d"]' % seq


def with_places(form: Format) -> Format:
    """Return `form`, of clients that poll, with the place behind each write."""

    def pack(messages: Sequence[Message]) -> bytes:
        packets = form.pack(messages)
        places = [
            message.seq
            for message in messages
            if message.seq is not None and message.type not in NO_PLACE
        ]
        if not places:
            return packets
        said = [packets] if packets else []
        return SEPARATOR.encode().join([*said, place_packet(places[-1])])

    return replace(form, pack=pack)


def recovered(auth: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a client says at its connect, with the place that Socket.IO kept for it."""
    pid, offset = auth.get("pid"), auth.get("offset")
    if not isinstance(pid, str) or not isinstance(offset, str) or not offset.isdecimal():
        return auth
    return {"after": int(offset[:20]), "log": pid, **auth}
