"""What several readers found, brought together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.agreement import UNVERIFIED_AT_MOST, Agreed, agree, agreed_items
from app.core.documents import FIELDS, FieldValue, LineItem, Reading, absent
from app.core.field_values import canonical, normal_value, same

MODEL = "ollama:llama3.1:8b"
THRESHOLD = 0.8


def value(text: str, confidence: float, source: str, *, unverified: bool = False) -> FieldValue:
    return FieldValue(
        value=text,
        confidence=confidence,
        source=source,
        page=1,
        bbox=None,
        status="check" if unverified else "read",
    )


def reading(source: str, confidence: float = 0.9, **texts: str) -> Reading:
    return Reading(
        fields={name: value(text, confidence, source) for name, text in texts.items()},
        line_items=[],
    )


def agreed(*readings: tuple[str, Reading]) -> Agreed:
    return agree(dict(readings), THRESHOLD)


def read(source: str, confidence: float = 0.9, **texts: str) -> tuple[str, Reading]:
    return source, reading(source, confidence, **texts)


def test_every_field_is_there_and_absent_ones_say_so() -> None:
    found = agreed()
    assert found.fields == dict.fromkeys(FIELDS, absent())
    assert found.doubts == ()


def test_embedded_xml_settles_a_field_whatever_others_read() -> None:
    found = agreed(
        read("layout", 0.95, total_amount="11.00"), read("xml", 1.0, total_amount="12.00")
    )
    assert found.fields["total_amount"]["value"] == "12.00"
    assert found.doubts == ()


def test_what_was_learned_settles_a_field_that_xml_does_not_have() -> None:
    found = agreed(
        read("layout", 0.95, purchase_order="7"),
        read("template", 0.9, purchase_order="PO-7"),
        read("xml", 1.0, total_amount="12.00"),
    )
    assert found.fields["purchase_order"]["source"] == "template"
    assert found.doubts == ()


def test_readers_that_agree_are_surer_than_each_of_them() -> None:
    found = agreed(read("layout", 0.7, total_amount="12.00"), read(MODEL, 0.7, total_amount="12.0"))
    assert 0.8 < found.fields["total_amount"]["confidence"] < 1
    assert found.fields["total_amount"]["source"] == "layout"
    assert found.doubts == ()


def test_readers_that_differ_leave_a_doubt_with_both_values() -> None:
    found = agreed(
        read("layout", 0.9, total_amount="12.00"), read(MODEL, 0.8, total_amount="13.00")
    )
    (doubt,) = found.doubts
    assert (doubt.name, doubt.reason) == ("total_amount", "differ")
    assert [c.best["value"] for c in doubt.candidates] == ["12.00", "13.00"]
    assert found.fields["total_amount"]["status"] == "check"
    assert found.fields["total_amount"]["confidence"] < 0.9


def test_a_value_below_the_threshold_is_doubted() -> None:
    found = agreed(read("layout", 0.79, invoice_number="RE-1"))
    assert [doubt.reason for doubt in found.doubts] == ["unsure"]


def test_a_value_at_the_threshold_is_taken() -> None:
    assert agreed(read("layout", THRESHOLD, invoice_number="RE-1")).doubts == ()


def test_a_model_that_makes_something_up_does_not_stand_against_what_the_page_says() -> None:
    made_up = Reading(
        fields={"total_amount": value("99.00", 0.9, MODEL, unverified=True)}, line_items=[]
    )
    found = agreed(read("layout", 0.9, total_amount="12.00"), (MODEL, made_up))
    assert found.fields["total_amount"]["value"] == "12.00"
    assert found.doubts == ()


def test_what_only_a_model_says_and_no_page_is_hardly_believed() -> None:
    made_up = Reading(
        fields={"total_amount": value("99.00", 0.9, MODEL, unverified=True)}, line_items=[]
    )
    found = agreed((MODEL, made_up))
    assert found.fields["total_amount"]["confidence"] <= UNVERIFIED_AT_MOST
    assert found.fields["total_amount"]["status"] == "check"
    assert [doubt.reason for doubt in found.doubts] == ["unverified"]


def test_a_reader_that_found_nothing_does_not_stand_against_one_that_did() -> None:
    nothing = Reading(fields={"due_date": absent()}, line_items=[])
    found = agreed(read("layout", 0.9, due_date="2026-12-01"), (MODEL, nothing))
    assert found.fields["due_date"]["status"] == "read"


@given(st.lists(st.tuples(st.sampled_from(["1.00", "2.00", "3.00"]), st.floats(0, 1)), max_size=6))
def test_confidence_stays_between_0_and_1_and_the_best_is_the_surest(
    said: list[tuple[str, float]],
) -> None:
    found = agreed(
        *(read(f"m:{n}", sure, total_amount=text) for n, (text, sure) in enumerate(said))
    )
    assert 0 <= found.fields["total_amount"]["confidence"] <= 1
    for doubt in found.doubts:
        sure = [candidate.best["confidence"] for candidate in doubt.candidates]
        assert sure == sorted(sure, reverse=True)
        assert sum(sure) <= 1.01


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("total_amount", "12.50", "12.5"),
        ("invoice_number", "RE 2026/001", "re-2026-001"),
        ("vendor_name", "ACME GmbH", "Acme"),
        ("vendor_name", "Müller S.A.R.L.", "MULLER SARL"),
        ("iban", "DE02120300000000202051", "de02120300000000202051"),
    ],
)
def test_values_that_say_the_same(name: str, one: str, other: str) -> None:
    assert same(name, one, other)


def test_a_name_that_is_only_a_legal_form_is_kept() -> None:
    assert canonical("vendor_name", "SE") == "se"


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("total_amount", "1.234,5 €", "1234.50"),
        ("total_amount", "EUR 1,234.56", "1234.56"),
        ("total_amount", "1 234 567", "1234567.00"),
        ("total_amount", "1.234.567", "1234567.00"),
        ("total_amount", "-12", "-12.00"),
        ("total_amount", "(12.50)", "-12.50"),
        ("total_amount", "12,50-", "-12.50"),
        ("total_amount", "0", "0.00"),
        ("invoice_date", "2026-11-20", "2026-11-20"),
        ("invoice_date", "20.11.2026", "2026-11-20"),
        ("invoice_date", "03.04.2026", "2026-04-03"),
        ("invoice_date", "11/20/2026", "2026-11-20"),
        ("currency", "€", "EUR"),
        ("currency", "usd", "USD"),
        ("iban", "de02 1203 0000 0000 2020 51", "DE02120300000000202051"),
        ("vendor_name", "  ACME \n GmbH ", "ACME GmbH"),
    ],
)
def test_values_are_kept_in_one_way(name: str, text: str, kept: str) -> None:
    assert normal_value(name, text) == kept


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("total_amount", "1.234"),
        ("total_amount", "a lot"),
        ("invoice_date", "03/04/2026"),
        ("invoice_date", "2026-02-30"),
        ("invoice_date", "20.11.26"),
        ("currency", "euros"),
        ("vendor_name", " "),
        ("vendor_name", "x" * 201),
        ("iban", "--"),
    ],
)
def test_what_is_not_clear_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="."):
        normal_value(name, text)


@given(st.sampled_from(sorted(FIELDS)), st.text(max_size=40))
def test_a_kept_value_is_kept_as_it_is(name: str, text: str) -> None:
    try:
        kept = normal_value(name, text)
    except ValueError:
        return
    assert normal_value(name, kept) == kept


@given(st.decimals(-(10**9), 10**9, places=2))
def test_amounts_keep_their_worth(amount: Decimal) -> None:
    assert Decimal(normal_value("total_amount", str(amount))) == amount


def test_lines_are_taken_from_the_first_reader_whose_lines_add_up() -> None:
    layout, model = reading("layout", net_amount="10.00"), reading(MODEL)
    layout["line_items"] = [LineItem(description="a", amount="9.00")]
    model["line_items"] = [LineItem(description="a", amount="4.00"), LineItem(amount="6.00")]
    readings = {"layout": layout, MODEL: model}
    assert agreed_items(readings, agree(readings, 0.8).fields) == model["line_items"]


def test_lines_that_do_not_add_up_are_the_first_readers() -> None:
    layout, model = reading("layout"), reading(MODEL)
    layout["line_items"] = [LineItem(description="a", amount="9.00")]
    model["line_items"] = [LineItem(description="b")]
    readings = {MODEL: model, "layout": layout}
    assert agreed_items(readings, agree(readings, 0.8).fields) == layout["line_items"]
