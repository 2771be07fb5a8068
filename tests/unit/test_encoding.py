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


UMLAUTS = ["Müller", "Größe", "Äpfel"]


@pytest.mark.parametrize(
    ("proper", "other"),
    [
        (["Café", "Crème", "Über"], UMLAUTS),
        (["Café", "Crème"] * 5, UMLAUTS * 4),
        (["Café"], ["Müller"]),
        (["Café", "plain"], ["Müller", "plain"]),
        (["Café"], ["Müller"] * 19),
        (["Café"] * 19, ["Müller"]),
        (["5,00 €"], ["Gruß"] * 3),
        (["東京", "大阪"], ["Café"] * 4),
    ],
)
def test_lines_in_utf_8_among_others_are_read_as_such(proper: list[str], other: list[str]) -> None:
    upper, lower = [w.encode() for w in proper], [w.encode("cp1252") for w in other]
    for lines in (upper + lower, lower + upper):
        found = detect_encoding(b"text\n" + b"\n".join(lines) + b"\n", whole=True)
        assert (found.name, found.fallback, found.guessed) == ("utf-8", "cp1252", False)


def test_the_other_lines_keep_the_code_page_of_their_language() -> None:
    data = "Café\n".encode() + "Příjemce, částka, žena\nzaúčtování\n".encode("cp1250")
    found = detect_encoding(data, whole=True)
    assert (found.name, found.fallback) == ("utf-8", "cp1250")


@pytest.mark.parametrize("chance", ["CAFÉ’S", "Spaß…", "MENÜ®", "CAFÉ™"])
def test_a_capital_before_a_sign_is_no_utf_8(chance: str) -> None:
    lines = [*UMLAUTS, chance, chance]
    assert chance.encode("cp1252").decode()  # it looks like it
    found = detect_encoding("\n".join(lines).encode("cp1252") + b"\n", whole=True)
    assert (found.name, found.guessed) == ("cp1252", True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("shift_jis", "日付 金額 説明 残高 ﾃﾞﾝｷ ﾐｱ"),
        ("euc_jp", "日付 金額 説明 残高"),
        ("euc_kr", "거래일 금액 적요 잔액"),
        ("gb18030", "交易日期 金额 摘要 余额"),
        ("big5", "交易日期 金額 摘要 餘額"),
    ],
)
def test_half_of_east_asian_text_is_not_taken_for_utf_8(name: str, words: str) -> None:
    lines = words.split() * 5
    found = detect_encoding("\n".join(lines).encode(name) + b"\n", whole=True)
    assert found.name != "utf-8"


@given(st.binary(max_size=4096))
def test_any_bytes_have_an_encoding_that_python_knows(data: bytes) -> None:
    found = detect_encoding(data, whole=True)
    data[found.bom :].decode(found.name, "replace")
