"""manage.py exporter: gauges of PostgreSQL, Redis and the dispatch for Prometheus. Runs until it is stopped."""

import signal
from argparse import ArgumentParser
from threading import Event
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from distribution.attempts.worker import freeze_startup_objects
from leadswitch.database.fitness import begin
from leadswitch.env.parse import MAX_PORT
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from leadswitch.levels.exporter.run import PortTaken, run_exporter
from tracing.parsing import number_argument


class Command(BaseCommand):
    help = (
        "Serve gauges of PostgreSQL, Redis and the dispatch at /metrics: due retries, waiting leads, wallets,"
        " connections, table sizes, the schedule. Run one for each installation. A scrape never waits for PostgreSQL"
        " or Redis. Stop it with SIGTERM or Ctrl-C."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=settings.LEADSWITCH_METRICS_HOST, help="default: %(default)s")
        parser.add_argument(
            "--port",
            type=number_argument(lowest=0, highest=MAX_PORT),
            default=settings.LEADSWITCH_EXPORTER_PORT,
            help="default: %(default)s",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        if not port:
            raise CommandError(
                "Set LEADSWITCH_EXPORTER_PORT to a port, such as 9104. With 0 nothing is served.",
                returncode=2,
            )
        stop = Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        begin(processes=1, threads=len(COLLECTORS))
        freeze_startup_objects()
        try:
            run_exporter(host, port, stop=stop, on_ready=lambda: self._say_ready(host, port))
        except PortTaken as error:
            raise CommandError(str(error), returncode=2) from error

    def _say_ready(self, host: str, port: int) -> None:
        address = f"[{host}]" if ":" in host else host
        self.stdout.write(f"The exporter serves http://{address}:{port}/metrics")
        self.stdout.flush()
