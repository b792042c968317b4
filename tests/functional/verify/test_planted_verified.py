"""A sale without the verification that its campaign asked for is found, and no sale that needed none."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import pytest

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign, Enrollment, Verification
from distribution.offers.claim import claim_offer
from distribution.verify import run_verification
from distribution.verify.slices import Slice
from distribution.verify.verified import SOLD_UNVERIFIED
from routing.models import Lead
from tests.functional.verify.world import broken
from tests.support.auctions import answer, auction_campaign, auctioned_lead, bidder, close
from tests.support.factories import (
    CampaignFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    VerificationFactory,
)
from tests.support.holds import open_hold, reject
from tests.support.offers import buyers_of, offering_campaign, open_offer_of
from tests.support.plans import read_by_table
from tests.support.planting import plant
from tests.support.waiting_leads import events_of
from tracing.models import Attempt

pytestmark = pytest.mark.usefixtures("committed_db")

AT: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
SOON: Final = AT + timedelta(seconds=2)
ENDS: Final = AT + timedelta(seconds=60)
LEAD: Final = "routing_lead"
TOKEN: Final = {"token": "https://cert.example/1"}
VERIFIED: Final = {"verification": "call", "verified_at": AT}
ASKS: Final = {"verification": "required"}


def build(campaign: dict[str, Any], lead: dict[str, Any], **enrollment: Any) -> Lead:
    sold_by = CampaignFactory(price_cents=2_000, **campaign)
    EnrollmentFactory(campaign=sold_by, buyer__credits_cents=10_000, **enrollment)
    found: Lead = LeadFactory(source__workspace=sold_by.workspace, next_attempt_at=AT, **lead)
    return found


def sell(campaign: dict[str, Any], lead: dict[str, Any]) -> Lead:
    found = build(campaign, lead)
    assert distribute_lead(found.pk, at=AT).result == "success"
    return found


def sell_by_hand(campaign: dict[str, Any], lead: dict[str, Any]) -> Lead:
    found = build(campaign, lead, active=False)
    enrollment = Enrollment.objects.get()
    run_with_snapshots(partial(assign_within, found.pk, enrollment_id=enrollment.pk))
    return found


def ask_from_now_on() -> None:
    for campaign in Campaign.objects.all():
        campaign.verification = "required"
        campaign.save(update_fields=["verification"])


def sold_unverified(lead: Lead) -> dict[int, list[str]]:
    attempt = Attempt.objects.filter(lead_id=lead.pk).latest("number")
    return {
        2: [
            f"lead {lead.pk}: was sold by attempt {attempt.pk} without the verification that its campaign asked for"
        ]
    }


def invariant_two() -> dict[int, list[str]]:
    """Damage to facts breaks other invariants too."""
    return {number: found for number, found in broken(run_verification()).items() if number == 2}


DAMAGED: Final[dict[str, tuple[dict[str, Any], dict[str, Any], str]]] = {
    "nobody_verified": (ASKS, VERIFIED, "verification = '', verified_at = NULL"),
    "the_person_declined": (ASKS, VERIFIED, "verification = 'declined', verified_at = NULL"),
    "no_proof": ({"verification": "unless_consent"}, {"consent": TOKEN}, "consent = '{}'"),
    "another_proof": (
        {"verification": "unless_consent"},
        {"consent": TOKEN},
        """consent = '{"given_at": "2026-03-01T12:00:00Z"}'""",
    ),
    "proof_that_does_not_count": (
        ASKS,
        {**VERIFIED, "consent": TOKEN},
        "verification = '', verified_at = NULL",
    ),
    "calls_did_not_end": (
        {**ASKS, "unverified_end": "sell"},
        {"verification": "unverified"},
        "verification = ''",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_sale_without_the_verification_is_found(name: str) -> None:
    campaign, given, damage = DAMAGED[name]
    lead = sell(campaign, given)
    assert broken(run_verification(incremental=True)) == {}

    plant(f"UPDATE {LEAD} SET {damage} WHERE id = {lead.pk}")

    assert broken(run_verification(incremental=True)) == broken(run_verification()) == sold_unverified(lead)


def test_sale_of_an_unverified_lead_by_a_campaign_that_does_not_sell_them_is_found() -> None:
    lead = sell(ASKS, VERIFIED)

    plant(f"UPDATE {LEAD} SET verification = 'unverified', verified_at = NULL WHERE id = {lead.pk}")

    assert broken(run_verification()) == sold_unverified(lead)


def test_sale_by_hand_needs_its_override() -> None:
    lead = sell_by_hand(ASKS, {})
    assert broken(run_verification()) == {}

    plant("""UPDATE tracing_leaddistributionevent SET data = data || '{"overridden": ["enrollment_paused"]}'
        WHERE event = 'buyer_selected'""")

    assert invariant_two() == sold_unverified(lead)


def test_campaign_that_asks_later_does_not_break_its_earlier_sales() -> None:
    lead = sell({}, {})
    ask_from_now_on()
    assert distribute_lead(build(ASKS, VERIFIED).pk, at=AT).result == "success"

    assert broken(run_verification()) == {}
    assert Lead.objects.get(pk=lead.pk).verification == ""


def test_campaign_that_asked_at_the_sale_is_found_after_it_stopped() -> None:
    lead = sell(ASKS, VERIFIED)
    Campaign.objects.update(verification="none")

    plant(f"UPDATE {LEAD} SET verification = '', verified_at = NULL WHERE id = {lead.pk}")

    assert broken(run_verification()) == sold_unverified(lead)


def test_lead_without_a_trace_is_not_judged() -> None:
    sell(ASKS, VERIFIED)
    plant(f"UPDATE {LEAD} SET verification = '', verified_at = NULL")
    plant("DELETE FROM tracing_leaddistributionevent")
    plant("DELETE FROM tracing_attempt")

    assert invariant_two() == {}


def test_person_who_declined_after_the_sale_was_verified() -> None:
    lead = sell(ASKS, VERIFIED)
    verification = Verification.objects.get(
        pk=VerificationFactory(lead=lead, state="declined", due_at=None, ended_at=AT).pk
    )
    plant(
        "INSERT INTO distribution_callevent (verification_id, at, code, data) VALUES (%s, now(), 'verified', '{}')",
        [verification.pk],
    )
    assert [code for code, _ in events_of(verification)] == ["verified"]
    plant(f"UPDATE {LEAD} SET verification = 'declined', verified_at = NULL")

    assert invariant_two() == {}


def test_unverified_lead_that_somebody_verified_after_its_sale_holds() -> None:
    lead = sell({**ASKS, "unverified_end": "sell"}, {"verification": "unverified"})
    VerificationFactory(lead=lead, state="unverified", due_at=None, ended_at=AT)
    plant(f"UPDATE {LEAD} SET verification = ''")

    assert invariant_two() == {}


def test_claim_follows_the_attempt_that_opened_its_offer() -> None:
    campaign = offering_campaign(buyers=1)
    offer = open_offer_of(campaign, at=AT)
    ask_from_now_on()
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)

    assert broken(run_verification()) == {}


def test_claim_of_an_offer_that_should_have_waited_is_found() -> None:
    campaign = offering_campaign(buyers=1, **ASKS)
    offer = open_offer_of(campaign, at=AT, **VERIFIED)
    claim_offer(offer.public_id, buyer_id=buyers_of(campaign)[0], at=SOON)
    assert broken(run_verification()) == {}

    plant(f"UPDATE {LEAD} SET verification = '', verified_at = NULL")

    assert broken(run_verification()) == sold_unverified(offer.lead)


def test_bid_follows_the_attempt_that_opened_its_auction() -> None:
    campaign = auction_campaign()
    enrollment = bidder(campaign, url="https://buyer.example.com/bids")
    lead = auctioned_lead(campaign)
    answer(lead, enrollment, 3_000)
    ask_from_now_on()
    assert close(lead).result == "success"

    assert broken(run_verification()) == {}


def test_push_after_a_rejection_follows_what_was_begun() -> None:
    campaign = offering_campaign(buyers=2, sells_on="acceptance")
    for buyer_id in buyers_of(campaign):
        EndpointFactory(buyer_id=buyer_id)
    lead = open_offer_of(campaign, at=AT).lead
    distribute_lead(lead.pk, at=ENDS)
    ask_from_now_on()
    reject(open_hold(lead), at=ENDS + timedelta(seconds=1))
    assert distribute_lead(lead.pk, at=ENDS + timedelta(seconds=1)).result == "posting"

    assert broken(run_verification()) == {}


def test_test_lead_needs_no_verification() -> None:
    sell(ASKS, {"is_test": True, "email_hash": None, "phone_hash": None})

    assert broken(run_verification()) == {}


def test_each_table_is_read_once_for_a_slice() -> None:
    """And facts, which are large, of no person who was verified."""
    campaign = CampaignFactory(price_cents=1, **ASKS)
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=10_000)
    leads = [
        LeadFactory(source__workspace=campaign.workspace, next_attempt_at=AT, **VERIFIED) for _ in range(40)
    ]
    for lead in leads:
        assert distribute_lead(lead.pk, at=AT).result == "success"
    plant("ANALYZE")

    read = read_by_table(SOLD_UNVERIFIED, Slice(AT).parameters())
    touched = read_by_table(SOLD_UNVERIFIED, Slice(AT, ids=(leads[0].pk,)).parameters())

    most = {name: rows for name, (_, rows) in read.items()}
    assert {name: rows for name, rows in most.items() if rows > len(leads)} == {}
    assert most["tracing_attempt"] == len(leads)
    assert touched["distribution_assignment"][1] <= len(leads)
