"""WebSocket frames as a server sends them (RFC 6455 section 5.2): whole, unmasked, prebuilt.

A frame is built once and the same bytes go to every listener.
"""

FIN_TEXT = 0x81
FIN_PONG = 0x8A
PING = b"\x89\x00"

WRITE_AT_MOST = 64 * 1024
"""Bytes of one write before it is packed, unless a single object is larger."""


def text_frame(payload: bytes) -> bytes:
    """Return `payload` (UTF-8) as one unfragmented text frame."""
    return _frame(FIN_TEXT, payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping that carried `payload`, at most 125 bytes."""
    return _frame(FIN_PONG, payload)


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65536:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload
