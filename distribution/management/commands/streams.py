"""manage.py streams: server-sent events for buyers. Runs until it is stopped."""

import asyncio
import signal
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from distribution.api.streams.server import Streams
from tracing.parsing import number_argument


class Command(BaseCommand):
    help = (
        "Serve streams of offers (GET /api/v1/buyer/offers/stream/, and in the portal) to buyers. One process serves"
        " hundreds of listeners. Stop it with SIGTERM or Ctrl-C; clients connect again and continue."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=number_argument(lowest=0, highest=65_535), default=8010)

    def handle(self, *_: Any, host: str, port: int, **__: Any) -> None:
        import_string(settings.LEADSWITCH_BEGIN_STREAMS_HOOK)()
        streams = Streams(host=host, port=port)
        # uvicorn handles both while it serves, and raises them again when it has ended.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: streams.stop())
        asyncio.run(streams.run())
