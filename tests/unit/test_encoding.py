"""Claims about how letters are told to be written."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.encoding import detect_encoding

WORDS = {
    "german": ("Überweisung an Müller für Öl, Straße", ("cp1252", "mac_roman", "cp850")),
    "french": ("Date d'opération, Libellé, dépôt reçu à Besançon", ("cp1252", "mac_roman")),
    "spanish": ("Descripción de la operación, año, señor", ("cp1252",)),
    "swedish": ("Bokföringsdag, Mottagare, Överföring från Åre", ("cp1252",)),
    "czech": ("Datum zaúčtování, Částka, Příjemce, žena", ("cp1250",)),
    "polish": ("Łódź, przelew wychodzący, opłata, księgowanie", ("cp1250",)),
    "hungarian": ("Tranzakció dátuma, összege, fő, űr", ("cp1250",)),
    "russian": ("Дата, Сумма, Описание платежа", ("cp1251",)),
    "greek": ("Ημερομηνία, Περιγραφή, ποσό", ("cp1253",)),
    "turkish": ("İşlem tarihi, açıklama, güncel bakiye, şube", ("cp1254",)),
    "lithuanian": ("Mokėtojas, gavėjas, sąskaita, įmoka", ("cp1257",)),
    "japanese": ("日付,金額,説明,対象リスク", ("shift_jis",)),
    "pounds": ("Amount £67.40", ("cp1252",)),
    "euros": ("Summe 5,00 €", ("cp1252",)),
}
CASES = [(text, name) for text, names in WORDS.values() for name in names]


@pytest.mark.parametrize(("text", "name"), CASES)
def test_a_code_page_is_told_by_the_letters_of_its_languages(text: str, name: str) -> None:
    found = detect_encoding(f"a,b\n{text}\n".encode(name), whole=True)
    assert found.guessed
    assert f"a,b\n{text}\n".encode(name).decode(found.name) == f"a,b\n{text}\n"


@pytest.mark.parametrize(
    ("mark", "name"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_decides(mark: bytes, name: str) -> None:
    found = detect_encoding(mark + "Datum;Betrag\n".encode(name), whole=True)
    assert (found.name, found.bom, found.guessed) == (name, len(mark), False)


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_utf_16_and_32_are_known_without_a_mark(name: str) -> None:
    found = detect_encoding("Date;Amount\n2026-01-02;1,50 €\n".encode(name), whole=True)
    assert (found.name, found.bom) == (name, 0)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf_8_is_never_taken_for_anything_else(text: str) -> None:
    found = detect_encoding(f"{text}\n".encode(), whole=True)
    assert (found.name, found.guessed) == ("utf-8", False)


def test_a_sample_that_ends_within_a_letter_is_still_utf_8() -> None:
    assert detect_encoding("Müller é".encode()[:-1]).name == "utf-8"


def test_a_few_foreign_lines_do_not_change_the_encoding_of_a_file() -> None:
    lines = ["Überweisung;1".encode()] * 9 + ["Müller;1".encode("cp1252")] + [b"a;1"]
    assert detect_encoding(b"\n".join(lines), whole=True).name == "utf-8"


@given(st.binary(max_size=4096))
def test_any_bytes_have_an_encoding_that_python_knows(data: bytes) -> None:
    found = detect_encoding(data, whole=True)
    data[found.bom :].decode(found.name, "replace")
