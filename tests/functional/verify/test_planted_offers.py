"""Damage to offers is found: by the checks that it breaks, and by no other."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Enrollment, OfferBuyer
from distribution.offers.claim import claim_offer
from distribution.offers.refusals import NotEligible
from distribution.verify import run_verification
from routing.leads.actions import cancel_lead
from tests.functional.verify.world import broken
from tests.support.auctions import auction_campaign, auctioned_lead, bidder, close
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.planting import plant, without
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON = AT + timedelta(seconds=2)
ENDS = AT + timedelta(seconds=60)
OFFER, PLACE, LEAD = "distribution_offer", "distribution_offerbuyer", "routing_lead"
CLOSED_EVENT = (
    "DELETE FROM tracing_leaddistributionevent WHERE event = '{event}' AND lead_id = {{{lead}}};"
    "UPDATE tracing_leaddistributionevent SET seq = seq - 1 WHERE lead_id = {{{lead}}} AND attempt_id IN"
    " (SELECT id FROM tracing_attempt WHERE lead_id = {{{lead}}} AND trigger = 'offer_closed') AND seq > 2"
)
# The statement, the findings by invariant, and the constraint that prevents it.
PLANTED: dict[str, tuple[str, dict[int, list[str]], str]] = {
    "open_offer_of_a_pending_lead": (
        f"UPDATE {LEAD} SET status = 'pending' WHERE id = {{open_lead}}",
        {4: ["lead {open_lead}: is pending, but has an open offer"]},
        "",
    ),
    "offered_without_an_offer": (
        f"UPDATE {OFFER} SET state = 'closed', closed_at = now(), end_reason = 'canceled' WHERE id = {{open}}",
        {4: ["lead {open_lead}: is offered, but has no open offer"]},
        "",
    ),
    "due_before_the_offer_closes": (
        f"UPDATE {LEAD} SET next_attempt_at = next_attempt_at - interval '1 s' WHERE id = {{open_lead}}",
        {4: ["lead {open_lead}: is offered, but is not due when its offer closes"]},
        "",
    ),
    "claims_are_miscounted": (
        f"UPDATE {OFFER} SET claims = 0 WHERE id = {{claimed}}",
        {2: ["lead {claimed_lead}: has an offer with 0 claims, but 1 buyers claimed it"]},
        "",
    ),
    "more_claims_than_places": (
        f"UPDATE {OFFER} SET max_buyers = 1 WHERE id = {{shared}}",
        {2: ["lead {shared_lead}: has an offer for 1 buyers, but 2 claimed it"]},
        "offer_claims_within_buyers",
    ),
    "claim_without_a_sale": (
        f"UPDATE {PLACE} SET assignment_id = NULL WHERE id = {{place}}",
        {
            2: [
                "lead {claimed_lead}: has a claim whose sale is of another lead or buyer",
                "assignment {assignment}: was sold by a claim, but no offer has the claim",
            ]
        },
        "offerbuyer_claim_has_sale",
    ),
    "claim_of_another_buyers_sale": (
        f"UPDATE {PLACE} SET buyer_id = (SELECT MAX(id) + 1 FROM distribution_buyer) WHERE id = {{place}}",
        {2: ["lead {claimed_lead}: has a claim whose sale is of another lead or buyer"]},
        "",
    ),
    "sale_without_its_claim": (
        f"UPDATE {PLACE} SET claimed_at = NULL WHERE id = {{place}};"
        f"UPDATE {OFFER} SET claims = 0 WHERE id = {{claimed}}",
        {2: ["assignment {assignment}: was sold by a claim, but no offer has the claim"]},
        "",
    ),
    "claim_at_another_price": (
        f"UPDATE {PLACE} SET price_cents = 2400 WHERE id = {{place}}",
        {2: ["lead {claimed_lead}: was shown to buyer {buyer} for 2400 cents, but its claim cost 2500"]},
        "",
    ),
    "claim_before_it_was_shown": (
        f"UPDATE {PLACE} SET visible_at = claimed_at + interval '1 ms' WHERE id = {{place}}",
        {2: ["lead {claimed_lead}: was claimed by buyer {buyer} before it was shown"]},
        "",
    ),
    "claim_after_the_end": (
        f"UPDATE {OFFER} SET closes_at = closed_at WHERE id = {{claimed}}",
        {2: ["lead {claimed_lead}: was claimed by buyer {buyer} after its offer had closed"]},
        "",
    ),
    "claim_after_the_last_place": (
        f"UPDATE {OFFER} SET closed_at = closed_at - interval '1 ms' WHERE id = {{claimed}}",
        {2: ["lead {claimed_lead}: was claimed by buyer {buyer} after its offer had closed"]},
        "",
    ),
    "end_without_an_event": (
        CLOSED_EVENT.format(event="ping_post_closed", lead="over_lead"),
        {5: ["lead {over_lead}: has a closed offer (window_over), but no event of its end"]},
        "",
    ),
    "end_of_an_auction_without_an_event": (
        "UPDATE tracing_leaddistributionevent SET data = jsonb_set(data, '{{offer}}', '\"another\"')"
        " WHERE event = 'auction_closed'",
        {5: ["lead {auctioned_lead}: has a closed offer (bids_in), but no event of its end"]},
        "",
    ),
    "refused_claim_with_personal_data": (
        f"UPDATE {PLACE} SET lost_at = now(), lost_reason = 'lead_filter_rejected', lost_gates = jsonb_build_array("
        " jsonb_build_object('gate', 'lead_filter_rejected', 'observed',"
        " jsonb_build_object('attributes.note', 'call 404-881-2345')))"
        " WHERE offer_id = {open} AND buyer_id = {buyer};"
        f"UPDATE {LEAD} SET phone = '+14048812345' WHERE id = {{open_lead}}",
        {
            9: [
                "claim of buyer {buyer} for lead {open_lead}: [0].observed.attributes.note"
                " holds the lead's phone number"
            ]
        },
        "",
    ),
}


@pytest.fixture
def names(committed_db: None) -> dict[str, int]:  # noqa: ARG001
    """An open offer, a claimed one, a shared one with two claims, one that ran out, a canceled one, and an auction."""
    campaign = offering_campaign(buyers=2, offer_fallback="unsold")
    shared = open_offer_of(offering_campaign(buyers=2, max_buyers=2), at=AT)
    for buyer_id in buyers_of(shared.campaign):
        claim_offer(shared.public_id, buyer_id=buyer_id, at=SOON)
    opened, claimed, over, canceled = (open_offer_of(campaign, at=AT) for _ in range(4))
    claim_offer(claimed.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    distribute_lead(over.lead_id, at=ENDS)
    cancel_lead(canceled.lead_id, at=SOON)
    auction = auction_campaign()
    bidder(auction)
    auctioned = auctioned_lead(auction)
    close(auctioned)
    place = OfferBuyer.objects.get(offer=claimed, claimed_at__isnull=False)
    assert place.assignment_id is not None
    return {
        "open": opened.pk,
        "open_lead": opened.lead_id,
        "claimed": claimed.pk,
        "claimed_lead": claimed.lead_id,
        "place": place.pk,
        "buyer": place.buyer_id,
        "assignment": place.assignment_id,
        "shared": shared.pk,
        "shared_lead": shared.lead_id,
        "over_lead": over.lead_id,
        "auctioned_lead": auctioned.pk,
    }


@pytest.mark.usefixtures("names")
def test_everything_holds_before_the_damage() -> None:
    assert broken(run_verification()) == {}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_breach_of_an_offer_is_found(name: str, names: dict[str, int]) -> None:
    sql, breaches, constraint = PLANTED[name]
    with ExitStack() as stack:
        if constraint:
            table = PLACE if constraint.startswith("offerbuyer") else OFFER
            stack.enter_context(without(constraint, table=table))
        plant(sql.format(**names))
        found = broken(run_verification())

    assert found == {
        number: [message.format(**names) for message in messages] for number, messages in breaches.items()
    }


def test_gates_of_a_refused_claim_hide_contact_data() -> None:
    """A filter that reads an attribute was added while the offer was open."""
    campaign = offering_campaign(buyers=1)
    [buyer_id] = buyers_of(campaign)
    attributes = {"roof_age": 12, "remark": "Ada Lovelace, 404-881-2345"}
    contact = {"first_name": "Ada", "last_name": "Lovelace", "phone": "+14048812345"}
    offer = open_offer_of(campaign, at=AT, attributes=attributes, **contact)
    wanted = {"field": "attributes.remark", "op": "eq", "value": "none"}
    Enrollment.objects.filter(buyer_id=buyer_id).update(lead_filter=wanted)
    with pytest.raises(NotEligible):
        claim_offer(offer.public_id, buyer_id=buyer_id, at=SOON)
    place = OfferBuyer.objects.get(offer=offer)
    [gate] = place.lost_gates
    assert (place.lost_reason, gate["observed"]) == (
        "lead_filter_rejected",
        {"attributes.remark": "(hidden)"},
    )
    assert "Lovelace" not in str(place.lost_gates)
    report = run_verification()
    assert broken(report) == {}
    [checked] = [found.checked for each, found in report.results if each.name == "privacy"]
    assert checked == Attempt.objects.count() + LeadDistributionEvent.objects.count() + 1
