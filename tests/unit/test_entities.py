"""Names become one only when equal after normalising; likeness is only a suggestion."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.notices import Notice
from app.core.reading import Limits, Task
from app.reading.entities import Resolved, resolve, resolve_labels, suggest
from app.reading.payees import LONGEST, PURPOSE_MARK, payee_key, payee_name
from app.store.records import Label, known_vendors, labels_of, reading_records, writing_records
from app.store.records_bulk import NewLabel, begin_import, insert_labels, undo_import


class Heard:
    """What a reader told: how far, with which facts."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None, dict[str, object]]] = []

    def __call__(self, done: int, total: int | None = None, **context: object) -> None:
        self.told.append((done, total, context))

    def events(self, told: object) -> None: ...

    def warn(self, notice: Notice) -> None:
        raise AssertionError(notice)


def task_for(records: Path, job_id: str, user_id: str = "ann") -> Task:
    return Task(
        job_id=job_id,
        user_id=user_id,
        filename="export.csv",
        size=1,
        sha256="",
        path="",
        work_dir="",
        records_path=str(records),
        limits=Limits(
            max_rows=1,
            max_columns=1,
            max_line_bytes=1,
            max_unpacked_bytes=1,
            max_unpack_ratio=1,
            max_archive_files=2000,
            max_archive_depth=2,
            max_pages=1,
            max_ocr_pages=1,
            max_image_pixels=1,
        ),
        options={},
        found={},
        answers={},
    )


def stored(
    records: Path,
    job_id: str,
    *payees: tuple[str, int, str | None, int],
    user_id: str = "ann",
    has_amounts: bool = True,
) -> None:
    """Store an import of (text, sign, source category, rows), one unit of money a row."""
    with writing_records(records) as connection:
        number = begin_import(
            connection, job_id=job_id, user_id=user_id, columns=["text"], has_amounts=has_amounts
        )
        insert_labels(
            connection,
            number,
            [
                NewLabel(at, text, sign, "EUR", said, rows, sign * rows * 10**6, "2026-01-01", None)
                for at, (text, sign, said, rows) in enumerate(payees, 1)
            ],
        )


def label(at: int, text: str, rows: int = 1, sign: int = -1) -> Label:
    return Label(at, text, sign, "EUR", None, rows, sign * rows * 10**6, None, None, None, None)


WORDS = ["abc", "rewe", "gmbh", "12", "*", ".", ",", "PAYPAL", "SQ", "ltd", "de"]

SAME = [
    ["SQ *BLUE BOTTLE COFFEE", "Blue Bottle Coffee Inc.", "BLUE BOTTLE COFFEE #0417"],
    ["AMZN Mktp US*2K4QL81T3", "AMAZON EU S.A R.L.", "Amazon.de", "AMAZON.COM*MA4417"],
    ["PAYPAL *STEAM GAMES", "Steam Games", "STEAM GAMES 425-889-9642"],
    ["NETFLIX.COM", "Netflix", "NETFLIX.COM 14087249160, NL", "Netflix, Inc."],
    ["HOFER DANKT  0527  K2   18.09. 17:20", "HOFER DANKT 0551 K2 09.03. 14:01", "Hofer KG"],
    ["Bäckerei Müller GmbH & Co. KG", "BAECKEREI MUELLER", "bäckerei müller"],
    ["REWE 0412", "REWE SAGT DANKE. 41400673", "Rewe"],
    ["Café Zürich", "CAFE ZUERICH 2026-03-01T11:33:59", "SumUp  *Café Zürich"],
    ["Nederlandse Loterij Organisatie B.V.", "NEDERLANDSE LOTERIJ ORGANISATIE BV"],
    ["PayPal Europe S.a.r.l. et Cie S.C.A.", "PayPal"],
    ["PP.4417.PP . SPOTIFY, Ihr Einkauf bei SPOTIFY", "Spotify AB"],
    ["CLOUDFLARE 650-3198939, US 9.95 USD, 1 USD = 0.88241 EUR", "Cloudflare, Inc."],
    ["GITHUB  INC.", "GitHub, Inc.", "github"],
    ["UBER   *TRIP HELP.UBER.COM", "Uber BV"],
    ["Ferrovie S.p.A.", "FERROVIE SPA"],
    ["LUIGI'S PIZZA", "Luigi’s Pizza Ltd."],
]

DIFFERENT = [
    ("ESH CONSTRUCTION", "WATES CONSTRUCTION"),
    ("CROSSINGS", "CROSSLING"),
    ("Stadtwerke München", "Stadtwerke Köln"),
    ("Hotel Berlin DE", "Hotel Hamburg DE"),
    ("Amazon Web Services", "Amazon"),
    ("PAYPAL *STEAM GAMES", "PAYPAL *SPOTIFY"),
    ("Uber Eats", "Uber"),
    ("O2 Telefonica", "1&1 Telecom"),
    ("Max Müller", "Moritz Müller"),
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: spellings[0])
def test_spellings_of_one_payee_become_one(spellings: list[str]) -> None:
    assert len({payee_key(text) for text in spellings}) == 1


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_payees_stay_apart(one: str, other: str) -> None:
    assert payee_key(one) != payee_key(other)


@pytest.mark.parametrize(
    "text", ["", "12345", "18.09. 17:20", "POS 12,40 AT K2", "SEPA Lastschrift"]
)
def test_a_text_without_a_name_names_nobody(text: str) -> None:
    assert payee_key(text) == ""


