"""When two documents are alike, and when they only seem to be."""

import hashlib
import io
import random

import pytest
from PIL import Image, ImageDraw

from app.reading import alike
from app.reading.alike import (
    PLACES,
    Facts,
    Traits,
    compare,
    contradictions,
    looks_likeness,
    looks_of,
    nearest,
    text_likeness,
    text_signature,
)

WORDS = [f"{a}{b}" for a in ("schall", "korn", "berg", "wald", "stein") for b in ("haus", "weg")]


def text(seed: int, words: int = 300) -> str:
    chance = random.Random(seed)
    return " ".join(f"{chance.choice(WORDS)}{chance.randrange(40)}" for _ in range(words))


def signed(words: str) -> bytes:
    signature = text_signature(words)
    assert signature is not None
    return signature


def picture(seed: int, size: tuple[int, int] = (600, 800)) -> Image.Image:
    """A page with lines of different lengths."""
    chance = random.Random(seed)
    page = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(page)
    for line in range(14):
        y = 30 + line * 52
        draw.rectangle((30, y, 60 + chance.randrange(480), y + 26), fill=(20, 20, 20))
    return page


def looks(page: Image.Image) -> bytes:
    found = looks_of(page)
    assert found is not None
    return found


SIGNED = "a71676724fd9b92f58676c1d3688d52221e27ad697e0e0ee569bf2b69b8e94f9"
INVOICE = Facts("acme", "2026-117", "2026-03-01", 119_000_000, "EUR")


@pytest.mark.parametrize("empty", ["", "   \n ", "Page 1 of 1", "--- . --- . ---", "a b c " * 200])
def test_texts_that_say_too_little_are_like_nothing(empty: str) -> None:
    assert text_signature(empty) is None
    traits = Traits(Facts(), text_signature(empty))
    assert compare(traits, traits) is None


@pytest.mark.parametrize("colour", ["white", "black", "#777"])
def test_empty_pictures_are_like_nothing(colour: str) -> None:
    page = Image.new("RGB", (300, 400), colour)
    assert looks_of(page) is None
    assert compare(Traits(Facts(), None, looks_of(page)), Traits(Facts())) is None


def test_likeness_of_texts_is_the_share_of_what_they_have_in_common() -> None:
    words = text(1, 600).split()
    changed = " ".join(words[:540] + text(2, 60).split())
    shingles = [{tuple(t[i : i + 3]) for i in range(598)} for t in (words, changed.split())]
    true = len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])
    assert text_likeness(signed(" ".join(words)), signed(changed)) == pytest.approx(true, abs=0.1)
    assert text_likeness(signed(text(1)), signed(text(2))) < 0.1


def test_the_same_text_in_other_letters_and_lines_is_the_same() -> None:
    one = text(3)
    assert text_likeness(signed(one), signed(one.upper().replace(" ", "\n"))) == 1.0


def test_a_signature_means_the_same_for_ever() -> None:
    """Signatures are stored: with other ones nothing that is there would be found again."""
    made = signed(" ".join(f"word{n}" for n in range(40)))
    assert len(made) == 4 * PLACES
    assert hashlib.sha256(made).hexdigest() == SIGNED


def test_of_a_vast_text_the_beginning_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST_WORDS", 100)
    assert text_signature(text(1, 100)) == text_signature(f"{text(1, 100)} {text(2, 100)}")


def test_a_photo_is_looked_at_as_its_camera_was_held() -> None:
    """A camera that is held upright stores the picture lying, and notes which way is up."""
    page = picture(1)
    lying, stored = page.rotate(90, expand=True), io.BytesIO()
    noted = lying.getexif()
    noted[0x0112] = 6  # to be turned clockwise to be seen
    lying.save(stored, "PNG", exif=noted)
    assert looks_likeness(looks(page), looks(Image.open(stored))) > 0.95


def test_copies_of_a_picture_look_alike_and_others_do_not() -> None:
    page = picture(1)
    small = io.BytesIO()
    page.resize((300, 400)).save(small, "JPEG", quality=35)
    assert looks_likeness(looks(page), looks(Image.open(small))) > 0.75
    assert looks_likeness(looks(page), looks(picture(2))) < 0.5


def test_the_same_words_are_a_match_with_its_score() -> None:
    words = text(1)
    match = compare(Traits(Facts(), signed(words)), Traits(Facts(), signed(words + " draft")))
    assert match is not None
    assert match.score > 0.9
    assert not match.certain


@pytest.mark.parametrize(
    "other",
    [
        Facts("acme", "2026-118", "2026-04-01", 119_000_000, "EUR"),
        Facts("acme", None, "2026-04-01", 119_000_000, "EUR"),
        Facts("acme", "2026-118", None, None, None),
        Facts("acme", "2026-117", "2026-03-01", 119_000_000, "USD"),
    ],
)
def test_two_bills_of_one_vendor_are_not_alike_however_much_their_words_are(other: Facts) -> None:
    words = signed(text(1))
    assert compare(Traits(INVOICE, words), Traits(other, words)) is None


def test_the_same_invoice_is_found_by_what_it_says() -> None:
    other = Facts("acme", "2026 / 117", None, 119_000_000, "EUR")
    match = compare(Traits(INVOICE, signed(text(1))), Traits(other, signed(text(2))))
    assert match is not None
    assert match.certain


@pytest.mark.parametrize(
    "other",
    [
        Facts("other", "2026-117", "2026-03-01", 119_000_000, "EUR"),
        Facts(None, "2026-117", "2026-03-01", 119_000_000, "EUR"),
        Facts("acme", None, "2026-03-01", 119_000_000, "EUR"),
        Facts("acme", "2026-117", None, None, None),
        Facts("acme", "2026-117", "2026-03-01", 1_000_000, "EUR"),
    ],
)
def test_less_than_vendor_number_and_one_more_is_not_certain(other: Facts) -> None:
    assert compare(Traits(INVOICE), Traits(other)) is None


def test_one_misread_fact_does_not_part_two_pictures_of_one_receipt() -> None:
    page = looks(picture(1))
    misread = Facts("acme", "2026-l17", "2026-03-01", 119_000_000, "EUR")
    assert compare(Traits(INVOICE, None, page), Traits(misread, None, page)) is not None
    two = Facts("acme", "2026-l17", "2026-03-07", 119_000_000, "EUR")
    assert compare(Traits(INVOICE, None, page), Traits(two, None, page)) is None


def test_what_looks_alike_and_says_something_else_is_not_alike() -> None:
    page = looks(picture(1))
    one, other = Traits(Facts(), signed(text(1)), page), Traits(Facts(), signed(text(2)), page)
    assert compare(one, other) is None


def test_the_same_bytes_are_the_same_even_when_nothing_can_be_read() -> None:
    match = compare(Traits(Facts(), file="ab"), Traits(Facts(), file="ab"))
    assert match is not None
    assert (match.score, match.certain) == (1.0, True)


def test_only_what_both_state_can_contradict() -> None:
    assert contradictions(INVOICE, Facts()) == []
    assert contradictions(INVOICE, Facts("acme", "9", "2026-01-01", 1, "EUR")) == [
        "number",
        "date",
        "total",
    ]


def test_what_is_certain_comes_first_then_the_likest() -> None:
    mine = Traits(INVOICE, signed(text(1)))
    others = [
        ("alike", Traits(Facts(), signed(text(1)))),
        ("same", Traits(INVOICE, signed(text(2)))),
        ("strange", Traits(Facts(), signed(text(3)))),
    ]
    assert [ident for ident, _ in nearest(mine, others, 5)] == ["same", "alike"]
    assert len(nearest(mine, others, 1)) == 1
