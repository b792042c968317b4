"""The recorder: numbered events, exactly one end, and failures that do not affect the caller's transaction."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from routing.models import Workspace
from tests.support.factories import WorkspaceFactory
from tracing.attempt_parts import AttemptEnd, AttemptHead
from tracing.models import Attempt, LeadDistributionEvent
from tracing.recorder import Recorder, new_attempt_id
from tracing.vocabulary import Event

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(
        AttemptHead(
            id=new_attempt_id(),
            lead_id=1,
            number=3,
            trigger="retry",
            source_workspace_id=2,
            started_at=AT,
            worker="here:1",
        )
    )


def end(**changes: Any) -> AttemptEnd:
    return AttemptEnd(**{"result": "unsold", "finished_at": AT, "duration_ms": 1.5, **changes})


def rows(recorder: Recorder) -> list[tuple[Any, ...]]:
    events = LeadDistributionEvent.objects.filter(attempt_id=recorder.head.id).order_by("seq")
    return list(
        events.values_list("seq", "event", "buyer_id", "cost_cents", "outcome", "skip_reason", "data")
    )


def test_attempt_and_its_events_are_written_as_collected(recorder: Recorder) -> None:
    recorder.add(
        Event.BUYER_SKIPPED, buyer_id=7, cost_cents=5, outcome="skipped", reason="locked", data={"a": [1]}
    )
    recorder.add(Event.FAILED, outcome="unsold", reason="no_campaign")

    facts = {"seed": 2**48 - 1, "latitude": 33.7}
    assert recorder.write(end(skip_reason="no_campaign", campaign_id=4, config_version=5, facts=facts))

    assert rows(recorder) == [
        (1, "distribution_started", None, None, "", "", {"number": 3, "trigger": "retry"}),
        (2, "buyer_skipped", 7, 5, "skipped", "locked", {"a": [1]}),
        (3, "failed", None, None, "unsold", "no_campaign", {}),
    ]
    attempt = Attempt.objects.get(pk=recorder.head.id)
    assert (attempt.lead_id, attempt.number, attempt.trigger, attempt.source_workspace_id) == (
        1,
        3,
        "retry",
        2,
    )
    assert (attempt.campaign_id, attempt.config_version, attempt.facts) == (4, 5, facts)
    assert (attempt.result, attempt.skip_reason, attempt.transient) == ("unsold", "no_campaign", False)
    assert (attempt.started_at, attempt.finished_at, attempt.duration_ms) == (AT, AT, 1.5)


def test_steps_have_the_time_since_the_start_and_skips_none(recorder: Recorder) -> None:
    recorder.add(Event.BUYER_SKIPPED, buyer_id=7, outcome="skipped", reason="locked")
    recorder.add(Event.FAILED, outcome="unsold", reason="no_campaign")
    recorder.write(end())

    durations = list(LeadDistributionEvent.objects.order_by("seq").values_list("duration_ms", flat=True))
    assert durations[1] is None
    assert 0 <= durations[0] <= durations[2]


BAD: dict[str, list[tuple[Event, dict[str, Any]]]] = {
    "no end": [],
    "two ends": [(Event.FAILED, {"reason": "no_campaign"}), (Event.DISTRIBUTED, {})],
    "an end in the middle": [(Event.DISTRIBUTED, {}), (Event.PRICING_COMPUTED, {})],
    "an unknown reason": [(Event.FAILED, {"reason": "bad_mood"})],
    "a buyer's reason for a lead": [(Event.FAILED, {"reason": "outranked"})],
    "a lead's reason for a buyer": [
        (Event.BUYER_SKIPPED, {"buyer_id": 1, "reason": "no_campaign"}),
        (Event.DISTRIBUTED, {}),
    ],
}


@pytest.mark.parametrize("name", BAD)
def test_failed_trace_does_not_stop_the_sale(recorder: Recorder, name: str) -> None:
    """The caller's transaction continues."""
    for event, options in BAD[name]:
        recorder.add(event, **options)

    with transaction.atomic():
        WorkspaceFactory(slug="before")
        assert recorder.write(end()) is False
        WorkspaceFactory(slug="after")

    assert rows(recorder) == []
    assert not Attempt.objects.exists()
    assert sorted(Workspace.objects.values_list("slug", flat=True)) == ["after", "before"]


def test_rolled_back_snapshot_is_forgotten(recorder: Recorder) -> None:
    recorder.add(Event.CAMPAIGN_RESOLVED, data={"campaign_id": 1})
    recorder.add(Event.BUYER_SELECTED, buyer_id=1)
    recorder.add(Event.DISTRIBUTED)

    recorder.retain_only(frozenset({Event.DISTRIBUTION_STARTED, Event.CAMPAIGN_RESOLVED}))
    recorder.add(Event.FAILED, reason="internal_error")

    assert recorder.write(end(result="failed"))
    assert [row[:2] for row in rows(recorder)] == [
        (1, "distribution_started"),
        (2, "campaign_resolved"),
        (3, "failed"),
    ]
