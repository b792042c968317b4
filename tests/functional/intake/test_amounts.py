"""No absurd price, budget or limit is stored, and none is charged."""

from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from distribution.attempts.distribute import distribute_lead
from distribution.engine.limits import MAX_PRICE_CENTS
from distribution.models import Assignment
from tests.support.admin_pages import form_of
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    TierFactory,
    enroll,
)

if TYPE_CHECKING:
    from django.db.models import Model

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([{"set_cents": 9 * 10**11}], "[0].set_cents: must be between 0 and 10,000,000 cents"),
        (
            [{"add_cents": MAX_PRICE_CENTS + 1}],
            "[0].add_cents: must be between -10,000,000 and 10,000,000 cents",
        ),
        ([{"percent": 1_001}], "[0].percent: must be at most 1,000, which is ten times the price"),
        ([{"percent": 112.123456}], "[0].percent: has more than 4 decimals: round it"),
        (
            [{"percent": 400}] * 2,
            "the percentages together multiply the price by 16.0; the limit is 10",
        ),
        ([{"add_cents": 1}] * 101, "has 101 rules, but at most 100 are allowed: use fewer"),
    ],
)
def test_absurd_price_rules_are_refused(rules: Any, problem: str) -> None:
    campaign = CampaignFactory()
    campaign.price_rules = rules
    with pytest.raises(ValidationError) as refused:
        campaign.full_clean()
    assert problem in refused.value.message_dict["price_rules"]


def test_many_rules_for_different_leads_are_allowed() -> None:
    states = ("GA", "AL", "FL", "TX", "NC", "SC")
    campaign = CampaignFactory()
    campaign.price_rules = [
        {"when": {"field": "state", "op": "eq", "value": state}, "percent": 200} for state in states
    ]
    campaign.full_clean()


FIELDS: list[tuple[Any, str, str]] = [
    (CampaignFactory, "price_cents", "100000.01"),
    (TierFactory, "price_cents", "100000.01"),
    (EnrollmentFactory, "bid_cents", "100000.01"),
    (EnrollmentFactory, "budget_day_cents", "10000000.01"),
    (lambda: BuyerFactory().wallet, "credit_limit_cents", "10000000.01"),
    (EnrollmentFactory, "cap_day", "99999999999"),
    (CampaignFactory, "max_buyers", "1001"),
]


@pytest.mark.parametrize(("factory", "field", "too_much"), FIELDS)
def test_forms_refuse_too_much_and_less_than_nothing(
    factory: Any, field: str, too_much: str, admin_client: Client
) -> None:
    row: Model = factory()
    url = f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"
    before = getattr(row, field)
    for typed in (too_much, "-1"):
        answer = admin_client.post(url, {**form_of(admin_client, url), field: typed})
        assert answer.status_code == 200, typed
        assert list(answer.context["adminform"].form.errors) == [field]
    row.refresh_from_db()
    assert getattr(row, field) == before


def test_stored_rules_never_charge_more_than_a_lead_can_cost() -> None:
    """Nine times 10,000 % of $25.00 is more than a column can store."""
    campaign = CampaignFactory(price_rules=[{"percent": 10_000}] * 9)
    enroll(campaign, count=1, credits_cents=2 * MAX_PRICE_CENTS)
    distribute_lead(LeadFactory(source__workspace=campaign.workspace).pk)
    assert Assignment.objects.get().price_cents == MAX_PRICE_CENTS


@pytest.mark.parametrize("answer", [10**22, 1e22, [1e22]])
def test_answers_are_bounded(answer: Any) -> None:
    buyer = BuyerFactory(answers={"age": answer})
    with pytest.raises(ValidationError, match="does not fit in 64 bits"):
        buyer.full_clean()
