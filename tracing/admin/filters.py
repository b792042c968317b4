"""Filters by the words of the trace."""

from tracing.admin.readonly import VocabularyFilter
from tracing.vocabulary import SKIP_REASONS, Event, Level


class LeadReasonFilter(VocabularyFilter):
    title = "skip reason"
    parameter_name = "skip_reason"
    values = tuple(code for code, reason in SKIP_REASONS.items() if Level.LEAD in reason.levels)


class AnyReasonFilter(VocabularyFilter):
    title = "skip reason"
    parameter_name = "skip_reason"
    values = tuple(SKIP_REASONS)


class EventFilter(VocabularyFilter):
    title = "event"
    parameter_name = "event"
    values = tuple(Event)
