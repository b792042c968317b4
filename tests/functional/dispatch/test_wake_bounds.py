"""A change wakes only leads that it can help, each lead at most six times, and then once in ten minutes."""

from typing import Any

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Enrollment
from distribution.money.wallet import top_up
from routing.models import Lead, Wakeup
from tests.support.returning import return_assignment
from tests.support.waking import came, is_due, world

pytestmark = pytest.mark.django_db


class TestCredits:
    """A campaign whose leads cost $45.00."""

    def place(self, *, credits_cents: int = 1_000, **campaign: Any) -> Enrollment:
        return world(credits_cents=credits_cents, campaign={"price_cents": 4_500, **campaign})

    def waiting(self, place: Enrollment) -> Lead:
        lead = came(place)
        assert distribute_lead(lead.pk).skip_reason == "insufficient_credits"
        return lead

    @pytest.mark.parametrize(("cents", "wakes"), [(3_499, False), (3_500, True)])
    def test_top_up_wakes_leads_once_it_reaches_the_price(self, cents: int, wakes: bool) -> None:  # noqa: FBT001
        place = self.place()
        lead = self.waiting(place)

        top_up(place.buyer_id, amount_cents=cents, key="t", actor="ann")

        assert is_due(lead) is wakes
        assert Wakeup.objects.count() == wakes

    def test_price_is_the_bid(self) -> None:
        place = self.place()
        Enrollment.objects.filter(pk=place.pk).update(bid_cents=9_000)
        lead = self.waiting(place)

        top_up(place.buyer_id, amount_cents=4_500, key="t", actor="ann")
        assert not is_due(lead)
        top_up(place.buyer_id, amount_cents=3_500, key="u", actor="ann")

        assert is_due(lead)

    def test_price_rules_may_lead_to_any_price(self) -> None:
        rule = {"when": {"field": "country", "op": "eq", "value": "US"}, "add_cents": -3_000}
        place = self.place(price_rules=[rule])
        lead = self.waiting(place)

        top_up(place.buyer_id, amount_cents=600, key="t", actor="ann")

        assert is_due(lead)
        assert distribute_lead(lead.pk).result == "success"

    def test_top_up_of_a_sufficient_wallet_wakes_nothing(self) -> None:
        place = self.place(credits_cents=50_000)

        top_up(place.buyer_id, amount_cents=50_000, key="t", actor="ann")

        assert not Wakeup.objects.exists()


def test_return_that_keeps_its_cap_wakes_nothing() -> None:
    place = world(cap_month=1, campaign={"returns_restore_caps": False})
    sold, waits = came(place), came(place)
    assert [distribute_lead(each.pk).result for each in (sold, waits)] == ["success", "deferred"]

    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="wrong number")

    assert not Wakeup.objects.filter(cause="sale_returned").exists()
    assert not is_due(waits)
