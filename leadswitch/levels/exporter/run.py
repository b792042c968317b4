"""Runs the refreshers and the HTTP server until the process is stopped."""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from time import monotonic
from typing import Final

from django.conf import settings
from prometheus_client import CollectorRegistry

from leadswitch.levels.exporter.collector import LatestValues
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.exporter.refresher import PASS_SECONDS, Refresher
from leadswitch.levels.exporter.series import CollectorRow
from leadswitch.levels.serving.processes import ProcessKind, ProcessUse, register_process
from leadswitch.levels.serving.server import MetricsServer

TICK_SECONDS: Final = 0.25
STOP_SECONDS: Final = 2.0


class PortTaken(Exception):
    """The exporter cannot listen on its port; the message says what to do."""


def run_exporter(
    host: str,
    port: int,
    *,
    stop: Event,
    on_ready: Callable[[], None],
    rows: Sequence[CollectorRow] = COLLECTORS,
) -> None:
    """Serve until `stop` is set. Raises PortTaken.

    The first scrape waits for the first passes, because it would report failures otherwise; at most PASS_SECONDS.
    """
    period = settings.LEADSWITCH_EXPORTER_PERIOD_SECONDS
    refreshers = [Refresher(row, period_seconds=period) for row in rows]
    server = listen(host, port, refreshers)
    for each in refreshers:
        each.start()
    try:
        wait_for_first_passes(refreshers)
        on_ready()
        serve_until(stop, server, refreshers)
    finally:
        server.server_close()
        for each in refreshers:
            each.stop()
        for each in refreshers:
            each.join(STOP_SECONDS)


def wait_for_first_passes(refreshers: Sequence[Refresher]) -> None:
    """Until each has finished one pass. They run at the same time, so they have PASS_SECONDS together."""
    deadline = monotonic() + PASS_SECONDS
    for each in refreshers:
        each.wait_for_first_pass(max(0.0, deadline - monotonic()))


def listen(host: str, port: int, refreshers: Sequence[Refresher]) -> MetricsServer:
    registry = CollectorRegistry()
    registry.register(LatestValues(refreshers))
    register_process(ProcessKind.EXPORTER)
    registry.register(ProcessUse())
    try:
        return MetricsServer(host, port, registry)
    except (OSError, OverflowError) as error:
        message = f"The exporter cannot listen on {host}, port {port} ({error})."
        fix = "Set LEADSWITCH_EXPORTER_PORT to a free port, and LEADSWITCH_METRICS_HOST to an address of this machine."
        raise PortTaken(f"{message} {fix}") from error


def serve_until(stop: Event, server: MetricsServer, refreshers: Sequence[Refresher]) -> None:
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        while not stop.wait(TICK_SECONDS):
            for each in refreshers:
                each.end_late_pass()
    finally:
        server.shutdown()
        thread.join()
