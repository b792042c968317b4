"""What operators read of an offer: in the drawer, by the command, and in the trace's API."""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.explain.types import BuyerExplanation, to_json
from distribution.models import Buyer, BuyerKey, BuyerScope, Campaign, Offer, OfferBuyer
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import Taken
from routing.models import Lead
from routing.queries import read_clock
from tests.support.auctions import auction_campaign, auctioned_lead, bidder
from tests.support.factories import EnrollmentFactory, TierFactory
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tracing import wording

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
ENDS = AT + timedelta(seconds=60)


def add(campaign: Campaign, name: str, **columns: Any) -> Buyer:
    buyer: Buyer = EnrollmentFactory(
        campaign=campaign, buyer__name=name, **{"buyer__credits_cents": 10_000, **columns}
    ).buyer
    return buyer


def claimed_offer() -> tuple[Offer, dict[str, Buyer]]:
    """Fast claims after 2 s, Slow 35 ms later, Idle never, Tail would have seen it after 20 s, and Poor is skipped."""
    campaign = offering_campaign(buyers=0)
    buyers = {name: add(campaign, f"{name} Roofing") for name in ("Fast", "Slow", "Idle")}
    tier = TierFactory(campaign=campaign, position=2, price_cents=2_000, head_start_seconds=20)
    buyers["Tail"] = add(campaign, "Tail Roofing", tier=tier)
    buyers["Poor"] = add(campaign, "Poor Roofing", buyer__credits_cents=0)
    offer = open_offer_of(campaign, at=AT)
    at = AT + timedelta(seconds=2)
    claim_offer(offer.public_id, buyer_id=buyers["Fast"].pk, at=at)
    with pytest.raises(Taken):
        claim_offer(offer.public_id, buyer_id=buyers["Slow"].pk, at=at + timedelta(milliseconds=35))
    return offer, buyers


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def rows_of(page: str) -> list[list[str]]:
    rows = re.findall(r'data-testid="trace-place">(.*?)</tr>', page, re.DOTALL)
    return [[text for each in re.findall(r">([^<]+)<", row) if (text := each.strip())] for row in rows]


def test_drawer_shows_who_saw_the_lead_who_claimed_it_and_who_was_late(operator: Client) -> None:
    offer, _ = claimed_offer()
    rows = [
        ["Fast Roofing", "1", "$25.00", "at once", "claimed", "2.0 s after it was shown"],
        ["Slow Roofing", "1", "$25.00", "at once", "too late", "by 35 ms"],
        ["Idle Roofing", "1", "$25.00", "at once", "let it pass"],
        ["Tail Roofing", "2", "$20.00", "after 20.0 s", "not shown in time"],
    ]
    summary = "Shown to 4 buyers for up to 1 min. It ended after 2.0 s: all places were claimed."
    for number, title in ((1, ">Offer<"), (2, ">Offer of attempt 1<")):
        url = reverse("admin:routing_lead_trace_attempt", args=[offer.lead.public_id, number])
        page = operator.get(url).content.decode()
        assert rows_of(page) == rows
        assert summary in page
        assert title in page


def test_claim_by_api_keeps_the_name_of_the_key_and_the_operator_reads_it(operator: Client) -> None:
    offer = open_offer_of(offering_campaign(buyers=1), at=timezone.now())
    key, secret = BuyerKey.objects.create_key(
        buyer_id=buyers_of(offer.campaign)[0], name="CRM", scopes=[BuyerScope.OFFERS_WRITE]
    )
    claimed = Client(headers={"Authorization": f"Api-Key {secret}"}).post(
        f"/api/v1/buyer/offers/{offer.public_id}/claim/"
    )
    assert claimed.status_code == 201, claimed.content
    place = OfferBuyer.objects.get(offer=offer)
    assert place.claimed_by == f"key CRM ({key.prefix})"
    page = operator.get(reverse("admin:distribution_offer_change", args=[offer.pk])).content.decode()
    assert f"claimed at {wording.moment(place.claimed_at)} by key CRM ({key.prefix})" in page


