"""Polling with `since`: a sale whose commit becomes visible later than a higher id is not skipped.

Real transactions: one has sold a lead to the buyer and has not committed yet, while the buyer polls and others sell.
"""

import threading
from functools import partial
from typing import Any

import pytest
from django.test import Client

from distribution.attempts import decide_under_lock
from distribution.attempts.distribute import decide_within, distribute_lead
from distribution.models import Assignment, Buyer
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimBusy
from routing.models import Lead
from routing.queries import read_clock
from tests.support.factories import CampaignFactory, LeadFactory, enroll, issue_buyer_key
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.planting import plant
from tests.support.racing import before_its_commit, in_background
from tests.support.waiting import LONGEST_SECONDS

pytestmark = pytest.mark.usefixtures("committed_db")
BEGIN = "2026-01-01T00:00:00Z"
COPY = """
    INSERT INTO distribution_assignment
        (public_id, lead_id, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, counted_on)
    SELECT gen_random_uuid(), %s, buyer_id, campaign_id, enrollment_id, attempt_id, price_cents, state, counted_on
    FROM distribution_assignment ORDER BY id LIMIT 1
"""


class Poll:
    """A program that sends the `next_since` of the last answer."""

    def __init__(self, buyer: Buyer) -> None:
        self._client = Client(headers={"Authorization": f"Api-Key {issue_buyer_key(buyer)}"})
        self._since = BEGIN

    def __call__(self) -> list[str]:
        """The new leads."""
        answer: Any = self._client.get("/api/v1/buyer/assignments/", {"since": self._since})
        assert answer.status_code == 200, answer.content
        self._since = answer.json()["next_since"]
        return [each["lead"]["id"] for each in answer.json()["results"]]


def names(*leads: Lead) -> list[str]:
    return [str(lead.public_id) for lead in leads]


def leads_for_one_buyer(count: int) -> tuple[Buyer, list[Lead]]:
    campaign = CampaignFactory()
    [place] = enroll(campaign, count=1, credits_cents=100_000)
    first = LeadFactory(source__workspace=campaign.workspace)
    return place.buyer, [first, *(LeadFactory(source=first.source) for _ in range(count - 1))]


class SoldButNotCommitted:
    """The first attempt that has sold its lead waits there, before it commits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_there, self.may_commit = threading.Event(), threading.Event()
        self._real = decide_under_lock.sell_selected
        monkeypatch.setattr(decide_under_lock, "sell_selected", self._sell)

    def _sell(self, *arguments: Any, **named: Any) -> Any:
        sold = self._real(*arguments, **named)
        if not self.is_there.is_set():
            self.is_there.set()
            assert self.may_commit.wait(LONGEST_SECONDS)
        return sold


def test_sale_that_commits_late_comes_before_every_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    buyer, [slow, quick] = leads_for_one_buyer(2)
    poll, sold = Poll(buyer), SoldButNotCommitted(monkeypatch)
    with in_background(partial(distribute_lead, slow.pk)) as first:
        assert sold.is_there.wait(LONGEST_SECONDS)
        assert distribute_lead(quick.pk).result != "success", (
            "the buyer is locked until the first sale commits"
        )
        assert poll() == []
        sold.may_commit.set()
        assert first.result(LONGEST_SECONDS).result == "success"
    assert poll() == names(slow)
    assert decide_within(quick.pk, seconds=LONGEST_SECONDS).result == "success", "once its retry is due"
    assert poll() == names(quick)
    assert poll() == []


def test_claim_that_commits_late_comes_before_every_later_one() -> None:
    campaign = offering_campaign(buyers=1)
    slow, quick = (open_offer_of(campaign, at=read_clock()) for _ in range(2))
    [buyer_id] = buyers_of(campaign)
    poll = Poll(Buyer.objects.get(pk=buyer_id))
    claim = partial(claim_offer, buyer_id=buyer_id)
    with before_its_commit(partial(claim, slow.public_id)) as commit:
        with pytest.raises(ClaimBusy):
            claim(quick.public_id)
        assert poll() == []
        commit()
        assert poll() == names(slow.lead)
    assert claim(quick.public_id).is_new
    assert poll() == names(quick.lead)


def test_rolled_back_sale_leaves_a_gap_that_skips_nothing() -> None:
    buyer, [first, second] = leads_for_one_buyer(2)
    poll = Poll(buyer)
    assert distribute_lead(first.pk).result == "success"
    plant("SELECT nextval(pg_get_serial_sequence('distribution_assignment', 'id'))")
    assert distribute_lead(second.pk).result == "success"
    assert poll() == names(first, second)


def test_control_without_the_lock_of_the_buyer_a_late_commit_is_lost() -> None:
    """Rows that are inserted without it: the lower id is seen after the higher one, and polling never returns to it."""
    buyer, [sold, slow, quick] = leads_for_one_buyer(3)
    assert distribute_lead(sold.pk).result == "success"
    poll = Poll(buyer)
    assert poll() == names(sold)
    with before_its_commit(partial(plant, COPY, [slow.pk])) as commit:
        plant(COPY, [quick.pk])
        assert poll() == names(quick)
        commit()
    assert list(Assignment.objects.order_by("pk").values_list("lead_id", flat=True)) == [
        sold.pk,
        slow.pk,
        quick.pk,
    ]
    assert poll() == [], "the lead that was sold is lost"
