"""The figures behind the service objectives: how long leads wait for a decision, and whose fault a failure is."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from distribution.attempts import distribute
from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Enrollment
from routing.dispatch.pauses import switch
from routing.leads.actions import resume_lead
from routing.leads.decision_metrics import DEADLINE
from routing.metrics.leads import (
    DUE_TO_DECISION_SECONDS,
    LEADS_DECIDED,
    LEADS_EXPIRED,
    RECEIPT_TO_DECISION_SECONDS,
    RETRIES_ENTERED,
)
from routing.models import Lead, Workspace
from routing.reconcile import find_reconciler, run_reconciler
from routing.reconcile.lost_workers import count_lost_worker
from tests.support.factories import CampaignFactory, LeadFactory, enroll
from tests.support.holds import accept, asking_campaign, lead_of, open_hold
from tracing.skip_reasons import SKIP_REASONS

pytestmark = pytest.mark.usefixtures("committed_db")

OUTCOMES = ("on_time", "late", "system_failed")


def read_counts() -> dict[str, float]:
    counts = {each: LEADS_DECIDED.labels(outcome=each)._value.get() for each in OUTCOMES}
    for name, metric in {
        "due": DUE_TO_DECISION_SECONDS,
        "receipt": RECEIPT_TO_DECISION_SECONDS,
    }.items():
        counts[name] = sum(bucket.get() for bucket in metric._buckets)
        counts[f"{name}_seconds"] = metric._sum.get()
    counts["retries"] = RETRIES_ENTERED._value.get()
    counts["expired"] = LEADS_EXPIRED._value.get()
    return counts


class Counted:
    """What was counted within the block; zeros are left out."""

    def __enter__(self) -> "Counted":
        self._before = read_counts()
        return self

    def __exit__(self, *_: object) -> None:
        after = read_counts()
        grown = {name: after[name] - self._before[name] for name in after}
        self.seconds = {name: grown.pop(f"{name}_seconds") for name in ("due", "receipt")}
        self.counts = {name: value for name, value in grown.items() if value}


@pytest.fixture
def campaign(committed_db: None) -> Campaign:  # noqa: ARG001
    campaign: Campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=100_000)
    return campaign


def make_lead(campaign: Campaign, *, waited: timedelta = timedelta(0), **fields: Any) -> Lead:
    """A lead that has been due for that long."""
    since = datetime.now(UTC) - waited
    times = {"received_at": since, "next_attempt_at": since}
    lead: Lead = LeadFactory(workspace=campaign.workspace, **{**times, **fields})
    return lead


def test_prompt_sale_is_on_time(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    with Counted() as counted:
        distribute_lead(lead.pk)
    assert counted.counts == {"on_time": 1, "due": 1, "receipt": 1}
    assert 0 <= counted.seconds["due"] <= counted.seconds["receipt"] + 0.001


def test_sale_after_the_deadline_is_late(campaign: Campaign) -> None:
    lead = make_lead(campaign, waited=DEADLINE + timedelta(seconds=1))
    with Counted() as counted:
        distribute_lead(lead.pk)
    assert counted.counts == {"late": 1, "due": 1, "receipt": 1}
    assert counted.seconds["due"] >= 61


def test_lead_without_a_buyer_is_on_time(committed_db: None) -> None:  # noqa: ARG001
    lead = LeadFactory()
    with Counted() as counted:
        distribute_lead(lead.pk)
    assert counted.counts == {"on_time": 1, "due": 1, "receipt": 1}


def test_deferred_lead_is_decided_and_enters_the_retry_queue(campaign: Campaign) -> None:
    in_three_days = f"{datetime.now(UTC) + timedelta(days=3):%a}".lower()
    Workspace.objects.filter(pk=campaign.workspace_id).update(hours={in_three_days: [["09:00", "17:00"]]})
    lead = make_lead(campaign)
    with Counted() as counted:
        assert distribute_lead(lead.pk).result == "deferred"
    assert counted.counts == {"on_time": 1, "due": 1, "receipt": 1, "retries": 1}


def test_retry_is_no_decision(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second attempt decides, and is the first decision."""
    lead = make_lead(campaign)
    with monkeypatch.context() as broken, Counted() as counted:
        broken.setattr(distribute, "decide_and_sell", fail)
        assert distribute_lead(lead.pk).result == "retry"
    assert counted.counts == {"retries": 1}
    with Counted() as counted:
        distribute_lead(lead.pk, at=datetime.now(UTC) + timedelta(hours=1))
    assert counted.counts == {"on_time": 1, "due": 1, "receipt": 1}


