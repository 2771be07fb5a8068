"""Taking a multipart body apart gives what was put in, wherever it is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import MalformedMultipart
from app.core.multipart import (
    MultipartParser,
    PartBegins,
    PartData,
    PartEnds,
    boundary_of,
)

HEAD = b'Content-Disposition: form-data; name="files"; filename="a.csv"\r\n\r\n'


def body_of(contents: list[bytes], boundary: bytes = b"x") -> bytes:
    parts = [b"--" + boundary + b"\r\n" + HEAD + content + b"\r\n" for content in contents]
    return b"".join(parts) + b"--" + boundary + b"--\r\n"


def taken_apart(chunks: list[bytes], boundary: bytes = b"x") -> list[bytes]:
    """Return the contents of the parts; every part has to begin, and to end."""
    parser = MultipartParser(boundary)
    contents: list[bytes] = []
    inside = False
    for chunk in chunks:
        for piece in parser.feed(chunk):
            match piece:
                case PartBegins():
                    assert not inside
                    inside = True
                    contents.append(b"")
                case PartData(data):
                    assert inside
                    assert data
                    contents[-1] += data
                case PartEnds():
                    assert inside
                    inside = False
    parser.close()
    assert not inside
    return contents


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(c % (len(body) + 1) for c in cuts)})
    return [body[a:b] for a, b in pairwise(edges)]


# Pieces that look like a boundary, or like a part of one.
TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--", b"y", b"--y", b"a,b"]),
    max_size=12,
).map(b"".join)


@given(
    st.lists(TRICKY | st.binary(max_size=40), max_size=5),
    st.lists(st.integers(0, 2000), max_size=20),
)
def test_parts_come_out_as_they_went_in_however_the_body_is_cut(
    contents: list[bytes], cuts: list[int]
) -> None:
    boundary = b"x--boundary"
    body = body_of(contents, boundary)
    if body.count(b"--" + boundary) == len(contents) + 1:  # no content holds the boundary
        assert taken_apart(cut(body, cuts), boundary) == contents


def test_a_body_may_come_byte_by_byte() -> None:
    contents = [b"", b"a,b\r\n1,2\r\n", b"\r\n"]
    body = body_of(contents)
    assert taken_apart([body[i : i + 1] for i in range(len(body))]) == contents


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_nothing_but_a_refusal_comes_of_bytes_by_chance(body: bytes, cuts: list[int]) -> None:
    try:
        taken_apart(cut(body, cuts))
    except MalformedMultipart:
        return
    assert b"--x--" in body


@given(st.integers(0, 200))
def test_a_body_that_was_cut_short_is_never_taken_for_whole(length: int) -> None:
    body = body_of([b"a,b", b"c,d"])
    short = body[: min(length, len(body) - 3)]  # without "-" and the last line end
    with pytest.raises(MalformedMultipart):
        taken_apart([short])


@pytest.mark.parametrize(
    "body",
    [
        b"\n" * 5000,
        b"a" * 5000,
        b"--y\r\n" + HEAD + b"a\r\n--y--\r\n",
        b"--x\r\nX-Long: " + b"a" * 10_000,
        b"--x" + b" " * 100 + b"\r\n",
        b"--xtra\r\n" + HEAD + b"a\r\n--x--\r\n",
        b"",
    ],
)
def test_what_is_no_such_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMultipart):
        taken_apart([body])


def test_what_surrounds_the_parts_is_left_out() -> None:
    assert taken_apart([b"a preamble\r\n" + body_of([b"a"]) + b"an epilogue" * 1000]) == [b"a"]


@pytest.mark.parametrize(
    ("header", "name", "filename"),
    [
        ('form-data; name="files"; filename="a.csv"', "files", "a.csv"),
        ("form-data; name=files; filename=a.csv", "files", "a.csv"),
        ('form-data; filename="a;b.csv"; name="files"', "files", "a;b.csv"),
        (r'form-data; name="files"; filename="a\"b\\c.csv"', "files", 'a"b\\c.csv'),
        (r'form-data; name="files"; filename="C:\new\t.csv"', "files", r"C:\new\t.csv"),
        ('form-data; name="files"; filename="übung.csv"', "files", "übung.csv"),
        (
            "form-data; name=files; filename=\"u.csv\"; filename*=UTF-8''%C3%BCbung.csv",
            "files",
            "übung.csv",
        ),
        ('form-data; name="files"; filename=""', "files", ""),
        ('form-data; name="options"', "options", None),
        ("form-data", None, None),
    ],
)
def test_a_part_says_its_name(header: str, name: str | None, filename: str | None) -> None:
    parser = MultipartParser(b"x")
    body = f"--x\r\ncontent-DISPOSITION: {header}\r\nContent-Type: text/csv\r\n\r\n"
    assert next(parser.feed(body.encode())) == PartBegins(name, filename)


@pytest.mark.parametrize("ends", ["\r\n\r\n--x--", "\r\n\r\n\r\n--x--"])
def test_an_empty_part_is_empty_however_it_is_written(ends: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"' + ends.encode()
    assert taken_apart([body]) == [b""]
    assert taken_apart([body[i : i + 1] for i in range(len(body))]) == [b""]


def test_a_part_without_headers_has_no_name() -> None:
    parser = MultipartParser(b"x")
    pieces = list(parser.feed(b"--x\r\n\r\na\r\n--x--"))
    assert pieces == [PartBegins(None, None), PartData(b"a"), PartEnds()]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; boundary="a b"; charset=utf-8', b"a b"),
        ("multipart/form-data; boundary=abc; name=ä\udcff", b"abc"),  # a byte that is no UTF-8
    ],
)
def test_the_boundary_is_read_from_the_content_type(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=", f"m/f; boundary={'x' * 71}"],
)
def test_a_content_type_without_a_good_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedMultipart):
        boundary_of(content_type)
