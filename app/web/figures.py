"""What the parts count, for Prometheus: read when somebody asks."""

from collections.abc import Iterator, Mapping

from aiohttp import web
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from app.core.histogram import Histogram
from app.keys import DATABASE, DELIVERER, FILES, HUB, JOURNAL, LAG, LOBBY, REFUSED, RUNNER


class Figures(Collector):
    """All figures of a running application."""

    def __init__(self, app: web.Application) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        yield from self._of_listeners()
        yield from self._of_the_log()
        yield from self._of_requests()
        yield from self._of_webhooks()
        yield from self._of_the_process()

    def _of_listeners(self) -> Iterator[Metric]:
        hub = self._app[HUB]
        counts, counters = hub.counts(), hub.counters
        yield _gauge("livetrail_connections", "Open live connections", counts.connections)
        yield _gauges(
            "livetrail_connections_by_transport", "Open live connections", "transport",
            {"websocket": 0, "sse": 0, "socketio": 0, **hub.transports},
        )  # fmt: skip
        yield _gauge("livetrail_rooms", "Rooms that somebody follows live", counts.rooms)
        yield _gauge("livetrail_behind", "Followers that still catch up", counts.behind)
        yield _counter("livetrail_deliveries", "Events written to listeners", counters.deliveries)
        yield _counter("livetrail_sent_bytes", "Bytes written to listeners", counters.sent_bytes)
        yield _counter("livetrail_received_messages", "Messages of listeners", counters.received)
        yield _counters(
            "livetrail_rejected_messages", "Messages not carried out", "code", counters.rejected
        )
        yield _counters(
            "livetrail_refused_connections", "Connections not taken", "reason", counters.refused
        )
        yield _counters(
            "livetrail_closed_connections", "Connections that are over", "code", counters.closed
        )
        yield _histogram(
            "livetrail_telling_seconds",
            "From an append to the last write of its events to those who are live",
            counters.telling,
        )

    def _of_requests(self) -> Iterator[Metric]:
        yield _counters(
            "livetrail_refused_requests", "Requests answered with an error", "code",
            self._app[REFUSED],
        )  # fmt: skip
        yield _counters(
            "livetrail_dropped_connections", "Connections that asked too slowly, or no HTTP",
            "reason", self._app[LOBBY].dropped,
        )  # fmt: skip

    def _of_the_log(self) -> Iterator[Metric]:
        journal = self._app[JOURNAL]
        yield _gauge("livetrail_log_head", "Place of the newest event", journal.head)
        yield _counter("livetrail_events", "Events committed", journal.sizes.total)
        yield _counter("livetrail_commits", "Transactions of the log", journal.sizes.count)
        yield _histogram("livetrail_commit_events", "Events in one commit", journal.sizes)
        yield _histogram(
            "livetrail_transaction_seconds",
            "Transactions of livetrail.db, from BEGIN to the end of COMMIT",
            self._app[DATABASE].writer.seconds,
        )

    def _of_webhooks(self) -> Iterator[Metric]:
        deliverer = self._app[DELIVERER]
        yield _gauge("livetrail_webhooks", "Webhooks that are on", deliverer.working)
        yield _counters(
            "livetrail_webhook_attempts", "Messages sent to webhooks", "outcome",
            deliverer.counters.outcomes,
        )  # fmt: skip
        yield _histogram(
            "livetrail_webhook_seconds", "How long an attempt took", deliverer.counters.seconds
        )

    def _of_the_process(self) -> Iterator[Metric]:
        lag = self._app[LAG]
        yield _gauge("livetrail_jobs_at_work", "Jobs at work", self._app[RUNNER].active)
        yield _histogram("livetrail_loop_lag_seconds", "How late the loop wakes", lag.seconds)
        yield _counter("livetrail_loop_stalls", "Late wakes, over 5 ms", lag.stalls)
        yield _gauge("livetrail_loop_longest_stall_seconds", "Longest late wake", lag.longest_s)
        yield _gauge("livetrail_stored_bytes", "Size of all originals", self._app[FILES].used_bytes)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=value)


def _counters(
    name: str, text: str, label: str, values: Mapping[str, int] | Mapping[int, int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([str(key)], value)
    return family


def _histogram(name: str, text: str, values: Histogram) -> HistogramMetricFamily:
    buckets = [
        ("+Inf" if bound == float("inf") else str(bound), upto) for bound, upto in values.buckets()
    ]
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=values.total)
