"""`reconcile holds`: ends a hold whose delivery has ended without it, or that timed out unsent, and no other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.expiring import end_expired_post
from distribution.models import Assignment, Delivery, DeliveryTry, Endpoint, LedgerEntry, Wallet
from distribution.reconcile import holds
from distribution.verify import run_verification
from routing.models import Lead
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.support.holds import (
    CREDITS_CENTS,
    PRICE_CENTS,
    asking_campaign,
    attempts_of,
    buyers_of,
    entries_of,
    lead_of,
    money_of,
    open_hold,
    statuses,
)
from tests.support.planting import plant

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
POST_DEADLINE = timedelta(hours=1)


@pytest.fixture
def lead() -> Lead:
    """It waits for the system of the first of two buyers."""
    lead = lead_of(asking_campaign(buyers=2, post_deadline_seconds=3_600), at=AT)
    assert distribute_lead(lead.pk, at=AT).result == "posting"
    Lead.objects.filter(pk=lead.pk).update(posting_since=datetime.now(UTC))
    return lead


def end_delivery(lead: Lead, state: str, **columns: Any) -> None:
    ended: dict[str, Any] = {"next_try_at": None, "ended_at": AT, "ended_by": "ann", **columns}
    assert Delivery.objects.filter(lead=lead).update(state=state, **ended) == 1


def add_try(lead: Lead, outcome: str) -> None:
    delivery = Delivery.objects.get(lead=lead)
    finished_at = AT if outcome else None
    DeliveryTry.objects.create(
        delivery=delivery, number=1, started_at=AT, finished_at=finished_at, outcome=outcome
    )


def everything() -> tuple[Any, ...]:
    models = (Assignment, Wallet, LedgerEntry, Lead, Delivery)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)


@pytest.mark.finds("holds")
def test_hold_of_an_accepted_delivery_is_charged(lead: Lead) -> None:
    hold = open_hold(lead)
    end_delivery(lead, "accepted")

    counts = run_reconciler(find_reconciler("holds"), fix=True)

    assert counts == Counts(checked=1, repaired=1)
    assert counts.named == (f"hold {hold.pk}",)
    assert statuses(lead) == ("distributed", "")
    assert money_of(hold.buyer_id) == (CREDITS_CENTS - PRICE_CENTS, 0)
    assert run_verification().holds
    assert holds.run(fix=True, limit=10) == Counts()


def test_hold_of_a_rejected_delivery_is_released_with_its_reason(lead: Lead) -> None:
    hold = open_hold(lead)
    end_delivery(lead, "rejected", end_reason="Duplicate")

    assert holds.run(fix=True, limit=10) == Counts(checked=1, repaired=1)

    hold.refresh_from_db()
    assert (hold.state, hold.reject_reason) == ("rejected", "Duplicate")
    assert statuses(lead) == ("pending", "rejected_lead")
    assert money_of(hold.buyer_id) == (CREDITS_CENTS, 0)
    assert attempts_of(lead)[-1][:2] == ("delivery", "rejected")
    assert run_verification().holds


@pytest.mark.parametrize("gone", ["deleted", "cancelled", "cancelled_after_a_try_that_was_not_sent"])
def test_hold_that_no_request_went_out_for_is_released(lead: Lead, gone: str) -> None:
    hold = open_hold(lead)
    if gone == "deleted":
        Delivery.objects.all().delete()
    else:
        end_delivery(lead, "cancelled")
    if gone.startswith("cancelled_after"):
        add_try(lead, "not_sent")

    assert holds.run(fix=True, limit=10) == Counts(checked=1, repaired=1)

    hold.refresh_from_db()
    assert (hold.state, hold.reject_reason) == ("rejected", "LeadSwitch: no active endpoint that can answer")


@pytest.mark.parametrize("outcome", ["unknown", "worker_lost", ""])
def test_canceled_delivery_that_the_buyer_may_have_is_only_reported(lead: Lead, outcome: str) -> None:
    add_try(lead, outcome)
    end_delivery(lead, "cancelled")
    before = everything()

    assert holds.run(fix=True, limit=10) == Counts(checked=1, skipped=1)

    assert everything() == before


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("pending", "unknown"), ("posting", ""), ("posting", "not_sent"), ("unknown", "unknown")],
)
def test_hold_that_the_buyer_may_have_is_not_ended_however_old_it_is(
    lead: Lead, state: str, outcome: str
) -> None:
    if state != "pending":
        leased_until = AT if state == "posting" else None
        Delivery.objects.update(state=state, next_try_at=None, leased_until=leased_until)
    add_try(lead, outcome)
    let_time_out(lead)
    before = everything()

    assert holds.run(fix=True, limit=10) == Counts(checked=1)

    assert everything() == before


def let_time_out(lead: Lead) -> None:
    """The time of the chain has passed too."""
    plant("UPDATE distribution_ledgerentry SET expires_at = now() - interval '1 second' WHERE kind = 'hold'")
    Lead.objects.filter(pk=lead.pk).update(posting_since=datetime.now(UTC) - POST_DEADLINE)


def test_hold_times_out_a_minute_after_the_chain(lead: Lead) -> None:
    entry = LedgerEntry.objects.get(assignment=open_hold(lead), kind="hold")
    assert entry.expires_at == entry.created_at + POST_DEADLINE + timedelta(minutes=1)
    assert not LedgerEntry.objects.exclude(kind="hold").filter(expires_at__isnull=False).exists()


@pytest.mark.parametrize("tries", [0, 1])
def test_hold_that_timed_out_unsent_is_released(lead: Lead, tries: int) -> None:
    hold = open_hold(lead)
    if tries:
        add_try(lead, "not_sent")
        Delivery.objects.update(tries=1)
    let_time_out(lead)

    assert holds.run(fix=True, limit=10) == Counts(checked=1, repaired=1)

    hold.refresh_from_db()
    assert (hold.state, hold.reject_reason) == ("rejected", "hold_expired")
    delivery = Delivery.objects.get(lead=lead)
    assert (delivery.state, delivery.end_reason, delivery.next_try_at) == ("rejected", "hold_expired", None)
    assert money_of(hold.buyer_id) == (CREDITS_CENTS, 0)
    assert [kind for kind, *_ in entries_of(hold)] == ["hold", "release"]
    assert statuses(lead) == ("failed", "post_deadline_passed")
    assert run_verification().holds


@pytest.mark.usefixtures("committed_db", "lead")
def test_hold_before_its_time_out_is_left_alone() -> None:
    before = everything()
    assert holds.run(fix=True, limit=10) == Counts(checked=1)
    assert everything() == before


@pytest.mark.usefixtures("committed_db", "lead")
@pytest.mark.parametrize(("age", "ended"), [("1 hour", 0), ("1 hour 61 seconds", 1)])
def test_hold_of_the_version_before_times_out_too(age: str, ended: int) -> None:
    """It has no timeout: it times out as a new hold would."""
    plant(
        f"UPDATE distribution_ledgerentry SET expires_at = NULL, created_at = now() - interval '{age}'"
        " WHERE kind = 'hold'"
    )

    assert holds.run(fix=True, limit=10) == Counts(checked=1, repaired=ended)


def test_post_that_is_claimed_meanwhile_keeps_its_hold(lead: Lead) -> None:
    hold = open_hold(lead)
    Delivery.objects.update(state="posting", next_try_at=None, leased_until=AT)
    before = everything()

    assert not end_expired_post(hold.pk, at=AT)

    assert everything() == before


def test_report_changes_nothing(lead: Lead) -> None:
    end_delivery(lead, "accepted")
    before = everything()

    assert holds.run(fix=False, limit=10) == Counts(checked=1, skipped=1)

    assert everything() == before


def test_every_hold_is_reached_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holds that wait do not hide a later one that can end."""
    monkeypatch.setattr(holds, "HOLDS_PER_BATCH", 2)
    campaign = asking_campaign(buyers=1)
    leads = [lead_of(campaign, at=AT) for _ in range(4)]
    for each in leads:
        assert distribute_lead(each.pk, at=AT).result == "posting"
    end_delivery(leads[-1], "accepted")

    assert holds.run(fix=True, limit=100) == Counts(checked=4, repaired=1)

    [buyer] = buyers_of(campaign)
    assert money_of(buyer) == (CREDITS_CENTS - PRICE_CENTS, 3 * PRICE_CENTS)
    assert Endpoint.objects.count() == 1
