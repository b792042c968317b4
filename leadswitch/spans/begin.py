"""Starts and ends the distributed traces of a process. Loads OpenTelemetry only if they are on.

Call `begin_spans` after the fork: the exporter's thread does not exist in a forked process.
"""

import atexit
import os
import threading
from collections.abc import Callable
from typing import ClassVar, Final

from django.conf import settings
from structlog import get_logger

from leadswitch.levels.serving.processes import ProcessKind
from routing.spans import SpanSwitch

log = get_logger(__name__)

# How long a process that ends waits for its last spans. A receiver that does not respond must not delay it longer.
END_SECONDS: Final = 2.0


class Running:
    """`shut_down` exports what is left of this process's spans."""

    shut_down: ClassVar[Callable[[], None] | None] = None


def begin_spans(kind: ProcessKind) -> None:
    """Turn spans on if OTEL_EXPORTER_OTLP_ENDPOINT is set. A process that cannot does its work without them."""
    if not settings.LEADSWITCH_OTEL:
        return
    # The SDK reads the environment. Variables of the .env file are not there yet.
    for name, text in settings.LEADSWITCH_OTEL.items():
        os.environ.setdefault(name, text)
    try:
        # Imported here: a process whose spans are off must not load it.
        from leadswitch.spans.provider import start_provider

        SpanSwitch.spans, Running.shut_down = start_provider(kind)
    except Exception as error:  # noqa: BLE001 - a wrong OTEL_ variable must not stop the sale of leads
        log.warning("spans.not_started", cause=type(error).__name__)
        return
    atexit.register(end_spans)


def end_spans() -> None:
    """Export what is left, at most for END_SECONDS. Pool processes run no exit handlers, so they call this."""
    shut_down, Running.shut_down = Running.shut_down, None
    SpanSwitch.spans = None
    if shut_down is not None:
        thread = threading.Thread(target=shut_down, name="end-spans", daemon=True)
        thread.start()
        thread.join(END_SECONDS)
