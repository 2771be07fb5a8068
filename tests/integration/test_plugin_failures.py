"""What a plugin can do wrong, and when it is gone: that harms its own step alone, and is told."""

import asyncio
import os
from pathlib import Path

import pytest

from app.pipeline.plugins import asking
from tests.integration.plugins import (
    BAD,
    COUNT,
    CSV,
    READER,
    TILDE,
    events_of,
    house,
    named,
    plugins_of,
    reached,
)
from tests.integration.serving import (
    ended,
    followed,
    serving,
    state_of,
    token_of,
    upload,
)
from tests.process import ServerProcess

REASONS = {
    "raises": "ValueError: no such luck",
    "exits": "its process stopped: it ended without an answer",
    "quits": "its process stopped: it ended without an answer",
    "eats": "MemoryError",
    "says_nonsense": "it returned list, which is no dict",
    "says_much": "it returned 100,011 bytes; 65,536 is the limit",
    "calls": "",  # in the words of the system
    "looks": "PermissionError",
    "writes": "PermissionError",
}


async def test_whatever_a_plugin_does_wrong_fails_its_file_alone(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=BAD % True)
    async with serving(settings, warm=True) as server, server.client("ann") as ann:
        jobs = await ended(ann, await upload(ann, *named(*REASONS, "behaves")))
        async with ann.get("/readyz") as answer:
            assert answer.status == 200
    by_name = {job["filename"].removesuffix(".csv"): job for job in jobs}
    assert by_name.pop("behaves")["status"] == "completed"
    for name, job in by_name.items():
        assert (job["status"], job["error"]["code"]) == ("error", "plugin_failed"), (name, job)
        assert job["error"]["step"] == "bad.act"
        assert "The plugin bad failed in “Act”" in job["error"]["title"]
        assert REASONS[name] in job["error"]["title"], (name, job["error"])


async def test_others_store_their_rows_while_a_plugin_takes_its_time(tmp_path: Path) -> None:
    late = (BAD % True).replace("malware_scan", "storing")
    settings = house(tmp_path, bad=late).model_copy(update={"workers": 2})
    async with serving(settings) as server, server.client("ann") as ann:
        slow = (await upload(ann, *named("hangs")))["jobs"][0]["job_id"]
        await reached(ann, slow, "bad.act")
        (quick,) = await ended(ann, await upload(ann, *named("behaves")))
        assert quick["status"] == "completed"
        assert (await state_of(ann, slow))["step"] == "bad.act"
        async with ann.post(f"/api/v1/jobs/{slow}/cancel") as answer:
            assert answer.status == 202, await answer.text()
        assert (await state_of(ann, slow))["status"] == "cancelled"
        async with ann.get(f"/api/v1/jobs/{slow}/rows") as answer:
            assert (await answer.json())["rows"] == []


async def test_a_plugin_that_hangs_fails_its_file_when_its_time_is_over(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=BAD % True).model_copy(update={"plugin_timeout_s": 2})
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, *named("hangs")))
    assert job["error"]["code"] == "plugin_failed"
    assert "it took longer than 2 seconds" in job["error"]["title"]


async def test_a_step_that_is_not_required_warns_and_the_job_goes_on(tmp_path: Path) -> None:
    async with serving(house(tmp_path, bad=BAD % False)) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, *named("raises")))
    assert job["status"] == "completed"
    (warning,) = job["warnings"]
    assert warning["code"] == "plugin_failed"
    assert "ValueError: no such luck" in warning["title"]


async def test_a_file_whose_plugin_was_mended_goes_on_where_it_failed(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=BAD % True)
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, *named("raises")))
    (settings.plugins_dir / "bad.py").write_text((BAD % True).replace('"raises"', '"never"'))
    async with serving(settings) as server, server.client("ann") as ann:
        api = f"/api/v1/jobs/{job['job_id']}"
        async with ann.post(f"{api}/retry", json={}) as answer:
            assert answer.status == 202, await answer.text()
        await followed(ann, f"job:{job['job_id']}", "processing_completed")
        events = await events_of(ann, job["job_id"])
    (retried,) = [event for event in events if event["type"] == "job_retried"]
    assert retried["step"] == "bad.act"


