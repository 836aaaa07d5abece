"""What Prometheus reads. Nothing here names a person, an address or a room."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The figures of one server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "hearth_http_requests",
            "Answered HTTP requests",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self.seconds = Histogram(
            "hearth_http_seconds", "Time to answer an HTTP request", registry=self._registry
        )
        self.refused = Counter(
            "hearth_refusals", "Refused requests and messages", ["code"], registry=self._registry
        )
        self.relayed = Counter(
            "hearth_signals_relayed", "Signals handed to a peer", registry=self._registry
        )
        self._online = Gauge(
            "hearth_peers_online", "Authenticated sockets", ["role"], registry=self._registry
        )

    def watch(self, role: str, count: Callable[[], float]) -> None:
        """Read how many peers of a role are online when asked for it."""
        self._online.labels(role).set_function(count)

    def render(self) -> bytes:
        """Give the figures in Prometheus' text format."""
        return generate_latest(self._registry)
