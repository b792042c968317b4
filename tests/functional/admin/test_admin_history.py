"""The history of a row shows what people did to it and every movement of its money: who, how much, why."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, Enrollment, Wallet
from routing.models import Lead
from tests.support.admin_pages import client_of, page, person, save
from tests.support.factories import BuyerFactory, CampaignFactory, EnrollmentFactory, LeadFactory
from tests.support.holds import accept, asking_campaign, lead_of, open_hold, reject

pytestmark = pytest.mark.django_db


def history(client: Client, row: Buyer | Wallet | Assignment | Campaign | Lead) -> list[tuple[str, str, str]]:
    """Actor, action and reason of each line, newest first."""
    answer = client.get(page(type(row), "history", row.pk))
    assert answer.status_code == 200
    return [(line.actor, line.what, line.reason) for line in answer.context["lines"]]


def move(client: Client, wallet: Wallet, name: str, amount: str, reason: str) -> None:
    url = reverse("admin:distribution_wallet_money", args=[wallet.pk, name])
    data = {"amount": amount, "reason": reason, "token": str(uuid4())}
    assert client.post(url, data).status_code == 302


def test_money_moved_by_hand_is_in_the_history_of_wallet_and_buyer(ann: Client) -> None:
    wallet = BuyerFactory().wallet
    move(ann, wallet, "topup", "100", "paid by card")
    move(ann, wallet, "adjust", "-30", "booked twice")
    save(ann, Wallet, wallet, credit_limit_cents="5", change_reason="good payer")

    lines = [
        ("ann", "Credit limit", "good payer"),
        ("ann", "Manual adjustment: -$30.00", "booked twice"),
        ("ann", "Top-up: $100.00", "paid by card"),
    ]
    assert history(ann, wallet) == lines
    assert history(ann, wallet.buyer) == lines
    shown = ann.get(page(Wallet, "history", wallet.pk)).content.decode()
    assert "Balance after: $70.00" in shown
    assert "Credit limit: $0.00 → $5.00" in shown


def test_return_is_in_the_history_of_assignment_wallet_and_buyer(ann: Client) -> None:
    place = EnrollmentFactory(buyer__credits_cents=5_000)
    distribute_lead(LeadFactory(source__workspace=place.campaign.workspace).pk)
    sold = Assignment.objects.get()
    ann.post(reverse("admin:distribution_assignment_return", args=[sold.pk]), {"reason": "wrong number"})

    lines = {(what, reason) for _, what, reason in history(ann, sold)}
    assert ("Return", "wrong number") in lines
    assert ("Charge for a lead: -$25.00", "") in lines
    assert any(what == "Refund of a charge: $25.00" for what, _ in lines)
    for row in (place.buyer.wallet, place.buyer):
        lines = history(ann, row)
        assert any(what == "Refund of a charge: $25.00" and why for _, what, why in lines)
        assert not any(
            what.startswith("Charge") for _, what, _ in lines
        )  # one for each lead, which the ledger has


@pytest.mark.parametrize(
    ("end", "line"), [(accept, "Capture of a hold: -$25.00"), (reject, "Release of a hold: $25.00")]
)
def test_hold_and_its_end_are_in_the_history_of_the_assignment(
    ann: Client, end: Callable[..., object], line: str
) -> None:
    """One for each lead, like a charge: the history of the wallet leaves them out, and the ledger has them."""
    lead = lead_of(asking_campaign(buyers=1), at=timezone.now())
    distribute_lead(lead.pk)
    hold = open_hold(lead)
    end(hold, at=timezone.now())

    lines = [what for _, what, _ in history(ann, hold)]
    assert {"Hold: -$25.00", line} <= set(lines)
    for row in (hold.buyer.wallet, hold.buyer):
        assert [what for _, what, _ in history(ann, row) if "old" in what or "harge" in what] == []


def test_change_is_audited_with_both_values_and_nothing_else(ann: Client) -> None:
    campaign = CampaignFactory(price_cents=2_500)
    save(ann, Campaign, campaign, price_cents="30", change_reason="new season")
    save(ann, Campaign, campaign, price_cents="30.00")

    assert history(ann, campaign) == [("ann", "Changed", "new season")]
    assert ann.get(page(Campaign, "history", campaign.pk)).context["lines"][0].details == (
        "Price: $25.00 → $30.00",
    )


def test_history_names_limits_as_the_form_does(ann: Client) -> None:
    enrollment = EnrollmentFactory()
    save(ann, Enrollment, enrollment, cap_day="10", budget_day_cents="500")

    form = ann.get(page(Enrollment, "change", enrollment.pk)).context["adminform"].form
    [line] = ann.get(page(Enrollment, "history", enrollment.pk)).context["lines"]

    assert line.details == ("Leads per day: nothing → 10", "Budget per day: nothing → $500.00")
    labels = [form.fields[name].label for name in ("cap_day", "budget_day_cents")]
    assert labels == ["Leads per day", "Budget per day ($)"]


def test_actions_on_a_lead_are_in_its_history(ann: Client) -> None:
    lead = LeadFactory()
    url = f"{reverse('admin:routing_lead_act', args=['pause'])}?ids={lead.pk}"
    ann.post(url, {"reason": "a doubt"})

    assert history(ann, lead) == [("ann", "Pause", "a doubt")]


def test_history_of_another_tenant_is_a_404(ann: Client) -> None:
    wallet = BuyerFactory().wallet
    move(ann, wallet, "topup", "1", "x")
    stranger = client_of(person("finance", BuyerFactory().workspace))

    for row in (wallet, wallet.buyer):
        assert stranger.get(page(type(row), "history", row.pk)).status_code == 404
