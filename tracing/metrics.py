"""Prometheus names of tracing. Labels never carry a tenant, lead or buyer."""

from prometheus_client import Counter

TRACE_WRITE_FAILURES = Counter(
    "leadswitch_trace_write_failures_total",
    "Traces that could not be written. Their leads were processed without them.",
    ["cause"],
)
TRACES_AS_TEXT = Counter(
    "leadswitch_traces_as_text_total",
    "Traces with values that could not be stored, and were written as text.",
)
ATTEMPTS = Counter("leadswitch_attempts_total", "Attempts by result and reason.", ["result", "skip_reason"])