@given(st.text(max_size=120))
def test_normalising_any_text_twice_is_normalising_it_once(text: str) -> None:
    key = payee_key(text)
    assert key == " ".join(key.split())
    assert len(payee_name(text, key)) <= LONGEST


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_case_and_spaces_never_matter(words: list[str]) -> None:
    text = " ".join(words)
    assert payee_key(text.upper()) == payee_key(f"  {text.lower()} ")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SQ *BLUE BOTTLE COFFEE", "Blue Bottle Coffee"),
        ("Bäckerei Müller GmbH & Co. KG", "Bäckerei Müller"),
        ("Löwen-Apotheke", "Löwen-Apotheke"),
        ("H&M 0233", "H&M"),
        ("GITHUB  INC.", "Github"),
        ("DELTA AIR 0062341887", "Delta Air"),
        ("DB VERTRIEB GMBH", "DB Vertrieb"),
        ("TUI", "TUI"),
        ("LUIGI'S PIZZA", "Luigi's Pizza"),
    ],
)
def test_a_vendor_is_shown_as_a_person_would_write_it(text: str, name: str) -> None:
    assert payee_name(text, payee_key(text)) == name


def test_the_commonest_spelling_and_a_known_one_win() -> None:
    labels = [label(1, "GITHUB  INC."), label(2, "GitHub, Inc.", rows=5)]
    assert resolve_labels(labels, {}).of_label == {1: "GitHub", 2: "GitHub"}
    assert resolve_labels(labels, {"github": "GitHub (code)"}).vendors == {
        "github": "GitHub (code)"
    }


def test_the_purpose_is_no_part_of_a_vendor() -> None:
    labels = [label(1, f"Jane Doe{PURPOSE_MARK}miete"), label(2, "JANE DOE")]
    assert set(resolve_labels(labels, {}).of_label.values()) == {"Jane Doe"}


def test_names_that_are_alike_are_suggested_and_not_merged() -> None:
    found = resolve_labels([label(1, "CROSSINGS", 3), label(2, "CROSSLING"), label(3, "REWE")], {})
    assert len(set(found.of_label.values())) == 3
    assert [(s.name, s.other, s.score) for s in suggest(found, {})] == [
        ("Crossings", "Crossling", 89)
    ]


def test_names_of_earlier_files_are_suggested_too() -> None:
    found = resolve_labels([label(1, "CROSSINGS")], {})
    pairs = suggest(found, {"crossling": "Crossling Ltd", "rewe": "REWE"})
    assert [(s.name, s.other) for s in pairs] == [("Crossings", "Crossling Ltd")]


def test_nothing_to_compare_is_no_suggestion() -> None:
    assert suggest(Resolved(), {"rewe": "REWE"}) == []


def test_the_step_writes_vendors_and_counts_rows(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(
        records,
        "job-1",
        ("REWE SAGT DANKE 123", -1, None, 3),
        ("Rewe 99", 1, None, 1),
        ("18.09. 17:20", -1, None, 2),
        ("CROSSINGS", -1, None, 1),
        ("CROSSLING", -1, None, 1),
    )
    heard = Heard()
    found = resolve(task_for(records, "job-1"), heard)
    assert found == {
        "vendors": 3,
        "matched": 6,
        "total": 8,
        "suggestions": 1,
        "alike": [{"name": "Crossings", "other": "Crossling", "score": 89}],
    }
    assert heard.told[-1] == (8, 8, {"matched": 6})
    with reading_records(records) as connection:
        assert [one.vendor for one in labels_of(connection, "job-1")] == [
            "Rewe",
            "Rewe",
            None,
            "Crossings",
            "Crossling",
        ]


def test_running_the_step_again_changes_nothing(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("Rewe", -1, None, 1), ("Lidl", -1, None, 1))
    first = resolve(task_for(records, "job-1"), Heard())
    assert resolve(task_for(records, "job-1"), Heard()) == first
    with reading_records(records) as connection:
        assert known_vendors(connection, "ann") == {"rewe": "Rewe", "lidl": "Lidl"}


def test_a_vendor_keeps_its_name_in_the_next_file_and_only_for_its_owner(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("GitHub, Inc.", -1, None, 1))
    stored(records, "job-2", ("GITHUB  INC.", -1, None, 1))
    stored(records, "job-3", ("GITHUB  INC.", -1, None, 1), user_id="bob")
    for job, user in (("job-1", "ann"), ("job-2", "ann"), ("job-3", "bob")):
        resolve(task_for(records, job, user), Heard())
    with reading_records(records) as connection:
        assert [one.vendor for one in labels_of(connection, "job-2")] == ["GitHub"]
        assert [one.vendor for one in labels_of(connection, "job-3")] == ["Github"]


def test_the_vendors_of_an_undone_file_are_forgotten(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    stored(records, "job-1", ("GitHub, Inc.", -1, None, 1))
    resolve(task_for(records, "job-1"), Heard())
    with writing_records(records) as connection:
        undo_import(connection, "job-1")
        assert known_vendors(connection, "ann") == {}


def test_many_different_names_are_told_on_the_way(tmp_path: Path) -> None:
    labels = [
        label(at, f"shop {'abcdefghij'[at % 10]}{'xyz'[at % 3]} {at}") for at in range(12_000)
    ]
    heard = Heard()
    found = resolve_labels(labels, {}, heard)
    assert [done for done, _, _ in heard.told] == [5_000, 10_000]
    assert found.matched == found.total == 12_000


@pytest.mark.parametrize("blank", ["", " ", "\xa0", "\t", "\x1f"])
def test_a_star_with_nothing_behind_it_is_no_end_of_the_world(blank: str) -> None:
    assert payee_key(f"Kontor *{blank}") == "kontor"
    assert payee_key(f"*{blank}") == ""
