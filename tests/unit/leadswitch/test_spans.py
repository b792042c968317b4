"""Spans say that something failed and of which class, and never with which text. Exports that fail are logged once."""

from collections.abc import Sequence

import pytest
from django.conf import settings
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Tracer
from structlog.testing import capture_logs

from distribution.attempts.outcome import AttemptOutcome
from distribution.attempts.spans import is_failure
from leadswitch.levels.serving.processes import ProcessKind
from leadswitch.spans.begin import begin_spans
from leadswitch.spans.making import OpenTelemetrySpans
from leadswitch.spans.provider import ReportedExporter
from routing.spans import SpanSwitch


@pytest.fixture
def ended() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracer(ended: InMemorySpanExporter) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(ended))
    return provider.get_tracer("test")


def test_exception_leaves_its_class_and_not_its_text(tracer: Tracer, ended: InMemorySpanExporter) -> None:
    spans = OpenTelemetrySpans(tracer)
    with pytest.raises(ValueError, match="ann@"), spans.process_lead("", lead_id=7):  # noqa: SIM117 - nested spans
        with spans.attempt():
            raise ValueError("ann@example.com")
    attempt, lead = ended.get_finished_spans()
    for span in (attempt, lead):
        assert span.events == ()
        assert (span.status.is_ok, span.status.description) == (False, None)
        assert span.attributes is not None
        assert span.attributes["error.type"] == "ValueError"
        assert "ann@" not in span.to_json()
    assert attempt.parent is not None
    assert attempt.parent.span_id == lead.context.span_id


def test_leads_enqueued_outside_a_request_have_no_span(tracer: Tracer, ended: InMemorySpanExporter) -> None:
    assert OpenTelemetrySpans(tracer).send_leads(leads=1) == ""
    assert ended.get_finished_spans() == ()


@pytest.mark.parametrize("context", ["", "not a context", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
def test_lead_without_a_context_begins_a_distributed_trace(
    tracer: Tracer, ended: InMemorySpanExporter, context: str
) -> None:
    with OpenTelemetrySpans(tracer).process_lead(context, lead_id=7):
        pass
    [span] = ended.get_finished_spans()
    assert span.parent is None


@pytest.mark.parametrize(
    ("result", "skip_reason", "expected"),
    [
        ("success", "", False),
        ("deferred", "cap_reached", False),
        ("retry", "tier_lock_contention", False),
        ("retry", "internal_error", True),
        ("failed", "tier_lock_contention", True),
    ],
)
def test_busy_lock_is_no_failure(result: str, skip_reason: str, expected: bool) -> None:  # noqa: FBT001
    assert is_failure(AttemptOutcome(result=result, skip_reason=skip_reason)) is expected


class Answering(SpanExporter):
    def __init__(self, *answers: SpanExportResult) -> None:
        self.answers = iter(answers)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        return next(self.answers)


def test_failing_exports_are_logged_when_they_begin_and_end() -> None:
    good, bad = SpanExportResult.SUCCESS, SpanExportResult.FAILURE
    exporter = ReportedExporter(Answering(good, bad, bad, good, good, bad))
    with capture_logs() as lines:
        for _ in range(6):
            exporter.export(())
    assert [line["event"] for line in lines] == [
        "spans.not_exported",
        "spans.exported_again",
        "spans.not_exported",
    ]


def test_wrong_variable_leaves_spans_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that sells leads does not end because of it."""
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "1")  # less than a batch
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(settings, "LEADSWITCH_OTEL", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    with capture_logs() as lines:
        begin_spans(ProcessKind.WORKER)
    assert [(line["event"], line["log_level"]) for line in lines] == [("spans.not_started", "warning")]
    assert SpanSwitch.spans is None
