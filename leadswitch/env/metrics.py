"""Variables of the metrics endpoints of processes that serve no web pages."""

from collections.abc import Mapping

from leadswitch.env.parse import IntegerRange, parse_host, parse_port
from leadswitch.env.variable import Section, Variable


def _port(name: str, kind: str) -> Variable[int]:
    return Variable(
        name,
        parse_port,
        default=0,
        help=f"The port on which {kind} serves its metrics at /metrics. 0: it serves none.",
    )


class Metrics(Section):
    TITLE = "Metrics of processes without web pages (docs/web.md)"

    metrics_host = Variable(
        "LEADSWITCH_METRICS_HOST",
        parse_host,
        default="127.0.0.1",
        help=(
            "The address on which those processes serve their metrics. No token protects them: use"
            " an address that only Prometheus can reach."
        ),
    )
    worker_metrics_port = _port("LEADSWITCH_WORKER_METRICS_PORT", "a Celery worker, with all its processes,")
    dispatcher_metrics_port = _port("LEADSWITCH_DISPATCHER_METRICS_PORT", "the dispatcher")
    deliverer_metrics_port = _port("LEADSWITCH_DELIVERER_METRICS_PORT", "the deliverer")
    dialer_metrics_port = _port("LEADSWITCH_DIALER_METRICS_PORT", "the dialer")
    streams_metrics_port = _port("LEADSWITCH_STREAMS_METRICS_PORT", "the process that serves streams")
    beat_metrics_port = _port("LEADSWITCH_BEAT_METRICS_PORT", "Celery beat")
    exporter_port = Variable(
        "LEADSWITCH_EXPORTER_PORT",
        parse_port,
        default=9104,
        help="The port on which `manage.py exporter` serves its metrics at /metrics.",
    )
    exporter_period_seconds = Variable(
        "LEADSWITCH_EXPORTER_PERIOD_SECONDS",
        IntegerRange(1, 60),
        default=10,
        help="How often each collector of the exporter reads PostgreSQL or Redis. A scrape shows the latest values.",
    )
    exporter_worst = Variable(
        "LEADSWITCH_EXPORTER_WORST",
        IntegerRange(1, 1_000),
        default=20,
        help=(
            "How many workspaces the exporter names in each series by workspace: those with the most due retries,"
            " duplicates or failures."
        ),
    )

    @property
    def metrics_ports(self) -> Mapping[str, int]:
        """By kind of process."""
        return {
            "worker": self.worker_metrics_port,
            "dispatcher": self.dispatcher_metrics_port,
            "deliverer": self.deliverer_metrics_port,
            "dialer": self.dialer_metrics_port,
            "streams": self.streams_metrics_port,
            "beat": self.beat_metrics_port,
        }
