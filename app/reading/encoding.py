"""How the letters of a text file are written: byte order marks, UTF, and the best guess beyond."""

import codecs
from dataclasses import dataclass

import charset_normalizer

BOMS = (  # the longer mark first: UTF-32 LE begins with the mark of UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FALLBACK = "cp1252"  # what Windows programs of Western banks write
# Tried in this order of likelihood for bank exports; the others are taken for Western text in
# which a few letters happen to fit them.
CANDIDATES = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "shift_jis", "gb18030",
              "big5", "euc_kr", "cp850", "mac_roman"]  # fmt: skip
GUESS_BYTES = 64 * 1024


@dataclass(frozen=True)
class Encoding:
    """An encoding by its Python name.

    fallback  what a line is read as that does not fit `name`; None for UTF-16 and UTF-32
    bom       length of the byte order mark at the start of the file, 0 without one
    guessed   nothing in the file says so: a person should know
    """

    name: str
    fallback: str | None
    bom: int
    guessed: bool

    @property
    def wide(self) -> bool:
        """Whether a line feed is more than one byte."""
        return self.name.startswith(("utf-16", "utf-32"))


def detect_encoding(sample: bytes, *, whole: bool = False) -> Encoding:
    """Return the encoding of a text file from its first bytes.

    whole  the sample is the whole file, so that its last character is complete
    """
    for mark, name in BOMS:
        if sample.startswith(mark):
            fallback = FALLBACK if name == "utf-8" else None
            return Encoding(name, fallback, len(mark), guessed=False)
    if wide := _wide_without_mark(sample):
        return Encoding(wide, None, 0, guessed=False)
    if _is_utf8(sample, whole=whole) or _mostly_utf8(sample):
        return Encoding("utf-8", FALLBACK, 0, guessed=False)
    return Encoding(_guess(sample), "latin-1", 0, guessed=True)


def _wide_without_mark(sample: bytes) -> str | None:
    """Latin text in UTF-16 and UTF-32 has its NUL bytes at regular places."""
    head = sample[: 4096 - 4096 % 4]
    if len(head) < 4:
        return None
    quarter = len(head) / 4
    nuls = [head[i::4].count(0) / quarter for i in range(4)]
    if nuls[1] > 0.9 and nuls[2] > 0.9 and nuls[3] > 0.9 and nuls[0] < 0.1:
        return "utf-32-le"
    if nuls[0] > 0.9 and nuls[1] > 0.9 and nuls[2] > 0.9 and nuls[3] < 0.1:
        return "utf-32-be"
    even, odd = (nuls[0] + nuls[2]) / 2, (nuls[1] + nuls[3]) / 2
    if odd > 0.6 and even < 0.1:
        return "utf-16-le"
    if even > 0.6 and odd < 0.1:
        return "utf-16-be"
    return None


def _is_utf8(sample: bytes, *, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(sample: bytes) -> bool:
    """Among the lines that are not plain ASCII, at least four in five are proper UTF-8."""
    fitting = broken = 0
    for line in sample.splitlines()[:-1]:
        if line.isascii():
            continue
        try:
            line.decode("utf-8")
            fitting += 1
        except UnicodeDecodeError:
            broken += 1
    return fitting > 0 and fitting >= 4 * broken


def _guess(sample: bytes) -> str:
    lines = [line for line in sample.splitlines() if not line.isascii()]
    text = b"\n".join(lines)[:GUESS_BYTES]
    best = charset_normalizer.from_bytes(text, cp_isolation=CANDIDATES).best()
    if best is None or best.encoding in {"mac_iceland", "mac_roman", "cp1250", "cp850", "cp1254"}:
        return FALLBACK
    return best.encoding