def test_drawer_of_an_open_offer_and_of_one_that_ran_out(operator: Client) -> None:
    campaign = offering_campaign(buyers=0, offer_fallback="unsold")
    add(campaign, "Idle Roofing")
    offer = open_offer_of(campaign, at=AT)
    url = reverse("admin:routing_lead_trace", args=[offer.lead.public_id])
    page = operator.get(url).content.decode()
    assert rows_of(page) == [["Idle Roofing", "1", "$25.00", "at once", "can still claim"]]
    assert "It is still open." in page

    distribute_lead(offer.lead_id, at=ENDS)

    page = operator.get(url).content.decode()
    assert rows_of(page) == [["Idle Roofing", "1", "$25.00", "at once", "let it pass"]]
    assert "It ended after 60.0 s: its time was over." in page


def test_offer_whose_time_is_over_waits_to_be_closed() -> None:
    campaign = offering_campaign(buyers=0)
    add(campaign, "Idle Roofing")
    open_now = open_offer_of(campaign, at=read_clock())
    overdue = open_offer_of(campaign, at=AT)

    def said(offer: Offer) -> tuple[str, str]:
        explained = explain(offer.lead)
        [[place]] = [each.buyers for each in explained.offers]
        return place.sentence, explained.lead.due_sentence

    until = wording.moment(open_now.closes_at)
    assert said(open_now)[0].endswith(f", and can claim it until {until}.")
    until = wording.moment(overdue.closes_at)
    assert said(overdue)[0].endswith(f", and could claim it until {until}. The offer waits to be closed.")
    for offer in (open_now, overdue):
        assert said(offer)[1] == "Its offer to buyers ends then, and an attempt closes it."


def test_auction_whose_time_is_over_waits_to_be_closed() -> None:
    campaign = auction_campaign()
    one = bidder(campaign, url="https://bids.example.com/ping")
    lead = auctioned_lead(campaign)
    Offer.objects.update(closes_at=AT + timedelta(days=9_999))
    [[place]] = [each.buyers for each in explain(lead).offers]
    assert place.sentence == f"{one.buyer.name}: takes part in the auction, which is still open."
    Offer.objects.update(opened_at=AT - timedelta(seconds=1), closes_at=AT)
    [[place]] = [each.buyers for each in explain(lead).offers]
    over = f"took part in the auction, whose time was over at {wording.moment(AT)}. It waits to be closed."
    assert place.sentence == f"{one.buyer.name}: {over}"


def test_drawer_says_what_would_have_to_change_for_each_buyer(operator: Client) -> None:
    offer, buyers = claimed_offer()

    def asked(name: str) -> str:
        args = [offer.lead.public_id, 1, buyers[name].public_id]
        return operator.get(reverse("admin:routing_lead_trace_buyer", args=args)).content.decode()

    slow = asked("Slow")
    assert "Slow Roofing: its claim came 35 ms after other buyers had claimed the lead." in slow
    assert "</strong> claim sooner." in slow
    assert "Slow Roofing passed every check: it was shown this lead." in slow
    poor = asked("Poor")
    assert 'data-testid="remedy-place"' not in poor
    assert "With this change, Poor Roofing would have been shown this lead for $25.00" in poor


def answer_of(lead: Lead, buyer: Buyer) -> BuyerExplanation:
    lead.refresh_from_db()
    answer = explain(lead, buyer=buyer).answer
    assert answer is not None
    return answer


def test_each_buyer_has_its_own_answer() -> None:
    """Attempt 1 opened the offer, and attempt 2 is the claim, which says nothing about other buyers."""
    offer, buyers = claimed_offer()
    answers = {name: answer_of(offer.lead, buyer) for name, buyer in buyers.items()}

    said = {
        name: [(each.number, each.reason, each.fixer) for each in answer.attempts]
        for name, answer in answers.items()
    }
    assert said == {
        "Fast": [(1, "", ""), (2, "", "")],
        "Slow": [(1, "claim_lost", "buyer")],
        "Idle": [(1, "offer_not_claimed", "buyer")],
        "Tail": [(1, "offer_not_seen", "agency")],
        "Poor": [(1, "insufficient_credits", "buyer")],
    }
    assert answers["Fast"].got_it
    assert answers["Slow"].sentence == (
        "Slow Roofing did not get this lead. Slow Roofing: its claim came 35 ms after other buyers had claimed the "
        "lead."
    )
    assert answers["Poor"].sentence.startswith(
        "Poor Roofing did not get this lead. Poor Roofing: its balance is too low"
    )


