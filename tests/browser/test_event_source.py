"""A browser's own EventSource: it comes back by itself, and hears each event once."""

from typing import Any, get_args

import pytest

from app.core.events import AnyEvent
from app.core.samples import transactions_csv
from app.settings import Settings
from tests.browser.conftest import Visit
from tests.integration.serving import ended, upload, with_user
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")
LONG = ("ledger.csv", b"".join(transactions_csv(100_000)))
BREAKS = ("net::ERR_", "WebSocket connection to")
TYPES = [m.model_fields["type"].default for m in get_args(get_args(AnyEvent)[0])]
LISTEN = """(types) => {
  window.heard = [];
  window.welcomes = 0;
  const source = new EventSource("/api/v1/events?room=user:me&after=0");
  window.hears = (type) => new Promise((resolve) => {
    if (window.heard.some((event) => event.type === type)) resolve();
    else source.addEventListener(type, () => resolve());
  });
  source.addEventListener("welcome", () => { window.welcomes += 1; });
  for (const type of types) {
    source.addEventListener(type, (event) => {
      window.heard.push({...JSON.parse(event.data), id: event.lastEventId});
    });
  }
}"""


@pytest.mark.parametrize("gracefully", [True, False])
async def test_it_goes_on_where_it_was_when_the_server_went_away_in_mid_job(
    own_server: ServerProcess, visit: Visit, gracefully: bool
) -> None:
    with_user(Settings(data_dir=own_server.data_dir), "ann")
    await own_server.start()
    visitor = await visit(own_server, "ann")
    visitor.may_complain(*BREAKS)
    page = visitor.page
    await visitor.open()
    await page.evaluate(LISTEN, TYPES)
    async with visitor.client() as client:
        accepted = await upload(client, LONG)
        await page.evaluate("hears('processing_progress')")
        if gracefully:
            await own_server.stop()
        else:
            await own_server.kill(with_workers=True)
        await own_server.start()
        await ended(client, accepted)
        path = "/api/v1/events/history?limit=1000"
        async with client.get(path) as answer:
            history: dict[str, Any] = await answer.json()
    await page.evaluate("hears('batch_completed')")
    heard = await page.evaluate("heard")
    assert not history["more"]
    assert [e["seq"] for e in heard] == [e["seq"] for e in history["events"]]
    assert [e["id"] for e in heard] == [f"{history['log']}:{e['seq']}" for e in heard]
    assert await page.evaluate("welcomes") == 2
