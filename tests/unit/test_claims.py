"""Batches whose ids their owners made up: whose they are, and by which options they go."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import Conflict, NotFound
from app.store.batches import BatchRow, begin_batch, claim_batch
from app.store.database import migrate

IDENT = "7a6f1c1e-52a0-4e6c-9d2d-0d3a4f2f8f11"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "livetrail.db", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def wish(name: str = "", user: str = "ann", **options: object) -> BatchRow:
    return BatchRow(IDENT, user, name, options, 1_000, begun=False)


def test_who_names_it_first_has_it(database: sqlite3.Connection) -> None:
    assert claim_batch(database, wish()) == wish()
    assert claim_batch(database, wish()) == wish()
    with pytest.raises(NotFound):
        claim_batch(database, wish(user="bob"))


def test_its_options_are_the_first_that_were_said(database: sqlite3.Connection) -> None:
    claim_batch(database, wish())
    said = claim_batch(database, wish("March", on_duplicate="keep"))
    assert (said.name, said.options) == ("March", {"on_duplicate": "keep"})
    assert claim_batch(database, wish()) == said
    assert claim_batch(database, wish(on_duplicate="keep")) == said
    for other in (wish(on_duplicate="skip"), wish("April", on_duplicate="keep"), wish("March")):
        with pytest.raises(Conflict):
            claim_batch(database, other)


def test_a_batch_that_has_begun_takes_no_options_any_more(database: sqlite3.Connection) -> None:
    claim_batch(database, wish())
    begin_batch(database, IDENT, "a.csv")
    begun = claim_batch(database, wish())
    assert (begun.name, begun.begun) == ("a.csv", True)
    with pytest.raises(Conflict):
        claim_batch(database, wish(on_duplicate="keep"))


def test_the_name_that_was_given_stays(database: sqlite3.Connection) -> None:
    claim_batch(database, wish("March"))
    begin_batch(database, IDENT, "a.csv")
    assert claim_batch(database, wish()).name == "March"
