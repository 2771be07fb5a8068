"""The headers of tus: what they say, and what is no such header."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidRequest
from app.core.tus import HIGHEST, parse_checksum, parse_metadata, parse_number


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.text(max_size=40)))
def test_metadata_comes_back_as_it_was_packed(facts: dict[str, str]) -> None:
    packed = ",".join(f"{key} {encoded(value)}" for key, value in facts.items())
    assert parse_metadata(packed) == facts


def test_a_key_without_a_value_is_empty() -> None:
    assert parse_metadata("is_private, filename YS5jc3Y=") == {
        "is_private": "",
        "filename": "a.csv",
    }


@pytest.mark.parametrize(
    "text",
    [
        "filename §",
        "filename YS5",
        "a YQ==,a YQ==",
        ",",
        "a /w==",
        "a\x01 YQ==",
        "ä YQ==",
        "\udcff",
    ],
)
def test_metadata_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_metadata(text)


@pytest.mark.parametrize("text", ["", "-1", "1.0", "ten", "٣", "9" * 30, str(HIGHEST + 1)])
def test_a_number_is_whole_and_not_negative(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Upload-Offset"):
        parse_number(text, "Upload-Offset")


@pytest.mark.parametrize("name", ["sha1", "sha256"])
def test_a_checksum_is_of_exactly_its_bytes(name: str) -> None:
    digest = base64.b64encode(hashlib.new(name, b"coffee").digest()).decode()
    checksum = parse_checksum(f"{name} {digest}")
    for content in (b"coffee", b"toffee"):
        hashed = checksum.begin()
        hashed.update(content)
        assert checksum.is_of(hashed) == (content == b"coffee")


@pytest.mark.parametrize("text", ["", "md5 YQ==", "YQ==", "sha1 *", "sha256 YQ"])
def test_a_checksum_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_checksum(text)