async def test_a_job_goes_on_without_a_plugin_that_is_gone_and_says_so(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=BAD % True)
    async with serving(settings) as server, server.client("ann") as ann:
        accepted = await upload(ann, *named("hangs"))
        (job,) = accepted["jobs"]
        await reached(ann, job["job_id"], "bad.act")
    (settings.plugins_dir / "bad.py").unlink()
    async with serving(settings) as server, server.client("ann") as ann:
        (state,) = await ended(ann, accepted)
        events = await events_of(ann, job["job_id"])
    assert [one["code"] for one in state["warnings"]] == ["plugin_gone"]
    assert state["warnings"][0]["title"] == "“Act” of the plugin bad is not here any more"
    plans = [event["plan"]["stages"] for event in events if event["type"] == "plan_chosen"]
    assert [stages[1]["steps"] for stages in plans] == [
        ["malware_scan", "bad.act"],
        ["malware_scan"],
    ]
    assert state["status"] == "completed"


async def test_a_server_that_is_killed_in_the_step_of_a_plugin_does_it_again(
    tmp_path: Path,
) -> None:
    settings = house(tmp_path, bad=BAD % True)
    server = ServerProcess(settings.data_dir)
    await server.start()
    try:
        async with server.client(token_of(settings, "ann")) as ann:
            accepted = await upload(ann, *named("hangs"))
            (job,) = accepted["jobs"]
            await reached(ann, job["job_id"], "bad.act")
        await server.kill(with_workers=False)
        code = (BAD % True).replace('"hangs"', '"never"')
        (settings.plugins_dir / "bad.py").write_text(code)
        await server.start()
        async with server.client(token_of(settings, "ann")) as ann:
            (state,) = await ended(ann, accepted)
            events = await events_of(ann, job["job_id"])
    finally:
        await server.stop()
    assert state["status"] == "completed"
    begun = [event["step"] for event in events if event["type"] == "step_started"]
    assert [begun.count("malware_scan"), begun.count("bad.act")] == [1, 2]


LITTER = """
from app.plugins import File, Step, hook

def act(file: File):
    litter = sorted(one.name for one in file.folder.iterdir() if one.name == "litter")
    (file.folder / "litter").mkdir()
    if AGAIN:
        return {"litter": litter}
    raise ValueError("broken off")

@hook
def livetrail_steps():
    return [Step("act", act, after="malware_scan")]
"""


async def test_a_step_that_is_done_again_finds_its_folder_empty(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=f"AGAIN = False\n{LITTER}")
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, *named("a")))
        assert "ValueError: broken off" in job["error"]["title"]
        (settings.plugins_dir / "bad.py").write_text(f"AGAIN = True\n{LITTER}")
        async with ann.post(f"/api/v1/jobs/{job['job_id']}/retry", json={}) as answer:
            assert answer.status == 202, await answer.text()
        events = await followed(ann, f"job:{job['job_id']}", "processing_completed")
    done = next(e for e in events if e["type"] == "step_completed" and e["step"] == "bad.act")
    assert done["details"]["found"] == {"litter": []}


async def test_a_part_that_was_taken_out_since_the_start_is_named(tmp_path: Path) -> None:
    settings = house(tmp_path, bad=COUNT)
    async with serving(settings) as server, server.client("ann") as ann:
        await plugins_of(server)  # it has said what it adds
        code = COUNT.replace("count_words", "count_letters")
        (settings.plugins_dir / "bad.py").write_text(code)
        (job,) = await ended(ann, await upload(ann, *named("a")))
    assert "it has no part count_words any more; start the server again" in job["error"]["title"]


async def test_a_file_whose_reader_is_gone_fails_and_can_be_retried(tmp_path: Path) -> None:
    broken = READER.replace("yield line", "raise OSError(line); yield line")
    settings = house(tmp_path, tilde=broken)
    async with serving(settings) as server, server.client("ann") as ann:
        (job,) = await ended(ann, await upload(ann, ("a.tld", TILDE)))
    assert job["error"]["code"] == "plugin_failed"
    (settings.plugins_dir / "tilde.py").unlink()
    async with serving(settings) as server, server.client("ann") as ann:
        async with ann.post(f"/api/v1/jobs/{job['job_id']}/retry", json={}) as answer:
            assert answer.status == 202, await answer.text()
        after = job["last_seq"]
        await followed(ann, f"job:{job['job_id']}", "processing_failed", after=after)
        async with ann.get(f"/api/v1/jobs/{job['job_id']}") as answer:
            state = await answer.json()
    assert (state["error"]["code"], state["error"]["retryable"]) == ("plugin_gone", True)


