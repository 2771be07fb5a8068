"""How the letters of a text file are written: byte order marks, UTF, and the best guess beyond."""

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import charset_normalizer

BOMS = (  # the longer mark first: UTF-32 LE begins with the mark of UTF-16 LE
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
FALLBACK = "cp1252"  # what Windows programs of Western banks write
# Single-byte code pages in order of likelihood, and the letters beyond ASCII that the languages
# written in them use. A text fits a page as well as it fits the page's best language.
ALPHABETS: dict[str, tuple[str, ...]] = {
    "cp1252": ("äöüß", "àâæçéèêëîïôœùûüÿ", "áéíñóúü", "àéèìíîòóùú", "àáâãçéêíóôõúü", "åäöæøé",
               "áéíóúýðþæö", "áéèëïíóöüĳ"),
    "cp1250": ("áčďéěíňóřšťúůýž", "ąćęłńóśźż", "áéíóöőúüű", "áäčďéíĺľňóôŕšťúýž", "čćđšž",
               "ăâîşţ"),
    "cp1251": ("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўђјљњћџ№",),
    "cp1253": ("αβγδεζηθικλμνξοπρστυφχψωάέήίόύώςϊϋ",),
    "cp1254": ("çğıi\u0307öşüâî",),
    "cp1257": ("ąčęėįšųūž", "āčēģīķļņšūž", "äõöüšž"),
    "mac_roman": ("äöüß", "àâçéèêëîïôùûü", "áéíñóúü", "åäöæø"),
    "cp850": ("äöüß", "àâçéèêëîïôùûü", "áéíñóúü", "åäöæø"),
}  # fmt: skip
NEUTRAL = frozenset("€£¥§°–—‘’“”„«»…´·•®©™×¤¢±²½¼\u00a0\u202f\u00ad")  # belong to no language
FITS = 0.85  # below that share of fitting letters no page is believed
EAST_ASIAN = ["shift_jis", "gb18030", "big5", "euc_kr", "euc_jp"]
OWN_SCRIPT = ("cp1251", "cp1253")
WORD = re.compile(r"[^\W\d_]+|[^\x00-\x7f]+")
DOS_OR_MAC = 0.95  # old: they have to fit clearly better
EAST_ASIAN_BYTES = 8
# Letters that a line has by chance only very seldom when it was not written in UTF-8. In a Western
# page a capital before a sign may look like UTF-8 too ("CAFÉ’S"), but as a letter of another kind.
PROOF = re.compile("[\u00a0-\u017f\u0218-\u021b\u0370-\u045f\u0800-\U0010ffff]|[\u0180-\u07ff]{3}")
MIXED_LINES = 20  # one proper UTF-8 line among so many that are none is no chance
GUESS_BYTES = 64 * 1024
PAGES_OFFERED = 4
SHOWN_WORDS = 4


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
    if _is_utf8(sample, whole=whole):
        return Encoding("utf-8", FALLBACK, 0, guessed=False)
    return _among_lines(sample.splitlines()[: None if whole else -1]) or Encoding(
        _guess(sample), "latin-1", 0, guessed=True
    )


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


def _among_lines(lines: list[bytes]) -> Encoding | None:
    """UTF-8 and the page of the other lines when many are proper UTF-8, but not all; else None.

    Many are four in five of the lines that are not plain ASCII, or fewer that are UTF-8 beyond
    chance. Chance is seldom in single-byte pages and frequent in East Asian ones.
    """
    proofs = chances = 0
    others = []
    for line in lines:
        if line.isascii():
            continue
        try:
            proven = PROOF.search(line.decode("utf-8")) is not None
        except UnicodeDecodeError:
            others.append(line)
        else:
            proofs += proven
            chances += not proven
    if proofs + chances == 0:
        return None
    if proofs + chances >= 4 * len(others):
        return Encoding("utf-8", FALLBACK, 0, guessed=False)
    if proofs <= chances or proofs * MIXED_LINES < len(others):
        return None
    page = _guess(b"\n".join(others))
    if page not in ALPHABETS and proofs < len(others):
        return None
    return Encoding("utf-8", page, 0, guessed=False)


def likely_pages(sample: bytes) -> list[tuple[str, str]]:
    """Return the pages that may be meant where none fits well, the likeliest first, and how some
    of the odd words read in each; [] where one fits well, or there is too little to tell.
    """
    text = _odd_lines(sample)
    fits = {name: _fit(text, name) for name in ALPHABETS}
    guess = _guess(sample)
    few = sum(byte > 127 for byte in text) < EAST_ASIAN_BYTES
    if few or guess not in fits or max(fits.values()) >= FITS:
        return []
    found: dict[str, str] = {}  # by how it reads: some pages differ in no letter that is here
    whole = [name for name in fits if name == guess or _is_of(text, name)]
    for name in sorted(whole, key=lambda name: (name != guess, -fits[name])):
        words = [word for word in WORD.findall(text.decode(name, "replace")) if not word.isascii()]
        found.setdefault(", ".join(dict.fromkeys(words[:SHOWN_WORDS])), name)
    return [(name, words) for words, name in found.items()][:PAGES_OFFERED]


def _is_of(text: bytes, name: str) -> bool:
    """Tell whether every byte of `text` is a character of the page."""
    try:
        text.decode(name)
    except UnicodeDecodeError:
        return False
    return True


def _odd_lines(sample: bytes) -> bytes:
    return b"\n".join(line for line in sample.splitlines() if not line.isascii())[:GUESS_BYTES]


def _guess(sample: bytes) -> str:
    """The page whose languages the letters fit best; Western before others when they are equal."""
    text = _odd_lines(sample)
    fits = {name: _fit(text, name) for name in ALPHABETS}
    best = max(fits, key=lambda name: fits[name])  # the first of equals
    if fits[best] >= FITS:
        return best
    east = charset_normalizer.from_bytes(text, cp_isolation=EAST_ASIAN).best()
    # A few stray bytes make a valid character there too: believe it for whole words only.
    if east is not None and sum(byte > 127 for byte in text) >= EAST_ASIAN_BYTES:
        return east.encoding
    return best if fits[best] > fits[FALLBACK] + 0.3 else FALLBACK


def _fit(text: bytes, name: str) -> float:
    """The share of letters beyond ASCII that the page's best language has.

    A capital after a small letter fits none, and a script of its own stands beside no ASCII letter.
    """
    letters: Counter[str] = Counter()
    misfits = 0
    for word in WORD.findall(text.decode(name, "replace")):
        foreign = [char for char in word if not char.isascii() and char not in NEUTRAL]
        if not foreign:
            continue
        mixed = name in OWN_SCRIPT and any(char.isascii() for char in word)
        inside = any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(word))
        if mixed or inside:
            misfits += len(foreign)
        else:
            letters.update(char.lower() for char in foreign)
    total = letters.total() + misfits
    if not total:
        return 1.0 if name == FALLBACK else 0.0
    shares = [
        sum(count for char, count in letters.items() if char in alphabet) / total
        for alphabet in ALPHABETS[name]
    ]
    if name == FALLBACK:  # languages meet in one file: names of people, places, shops
        union = "".join(ALPHABETS[name])
        shares.append(0.9 * sum(n for char, n in letters.items() if char in union) / total)
    return max(shares) * (DOS_OR_MAC if name in ("cp850", "mac_roman") else 1.0)
