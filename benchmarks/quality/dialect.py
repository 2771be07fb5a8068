"""Text tables: delimiter, quote and encoding, on files whose dialect somebody wrote down by hand.

Source of the files: see csvsniffer/README.md among the samples. Beside ours, the standard
library's csv.Sniffer on the same decoded text; where it gives up, that counts as a comma.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.reading.dialect import detect_dialect, sample_lines
from app.reading.encoding import Encoding, detect_encoding
from benchmarks.quality.scores import Score

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "vslash": "|", "nsign": "#"}
QUOTES = {"doublequote": '"', "singlequote": "'"}
SAMPLE_BYTES = 1024 * 1024
CODECS = {"shif-jis": "shift_jis"}  # as the annotations call it


@dataclass(frozen=True, slots=True)
class Annotated:
    """One file and what is known about it."""

    name: str
    encoding: str
    delimiter: str
    quote: str
    content: bytes


def measure(root: Path, *, quick: bool) -> Iterator[Score]:
    """Yield the shares that are right; quick makes no difference, it takes two seconds."""
    delimiters = Score("dialect: delimiter", aim=0.93)
    quotes = Score("dialect: quote")
    encodings = Score("dialect: encoding", aim=0.93)
    all_right = Score("dialect: all three")
    peer = Score("dialect: delimiter, by csv.Sniffer")
    for file in annotated(root / "csvsniffer"):
        encoding = detect_encoding(file.content)
        text = file.content[encoding.bom :].decode(encoding.name, "replace")
        found = detect_dialect(sample_lines(text, whole=len(file.content) < SAMPLE_BYTES))
        fits = (
            found.delimiter == file.delimiter,
            found.quote == file.quote,
            _reads_the_same(encoding, file.encoding, file.content),
        )
        said = f"{file.name}: {found.delimiter!r} {found.quote} {encoding.name}"
        wanted = f"{said}, should be {file.delimiter!r} {file.quote} {file.encoding}"
        for score, fit in zip((delimiters, quotes, encodings), fits, strict=True):
            if fit is not None:
                score.count(fit, wanted)
        all_right.count(False not in fits, wanted)
        peer.count(_sniffed(text) == file.delimiter, file.name)
    yield from (delimiters, quotes, encodings, all_right, peer)


def annotated(folder: Path) -> Iterator[Annotated]:
    """Yield the annotated files that are there."""
    table = folder / "dialects.psv"
    lines = table.read_text(encoding="utf-8").splitlines()[1:] if table.is_file() else []
    for line in lines:
        name, encoding, delimiter, quote, *_ = line.split("|")
        with (folder / "dialects" / name).open("rb") as stream:
            content = stream.read(SAMPLE_BYTES)
        yield Annotated(name, encoding, DELIMITERS[delimiter], QUOTES[quote], content)


def _reads_the_same(encoding: Encoding, told: str, content: bytes) -> bool | None:
    """Tell whether both give the same text; None where the annotation does not fit the file.

    "ansi" says no more than that it is no Unicode: the files so called are Polish, Japanese and of
    old Macs. A file of nothing but ASCII reads the same in every encoding but the wide ones.
    """
    if content.isascii():
        return not encoding.wide
    if told == "ansi":
        return not encoding.name.startswith("utf")
    try:
        wanted = content.decode(CODECS.get(told, told))
    except UnicodeDecodeError:
        return None
    return content[encoding.bom :].decode(encoding.name, "replace") == wanted.removeprefix("\ufeff")


def _sniffed(text: str) -> str:
    try:
        return csv.Sniffer().sniff(text[:65_536]).delimiter
    except csv.Error:
        return ","
