"""Archives: their files become jobs of the same batch, each with its own fate, and only once."""

import asyncio
import io
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from app.core.errors import FileMissing
from app.core.unreadable import ArchiveBomb
from app.keys import DATABASE, FILES, JOURNAL
from app.pipeline.placing import Placing
from app.pipeline.worker import Heard
from tests.integration.bad_files import EICAR, table
from tests.integration.serving import Server, ended, serving, settings_for, upload, with_user
from tests.patience import LONGEST_S
from tests.readers import task_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFX = (
    b"OFXHEADER:100\n\n<OFX><STMTRS><CURDEF>EUR<BANKTRANLIST><STMTTRN><DTPOSTED>20260102<TRNAMT>-3.20"
    b"<NAME>Shop</STMTTRN></BANKTRANLIST></STMTRS></OFX>\n"
)
FILES_IN = {
    "2026/january.csv": table(5),
    "bank.ofx": OFX,
    "rows.json": b'[{"date": "2026-03-04", "amount": -7.5, "payee": "Bar"}]',
    "bad/virus.csv": EICAR + b"\n",
    ".DS_Store": b"litter",
}


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    settings = settings_for(tmp_path_factory.mktemp("archives") / "data", workers=2)
    with_user(settings, "ann")
    async with serving(settings, warm=True) as server:
        yield server


async def batch_of(client: aiohttp.ClientSession, batch_id: str) -> dict[str, Any]:
    """Return the batch's jobs by file name, once all of them have ended."""
    async with client.get(f"/api/v1/jobs?batch_id={batch_id}&limit=200") as answer:
        jobs: list[dict[str, Any]] = (await answer.json())["jobs"]
    async with asyncio.timeout(LONGEST_S):
        states = await ended(client, {"batch_id": batch_id, "jobs": jobs})
    return {state["filename"]: state for state in states}


async def test_each_file_has_a_job_and_a_fate_of_its_own(server: Server) -> None:
    async with server.client("ann") as ann:
        accepted = await upload(ann, ("year.zip", zipped(FILES_IN)))
        (archive,) = await ended(ann, accepted)
        assert archive["plan"] == "archive"
        assert (archive["status"], archive["result"]["files"]) == ("completed", 4)
        found = await batch_of(ann, accepted["batch_id"])
        assert set(found) == {"year.zip", "january.csv", "bank.ofx", "rows.json", "virus.csv"}
        rows = {name: (state["result"] or {}).get("new_rows") for name, state in found.items()}
        assert (rows["january.csv"], rows["bank.ofx"], rows["rows.json"]) == (5, 1, 1)
        assert found["virus.csv"]["error"]["code"] == "malware_found"
        async with ann.get(f"/jobs/{archive['job_id']}", headers={"Accept": "text/html"}) as page:
            assert page.status == 200
        own = set(archive["result"]["jobs"])
        assert own == {s["job_id"] for name, s in found.items() if name != "year.zip"}


STATEMENTS = {
    "a.qif": b"!Type:Bank\nD2026-01-02\nT-3.20\nPShop\n^\n",
    "b.sta": b":20:X\n:25:DE12\n:60F:C260101EUR10,00\n:61:2601020102D3,2NMSCX\n:86:Shop\n-\n",
    "c.xml": b"""<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<Stmt><Acct><Id><IBAN>DE12</IBAN></Id></Acct><Ntry><Amt Ccy="EUR">3.20</Amt><CdtDbtInd>DBIT
</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-01-02</Dt></BookgDt><AddtlNtryInf>Shop
</AddtlNtryInf></Ntry></Stmt></BkToCstmrStmt></Document>""",
    "d.jsonl": b'{"date": "2026-01-02", "amount": -3.2, "description": "Shop"}\n' * 2,
}


async def test_statements_of_every_format_are_read_in_workers_that_are_closed_in(
    server: Server,
) -> None:
    async with server.client("ann") as ann:
        states = await ended(ann, await upload(ann, *STATEMENTS.items()))
        for state in states:
            result = state["result"]
            assert result, state["error"]
            assert result["new_rows"] + result["existing_rows"] > 0, state["filename"]
            assert result["first_date"] == "2026-01-02"
            async with ann.get(f"/api/v1/jobs/{state['job_id']}/rows") as answer:
                (row, *_) = (await answer.json())["rows"]
            assert (row["date"], row["amount"]) == ("2026-01-02", "-3.20"), state["filename"]


