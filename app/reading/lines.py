"""Text tables as rows, the whole file in bounded memory. The hot path stays inside C.

The file is read in blocks that end with a line. A block is decoded at once and parsed at once;
only where something is odd (a cell over several lines, bytes that do not decode, a stray quote)
is it looked at line by line.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Container, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

from app.core.notices import GuessedEncoding, MixedEncodings, Notice, NulBytes, OpenQuotes
from app.core.unreadable import LineTooLong
from app.reading.containers import readable_bytes
from app.reading.dialect import Dialect, rows_of
from app.reading.encoding import Encoding

BLOCK_BYTES = 128 * 1024
RECORD_LINES = 1000  # a cell over more lines than this is a quote that was never closed
STRAY_QUOTES = 100  # after that many, quotes no longer hold lines together
END = "\x1e-end-"  # a row of its own after each block: missing when a quote is still open
BLANKISH = re.compile(r"^ +$", re.MULTILINE)


class Chunk(NamedTuple):
    """Some rows of the table.

    lines       the source line (from 1) on which each row begins
    rows        as many as `lines`; [] when there is a frame
    bytes_done  how much of the file was read up to its end; a packed file's share by its rows
    frame       the same rows as columns, when whoever reads asked for it and they are plain
    """

    lines: Sequence[int]
    rows: list[list[str]]
    bytes_done: int
    frame: Any = None


class LineReader:
    """Iterates over chunks of a text file; counts what a person should know on the way.

    encoding        lines that do not fit its name are read by its fallback
    first_line      lines before this one are passed over, as text
    width           cells in an ordinary row, to know a stray quote by; 0 when not known
    max_line_bytes  longest line and longest cell
    told            codes of notices that were told before
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        dialect: Dialect,
        *,
        first_line: int = 1,
        width: int = 0,
        max_line_bytes: int,
        filename: str = "",
        as_frame: Callable[[str, Dialect, int], Any] | None = None,
        told: Container[str] = (),
    ) -> None:
        self.nul_count = 0
        self.nul_line = 0
        self.fallback_lines = 0
        self.fallback_line = 0
        self.stray_quotes = 0
        self.stray_quote_line = 0
        self._path = path
        self._encoding = encoding
        self._dialect = dialect
        self._first_line = first_line
        self._width = width
        self._limit = max_line_bytes
        self._limit_text = readable_bytes(max_line_bytes)
        self._filename = filename or path.name
        self._told = told
        self._as_frame = as_frame
        self._seen_beyond_ascii = False

    def notices(self) -> list[Notice]:
        """Return what was met in the lines read so far and was not told before."""
        found: list[Notice] = []
        if self.nul_count:
            found.append(NulBytes(count=self.nul_count, line=self.nul_line))
        if self.fallback_lines and self._seen_beyond_ascii:
            found.append(
                MixedEncodings(
                    lines=self.fallback_lines,
                    line=self.fallback_line,
                    encoding=self._encoding.fallback,
                )
            )
        elif self.fallback_lines:
            found.append(GuessedEncoding(encoding=self._encoding.fallback))
        if self.stray_quotes:
            found.append(OpenQuotes(count=self.stray_quotes, line=self.stray_quote_line))
        return [notice for notice in found if notice.code not in self._told]

    def __iter__(self) -> Iterator[Chunk]:
        """Yield chunks in file order. Raises LineTooLong."""
        csv.field_size_limit(max(self._limit, 131_072))
        line = 1  # of the first line in `text`
        held = ""  # a record whose quote is open at the end of its block
        done = 0
        for block, done in self._blocks():
            text = held + self._decode(block, line + held.count("\n"))
            held = ""
            while line < self._first_line and text:
                _, _, text = text.partition("\n")
                line += 1
            if not text:
                continue
            if self._as_frame:
                frame = self._as_frame(text, self._dialect, self._width)
                if frame is not None:
                    yield Chunk(range(line, line + len(frame)), [], done, frame)
                    line += len(frame)
                    continue
            lines, rows, held = self._parse(text, line, last=False)
            line += text.count("\n") - held.count("\n")
            if rows:
                yield Chunk(lines, rows, done)
        if held:
            lines, rows, _ = self._parse(held, line, last=True)
            yield Chunk(lines, rows, done)

    def _blocks(self) -> Iterator[tuple[bytes, int]]:
        """Yield whole lines, about BLOCK_BYTES at a time, and how much of the file was read."""
        if self._encoding.wide:
            yield from self._wide_blocks()
            return
        size = min(BLOCK_BYTES, self._limit)
        line = 1
        with self._path.open("rb", buffering=0) as stream:
            stream.seek(self._encoding.bom)
            done = self._encoding.bom
            rest = b""
            while block := stream.read(size):
                done += len(block)
                ends = (block.find(b"\n"), block.find(b"\r"), len(block))
                first = min(at for at in ends if at >= 0)
                if len(rest) + first > self._limit:
                    raise LineTooLong(line=line, limit=self._limit_text, filename=self._filename)
                cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
                if not cut:
                    rest += block
                    continue
                whole = rest + block[:cut]
                rest = block[cut:]
                yield whole, done
                line += whole.count(b"\n") or whole.count(b"\r")
            if rest:
                yield rest, done

    def _wide_blocks(self) -> Iterator[tuple[bytes, int]]:
        """The same for UTF-16 and UTF-32, handed on as UTF-8."""
        decoder = codecs.getincrementaldecoder(self._encoding.name)(errors="replace")
        size = min(BLOCK_BYTES, self._limit)
        line = 1
        rest = ""
        with self._path.open("rb", buffering=0) as stream:
            stream.seek(self._encoding.bom)
            done = self._encoding.bom
            while block := stream.read(size):
                done += len(block)
                text = decoder.decode(block)
                if len(rest) + len(text) > self._limit and "\n" not in text and "\r" not in text:
                    raise LineTooLong(line=line, limit=self._limit_text, filename=self._filename)
                text = rest + text
                cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
                rest = text[cut:]
                if cut:
                    yield text[:cut].encode("utf-8", "replace"), done
                    line += text.count("\n") or text.count("\r")
            if rest := rest + decoder.decode(b"", final=True):
                yield rest.encode("utf-8", "replace"), done

    def _decode(self, block: bytes, line: int) -> str:
        """Return a block as text with \\n line ends and one at its end, without NUL."""
        name = "utf-8" if self._encoding.wide else self._encoding.name
        try:
            text = block.decode(name)
            self._seen_beyond_ascii = self._seen_beyond_ascii or not text.isascii()
        except UnicodeDecodeError:
            text = self._decode_lines(block, line, name)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if "\0" in text:
            if not self.nul_count:
                self.nul_line = line + text[: text.index("\0")].count("\n")
            self.nul_count += text.count("\0")
            text = text.replace("\0", "")
        return text if text.endswith("\n") else text + "\n"

    def _decode_lines(self, block: bytes, line: int, name: str) -> str:
        fallback = self._encoding.fallback or name
        parts = []
        for number, part in enumerate(re.split(rb"(?<=\n)|(?<=\r)(?!\n)", block), line):
            try:
                text = part.decode(name)
                self._seen_beyond_ascii = self._seen_beyond_ascii or not text.isascii()
            except UnicodeDecodeError:
                text = part.decode(fallback, "replace")
                self.fallback_lines += 1
                self.fallback_line = self.fallback_line or number
            parts.append(text)
        return "".join(parts)

    def _parse(
        self, text: str, line: int, *, last: bool
    ) -> tuple[Sequence[int], list[list[str]], str]:
        """Return line numbers, rows, and the text of a record that is not complete yet."""
        try:
            rows: list[list[str]] = list(rows_of(io.StringIO(text + END), self._dialect))
            closed = rows.pop() == [END]
        except csv.Error:  # a cell beyond the field limit: a quote that was never closed
            rows, closed = [], False
        if closed and len(rows) == text.count("\n"):
            lines: Sequence[int] = range(line, line + len(rows))
            if [] in rows or BLANKISH.search(text):
                kept = [(n, row) for n, row in zip(lines, rows, strict=True) if _filled(row)]
                return [n for n, _ in kept], [row for _, row in kept], ""
            return lines, rows, ""
        return self._parse_records(text, line, last=last)

    def _parse_records(
        self, text: str, line: int, *, last: bool
    ) -> tuple[list[int], list[list[str]], str]:
        """The careful way: cells over several lines, and quotes that never close."""
        source = list(io.StringIO(text))
        numbers: list[int] = []
        rows: list[list[str]] = []
        at = 0  # of the first line not taken yet
        while at < len(source):
            at = self._take_records(source, at, line, numbers, rows)
            if at == len(source):
                break
            # The record that begins here does not end, or swallows rows: one quote too many.
            if not last and self._may_go_on(source[at:]):
                return numbers, rows, "".join(source[at:])
            self.stray_quotes += 1
            self.stray_quote_line = self.stray_quote_line or line + at
            numbers.append(line + at)
            rows.append(source[at].rstrip("\n").split(self._dialect.delimiter))
            at += 1
        return numbers, rows, ""

    def _take_records(
        self,
        source: list[str],
        at: int,
        line: int,
        numbers: list[int],
        rows: list[list[str]],
    ) -> int:
        """Append the records from `at` on; return where the first doubtful one begins."""
        if self.stray_quotes >= STRAY_QUOTES:
            for number, text in enumerate(source[at:], line + at):
                row = next(rows_of([text], self._dialect))
                if _filled(row):
                    numbers.append(number)
                    rows.append(row)
            return len(source)
        start = at
        reader = rows_of(chain(islice(source, start, None), [END]), self._dialect)
        try:
            for row in reader:
                after = start + reader.line_num
                if after > len(source):  # the end mark itself, or swallowed by an open quote
                    return at
                if after > at + 1 and self._is_stray(source[at:after]):
                    return at
                if _filled(row):
                    numbers.append(line + at)
                    rows.append(row)
                at = after
        except csv.Error:  # a cell beyond the field limit
            return at
        return at

    def _may_go_on(self, record: list[str]) -> bool:
        """Whether the rest of a block may be a cell that ends in the next block."""
        return (
            len(record) < RECORD_LINES
            and sum(map(len, record)) <= self._limit
            and not self._is_stray(record)
        )

    def _is_stray(self, lines: list[str]) -> bool:
        """Lines inside a quoted cell that are rows of the table themselves: nobody quotes those."""
        if len(lines) > RECORD_LINES:
            return True
        inner = lines[1:-1]
        if len(inner) < 2 or self._width < 2:
            return False
        cells = self._width - 1
        alike = sum(line.count(self._dialect.delimiter) == cells for line in inner)
        return alike >= 0.8 * len(inner)


def _filled(row: list[str]) -> bool:
    return len(row) > 1 or (len(row) == 1 and bool(row[0].strip()))
