"""Adds the ids of the current span to a log line."""

from collections.abc import MutableMapping
from typing import Any

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span


def add_trace_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of structlog. Outside a span, it adds nothing."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format_trace_id(context.trace_id)
        event["span_id"] = format_span_id(context.span_id)
    return event
