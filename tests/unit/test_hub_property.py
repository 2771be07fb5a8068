"""The hub's promise, under every interleaving: each event of one's rooms once, in order, no hole.

Appends, commits, subscriptions, acknowledgements, drops, restarts, prunes and slow readers are
interleaved by hypothesis. LIVETRAIL_HISTORIES=5000 lets it try so many.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.unit.hub_machine import Listening, small

HISTORIES = int(os.environ.get("LIVETRAIL_HISTORIES", "150"))


@pytest.mark.timeout(max(300, HISTORIES))
class TestListening(Listening.TestCase):  # type: ignore[misc]
    settings = settings(
        max_examples=HISTORIES,
        stateful_step_count=60,
        report_multiple_bugs=False,
        deadline=None,
        print_blob=True,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
    )

    def run(self, result: Any = None) -> Any:
        with small():
            return super().run(result)
