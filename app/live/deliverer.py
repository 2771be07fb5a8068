"""Webhooks: each has a courier of its own, so that one that is slow keeps no other waiting."""

from collections.abc import Callable, Sequence
from types import TracebackType

from app.fairness import FairTurns
from app.live.courier import Courier, DeliveryCounters, Office, Post
from app.live.crew import Crew
from app.store.database import Database
from app.store.deliveries import Delivery
from app.store.events import Recorded
from app.store.webhooks import Hook, get_hook, working_hooks

AT_ONCE = 64  # attempts of the server
AT_ONCE_OF_USER = 8


class Deliverer:
    """Tells webhooks what was committed. Used as an async context manager.

    head  returns the place of the newest event that was told
    post  sends one message; see Post

    Each webhook has a cursor in the log, which moves in the transaction that writes down what is
    owed. So a server that is killed loses nothing; what was on its way is sent again, under the
    same id.
    """

    def __init__(self, database: Database, *, head: Callable[[], int], post: Post) -> None:
        self._office = Office(database, head, post, FairTurns(AT_ONCE, AT_ONCE_OF_USER))
        self._couriers: Crew[Courier] = Crew("webhook")

    @property
    def counters(self) -> DeliveryCounters:
        return self._office.counters

    @property
    def working(self) -> int:
        """How many webhooks are served."""
        return len(self._couriers)

    async def __aenter__(self) -> "Deliverer":
        for hook in await working_hooks(self._office.reader):
            self._serve(hook)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop at once: what is on its way is sent again by the next life of the server."""
        await self._couriers.dismiss()

    def told(self, events: Sequence[Recorded]) -> None:
        """Events were committed: wake whom they may concern. Cheap, for it runs at each commit."""
        if not self._couriers:
            return
        kinds = {(event.user_id, event.type) for event in events}
        for courier in self._couriers:
            if not courier.news.is_set() and any(courier.wants(*kind) for kind in kinds):
                courier.news.set()

    async def changed(self, hook_id: str) -> None:
        """A webhook was made, changed or removed, or is owed something more."""
        if self._couriers.wake(hook_id):
            return
        hook = await get_hook(self._office.reader, hook_id)
        if hook is not None and hook.state == "on":
            self._serve(hook)

    def look_again(self) -> None:
        """Somebody was removed, and their webhooks with them."""
        self._couriers.wake_all()

    def reached(self, hook: Hook) -> int:
        """Return up to where all that a webhook is told of is owed to it."""
        courier = self._couriers.get(hook.id)
        return hook.cursor if courier is None else courier.reached(hook)

    async def test(self, hook: Hook) -> Delivery:
        """Send a test now, and return how that went. Raises StorageFull."""
        return await self._office.test(hook)

    def _serve(self, hook: Hook) -> None:
        self._couriers.engage(hook.id, lambda: Courier(self._office, hook))