def test_answer_stays_after_an_end_without_a_decision() -> None:
    campaign = offering_campaign(buyers=0, offer_fallback="unsold")
    idle, poor = add(campaign, "Idle Roofing"), add(campaign, "Poor Roofing", buyer__credits_cents=0)
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    assert "did not claim it" in answer_of(offer.lead, idle).sentence
    assert "its balance is too low" in answer_of(offer.lead, poor).sentence
    assert [each.number for each in answer_of(offer.lead, poor).attempts] == [1, 2]
    assert answer_of(offer.lead, poor).attempts[1].sentence == (
        "The offer ended, and no buyer was considered: No buyer claimed the lead while its offer was open."
    )


def test_command_lists_the_places_of_an_offer() -> None:
    offer, buyers = claimed_offer()
    out = StringIO()
    call_command("explain", str(offer.lead.public_id), stdout=out)
    text = " ".join(out.getvalue().split())
    assert "Offer opened at 2026-03-02 15:00:00 UTC, ended at 2026-03-02 15:00:02 UTC:" in text
    assert "- Fast Roofing: claimed the lead 2.0 s after it was shown." in text
    assert "- Slow Roofing: its claim came 35 ms after other buyers had claimed the lead." in text
    assert "to change (the buyer): claim sooner" in text

    out = StringIO()
    call_command("explain", str(offer.lead.public_id), buyer=str(buyers["Slow"].public_id), stdout=out)
    assert "- Fast Roofing" not in out.getvalue()


def test_trace_for_programs_has_every_place() -> None:
    offer, buyers = claimed_offer()
    offer.lead.refresh_from_db()
    [traced] = to_json(explain(offer.lead))["offers"]
    assert (traced["id"], traced["kind"], traced["attempt"]) == (str(offer.public_id), "ping_post", 1)
    assert [
        (each["buyer"]["name"], each["price_cents"], each["late_ms"], each["reason"])
        for each in traced["buyers"]
    ] == [
        ("Fast Roofing", 2_500, None, ""),
        ("Slow Roofing", 2_500, 35, "claim_lost"),
        ("Idle Roofing", 2_500, None, "offer_not_claimed"),
        ("Tail Roofing", 2_000, None, "offer_not_seen"),
    ]
    assert traced["buyers"][3]["shown_from"] == "2026-03-02T15:00:20Z"
    [own] = to_json(explain(offer.lead, buyer=buyers["Slow"]))["offers"]
    assert [each["buyer"]["name"] for each in own["buyers"]] == ["Slow Roofing"]


def test_buyer_of_the_fallback_reads_that_it_bought(operator: Client) -> None:
    campaign = offering_campaign(buyers=0)
    pushed, idle = add(campaign, "Push Roofing", priority=9), add(campaign, "Idle Roofing", priority=1)
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    offer.lead.refresh_from_db()
    [traced] = explain(offer.lead).offers
    assert [(each.buyer.name, each.reason, each.bought_cents) for each in traced.buyers] == [
        (pushed.name, "", 2_500),
        (idle.name, "offer_not_claimed", None),
    ]
    assert traced.buyers[0].sentence == "Push Roofing: bought the lead for $25.00 after the offer."
    url = reverse("admin:routing_lead_trace_attempt", args=[offer.lead.public_id, 1])
    assert rows_of(operator.get(url).content.decode()) == [
        ["Push Roofing", "1", "$25.00", "at once", "bought after the offer", "for $25.00"],
        ["Idle Roofing", "1", "$25.00", "at once", "let it pass"],
    ]


def test_claim_has_the_same_time_in_both_attempts() -> None:
    """Of 183.7 ms, both say 183: one is stored, the other is measured again."""
    campaign = offering_campaign(buyers=0)
    fast = add(campaign, "Fast Roofing")
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=fast.pk, at=AT + timedelta(microseconds=183_700))
    out = StringIO()
    call_command("explain", str(offer.lead.public_id), stdout=out)
    text = " ".join(out.getvalue().split())
    assert text.count("claimed the lead 183 ms after it was shown") == 2
    assert "184 ms" not in text
