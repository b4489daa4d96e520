"""What the port counts, in Prometheus' form; labels hold types, codes and events, never anything of a message."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCY_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_BATCH = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The figures of one host, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.answers = Counter(
            "bank_host_answers",
            "Answers sent, by their type and response code",
            ["mti", "code"],
            registry=registry,
        )
        self._by_answer: dict[tuple[str, str], Counter] = {}
        self.latency = Histogram(
            "bank_host_answer_seconds",
            "From a message's last byte to its answer",
            buckets=_LATENCY_S,
            registry=registry,
        )
        self.batch = Histogram(
            "bank_host_batch_messages", "Messages decided together", buckets=_BATCH, registry=registry
        )
        self.waiting = Gauge("bank_host_queue_messages", "Messages that wait for the bank", registry=registry)
        self.connections = Gauge("bank_host_connections", "Open connections", registry=registry)
        self.events = Counter(
            "bank_host_link_events", "What happened on links, by event", ["event"], registry=registry
        )
        self.closed = Counter(
            "bank_host_links_closed", "Connections ended, by reason", ["reason"], registry=registry
        )

    def watch(self, connections: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Where the two levels are read when somebody asks."""
        self.connections.set_function(connections)
        self.waiting.set_function(waiting)

    def answered(self, mti: str, code: str, waited_us: int) -> None:
        counter = self._by_answer.get((mti, code))
        if counter is None:  # looked up once: the library's own way costs more than the rest of this
            counter = self._by_answer[mti, code] = self.answers.labels(mti, code)
        counter.inc()
        self.latency.observe(waited_us / 1_000_000)
