"""What Prometheus reads. Nothing here names a person or an address."""

from collections.abc import Callable, Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from turn.relay import Relay


class Figures(Collector):
    """Reads the relay's plain numbers when asked for them, so that no packet pays for it."""

    def __init__(self, relay: Relay, connections: Callable[[], int]) -> None:
        self._relay = relay
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        """Give the figures."""
        tally, allocations = self._relay.tally, self._relay.allocations
        yield GaugeMetricFamily("hearth_turn_allocations", "Allocations", value=len(allocations.of))
        yield GaugeMetricFamily(
            "hearth_turn_users", "Users with an allocation", value=len(allocations.users)
        )
        yield GaugeMetricFamily(
            "hearth_turn_connections", "Open TCP connections", value=self._connections()
        )
        yield CounterMetricFamily("hearth_turn_packets", "Relayed packets", value=tally.packets)
        yield CounterMetricFamily("hearth_turn_bytes", "Relayed bytes", value=tally.octets)
        answers = CounterMetricFamily(
            "hearth_turn_answers", "Answered requests", labels=["method", "code"]
        )
        for (method, code), count in tally.answers.items():
            answers.add_metric([method, str(code)], count)
        yield answers
        dropped = CounterMetricFamily("hearth_turn_dropped", "Messages dropped", labels=["reason"])
        for reason, count in tally.dropped.items():
            dropped.add_metric([reason], count)
        yield dropped


def make_figures(relay: Relay, connections: Callable[[], int]) -> web.Application:
    """Build the application that answers `GET /metrics` and nothing else."""
    registry = CollectorRegistry()
    registry.register(Figures(relay, connections))

    async def show(_request: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry),
            headers={
                "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
                "X-Content-Type-Options": "nosniff",
            },
        )

    app = web.Application()
    app.router.add_get("/metrics", show)
    return app
