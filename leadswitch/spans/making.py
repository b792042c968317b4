"""The spans of the product, named as OpenTelemetry's conventions for messaging say."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from routing.spans import Attributes, OpenSpan

PROPAGATOR: Final = TraceContextTextMapPropagator()
HEADER: Final = "traceparent"
DESTINATION: Final = "leads"
SYSTEM: Final = {"messaging.system": "redis", "messaging.destination.name": DESTINATION}


class RunningSpan:
    def __init__(self, span: Span) -> None:
        self._span = span

    def describe(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(Status(StatusCode.ERROR))


class OpenTelemetrySpans:
    """Makes spans with the tracer of this process (routing.spans.Spans)."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def send_leads(self, *, leads: int) -> str:
        if not trace.get_current_span().get_span_context().is_valid:
            return ""
        attributes: dict[str, str | int] = {
            **SYSTEM,
            "messaging.operation.name": "send",
            "messaging.operation.type": "send",
            "messaging.batch.message_count": leads,
        }
        span = self._tracer.start_span(f"send {DESTINATION}", kind=SpanKind.PRODUCER, attributes=attributes)
        span.end()
        return write_context(span)

    def process_lead(self, context: str, *, lead_id: int) -> AbstractContextManager[OpenSpan]:
        attributes: dict[str, str | int] = {
            **SYSTEM,
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "leadswitch.lead.row": lead_id,
        }
        return open_span(
            self._tracer, f"process {DESTINATION}", SpanKind.CONSUMER, attributes, read_context(context)
        )

    def attempt(self) -> AbstractContextManager[OpenSpan]:
        return open_span(self._tracer, "attempt", SpanKind.INTERNAL, {})


@contextmanager
def open_span(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, str | int],
    context: Context | None = None,
) -> Iterator[RunningSpan]:
    """`context` None: within the current span, if there is one."""
    with tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes,
        # The SDK would record the text of an exception, which may repeat a row.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        running = RunningSpan(span)
        try:
            yield running
        except BaseException as error:
            running.fail(type(error).__name__)
            raise


def write_context(span: Span) -> str:
    carrier: dict[str, str] = {}
    PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return carrier.get(HEADER, "")


def read_context(text: str) -> Context:
    """Return the context of a distributed trace. A new one begins if `text` is empty or not a context."""
    return PROPAGATOR.extract({HEADER: text}, Context())
