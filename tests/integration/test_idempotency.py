"""Answers that are kept under an Idempotency-Key: each once, and old ones let go of."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from app.core.errors import Conflict
from app.store.database import Database
from app.store.idempotency import KEPT_MS, Answer, Idempotency, Remembered, remember_answer

PATH = "/api/v1/jobs"
NOW_MS = 1_795_161_600_000


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "livetrail.db")
    yield database
    await database.close()


async def remember(database: Database, key: str, body: str, at_ms: int = NOW_MS) -> None:
    remembered = Remembered(Answer(201, body), "")
    kept = partial(
        remember_answer, user_id="u", key=key, path=PATH, remembered=remembered, at_ms=at_ms
    )
    await database.writer.run(kept)


async def test_a_second_answer_under_a_key_is_refused_with_all_that_it_speaks_of(
    database: Database,
) -> None:
    await remember(database, "one", "first")
    with pytest.raises(Conflict, match="still under way"):
        await remember(database, "one", "second")
    known = await Idempotency(database.reader).answered("u", "one", PATH)
    assert known is not None
    assert known.answer.body == "first"


async def test_old_answers_go_with_each_new_one(database: Database) -> None:
    await remember(database, "one", "first")
    await remember(database, "two", "second", at_ms=NOW_MS + KEPT_MS)
    idempotency = Idempotency(database.reader)
    assert await idempotency.answered("u", "one", PATH) is not None
    await remember(database, "three", "third", at_ms=NOW_MS + KEPT_MS + 1)
    assert await idempotency.answered("u", "one", PATH) is None
    assert await idempotency.answered("u", "two", PATH) is not None


async def test_old_answers_are_found_without_looking_at_all_of_them(database: Database) -> None:
    plan = await database.reader.execute_fetchall(
        "EXPLAIN QUERY PLAN SELECT 1 FROM idempotency WHERE created_ms < ?", (NOW_MS,)
    )
    assert "idempotency_created" in str([tuple(row) for row in plan])
