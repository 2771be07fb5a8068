"""WebSocket frames as a server sends them (RFC 6455 section 5.2): whole, unmasked, prebuilt.

A frame is built once and the same bytes go to every listener.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

FIN_TEXT = 0x81
FIN_PONG = 0x8A
PING = b"\x89\x00"

WRITE_AT_MOST = 64 * 1024
"""Bytes of one write, unless a single object is larger."""


class Chunk(NamedTuple):
    """One write: whole frames with every event that matched up to `seq`."""

    data: bytes
    seq: int
    events: int


def text_frame(payload: bytes) -> bytes:
    """Return `payload` (UTF-8) as one unfragmented text frame."""
    return _frame(FIN_TEXT, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping that carried `payload`, at most 125 bytes."""
    return _frame(FIN_PONG, payload)


def chunks(
    events: Iterable[tuple[int, bytes]], *, single: bool, at_most: int = WRITE_AT_MOST
) -> tuple[Chunk, ...]:
    """Return `events`, as (seq, JSON object) in order of seq, as writes of about `at_most` bytes.

    single  a frame for each object, back to back; else the objects of a write share one frame,
            separated by newlines
    """
    found: list[Chunk] = []
    bodies: list[bytes] = []
    size = last = 0
    for seq, body in events:
        if bodies and size + len(body) > at_most:
            found.append(Chunk(_write(bodies, single), last, len(bodies)))
            bodies, size = [], 0
        bodies.append(body)
        size += len(body) + 1
        last = seq
    if bodies:
        found.append(Chunk(_write(bodies, single), last, len(bodies)))
    return tuple(found)


def _write(bodies: Sequence[bytes], single: bool) -> bytes:
    if single:
        return b"".join([text_frame(body) for body in bodies])
    return text_frame(b"\n".join(bodies))


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65536:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload
