"""Sample files that look like real exports, made by arithmetic: always the same bytes. Pure.

`sample_files` is what the demo offers; `transactions_csv` makes one of any length for benchmarks
and tests. All people and accounts are invented; the shops are well-known ones, so that categories
can be tried.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

CHUNK_ROWS = 2_000
BIG_FILE_DAYS = 1826
BIG_FILE_BEGINS = date(2021, 11, 1)
BRANCHES = 400  # of each shop; with the shops below, about 20,000 different payees


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom money goes to or comes from: what a bank prints, and usual cents, low to high."""

    name: str
    purpose: str
    low: int
    high: int


SHOPS = (
    Payee("REWE Markt GmbH", "Kartenzahlung REWE SAGT DANKE", 480, 9_800),
    Payee("LIDL Dienstleistung", "Kartenzahlung LIDL", 310, 7_400),
    Payee("EDEKA Center Nord", "Kartenzahlung EDEKA", 500, 8_900),
    Payee("dm-drogerie markt", "Kartenzahlung DM FIL.", 295, 4_600),
    Payee("DB Vertrieb GmbH", "Fahrkarte", 1_790, 12_990),
    Payee("Shell Deutschland", "Kartenzahlung SHELL", 3_900, 9_900),
    Payee("Bäckerei Müller", "Kartenzahlung", 230, 1_480),
    Payee("Café Zürich", "Kartenzahlung", 320, 2_300),
    Payee("Lieferando.de", "Bestellung", 1_650, 4_900),
    Payee("PayPal Europe S.a.r.l.", "PP.4417.PP . SPOTIFY, Ihr Einkauf bei SPOTIFY", 1_099, 1_099),
    Payee("AMAZON EU S.A R.L.", "AMZN Mktp DE", 890, 15_900),
    Payee("IKEA Deutschland", "Kartenzahlung IKEA", 1_290, 29_900),
    Payee("Apotheke am Markt", "Kartenzahlung APOTHEKE", 495, 3_890),
    Payee("Kontor Sieben e.K.", "Beleg", 1_200, 6_400),  # nobody can tell what this was
    Payee("Buchhandlung Seitenweise", "Kartenzahlung", 990, 4_200),
)
MONTHLY = (
    (1, Payee("Hausverwaltung Lindenhof", "Miete Wohnung 12", -98_000, -98_000)),
    (2, Payee("Stadtwerke Musterstadt", "Abschlag Strom", -7_400, -7_400)),
    (3, Payee("Telekom Deutschland GmbH", "Mobilfunk Rechnung", -3_995, -3_995)),
    (5, Payee("Allianz Versicherungs-AG", "Haftpflicht Beitrag", -1_240, -1_240)),
    (15, Payee("FitnessWerk", "Beitrag Mitgliedschaft", -2_990, -2_990)),
    (28, Payee("Nordlicht Software GmbH", "Gehalt", 312_000, 312_000)),
)


def sample_files() -> list[tuple[str, bytes]]:
    """Return the demo's files: name and content.

    Two overlapping exports of one German account (cp1252, semicolons, decimal commas, a preamble),
    a payment processor's export, a card statement with dates that can be read two ways and rows
    that can not be read, and a tab-separated list of expenses.
    """
    rows = _account_rows(date(2026, 7, 1), date(2026, 10, 31))
    return [
        ("girokonto_2026-07_bis_09.csv", _german_export(rows, date(2026, 7, 1), date(2026, 9, 30))),
        (
            "girokonto_2026-09_bis_10.csv",
            _german_export(rows, date(2026, 9, 1), date(2026, 10, 31)),
        ),
        ("stripe_payments_2026-10.csv", _stripe_export(date(2026, 10, 1), 120)),
        ("card_statement_september.csv", _card_statement()),
        ("expenses_2026_q3.tsv", _expenses(date(2026, 7, 1), 90)),
    ]


@dataclass(frozen=True, slots=True)
class _Entry:
    on: date
    name: str
    purpose: str
    cents: int
    reference: str


def _account_rows(first: date, last: date) -> list[_Entry]:
    chance = random.Random(417)  # noqa: S311 - not for secrets: the same rows every time
    rows: list[_Entry] = []
    day = first
    while day <= last:
        for due, payee in MONTHLY:
            if day.day == due:
                rows.append(_Entry(day, payee.name, payee.purpose, payee.low, f"M{day:%y%m}{due}"))
        for _ in range(int(chance.random() * 4)):
            shop = SHOPS[int(chance.random() * len(SHOPS))]
            cents = shop.low + int(chance.random() * (shop.high - shop.low + 1))
            reference = f"{int(chance.random() * 1e8):08d}"
            rows.append(_Entry(day, shop.name, shop.purpose, -cents, reference))
        if day.day == 9:  # two equal coffees on one day are two rows
            rows += [_Entry(day, "Café Zürich", "Kartenzahlung Espresso", -290, "")] * 2
        day += timedelta(days=1)
    return rows


def _german_export(rows: list[_Entry], first: date, last: date) -> bytes:
    lines = [
        '"Kontonummer:";"DE02120300000000202051 / Girokonto";',
        "",
        f'"Von:";"{first:%d.%m.%Y}";',
        f'"Bis:";"{last:%d.%m.%Y}";',
        f'"Kontostand vom {last:%d.%m.%Y}:";"2.417,90 EUR";',
        "",
        '"Buchungstag";"Wertstellung";"Buchungstext";"Auftraggeber / Begünstigter";'
        '"Verwendungszweck";"Kontonummer";"BLZ";"Betrag (EUR)";"Gläubiger-ID";"Mandatsreferenz";'
        '"Kundenreferenz";',
    ]
    for row in reversed([row for row in rows if first <= row.on <= last]):
        kind = "Lohn, Gehalt, Rente" if row.cents > 0 else "Lastschrift"
        lines.append(
            f'"{row.on:%d.%m.%Y}";"{row.on:%d.%m.%Y}";"{kind}";"{row.name}";"{row.purpose}";'
            f'"DE8937040044053201{len(row.name):02d}00";"COBADEFFXXX";"{_comma(row.cents)}";"";"";'
            f'"{row.reference}";'
        )
    return ("\r\n".join(lines) + "\r\n").encode("cp1252")


def _comma(cents: int) -> str:
    """Return an amount the German way: -1.234,56."""
    whole, rest = divmod(abs(cents), 100)
    grouped = f"{whole:,}".replace(",", ".")
    return f"{'-' if cents < 0 else ''}{grouped},{rest:02d}"


