"""Prometheus names of tracing. Labels never carry a tenant, lead or buyer."""

from prometheus_client import Counter

from tracing.series import POSTGRES_CAUSES, with_pairs, with_series
from tracing.skip_reasons import SKIP_REASONS, Level, RetryClass, SkipReason

TRACE_WRITE_FAILURES = with_series(
    Counter(
        "leadswitch_trace_write_failures_total",
        "Traces that could not be written. Their leads were processed without them.",
        ["cause"],
    ),
    open_label="cause",
    cause=POSTGRES_CAUSES,
)
TRACES_AS_TEXT = Counter(
    "leadswitch_traces_as_text_total",
    "Traces with values that could not be stored, and were written as text.",
)


def _results_of(reason: SkipReason) -> tuple[str, ...]:
    """The results of attempts (AttemptResult) that may have this reason."""
    if reason.code in ("lead_expired", "duplicate_lead"):
        return (reason.code.removeprefix("lead_").removesuffix("_lead"),)
    if reason.code == "rejected_lead":
        return ("rejected",)
    if reason.code == "verification_required":
        return ("gated",)
    if reason.is_system_failure:
        return ("failed",) if reason.retry_class is RetryClass.PERMANENT else ("retry", "failed")
    # The engine decides whether waiting helps.
    return ("unsold", "deferred")


RESULTS_WITH_REASONS = (
    ("success", ""),
    ("posting", ""),
    ("offered", ""),
    *(
        (result, reason.code)
        for reason in SKIP_REASONS.values()
        if Level.LEAD in reason.levels
        for result in _results_of(reason)
    ),
)
ATTEMPTS = with_pairs(
    Counter("leadswitch_attempts_total", "Attempts by result and reason.", ["result", "skip_reason"]),
    ("result", "skip_reason"),
    RESULTS_WITH_REASONS,
)
