"""Buyers that were passed over at an offer, let it pass or lost the claim read why, and only about themselves."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from distribution.api import misseddocuments as documents
from distribution.attempts.distribute import distribute_lead
from distribution.explain.remedy.replaying import SettingChanges
from distribution.models import Buyer, Campaign, Enrollment, Offer, OfferBuyer, Tier
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import ClaimRefused
from distribution.selfservice.effect import LeftOut
from distribution.selfservice.whatif import replay_missed
from routing.leads.actions import cancel_lead
from routing.models import Lead
from tests.support.buyer_program import Api
from tests.support.described import assert_described
from tests.support.factories import EnrollmentFactory, TierFactory
from tests.support.offers import assert_everything_holds, buyers_of, offering_campaign, open_offer_of

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON = AT + timedelta(seconds=2)
ENDS = AT + timedelta(seconds=60)
MILLISECOND = timedelta(milliseconds=1)


def poor_buyer(campaign: Campaign) -> Buyer:
    """Skipped at every opening: it has no credits."""
    buyer: Buyer = EnrollmentFactory(campaign=campaign, buyer__credits_cents=0).buyer
    return buyer


def missed_of(buyer_id: int, **query: Any) -> list[dict[str, Any]]:
    return Api(Buyer.objects.get(pk=buyer_id)).page_through("missed/", limit=1, **query)


def reasons_of(buyer_id: int) -> list[tuple[str, int]]:
    return [(each["reason"], each["attempts"]) for each in missed_of(buyer_id)]


def detail_of(buyer_id: int, lead: Lead) -> dict[str, Any]:
    detail: dict[str, Any] = Api(Buyer.objects.get(pk=buyer_id)).get(f"missed/{lead.public_id}/")
    return detail


def refuse(offer: Offer, buyer_id: int, *, at: datetime) -> None:
    with pytest.raises(ClaimRefused):
        claim_offer(offer.public_id, buyer_id=buyer_id, at=at)


def test_buyer_skipped_at_the_opening_stays_after_a_claim() -> None:
    campaign = offering_campaign(buyers=1)
    poor = poor_buyer(campaign)
    offer = open_offer_of(campaign, at=AT)
    assert reasons_of(poor.pk) == [("insufficient_credits", 1)]

    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)

    assert reasons_of(poor.pk) == [("insufficient_credits", 1)]
    assert missed_of(buyers_of(campaign)[0]) == []
    check = detail_of(poor.pk, offer.lead)["check"]
    assert (check["ending"], check["is_confirmed"], check["price_cents"]) == ("offered", False, 2_500)
    name = poor.name
    assert check["sentence"] == (
        f"With this change, {name} would have been shown this lead for $25.00; the first claims would have decided."
    )


@pytest.mark.parametrize("fallback", ["unsold", "next_campaign"])
def test_buyer_skipped_at_the_opening_stays_after_the_end(fallback: str) -> None:
    campaign = offering_campaign(buyers=1, offer_fallback=fallback, priority=9)
    poor = poor_buyer(campaign)
    if fallback == "next_campaign":
        offering_campaign(buyers=1, mode="round_robin", workspace=campaign.workspace)
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    assert reasons_of(poor.pk) == [("insufficient_credits", 1)]
    assert_everything_holds()


def test_push_after_the_offer_decides_anew() -> None:
    campaign = offering_campaign(buyers=2)
    poor, (first, second) = poor_buyer(campaign), buyers_of(campaign)[:2]
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    assert reasons_of(poor.pk) == [("insufficient_credits", 2)]
    assert missed_of(first) == []
    assert reasons_of(second) == [("outranked", 2)]
    history = detail_of(second, offer.lead)["history"]
    assert [(each["attempt"], each["reason"]) for each in history] == [
        (2, "outranked"),
        (1, "offer_not_claimed"),
    ]


def test_buyer_that_let_an_offer_pass_reads_that_it_could_have_claimed() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    assert missed_of(buyer_id) == []
    distribute_lead(offer.lead_id, at=ENDS)

    [missed] = missed_of(buyer_id)

    name = Buyer.objects.get(pk=buyer_id).name
    assert (missed["reason"], missed["fixer"], missed["price_cents"]) == ("offer_not_claimed", "buyer", 2_500)
    assert missed["sentence"] == (
        f"{name}: shown the lead for $25.00 from 2026-03-02 15:00:00 UTC, and did not claim it before the offer ended "
        "at 2026-03-02 15:01:00 UTC."
    )
    assert missed["change"] == "claim leads like this one while their offers are open"
    assert missed["offer"] == {
        "id": str(offer.public_id),
        "shown_from": "2026-03-02T15:00:00Z",
        "ended_at": "2026-03-02T15:01:00Z",
        "late_ms": None,
    }
    check = detail_of(buyer_id, offer.lead)["check"]
    assert check["sentence"] == f"{name} passed every check: it was shown this lead."


def test_loser_reads_how_late_its_claim_was_and_never_who_won() -> None:
    campaign = offering_campaign(buyers=2)
    winner, loser = buyers_of(campaign)
    Buyer.objects.filter(pk=winner).update(name="Zebra Rival Roofing")
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=winner, at=SOON)
    refuse(offer, loser, at=SOON + 35 * MILLISECOND)

    [missed] = missed_of(loser)

    name = Buyer.objects.get(pk=loser).name
    assert (missed["reason"], missed["fixer"], missed["change"]) == ("claim_lost", "buyer", "claim sooner")
    assert missed["sentence"] == f"{name}: its claim came 35 ms after other buyers had claimed the lead."
    assert missed["offer"]["late_ms"] == 35
    text = Api(Buyer.objects.get(pk=loser)).ask(f"missed/{offer.lead.public_id}/").content.decode()
    assert "Zebra" not in text
    assert str(Buyer.objects.get(pk=winner).public_id) not in text


def test_loser_of_a_later_tier_reads_of_the_head_start() -> None:
    campaign = offering_campaign(buyers=1)
    tier: Tier = TierFactory(campaign=campaign, position=2, price_cents=2_000, head_start_seconds=20)
    loser = EnrollmentFactory(campaign=campaign, tier=tier, buyer__credits_cents=10_000).buyer_id
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=AT + timedelta(seconds=21))
    refuse(offer, loser, at=AT + timedelta(seconds=22))
    [missed] = missed_of(loser)
    assert missed["change"] == (
        "claim sooner, or move to an earlier tier: its tier saw the lead 20 s after the first one"
    )


def test_buyer_whose_tier_did_not_see_the_lead_in_time() -> None:
    campaign = offering_campaign(buyers=1)
    tier: Tier = TierFactory(campaign=campaign, position=2, price_cents=2_000, head_start_seconds=20)
    unseen = EnrollmentFactory(campaign=campaign, tier=tier, buyer__credits_cents=10_000).buyer
    offer = open_offer_of(campaign, at=AT)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    [missed] = missed_of(unseen.pk)
    assert (missed["reason"], missed["fixer"]) == ("offer_not_seen", "agency")
    assert missed["sentence"] == (
        f"{unseen.name}: its tier would have seen the lead from 2026-03-02 15:00:20 UTC, and the offer ended at "
        "2026-03-02 15:00:02 UTC."
    )


def test_claim_after_the_end() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    refuse(offer, buyer_id, at=ENDS + 40 * MILLISECOND)
    distribute_lead(offer.lead_id, at=ENDS + 50 * MILLISECOND)
    [missed] = missed_of(buyer_id)
    assert (missed["reason"], missed["offer"]["late_ms"]) == ("claim_late", 40)
    assert missed["sentence"].endswith(": its claim came 40 ms after the offer had ended.")


def test_claim_that_a_gate_refused_reads_its_gate() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    Enrollment.objects.filter(buyer_id=buyer_id).update(cap_day=0)
    refuse(offer, buyer_id, at=SOON)
    distribute_lead(offer.lead_id, at=ENDS)
    [missed] = missed_of(buyer_id)
    assert (missed["reason"], missed["fixer"]) == ("cap_reached", "buyer")
    assert ": its claim was refused: a cap or budget is used up: " in missed["sentence"]
    assert [gate["gate"] for gate in missed["gates"]] == ["cap_reached"]
    assert missed["change"] == missed["gates"][0]["change"] != ""


@pytest.mark.parametrize(
    ("stored", "reason"), [("paused", "claim_paused"), ("not_eligible", "claim_not_enrolled")]
)
def test_other_refusals_have_their_own_reason(stored: str, reason: str) -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    OfferBuyer.objects.update(lost_at=SOON, lost_reason=stored)
    distribute_lead(offer.lead_id, at=ENDS)
    assert reasons_of(buyer_id) == [(reason, 1)]


def test_lead_that_was_canceled_while_it_was_offered() -> None:
    campaign = offering_campaign(buyers=1)
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    cancel_lead(offer.lead_id, at=SOON)
    [missed] = missed_of(buyer_id)
    assert (missed["reason"], missed["next_attempt_at"]) == ("offer_withdrawn", None)


def test_pages_and_filters_go_over_skips_and_offers_alike() -> None:
    """Shown the lead and paused in turns."""
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    leads = []
    for number in range(6):
        at = AT + timedelta(minutes=5 * number)
        Buyer.objects.filter(pk=buyer_id).update(paused_at=AT if number % 2 else None)
        other = EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
        offer = open_offer_of(campaign, at=at)
        distribute_lead(offer.lead_id, at=at + timedelta(seconds=60))
        Enrollment.objects.filter(pk=other.pk).update(active=False)
        leads.append(str(offer.lead.public_id))

    found = missed_of(buyer_id)
    assert [each["lead"]["id"] for each in found] == leads[::-1]
    assert [each["reason"] for each in found] == ["buyer_paused", "offer_not_claimed"] * 3
    only = missed_of(buyer_id, reason="offer_not_claimed")
    assert [each["lead"]["id"] for each in only] == leads[-2::-2]
    without = missed_of(buyer_id, exclude="offer_not_claimed")
    assert [each["lead"]["id"] for each in without] == leads[::-2]


def test_documents_describe_what_a_loser_reads() -> None:
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    [buyer_id] = buyers_of(campaign)
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    api = Api(Buyer.objects.get(pk=buyer_id))
    assert_described(api.get("missed/"), documents.MissedPage())
    assert_described(api.get(f"missed/{offer.lead.public_id}/"), documents.MissedLeadDocument())


def test_replay_leaves_out_what_was_shown() -> None:
    """Nobody knows whether the buyer would have claimed it: `missed` counts it, as the list does."""
    campaign = offering_campaign(buyers=1, offer_fallback="unsold")
    poor, [buyer_id] = poor_buyer(campaign), buyers_of(campaign)[:1]
    offer = open_offer_of(campaign, at=AT)
    distribute_lead(offer.lead_id, at=ENDS)
    shown = replay_missed(Buyer.objects.get(pk=buyer_id), SettingChanges(), at=ENDS)
    assert (shown.missed, shown.checked, shown.is_partial) == (1, 0, False)
    assert shown.left_out == [LeftOut("shown", 1)]
    skipped = replay_missed(poor, SettingChanges(), at=ENDS)
    assert (skipped.missed, skipped.checked, skipped.left_out) == (1, 1, [])
