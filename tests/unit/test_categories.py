"""Every row gets a category with a reason, or the honest word that nobody knows."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.samples import BIG_FILE_PAYEES
from app.core.taxonomy import CATEGORIES
from app.reading.categories import categorise, decide
from app.reading.category_match import (
    Decision,
    all_phrases,
    decide_by_rule,
    decide_by_source,
    purpose_pattern,
    single_names,
)
from app.reading.category_names import ALONE, NAMES
from app.reading.category_rules import STEMS, WORDS
from app.reading.classifier import misspelt, trained
from app.reading.entities import resolve
from app.reading.payees import PAYPAL_SHOP, PURPOSE_MARK, payee_key
from app.reading.summary import summarise
from app.store.records import REVIEW_BELOW, Label, labels_of, reading_records
from tests.unit.test_entities import Heard, label, stored, task_for

# Texts as banks print them, from several countries; None: nobody could tell from the text.
REAL: list[tuple[str, str | None]] = [
    ("Kartenzahlung REWE SAGT DANKE. 41400673//Hamburg 2018-03-01T11:33:59 KFN 1", "Groceries"),
    ("HOFER DANKT  0527  K2   18.09. 17:20", "Groceries"),
    ("POS 23,55 AT K1 16.09. 11:32 SPAR DANKT 4105 KORNEUBURG 2100", "Groceries"),
    ("SAINSBURYS SACAT 0602 LADBROKE GROV GBR", "Groceries"),
    ("TESCO STORES 3421 LONDON", "Groceries"),
    ("CARREFOUR CITY PARIS 11", "Groceries"),
    ("ALBERT HEIJN 1234 AMSTERDAM NLD", "Groceries"),
    ("MERCADONA S.A. VALENCIA", "Groceries"),
    ("ESSELUNGA MILANO", "Groceries"),
    ("TRADER JOE'S #512 SEATTLE WA", "Groceries"),
    ("WHOLEFDS MKT 10236", "Groceries"),
    ("COSTCO WHSE #01234", "Groceries"),
    ("BIEDRONKA 4417 WARSZAWA", "Groceries"),
    ("MCDONALD'S (TAM KIOSK) SI NG 22FEB", "Eating out"),
    ("SQ *BLUE BOTTLE COFFEE", "Eating out"),
    ("DELIVEROO.CO.UK        LONDON        LND", "Eating out"),
    ("15/04/18 66-6666 UBER EATS AN2GO HELP.UBERh", "Eating out"),
    ("TST* TRATTORIA DA GINO", "Eating out"),
    ("Ristorante Bella Napoli", "Eating out"),
    ("Bäckerei Schmidt Filiale 12", "Eating out"),
    ("BOULANGERIE DU MARCHE", "Eating out"),
    ("UBER   *TRIP HELP.UBER.COM", "Transport"),
    ("TFL TRAVEL CH TFL.GOV.UK/CP GBR", "Transport"),
    ("DB Vertrieb GmbH", "Transport"),
    ("SNCF INTERNET PARIS", "Transport"),
    ("NS GROEP IZ NS REIZIGERS", "Transport"),
    ("Parkhaus am Dom", "Transport"),
    ("Q-PARK 4417 UTRECHT", "Transport"),
    ("SHELL OIL 57442198", "Fuel"),
    ("ARAL AG 4417 BERLIN", "Fuel"),
    ("POS01SEP STATOIL", "Fuel"),
    ("Tankstelle Meier", "Fuel"),
    ("RYANAIR 224001234567 DUBLIN", "Travel"),
    ("DELTA AIR 0062341887", "Travel"),
    ("BOOKING.COM HOTEL AMSTERDAM", "Travel"),
    ("AIRBNB * HMQ4417", "Travel"),
    ("IBIS BUDGET LYON", "Travel"),
    ("Miete Wohnung 12", "Housing"),
    ("RENT PAYMENT 44 OAK ST", "Housing"),
    ("Stadtwerke Musterstadt Abschlag Strom", "Utilities"),
    ("EVN AG EVN Platz Ma. Enzersdorf", "Utilities"),
    ("BRITISH GAS DD", "Utilities"),
    ("ENGIE PRLV SEPA", "Utilities"),
    ("Telekom Deutschland GmbH", "Phone & internet"),
    ("Hutchison Drei Austria GmbH", "Phone & internet"),
    ("Vodafone Kabel DeutschlandGmbH", "Phone & internet"),
    ("VZ WIRELESS 800-922-0204", "Phone & internet"),
    ("Wiener Staedtische Versicherung AG", "Insurance"),
    ("GEICO *AUTO 800-841-3000", "Insurance"),
    ("Haftpflicht Beitrag 2026", "Insurance"),
    ("CVS/PHARMACY #04417", "Health"),
    ("Löwen-Apotheke", "Health"),
    ("Zahnarztpraxis Dr. Weiss", "Health"),
    ("PHARMACIE CENTRALE", "Health"),
    ("DM FIL. 4417 KOELN", "Personal care"),
    ("Friseur Schnittig", "Personal care"),
    ("H&M 0233", "Clothing"),
    ("ZALANDO SE", "Clothing"),
    ("AMZN Mktp US*2K4QL81T3", "Shopping"),
    ("PAYPAL *EBAY INC", "Shopping"),
    ("POS 8,94 AT K2 18.09. 16:48 Hornbach Baumarkt GmbH", "Home & garden"),
    ("THE HOME DEPOT #0417", "Home & garden"),
    ("IKEA Deutschland", "Home & garden"),
    ("MEDIA MARKT 4417", "Electronics"),
    ("NETFLIX.COM 14087249160, NL", "Subscriptions"),
    ("PP.4417.PP . SPOTIFY, Ihr Einkauf bei SPOTIFY", "Subscriptions"),
    ("APPLE.COM/BILL", "Subscriptions"),
    ("GITHUB  INC.", "Software"),
    ("Amazon web services", "Software"),
    ("CLOUDFLARE 650-3198939, US 9.95 USD, 1 USD = 0.88241 EUR", "Software"),
    ("ADOBE  *ADOBE", "Software"),
    ("PAYPAL *STEAM GAMES", "Entertainment"),
    ("CINEPLEX AACHEN", "Entertainment"),
    ("V & A MUSEUM SALES LONDON GBR", "Entertainment"),
    ("McFIT GmbH Beitrag", "Sport"),
    ("PURE GYM LTD", "Sport"),
    ("Kita Sonnenschein", "Children"),
    ("Fressnapf Markt 4417", "Pets"),
    ("Tierarzt Dr. Wolf", "Pets"),
    ("Spende Ärzte ohne Grenzen", "Donations & gifts"),
    ("Finanzamt Musterstadt", "Taxes"),
    ("IRS USATAXPYMT", "Taxes"),
    ("CCY CONVERSION FEE", "Bank fees"),
    ("Entgelt Kontoführung", "Bank fees"),
    ("CASH WITHDRAWAL ATM", "Cash"),
    ("Geldautomat Sparkasse", "Cash"),
    ("AUTOMATIC PAYMENT - THANK", "Transfers"),
    ("Umbuchung Tagesgeldkonto", "Transfers"),
    ("DHL Paket GmbH", "Office & post"),
    ("Steuerberater Kanzlei Nord", "Professional services"),
    ("Sparplan ETF World", "Savings & investments"),
    ("FACEBK *ADS4417", "Advertising"),
    ("W. KOELEWIJN EO", None),
    ("Stefan Michael Muster TRX-4", None),
    ("COMPTON MCRAE SHAFTESBURY SGBR", None),
    ("NOOKI DESIGN LONDON NW10 GBR", None),
    ("AP-Trading GmbH", None),
    ("DE02120300000000202051", None),
    ("Random Name GP", None),
    ("Paul Schmidt", None),
]

INCOME = [
    ("Nordlicht Software GmbH Gehalt", "Salary"),
    ("Direct deposit", "Salary"),
    ("ACME PAYROLL 4417", "Salary"),
    ("LOYER PERCU NOMINA EMPRESA", "Salary"),
    ("0,0625 % p.a. Habenzinsen ab 01.07.17", "Interest & dividends"),
    ("Interest earned", "Interest & dividends"),
    ("Familienkasse Kindergeld", "Benefits & pension"),
    ("Deutsche Rentenversicherung", "Benefits & pension"),
    ("STRIPE PAYOUT", "Sales income"),
    ("Finanzamt Steuererstattung", "Taxes"),
]


def decided(text: str, sign: int = -1) -> Decision:
    return decide([label(1, text, sign=sign)], {})[1]


@pytest.mark.parametrize(("text", "category"), REAL, ids=lambda value: str(value)[:40])
def test_money_that_goes_out_is_understood_or_left_for_a_person(
    text: str, category: str | None
) -> None:
    found = decided(text)
    if category is None:
        assert found.confidence < REVIEW_BELOW
    else:
        assert found.category == category
        assert found.confidence >= REVIEW_BELOW


@pytest.mark.parametrize(("text", "category"), INCOME)
def test_money_that_comes_in_is_understood(text: str, category: str) -> None:
    assert decided(text, sign=1).category == category


def test_the_reason_is_told_in_plain_words() -> None:
    assert decided("REWE 0412").reason == "Rule: 'rewe' is groceries"
    assert decided("STARBUCK COFFE").reason == (
        "Spelled almost like 'starbucks', which is eating out"
    )
    assert decided("Qwertz Blorp").reason == "No clue in the text"
    assert decided("4417").reason == "The row names nobody"
    assert decided("Buchungsentgelt").reason.startswith("Looks most like Bank fees (")


def test_money_back_from_a_shop_is_still_the_shop_but_less_sure() -> None:
    found = decided("REWE 0412", sign=1)
    assert found == Decision("Groceries", "Rule: 'rewe' is groceries; the money came back", 0.7)


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Éáú üüüümlaut! GP", None),
        ("Fée Clochette", None),
        ("EAU DE PARIS", "Utilities"),
        ("Régie: eau chaude", "Utilities"),
        ("B & Q Zürich", "Home & garden"),
        ("Café Zürich", "Eating out"),
    ],
)
def test_a_short_word_is_another_one_once_its_accents_are_gone(
    text: str, category: str | None
) -> None:
    found = decide_by_rule(text, payee_key(text), -1)
    assert (found and found.category) == category


def test_nobody_pays_a_salary_to_a_shop() -> None:
    assert decided("Payroll run March", sign=-1).category == "Wages paid"
    assert all(decided(text, sign=-1).category != "Salary" for text, _ in INCOME)


def test_the_longest_name_wins() -> None:
    assert decided("Amazon").category == "Shopping"
    assert decided("Amazon Prime").category == "Subscriptions"
    assert decided("Amazon Web Services EMEA").category == "Software"


def test_the_purpose_speaks_where_the_payee_is_silent_or_money_comes_in() -> None:
    assert decided(f"Jane Doe{PURPOSE_MARK}miete").category == "Housing"
    assert decided(f"Jane Doe{PURPOSE_MARK}miete").reason == "Rule: 'miete' is housing"
    assert decided(f"Nordlicht Software{PURPOSE_MARK}gehalt", sign=1).category == "Salary"
    assert decided(f"REWE{PURPOSE_MARK}miete").category == "Groceries"


@pytest.mark.parametrize(
    ("purpose", "word"),
    [
        ("gehalt märz 2026", "gehalt"),
        ("re 4417 miete wohnung 12", "miete"),
        ("child benefit oct", "child benefit"),
        ("rechnung 4417", None),
        ("gehaltvoll", None),
    ],
)
def test_the_word_of_a_purpose_is_found(purpose: str, word: str | None) -> None:
    found = re.search(purpose_pattern(), purpose)
    assert (found and found.group(1)) == word


def test_a_shop_paid_through_paypal_is_found_in_the_purpose() -> None:
    found = re.search(PAYPAL_SHOP, "PP.4417.PP . SPOTIFY, Ihr Einkauf bei SPOTIFY")
    assert found is not None
    assert payee_key(f"PAYPAL *{found.group(1)}") == "spotify"


def test_names_that_are_also_words_count_only_as_the_whole_payee() -> None:
    assert decided("PAUL 4417 PARIS").category == "Eating out"
    assert decided("Paul Schmidt").category is None
    assert decided("TARGET 00022 SEATTLE US").category == "Shopping"


@pytest.mark.parametrize(
    ("said", "category"),
    [
        ("Groceries", "Groceries"),
        ("eating_out", "Eating out"),
        ("Medien & Elektronik", "Electronics"),
        ("Reisen & Urlaub", "Travel"),
        ("Team event", "Team event"),
        ("  Kunst \n und Krempel ", "Kunst und Krempel"),
    ],
)
def test_what_the_export_says_is_taken_in_our_words_where_we_have_some(
    said: str, category: str
) -> None:
    found = decide_by_source(said)
    assert found is not None
    assert found.category == category
    assert found.reason == f"The export says: {' '.join(said.split())}"


@pytest.mark.parametrize("said", [None, "", "  ", "general", "Uncategorized", "Sonstiges", "-"])
def test_an_export_that_says_nothing_is_not_listened_to(said: str | None) -> None:
    assert decide_by_source(said) is None


def test_what_the_export_says_goes_before_every_rule() -> None:
    said = Label(1, "REWE", -1, "EUR", "Team event", 1, 0, None, None, None, None)
    assert decide([said], {})[1].category == "Team event"


def test_a_vendor_is_remembered_where_no_rule_speaks() -> None:
    nameless = Label(1, "Kontor 7", -1, "EUR", None, 1, 0, "Kontor", None, None, None)
    assert decide([nameless], {"Kontor": "Housing"})[1] == Decision(
        "Housing", "Your earlier files say: Housing", 0.9
    )


def test_money_into_a_shop_was_earned_by_selling() -> None:
    customer = label(1, "customer17@example.com", sign=1)
    found = decide([customer], {}, "payment_processor_export")[1]
    assert found.category == "Sales income"
    assert decide([customer], {}, "bank_statement")[1].confidence < REVIEW_BELOW


def test_likeness_alone_never_passes_for_sure() -> None:
    names = [" ".join(pair) for pair in zip(*[iter(sorted(single_names()))] * 2, strict=False)]
    guesses = trained().guess(names + [phrase for phrase, _ in all_phrases()])
    assert all(0 <= share < REVIEW_BELOW for _, share in guesses)


def test_a_wrong_first_letter_makes_another_name() -> None:
    assert misspelt(["starbuck coffe", "sportsdirect", "top stop", "xtarbucks"]) == {
        "starbuck coffe": "starbucks",
        "sportsdirect": "sports direct",
    }


@given(st.text(max_size=80), st.sampled_from([-1, 0, 1]))
def test_any_text_gets_a_known_category_or_none_and_a_reason(text: str, sign: int) -> None:
    found = decide_by_rule(text, payee_key(text), sign)
    if found is not None:
        assert found.category in CATEGORIES
        assert found.reason.startswith("Rule: '")
        assert REVIEW_BELOW <= found.confidence <= 1


def test_no_phrase_has_two_categories() -> None:
    for table in (NAMES, WORDS, STEMS):
        owner: dict[str, str] = {}
        for category, text in table.items():
            for phrase in (part.strip() for part in text.split(",")):
                assert phrase
                assert owner.setdefault(phrase, category) == category
    assert set(NAMES) | set(WORDS) <= set(CATEGORIES)


def test_every_name_that_counts_alone_is_a_name() -> None:
    known = {part.strip() for text in NAMES.values() for part in text.split(",")}
    known = {" ".join(name.split()) for name in known}
    assert {" ".join(name.split()) for name in ALONE.split(",")} <= known


def test_the_payees_of_the_long_sample_are_all_understood() -> None:
    labels = [
        label(at, f"{name} 0417", sign=-1 if low > 0 else 1)
        for at, (name, _, low, _) in enumerate(BIG_FILE_PAYEES)
    ]
    sure = [one for one in decide(labels, {}).values() if one.confidence >= REVIEW_BELOW]
    assert len(sure) == len(labels)


def test_a_decision_does_not_depend_on_the_company_it_keeps() -> None:
    labels = [label(at, text) for at, (text, _) in enumerate(REAL)]
    together = decide(labels, {})
    assert [together[one.id] for one in labels] == [decided(one.text) for one in labels]


def test_the_step_writes_reasons_and_counts_rows(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(
        records,
        "job-1",
        ("REWE 0412", -1, None, 5),
        ("Nordlicht Gehalt", 1, None, 1),
        ("Jane Doe", -1, "Gym", 2),
        ("Qwertz Blorp", -1, None, 3),
    )
    heard = Heard()
    found = categorise(task_for(records, "job-1"), heard)
    assert found == {
        "categorised": 8,
        "review": 3,
        "no_clue": 3,
        "categories": {"Groceries": 5, "Sport": 2, "Salary": 1},
    }
    assert categorise(task_for(records, "job-1"), Heard()) == found
    assert heard.told[-1][:2] == (11, 11)
    with reading_records(records) as connection:
        reasons = {one.text: one.reason for one in labels_of(connection, "job-1")}
    assert reasons == {
        "REWE 0412": "Rule: 'rewe' is groceries",
        "Nordlicht Gehalt": "Rule: 'gehalt' is salary",
        "Jane Doe": "The export says: Gym",
        "Qwertz Blorp": "No clue in the text",
    }


def test_the_step_remembers_what_an_earlier_export_said(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("Kontor GmbH", -1, "Rent", 1))
    stored(records, "job-2", ("KONTOR 0417", -1, None, 1))
    stored(records, "job-3", ("KONTOR 0417", -1, None, 1), user_id="bob")
    for job, user in (("job-1", "ann"), ("job-2", "ann"), ("job-3", "bob")):
        resolve(task_for(records, job, user), Heard())
        categorise(task_for(records, job, user), Heard())
    with reading_records(records) as connection:
        assert labels_of(connection, "job-2")[0].category == "Housing"
        assert labels_of(connection, "job-3")[0].category != "Housing"


def test_a_table_without_amounts_is_not_categorised(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("REWE", 0, None, 5), has_amounts=False)
    found = categorise(task_for(records, "job-1"), Heard())
    assert found == {"categorised": 0, "review": 0, "no_clue": 0, "categories": {}}


def test_the_summary_adds_up(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(
        records,
        "job-1",
        ("REWE 0412", -1, None, 5),
        ("Lidl", -1, None, 2),
        ("Nordlicht Gehalt", 1, None, 9),
    )
    for step in (resolve, categorise):
        step(task_for(records, "job-1"), Heard())
    found = summarise(task_for(records, "job-1"), Heard())
    assert (found["income"], found["spending"], found["currency"]) == ("9.00", "-7.00", "EUR")
    assert [one["name"] for one in found["top_vendors"]] == ["Nordlicht Gehalt", "Rewe", "Lidl"]
    assert found["top_categories"] == [
        {"name": "Salary", "rows": 9, "amount": "9.00"},
        {"name": "Groceries", "rows": 7, "amount": "-7.00"},
    ]
    assert found["first_date"] == "2026-01-01"
    assert found["added"] == 7


def test_a_file_without_money_has_no_totals(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("Avatar", 0, None, 5), has_amounts=False)
    found = summarise(task_for(records, "job-1"), Heard())
    assert (found["income"], found["spending"], found["by_currency"]) == (None, None, [])
