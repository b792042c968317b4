"""A capture of a part of a hold: the part is charged, and the rest is free again, in one step."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import transaction

from distribution.attempts.capture import CaptureRefused
from distribution.attempts.distribute import distribute_lead
from distribution.attempts.settle import accept_sale
from distribution.counters import counters_of
from distribution.models import Assignment, Enrollment, LedgerEntry, PayableEntry, Wallet
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify import oracle
from tests.functional.verify.world import broken
from tests.support.factories import LeadFactory
from tests.support.holds import (
    CREDITS_CENTS,
    PRICE_CENTS,
    asking_campaign,
    end_post,
    entries_of,
    money_of,
    open_hold,
    statuses,
)
from tests.support.payables import build_source
from tests.support.planting import plant
from tracing.models import LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")
AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
def lead() -> Lead:
    campaign = asking_campaign(buyers=1, post_deadline_seconds=3_600)
    lead: Lead = LeadFactory(source=build_source(campaign, pays="share", share_bps=1_000), received_at=AT)
    assert distribute_lead(lead.pk, at=AT).result == "posting"
    return lead


def capture(hold: Assignment, cents: int) -> None:
    with transaction.atomic():
        assert accept_sale(hold.pk, at=AT, charge_cents=cents).is_new
        end_post(hold, state="accepted", at=AT)


def spent_of(hold: Assignment) -> set[tuple[int, int]]:
    """Leads and cents of each window."""
    enrollment = Enrollment.objects.select_related("buyer").get(
        campaign=hold.campaign_id, buyer=hold.buyer_id
    )
    return {(leads, cents) for _, leads, cents in counters_of(enrollment).values()}


@pytest.mark.parametrize("cents", [0, 1, PRICE_CENTS - 1, PRICE_CENTS])
def test_part_is_charged_and_the_rest_is_free(lead: Lead, cents: int) -> None:
    hold = open_hold(lead)

    capture(hold, cents)

    hold.refresh_from_db()
    assert (hold.state, hold.price_cents) == ("sold", cents)
    assert money_of(hold.buyer_id) == (CREDITS_CENTS - cents, 0)
    assert entries_of(hold) == [
        ("hold", -PRICE_CENTS, CREDITS_CENTS),
        ("capture", -cents, CREDITS_CENTS - cents),
    ]
    [captured] = LedgerEntry.objects.filter(kind="capture")
    assert captured.released_cents == PRICE_CENTS - cents
    assert spent_of(hold) == {(1, cents)}
    assert PayableEntry.objects.get().amount_cents == round(cents / 10)
    assert statuses(lead) == ("distributed", "")
    assert broken(run_verification()) == oracle.judge() == {}


def test_trace_has_both_amounts(lead: Lead) -> None:
    capture(open_hold(lead), 2_000)

    accepted = LeadDistributionEvent.objects.get(event="delivery_accepted")
    assert (accepted.cost_cents, accepted.data["held_cents"]) == (2_000, PRICE_CENTS)


def test_price_as_held_is_not_told_twice(lead: Lead) -> None:
    capture(open_hold(lead), PRICE_CENTS)

    assert "held_cents" not in LeadDistributionEvent.objects.get(event="delivery_accepted").data


@pytest.mark.parametrize("cents", [-1, PRICE_CENTS + 1])
def test_more_than_the_hold_is_refused(lead: Lead, cents: int) -> None:
    hold = open_hold(lead)
    before = everything()

    with pytest.raises(CaptureRefused, match=r"\$25\.00 is held"), transaction.atomic():
        accept_sale(hold.pk, at=AT, charge_cents=cents)

    assert everything() == before


def test_lead_with_a_promised_price_is_charged_in_full(lead: Lead) -> None:
    """Its source earns a share of the charge, and was promised more than that of a part."""
    hold = open_hold(lead)
    plant("UPDATE routing_lead SET ping_id = 1")
    before = everything()

    with pytest.raises(CaptureRefused, match="was promised a price"), transaction.atomic():
        accept_sale(hold.pk, at=AT, charge_cents=PRICE_CENTS - 1)

    assert everything() == before


def everything() -> tuple[Any, ...]:
    models = (Assignment, Wallet, LedgerEntry, Lead, Enrollment, PayableEntry)
    return tuple(list(model.objects.order_by("pk").values()) for model in models)