BROKEN = {
    "raises": ("1/0", "ZeroDivisionError: division by zero"),
    "misspelt": ("def livetrail_steps(:", "SyntaxError: "),
    "exits": ("import os; os._exit(7)", "its process ended while it was loaded (7)"),
    "quits": ("import sys; sys.exit('no')", "SystemExit: no"),
    "empty": ("", "it has none of the hooks"),
    "eats": ("held = bytearray(2**40)", "MemoryError"),
    "early": (COUNT.replace("malware_scan", "duplicate_check"), "after has to be one of"),
    "between": (COUNT.replace("malware_scan", "delta_analysis"), "after has to be one of"),
    "odd": (COUNT.replace("count_words", "Count Words"), "name: String should match"),
    "unknown": (COUNT.replace("livetrail_steps", "livetrail_stepps"), "unknown hook"),
    "floods": (
        "import os\nwhile True:\n for out in range(3, 9):\n"
        "  try: os.write(out, b'x' * 65536)\n  except OSError: pass",
        "it declared more than 262,144 bytes",
    ),
    "forges": (
        "import os\nfor out in range(3, 9):\n"
        "  try: os.write(out, b'[]\\n')\n  except OSError: pass",
        "what it declared makes no sense",
    ),
    "takes_csv": (READER.replace('"tld"', '"csv"'), ".csv are read by Livetrail itself"),
}


async def test_a_plugin_that_can_not_be_used_is_named_and_the_server_starts(
    tmp_path: Path,
) -> None:
    settings = house(tmp_path, words=COUNT, **{name: code for name, (code, _) in BROKEN.items()})
    (settings.plugins_dir / "Bad Name.py").write_text(COUNT)
    (settings.plugins_dir / "loop.py").symlink_to("loop.py")
    (settings.plugins_dir / "notes.txt").write_text("no plugin")
    async with serving(settings) as server, server.client("ann") as ann:
        found = await plugins_of(server)
        async with ann.get("/readyz") as answer:
            told = await answer.json()
        async with ann.get("/operations") as answer:
            page = await answer.text()
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
    assert set(found) == {"words", "Bad Name", "loop", *BROKEN}
    assert "it can not be looked at: " in found["loop"]["problem"]
    for name, (_, problem) in BROKEN.items():
        assert problem in found[name]["problem"], found[name]
        assert found[name]["parts"] == []
    assert found["words"]["problem"] == ""
    assert (told["status"], told["components"]["plugins"]["state"]) == ("ready", "degraded")
    assert told["components"]["plugins"]["detail"].startswith("words; not used, see the log: ")
    assert "ZeroDivisionError: division by zero" in page
    assert job["status"] == "completed"


def gated(folder: Path) -> Path:
    """Put a plugin there that loads once somebody has opened the gate, which is returned."""
    (folder / "slow").mkdir(parents=True)
    wait = "from pathlib import Path\n(Path(__file__).parent / 'gate').read_bytes()\n"
    (folder / "slow" / "__init__.py").write_text(f"{wait}{COUNT}")
    os.mkfifo(folder / "slow" / "gate")
    return folder / "slow" / "gate"


def let_through(gate: Path) -> None:
    """Let the plugin load, which waits at the gate by now or soon; from then on it does not."""
    gate.write_bytes(b"")
    gate.unlink()
    gate.write_bytes(b"")


async def test_the_server_answers_while_a_plugin_takes_its_time_to_load(tmp_path: Path) -> None:
    settings = house(tmp_path)
    gate = gated(settings.plugins_dir)
    async with serving(settings) as server, server.client("ann") as ann:
        async with ann.get("/readyz") as answer:
            told = (await answer.json())["components"]["plugins"]
        assert told == {"state": "ok", "detail": "being loaded: slow"}
        async with ann.get("/operations") as answer:
            assert "is being loaded" in await answer.text()
        accepted = await upload(ann, ("a.csv", CSV), ("b.csv", CSV + b"2026-02-01,b,1.00\n"))
        states = [await state_of(ann, job["job_id"]) for job in accepted["jobs"]]
        assert [state["status"] for state in states] == ["pending"] * 2
        await asyncio.to_thread(let_through, gate)
        jobs = await ended(ann, accepted)
        found = await plugins_of(server)
    assert found["slow"]["problem"] == ""
    for job in jobs:
        assert (job["status"], "slow.count_words" in job["steps_done"]) == ("completed", True)


async def test_a_plugin_that_hangs_while_it_loads_is_left_out_and_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = house(tmp_path)
    gate = gated(settings.plugins_dir)
    async with serving(settings):
        reads = await asyncio.to_thread(os.open, gate, os.O_WRONLY)  # opens once the plugin does
    with pytest.raises(BrokenPipeError):
        os.write(reads, b"go on")
    os.close(reads)
    monkeypatch.setattr(asking, "ANSWER_WITHIN_S", 1.0)
    async with serving(settings) as server, server.client("ann") as ann:
        found = await plugins_of(server)
        (job,) = await ended(ann, await upload(ann, ("a.csv", CSV)))
    assert found["slow"]["problem"] == "it did not load within 1 seconds"
    assert job["status"] == "completed"
