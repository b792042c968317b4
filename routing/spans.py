"""The switch of distributed traces, and the calls that the product makes to them.

If it is off, no code of OpenTelemetry is loaded. A distributed trace follows a request into the attempts of its leads.
The trace of an attempt, which explains its decision, is something else: see the app `tracing`. No span contains
personal data.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol

Attributes = Mapping[str, str | int]


class OpenSpan(Protocol):
    """A span that has not ended."""

    def describe(self, attributes: Attributes) -> None: ...

    def fail(self, error_type: str) -> None:
        """Mark the span as failed.

        `error_type` is the name of a class: an exception's text may contain personal data.
        """


class Spans(Protocol):
    """Makes the spans of this process. An exception ends a span as failed and is raised again."""

    def send_leads(self, *, leads: int) -> str:
        """Record that the current request enqueued leads. Returns the context of that span; "" outside a request."""

    def process_lead(self, context: str, *, lead_id: int) -> AbstractContextManager[OpenSpan]:
        """A worker's work on one lead of a message. It continues the distributed trace of `context`, if any."""

    def attempt(self) -> AbstractContextManager[OpenSpan]:
        """One attempt on a lead, within the current span if there is one."""


class SpanSwitch:
    """`spans` is None while distributed traces are off. Check it before every call, so that nothing runs then."""

    spans: ClassVar[Spans | None] = None
