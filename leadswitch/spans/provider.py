"""The provider of a process: samples, batches and exports its spans. The SDK reads the OTEL_ variables."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from structlog import get_logger

from leadswitch.levels.serving.processes import ProcessKind
from leadswitch.spans.making import OpenTelemetrySpans
from routing.spans import Spans

log = get_logger(__name__)

DEFAULT_NAME: Final = "leadswitch"
UNNAMED: Final = "unknown_service"
# They log each failed batch, each try and each full queue. ReportedExporter says it once.
REPEATING_LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.sdk._shared_internal",
)


class ReportedExporter(SpanExporter):
    """Logs when exports begin to fail, and when they succeed again. Runs in the thread of the batch processor."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._is_failing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_failing = result is not SpanExportResult.SUCCESS
        if is_failing and not self._is_failing:
            log.warning("spans.not_exported", reason="the receiver refuses them or does not respond")
        elif self._is_failing and not is_failing:
            log.info("spans.exported_again")
        self._is_failing = is_failing
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def start_provider(kind: ProcessKind) -> tuple[Spans, Callable[[], None]]:
    """Start the exporter's thread. Returns what makes spans, and what exports the last ones and ends the thread.

    Spans wait in a queue of OTEL_BSP_MAX_QUEUE_SIZE. If it is full, the oldest are dropped, and no caller waits.
    """
    for name in REPEATING_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    provider = TracerProvider(resource=describe_process(kind), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(ReportedExporter(OTLPSpanExporter())))
    trace.set_tracer_provider(provider)
    return OpenTelemetrySpans(provider.get_tracer(DEFAULT_NAME)), provider.shutdown


def describe_process(kind: ProcessKind) -> Resource:
    """OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES take precedence over the product's own name."""
    resource = Resource.create({"leadswitch.process": kind.value})
    if str(resource.attributes.get(SERVICE_NAME, UNNAMED)).startswith(UNNAMED):
        resource = resource.merge(Resource({SERVICE_NAME: DEFAULT_NAME}))
    return resource