async def test_the_batch_ends_when_the_last_file_out_of_an_archive_has_ended(
    server: Server,
) -> None:
    async with server.client("ann") as ann:
        accepted = await upload(ann, ("two.zip", zipped({"a.csv": table(7), "b.csv": table(8)})))
        await ended(ann, accepted)
        found = await batch_of(ann, accepted["batch_id"])
        assert {state["status"] for state in found.values()} == {"completed"}
        room = f"room=batch:{accepted['batch_id']}&types=batch_completed&wait=20"
        async with ann.get(f"/api/v1/events/history?{room}") as answer:
            (told,) = (await answer.json())["events"]
        assert told["message"] == "All 3 files are done"


async def test_placing_again_makes_no_job_twice(server: Server, tmp_path: Path) -> None:
    async with server.client("ann") as ann:
        accepted = await upload(ann, ("again.zip", zipped({"x.csv": table(9), "y.csv": table(3)})))
        (archive,) = await ended(ann, accepted)
        before = await batch_of(ann, accepted["batch_id"])
        app = server.app
        placing = Placing(app[FILES], app[DATABASE].reader, app[JOURNAL], lambda: None)
        task = task_for(_folder_of(tmp_path), "zip")
        task["job_id"], task["work_dir"] = archive["job_id"], str(tmp_path)
        task["found"]["unpacking"] = {
            "files": [
                {"name": "x.csv", "number": 1, "size": 1},
                {"name": "y.csv", "number": 2, "size": 1},
            ]
        }
        found = await placing(task, _ignore)
        assert sorted(found["jobs"]) == sorted(archive["result"]["jobs"])
        after = await batch_of(ann, accepted["batch_id"])
        assert {s["job_id"] for s in after.values()} == {s["job_id"] for s in before.values()}


async def test_a_link_in_the_work_folder_is_not_followed(server: Server, tmp_path: Path) -> None:
    async with server.client("ann") as ann:
        accepted = await upload(ann, ("link.zip", zipped({"z.csv": table(4)})))
        (archive,) = await ended(ann, accepted)
        app = server.app
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        (tmp_path / "unpacked").mkdir()
        (tmp_path / "unpacked" / "7").symlink_to(secret)
        os.mkfifo(tmp_path / "unpacked" / "8")
        placing = Placing(app[FILES], app[DATABASE].reader, app[JOURNAL], lambda: None)
        task = task_for(secret, "zip")
        task["job_id"] = archive["job_id"]
        for number in (7, 8):
            found = [{"name": f"{n}.csv", "number": number, "size": 1} for n in range(3)]
            task["found"]["unpacking"] = {"files": found}
            with pytest.raises(FileMissing):
                await placing(task, _ignore)
        assert not list(app[FILES].incoming_dir.iterdir())


async def test_what_a_worker_says_of_an_archive_is_not_believed(
    server: Server, tmp_path: Path
) -> None:
    async with server.client("ann") as ann:
        accepted = await upload(ann, ("odd.zip", zipped({"z.csv": table(5)})))
        (archive,) = await ended(ann, accepted)
        app = server.app
        placing = Placing(app[FILES], app[DATABASE].reader, app[JOURNAL], lambda: None)
        task = task_for(_folder_of(tmp_path), "zip")
        task["job_id"], task["work_dir"] = archive["job_id"], str(tmp_path)
        many = [{"name": "n.csv", "number": 1, "size": 1} for _ in range(2001)]
        task["found"]["unpacking"] = {"files": many}
        with pytest.raises(ArchiveBomb):
            await placing(task, _ignore)
        odd = {"name": "../../etc/\u202epasswd\n.csv", "number": 1, "size": 1}
        # which of the two was placed before is chance
        task["found"]["unpacking"] = {"files": [odd, odd]}
        await placing(task, _ignore)
        assert set(await batch_of(ann, accepted["batch_id"])) == {"odd.zip", "z.csv", "passwd.csv"}


async def test_the_same_archive_again_is_known(server: Server) -> None:
    async with server.client("ann") as ann:
        content = ("same.zip", zipped({"m.csv": table(11)}))
        (first,) = await ended(ann, await upload(ann, content))
        accepted = await upload(ann, content)
        (second,) = await ended(ann, accepted)
        assert second["result"]["duplicate_of"] == first["job_id"]
        assert second["result"]["links"] == first["result"]["links"]
        assert list(await batch_of(ann, accepted["batch_id"])) == ["same.zip"]


def _folder_of(folder: Path) -> Path:
    (folder / "unpacked").mkdir()
    for number in (1, 2):
        (folder / "unpacked" / str(number)).write_bytes(b"other content than before")
    path = folder / "again.zip"
    path.write_bytes(zipped({"x": b"1"}))
    return path


async def _ignore(said: Heard) -> None:
    """Nobody listens."""
