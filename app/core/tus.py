"""The tus 1.0.0 protocol's headers, taken apart. Pure: no request, no file.

Source: tus resumable upload protocol 1.0.0, https://tus.io/protocols/resumable-upload.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.errors import InvalidRequest

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,checksum,termination,expiration"
CHUNK = "application/offset+octet-stream"
ALGORITHMS: dict[str, Callable[[], Any]] = {
    # Against bytes that were damaged on the way, not against anybody: tus demands it.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
}
HIGHEST = 2**63 - 1  # bytes; what SQLite keeps


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a client says about the bytes it sends: `digest` by `algorithm`."""

    algorithm: str
    digest: bytes

    def begin(self) -> Any:
        """Return a new hash of the kind, to be compared by `is_of`."""
        return ALGORITHMS[self.algorithm]()

    def is_of(self, hashed: Any) -> bool:
        """Tell whether the bytes that `hashed` has seen are the ones the client sent."""
        return bool(hashed.digest() == self.digest)


def parse_number(text: str, header: str) -> int:
    """Return a number of bytes out of `header`. Raises InvalidRequest."""
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= HIGHEST:
        return int(text)
    raise InvalidRequest(what=f"{header} has to be a whole number of bytes")


def parse_checksum(text: str) -> Checksum:
    """Return what Upload-Checksum says: "sha256 <Base64>". Raises InvalidRequest."""
    algorithm, _, encoded = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        known = ", ".join(ALGORITHMS)
        raise InvalidRequest(what=f"Upload-Checksum: known algorithms are {known}")
    return Checksum(algorithm, _decoded(encoded, "Upload-Checksum"))


def parse_metadata(text: str) -> dict[str, str]:
    """Return what Upload-Metadata says: "filename <Base64>,batch_id <Base64>".

    A key without a value has "". Raises InvalidRequest for what is no Base64 or no UTF-8, and for
    a key that comes twice.
    """
    if not (text.isascii() and (text.isprintable() or not text)):
        raise InvalidRequest(what="Upload-Metadata: plain ASCII only; values go in Base64")
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if not key or key in found:
            raise InvalidRequest(what="Upload-Metadata: each key is a word, and comes once")
        try:
            found[key] = _decoded(encoded, "Upload-Metadata").decode()
        except UnicodeDecodeError as error:
            raise InvalidRequest(what=f"Upload-Metadata: {key[:80]} is not UTF-8") from error
    return found


def _decoded(encoded: str, header: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(what=f"{header}: not Base64") from error
