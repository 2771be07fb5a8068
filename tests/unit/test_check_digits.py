"""Claims about check digits of account numbers and VAT ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.check_digits import IBAN_LENGTHS, iban_is_valid, vat_country, vat_is_valid

IBANS = (
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "FR1420041010050500013M02606",
    "NL91ABNA0417164300",
    "ES9121000418450200051332",
    "IT60X0542811101000000123456",
)
VAT_IDS = (
    "DE136695976",
    "ATU13585627",
    "FR83404833048",
    "NL810433941B01",
    "IT00743110157",
    "BE0428759497",
    "GB980780684",
    "PL8567346215",
    "PT501964843",
    "DK13585628",
    "LU15027442",
    "HR33392005961",
)


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_is_right_and_wrong_with_any_two_neighbours_exchanged(iban: str) -> None:
    assert iban_is_valid(iban)
    for place in range(4, len(iban) - 1):
        if iban[place] != iban[place + 1]:
            other = iban[:place] + iban[place + 1] + iban[place] + iban[place + 2 :]
            assert not iban_is_valid(other)


@pytest.mark.parametrize("text", ["", "DE", "DE8937040044053201300", "XX89370400440532013000"])
def test_what_has_no_countrys_length_is_no_iban(text: str) -> None:
    assert not iban_is_valid(text)


def iban_of(country: str, account: str) -> str:
    """Return the account's IBAN with its check digits, whatever its length (ISO 13616)."""
    digits = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{account}"


@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.data())
def test_an_iban_needs_its_countrys_length_and_check_digits(
    country: str, data: st.DataObject
) -> None:
    length = IBAN_LENGTHS[country] - 4
    account = data.draw(st.text("0123456789ABCXYZ", min_size=length, max_size=length))
    iban = iban_of(country, account)
    assert iban_is_valid(iban)
    assert not iban_is_valid(f"{country}{(int(iban[2:4]) + 1) % 100:02}{account}")
    assert not iban_is_valid(iban_of(country, account[1:]))
    assert not iban_is_valid(iban_of(country, account + "0"))


@pytest.mark.parametrize(
    "vat_id",
    [
        "NL000099998B57",  # the tax office's own example of a number since 2020
        "GB100000034",  # as given out since 2010, by 97 less 55
        "PT500000000",  # what would be 10 is written as 0
        "DE100000008",  # a sum of 0 counts as 10
    ],
)
def test_the_second_way_to_make_check_digits_counts_too(vat_id: str) -> None:
    assert vat_is_valid(vat_id) is True


@pytest.mark.parametrize("vat_id", VAT_IDS)
def test_a_vat_id_is_right_and_wrong_with_another_last_digit(vat_id: str) -> None:
    assert vat_is_valid(vat_id) is True
    body, last = (vat_id[:-3], vat_id[-3:]) if vat_id.startswith("NL") else (vat_id, "")
    other = body[:-1] + str((int(body[-1]) + 1) % 10) + last
    assert vat_is_valid(other) is False


def test_where_no_rule_is_known_nobody_says_wrong() -> None:
    assert vat_is_valid("LT123456789") is None


def test_what_has_no_countrys_shape_is_wrong() -> None:
    assert vat_country("DE12345") is None
    assert vat_is_valid("DE12345") is False
