"""What a server puts on a connection, prebuilt: WebSocket frames, event stream blocks, chunks.

Built once, and the same bytes go to every listener. Frames (RFC 6455 section 5.2) are whole and
unmasked.
"""

import zlib

FIN_TEXT = 0x81
FIN_BINARY = 0x82
FIN_PING = 0x89
PING = bytes((FIN_PING, 0))
COMPRESSED = 0x40  # RSV1, where permessage-deflate was agreed on (RFC 7692)

PLAIN, GZIPPED = b"\0", b"\1"  # first byte of a binary frame: how the rest of it is packed

WRITE_AT_MOST = 44 * 1024
"""Bytes of one write before it is packed, unless a single object is larger."""
WORTH_COMPRESSING = 1024
"""Below this many bytes a payload goes as it is."""
# Everything is compressed once for all who listen, but while the loop waits.
LEVEL = 1
WINDOW_BITS = 15
RAW, GZIP = -WINDOW_BITS, 16 + WINDOW_BITS  # zlib's names for its containers

LAST_CHUNK = b"0\r\n\r\n"


def text_frame(payload: bytes) -> bytes:
    """Return `payload` (UTF-8) as one unfragmented text frame."""
    return _frame(FIN_TEXT, payload)


def deflated_text_frame(payload: bytes) -> bytes:
    """Return `payload` (UTF-8) as a text frame, compressed where that is worth it.

    A compressed frame refers to nothing before it, so the same bytes fit every connection on which
    permessage-deflate was agreed on with a window of WINDOW_BITS, whatever was sent on it before.
    """
    if len(payload) >= WORTH_COMPRESSING:
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, RAW)
        packed = packer.compress(payload) + packer.flush(zlib.Z_SYNC_FLUSH)
        if len(packed) - 4 < len(payload):
            return _frame(FIN_TEXT | COMPRESSED, packed[:-4])  # RFC 7692 section 7.2.1
    return text_frame(payload)


def binary_frame(payload: bytes) -> bytes:
    """Return `payload` as one binary frame whose first byte says how the rest is packed."""
    if len(payload) > WORTH_COMPRESSING:
        packed = zlib.compress(payload, LEVEL, GZIP)
        if len(packed) < len(payload):
            return _frame(FIN_BINARY, GZIPPED + packed)
    return _frame(FIN_BINARY, PLAIN + payload)


def binary_payload(frame: bytes, at_most: int) -> bytes:
    """Return what a client packed into a binary frame; the reverse of `binary_frame`.

    Raises OverflowError when that is more than `at_most` bytes, which is found out without
    unpacking more; ValueError when it is not packed as it says.
    """
    how, rest = frame[:1], frame[1:]
    if how == GZIPPED:
        unpacker = zlib.decompressobj(GZIP)
        try:
            payload = unpacker.decompress(rest, at_most + 1)
        except zlib.error as error:
            raise ValueError(f"the frame can not be unpacked: {error}") from error
        if len(payload) <= at_most and (not unpacker.eof or unpacker.unused_data):
            raise ValueError("the frame is not one whole gzip member")
    elif how == PLAIN:
        payload = rest
    else:
        raise ValueError("the first byte of a frame has to be 0 or 1")
    if len(payload) > at_most:
        raise OverflowError(f"the frame holds more than {at_most} bytes")
    return payload


def ping_frame(payload: bytes) -> bytes:
    """Return a ping whose answer will carry `payload`, at most 125 bytes."""
    return _frame(FIN_PING, payload)


def _frame(first_byte: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first_byte, size)) + payload
    if size < 65536:
        return bytes((first_byte, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first_byte, 127)) + size.to_bytes(8, "big") + payload


def chunk(data: bytes) -> bytes:
    """Return `data`, not empty, as one chunk of a chunked HTTP body (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def stream_block(kind: str, body: bytes, position: bytes | None) -> bytes:
    """Return a message of an event stream (text/event-stream).

    kind      the name of the event
    body      one line, UTF-8
    position  what the client comes back with; None: what it has already
    """
    place = b"" if position is None else b"id: %b\n" % position
    return b"%bevent: %b\ndata: %b\n\n" % (place, kind.encode(), body)