def _point(cents: int) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def _stripe_export(first: date, rows: int) -> bytes:
    chance = random.Random(1201)  # noqa: S311
    lines = [
        "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,"
        "Converted Amount,Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,"
        "Customer Email"
    ]
    for number in range(rows):
        at = first + timedelta(days=number * 31 // rows)
        cents = (900, 1_900, 4_900, 9_900)[int(chance.random() * 4)]
        refunded = cents if chance.random() < 0.04 else 0
        fee = 30 + cents * 29 // 1000
        status = "Refunded" if refunded else "Paid"
        clock = f"{int(chance.random() * 24):02d}:{int(chance.random() * 60):02d}"
        lines.append(
            f"ch_3Q{int(chance.random() * 16**12):012x}LT{number:04d},Subscription update,"
            f"Payment complete.,{at:%Y-%m-%d} {clock},{_point(cents)},{_point(refunded)},usd,"
            f"{_point(cents)},{_point(refunded)},{_point(fee)},0.00,usd,Live,{status},"
            f"customer{number % 37}@example.com"
        )
    return ("\n".join(lines) + "\n").encode()


CARD_PURCHASES = (
    ("STARBUCKS STORE 08231 SEATTLE WA", 585),
    ("WHOLEFDS MKT 10236", 6_412),
    ("UBER   *TRIP HELP.UBER.COM", 1_874),
    ("NETFLIX.COM", 1_549),
    ("SHELL OIL 57442198", 4_120),
    ("SQ *BLUE BOTTLE COFFEE", 725),
    ("AMZN Mktp US*2K4QL81T3", 3_399),
    ("DELTA AIR 0062341887", 31_820),
    ("CVS/PHARMACY #04417", 1_267),
    ("PAYPAL *STEAM GAMES", 2_999),
)


def _card_statement() -> bytes:
    """Every day of every date is at most 12, so that day and month can be swapped."""
    lines = ["Date,Description,Amount,Currency,Card"]
    for day in range(1, 13):
        for shift in range(3):
            text, cents = CARD_PURCHASES[(day * 3 + shift) % len(CARD_PURCHASES)]
            lines.append(f"{day:02d}/09/2026,{text},{_point(-cents - 17 * day)},USD,4417")
    lines.insert(8, "Pending,APPLE.COM/BILL,-2.99,USD,4417")
    lines.insert(20, "05/09/2026,THE HOME DEPOT #0417,see receipt,USD,4417")
    lines.append("12/09/2026,PAYMENT THANK YOU,812.40,USD,4417")
    lines.append("31/31/2026,MERCHANT UNKNOWN,-10.00,USD,4417")
    return ("\n".join(lines) + "\n").encode()


EXPENSES = (
    ("Deutsche Bahn", "Travel", 8_990),
    ("Hotel Adlon", "Travel", 21_900),
    ("Notion Labs", "Software", 1_000),
    ("Viking Office", "Office supplies", 4_735),
    ("Trattoria Roma", "Meals", 5_640),
    ("DHL Paket", "Postage", 749),
    ("Hetzner Online", "Hosting", 3_832),
)


def _expenses(first: date, days: int) -> bytes:
    lines = ["Date\tVendor\tCategory\tAmount\tCurrency\tNote"]
    for number in range(0, days, 2):
        vendor, category, cents = EXPENSES[number // 2 % len(EXPENSES)]
        on = first + timedelta(days=number)
        lines.append(
            f"{on:%Y-%m-%d}\t{vendor}\t{category}\t{_point(-cents - number)}\tEUR\tTrip {number}"
        )
    return ("\n".join(lines) + "\n").encode()


BIG_FILE_PAYEES = (
    ("REWE", "Groceries", 300, 9_000),
    ("Lidl", "Groceries", 300, 7_000),
    ("Tesco Stores", "Groceries", 400, 8_000),
    ("Carrefour City", "Courses", 400, 8_000),
    ("Albert Heijn", "Boodschappen", 300, 6_000),
    ("Walmart", "Card purchase", 500, 15_000),
    ("Starbucks", "Card purchase", 300, 1_500),
    ("McDonalds", "Card purchase", 400, 2_500),
    ("Uber Trip", "Ride", 600, 4_000),
    ("Shell", "Fuel", 2_500, 9_500),
    ("Aral Tankstelle", "Tanken", 2_500, 9_500),
    ("Deutsche Bahn", "Ticket", 1_500, 14_000),
    ("Netflix", "Subscription", 899, 1_799),
    ("Spotify", "Subscription", 1_099, 1_099),
    ("Amazon", "Order", 500, 20_000),
    ("IKEA", "Furniture", 1_000, 60_000),
    ("Zalando", "Order", 2_000, 15_000),
    ("Apotheke", "Card purchase", 400, 4_000),
    ("Allianz", "Premium", 1_500, 9_000),
    ("Vodafone", "Invoice", 1_999, 5_999),
    ("Stadtwerke", "Abschlag", 4_000, 18_000),
    ("Booking.com", "Reservation", 5_000, 60_000),
    ("Ryanair", "Flight", 1_999, 19_999),
    ("H&M", "Card purchase", 1_000, 12_000),
    ("Decathlon", "Card purchase", 1_000, 15_000),
    ("Kaufland", "Groceries", 500, 12_000),
    ("GitHub", "Subscription", 400, 2_100),
    ("Hetzner", "Invoice", 400, 9_000),
    ("Bakery Stone", "Card purchase", 200, 1_500),
    ("Trattoria Roma", "Card purchase", 1_500, 9_000),
    ("Parkhaus", "Card purchase", 100, 2_500),
    ("City Gym", "Membership", 1_999, 5_999),
    ("Landlord Ltd", "Rent", 60_000, 140_000),
    ("Acme Payroll", "Salary", -420_000, -180_000),
    ("Interest", "Interest", -2_500, -10),
    ("Cash Machine", "Withdrawal", 2_000, 30_000),
    ("Transfer Own", "Transfer", 1_000, 90_000),
    ("Zoo Shop", "Card purchase", 500, 4_000),
    ("Kiosk", "Card purchase", 150, 2_500),
    ("Bank Fee", "Account fee", 100, 1_500),
)
BIG_FILE_HEADER = b"date,description,counterparty,amount,currency,balance,reference,account\n"


def transactions_csv(rows: int) -> Iterator[bytes]:
    """Yield a bank export of `rows` rows in chunks of whole lines; the first holds the header.

    Eight columns (date, description, counterparty, amount, currency, balance, reference, account),
    oldest first, about 88 bytes a row, about 16,000 different payees in a long file. The rows of a
    shorter file are not the first rows of a longer one: the days spread over five years.
    """
    yield BIG_FILE_HEADER
    chance = random.Random(88).random  # noqa: S311
    days = [(BIG_FILE_BEGINS + timedelta(days=day)).isoformat() for day in range(BIG_FILE_DAYS)]
    branches = [f"{branch:04d}" for branch in range(BRANCHES)]
    payees = len(BIG_FILE_PAYEES)
    balance = 2_500_000
    for begin in range(0, rows, CHUNK_ROWS):
        lines = []
        for number in range(begin, min(begin + CHUNK_ROWS, rows)):
            name, purpose, low, high = BIG_FILE_PAYEES[int(chance() * payees)]
            branch = branches[int(chance() * BRANCHES)]
            cents = -(low + int(chance() * (high - low + 1)))
            if balance + cents < 0:  # nobody's account is overdrawn for ever
                cents = -cents
            balance += cents
            lines.append(
                f"{days[number * BIG_FILE_DAYS // rows]},{purpose} {name} {branch},"
                f"{name} {branch},{cents / 100:.2f},EUR,{balance / 100:.2f},"
                f"TX{number:010d},ACC{number % 7:06d}\n"
            )
        yield "".join(lines).encode()
