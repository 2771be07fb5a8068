"""How long the event loop was busy with something else: the stall monitor."""

import asyncio
import time

from app.core.histogram import SECONDS, Histogram

EVERY_S = 0.05
STALL_S = 0.005


class LagMonitor:
    """Wakes twenty times a second and notes how late. It sees a part of each long stall."""

    def __init__(self) -> None:
        self.seconds = Histogram(SECONDS)
        self.stalls = 0  # wakes that came more than 5 ms late
        self.longest_s = 0.0

    async def watch(self) -> None:
        """Measure until cancelled."""
        while True:
            due = time.perf_counter() + EVERY_S
            await asyncio.sleep(EVERY_S)
            late = max(0.0, time.perf_counter() - due)
            self.seconds.add(late)
            self.longest_s = max(self.longest_s, late)
            if late > STALL_S:
                self.stalls += 1