def test_last_failure_of_the_product_is_a_system_failure(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    Workspace.objects.filter(pk=campaign.workspace_id).update(max_attempts=1)
    lead = make_lead(campaign)
    monkeypatch.setattr(distribute, "decide_and_sell", fail)
    with Counted() as counted:
        assert distribute_lead(lead.pk).result == "failed"
    assert counted.counts == {"system_failed": 1, "due": 1, "receipt": 1}


def test_lead_parked_after_lost_workers_is_a_system_failure(campaign: Campaign, settings: Any) -> None:
    settings.LEADSWITCH_MAX_LOST_LEASES = 1
    lead = make_lead(campaign)
    with Counted() as counted:
        assert count_lost_worker(lead.pk, attempts=0, due_at=lead.next_attempt_at)
    assert counted.counts == {"system_failed": 1, "due": 1, "receipt": 1}


@pytest.fixture
def partly_sold() -> Lead:
    """One buyer has accepted the lead, and another one is asked next."""
    lead = lead_of(asking_campaign(buyers=2, max_buyers=2), at=timezone.now())
    distribute_lead(lead.pk)
    accept(open_hold(lead), at=timezone.now())
    lead.refresh_from_db()
    return lead


def test_partly_sold_lead_that_the_product_fails_is_a_system_failure(
    partly_sold: Lead, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Workspace.objects.filter(pk=partly_sold.workspace_id).update(max_attempts=1)
    monkeypatch.setattr(distribute, "decide_and_sell", fail)
    with Counted() as counted:
        assert distribute_lead(partly_sold.pk).result == "success"
    assert counted.counts == {"system_failed": 1, "due": 1}
    assert lines_of(caplog)[-1] == ("routing.complete", "ERROR", "success", "", "internal_error")


def test_partly_sold_lead_that_lost_its_workers_is_a_system_failure(
    partly_sold: Lead, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings.LEADSWITCH_MAX_LOST_LEASES = 1
    with Counted() as counted:
        assert count_lost_worker(
            partly_sold.pk, attempts=partly_sold.attempts, due_at=partly_sold.next_attempt_at
        )
    assert counted.counts == {"system_failed": 1, "due": 1}
    assert lines_of(caplog)[-1] == ("routing.complete", "ERROR", "success", "", "worker_lost")


def test_partly_sold_lead_without_another_buyer_is_on_time(
    partly_sold: Lead, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Enrollment.objects.update(active=False)
    with Counted() as counted:
        assert distribute_lead(partly_sold.pk).result == "success"
    assert counted.counts == {"on_time": 1, "due": 1}
    assert lines_of(caplog)[-1] == ("routing.complete", "INFO", "success", "", "no_eligible_buyers")


def lines_of(caplog: pytest.LogCaptureFixture) -> list[tuple[str, ...]]:
    """Of attempts: event, level, result, skip reason and what ended it."""
    return [
        (
            line.getMessage(),
            line.levelname,
            *(getattr(line, name) for name in ("result", "skip_reason", "ended_by")),
        )
        for line in caplog.records
        if line.getMessage() == "routing.complete"
    ]


def test_second_decision_is_not_measured_from_receipt(campaign: Campaign) -> None:
    lead = make_lead(campaign, attempts=2, conflicts=1, skip_reason="all_buyers_capped")
    with Counted() as counted:
        distribute_lead(lead.pk)
    assert counted.counts == {"on_time": 1, "due": 1}


def test_expiry_of_a_paused_lead_is_on_time(campaign: Campaign) -> None:
    past = datetime.now(UTC) - timedelta(days=100)
    make_lead(campaign, received_at=past, next_attempt_at=past, expires_at=past, paused_at=past)
    with Counted() as counted:
        run_reconciler(find_reconciler("expiry"), fix=True)
    assert counted.counts == {"on_time": 1, "expired": 1}


def test_expiry_of_a_lead_that_no_worker_started_is_late(campaign: Campaign) -> None:
    past = datetime.now(UTC) - timedelta(days=100)
    make_lead(campaign, received_at=past, next_attempt_at=past, expires_at=past)
    with Counted() as counted:
        run_reconciler(find_reconciler("expiry"), fix=True)
    assert counted.counts == {"late": 1, "expired": 1, "due": 1, "receipt": 1}


LONG_AGO = timedelta(hours=3)


def resume_lead_itself(lead: Lead) -> None:
    Lead.objects.filter(pk=lead.pk).update(paused_at=lead.next_attempt_at)
    resume_lead(lead.pk, at=datetime.now(UTC))


def resume_workspace(lead: Lead) -> None:
    for to in (lead.next_attempt_at, None):
        switch(lead.workspace_id, to=to, actor="test", reason="test")


def resume_workspace_in_sql(lead: Lead) -> None:
    workspaces = Workspace.objects.filter(pk=lead.workspace_id)
    workspaces.update(paused_at=lead.next_attempt_at)
    workspaces.update(paused_at=None)


def resume_product(lead: Lead) -> None:
    for to in (lead.next_attempt_at, None):
        switch(None, to=to, actor="test", reason="test")


@pytest.mark.parametrize(
    "resume", [resume_lead_itself, resume_workspace, resume_workspace_in_sql, resume_product]
)
def test_pause_is_no_delay(campaign: Campaign, resume: Callable[[Lead], None]) -> None:
    lead = make_lead(campaign, waited=LONG_AGO)
    resume(lead)
    with Counted() as counted:
        distribute_lead(lead.pk)
    assert counted.counts == {"on_time": 1, "due": 1, "receipt": 1}
    assert max(counted.seconds.values()) < LONG_AGO.total_seconds() / 2


def test_saved_workspace_keeps_the_time_of_its_resume(campaign: Campaign) -> None:
    stale = Workspace.objects.get(pk=campaign.workspace_id)
    resume_workspace(make_lead(campaign, waited=LONG_AGO))
    resumed_at = Workspace.objects.values_list("resumed_at", flat=True).get(pk=stale.pk)
    assert resumed_at is not None
    stale.save()
    stale.refresh_from_db()
    assert stale.resumed_at == resumed_at


def test_reasons_that_are_the_fault_of_the_product() -> None:
    found = {code for code, reason in SKIP_REASONS.items() if reason.is_system_failure}
    assert found == {
        *("tier_lock_contention", "database_timeout", "worker_lost", "lock_expired", "internal_error"),
        *("locked", "buyers_not_asked", "bid_not_asked", "bid_unknown"),
    }


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("the product failed")
