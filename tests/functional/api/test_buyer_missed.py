"""A buyer reads why it missed leads: a true answer about itself, and nothing about others."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from distribution.api import misseddocuments as documents
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Buyer, Campaign, CampaignMode, Enrollment
from distribution.money.wallet import top_up
from routing.models import Lead
from tests.support.buyer_program import Api
from tests.support.described import assert_described
from tests.support.factories import (
    BuyerFactory,
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
)
from tests.support.returning import return_assignment
from tests.support.shown import find_shown

pytestmark = pytest.mark.django_db

PERSON = {
    "first_name": "Wilhelmina",
    "last_name": "Quackenbush",
    "email": "w.quackenbush@example.com",
    "phone": "+14048812345",
    "address": "77 Analytical Row",
}
RIVAL = "Zebra Rival Roofing"
RIVAL_CENTS = 987_654


@pytest.fixture
def campaign() -> Campaign:
    return CampaignFactory.create(mode=CampaignMode.PRICE)


@pytest.fixture
def rival(campaign: Campaign) -> Enrollment:
    """Bids higher than all others, so it gets every lead."""
    return EnrollmentFactory.create(
        campaign=campaign, bid_cents=RIVAL_CENTS, buyer__name=RIVAL, buyer__credits_cents=100_000_000
    )


def enroll_asker(campaign: Campaign, *, credits_cents: int = 10_000, **enrollment: Any) -> Buyer:
    buyer: Buyer = EnrollmentFactory(
        campaign=campaign, buyer__name="Acme", buyer__credits_cents=credits_cents, **enrollment
    ).buyer
    return buyer


def distribute(campaign: Campaign, **lead: Any) -> Lead:
    made: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), **lead)
    distribute_lead(made.pk)
    made.refresh_from_db()
    return made


def run_again(lead: Lead, *, at: datetime | None = None) -> None:
    now = at or datetime.now(UTC)
    Lead.objects.filter(pk=lead.pk).update(
        status="pending", next_attempt_at=now, finished_at=None, due_reason="manual"
    )
    distribute_lead(lead.pk, at=at)


def test_too_few_credits_are_shown(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=1_000)
    lead = distribute(campaign)

    [missed] = Api(buyer).get("missed/")["results"]

    assert missed["lead"] == {
        "id": str(lead.public_id),
        "received_at": lead.received_at.isoformat().replace("+00:00", "Z"),
        "vertical": "roofing",
        "zip": "30312",
        "state": "GA",
    }
    assert missed["campaign"] == {"id": str(campaign.public_id), "name": campaign.name}
    assert (missed["attempts"], missed["next_attempt_at"]) == (1, None)
    assert missed["reason"] == "insufficient_credits"
    assert (
        missed["sentence"]
        == "Acme: its balance is too low: the price is $25.00, and only $10.00 is available."
    )
    assert (missed["change"], missed["fixer"]) == ("top up $15.00", "buyer")
    assert missed["price_cents"] == 2_500
    [gate] = missed["gates"]
    assert (gate["gate"], gate["required"], gate["observed"]) == ("insufficient_credits", 2_500, 1_000)


def test_suggested_command_helps(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=1_000)
    lead = distribute(campaign)
    top_up(buyer.pk, amount_cents=1_500, key="p", actor="buyer")
    run_again(lead)

    assert Api(buyer).get("missed/")["results"] == []
    assert [each["lead"]["id"] for each in Api(buyer).get("assignments/")["results"]] == [str(lead.public_id)]


@pytest.mark.usefixtures("rival")
def test_outranked_is_shown_as_a_number(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign)
    distribute(campaign)

    [missed] = Api(buyer).get("missed/")["results"]

    assert (missed["reason"], missed["fixer"]) == ("outranked", "outranked")
    assert missed["ranked_higher"] == 1
    assert missed["sentence"] == "Acme: eligible, but 1 buyer ranked higher."
    assert missed["gates"] == []


def test_sold_out_before_it_ranked(campaign: Campaign, rival: Enrollment) -> None:
    """The rival got the lead in the first attempt, and was not a candidate in the second."""
    buyer = enroll_asker(campaign)
    lead = distribute(campaign)
    Enrollment.objects.filter(pk=rival.pk).update(active=False)
    run_again(lead)

    [missed] = Api(buyer).get("missed/")["results"]

    assert (missed["reason"], missed["ranked_higher"], missed["attempts"]) == ("outranked", 0, 2)
    assert (
        missed["sentence"] == "Acme: eligible, but the lead is sold to as many buyers as the campaign allows."
    )


def test_every_gate_is_shown_with_its_own_fix(campaign: Campaign) -> None:
    buyer = enroll_asker(
        campaign,
        credits_cents=0,
        buyer__service_area={"states": ["AL"]},
        lead_filter={"field": "attributes.roof_age", "op": "gte", "value": 10},
    )
    distribute(campaign, attributes={"roof_age": 3, "other": "unasked"})

    response = Api(buyer).ask("missed/")
    [missed] = response.json()["results"]

    assert [(gate["gate"], gate["fixer"]) for gate in missed["gates"]] == [
        ("outside_service_area", "buyer"),
        ("lead_filter_rejected", "buyer"),
        ("insufficient_credits", "buyer"),
    ]
    assert missed["gates"][1]["observed"] == {"attributes.roof_age": 3}
    assert "unasked" not in response.content.decode()


def test_retried_lead_is_one_row(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=1_000)
    lead = distribute(campaign)
    top_up(buyer.pk, amount_cents=500, key="p", actor="buyer")
    run_again(lead)

    [missed] = Api(buyer).page_through("missed/", limit=1)
    assert (missed["attempts"], missed["change"]) == (2, "top up $10.00")

    detail = Api(buyer).get(f"missed/{lead.public_id}/")
    history = detail.pop("history")
    assert detail.pop("check") == {
        "ending": "selected",
        "is_confirmed": True,
        "ranked_higher": None,
        "price_cents": 2_500,
        "sentence": "With all of these changes, Acme would have gotten this lead for $25.00.",
        "winning_bid_cents": None,
    }
    assert detail == missed
    assert [(each["attempt"], each["change"]) for each in history] == [
        (2, "top up $10.00"),
        (1, "top up $15.00"),
    ]


def test_waiting_lead_shows_its_next_attempt(campaign: Campaign) -> None:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)  # Monday, 10:00 in New York
    buyer = enroll_asker(campaign, buyer__hours={"mon": [["20:00", "24:00"]]})
    lead: Lead = LeadFactory(source=SourceFactory(workspace=campaign.workspace), received_at=at)
    distribute_lead(lead.pk, at=at)

    [missed] = Api(buyer).get("missed/")["results"]

    assert missed["reason"] == "outside_buyer_hours"
    assert missed["next_attempt_at"] == "2026-03-03T01:00:00Z"
    assert missed["gates"][0]["opens_at"] == "2026-03-03T01:00:00Z"


def test_bought_lead_is_not_missed(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign)
    campaign.max_buyers = 2
    campaign.save(update_fields=["max_buyers"])
    lead = distribute(campaign)
    run_again(lead)  # skipped as already_has_lead

    assert Api(buyer).get("missed/")["results"] == []
    assert Api(buyer).ask(f"missed/{lead.public_id}/").status_code == 404

    return_assignment(Assignment.objects.get().public_id, actor="op", reason="wrong number")
    assert Api(buyer).get("missed/")["results"] == []


def test_attempt_without_buyers_is_the_latest_result(campaign: Campaign) -> None:
    """The latest attempt ended before any buyer was checked, so the result of an earlier attempt is out of date."""
    buyer = enroll_asker(campaign, credits_cents=0)
    lead = distribute(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(active=False)
    run_again(lead)

    assert Api(buyer).get("missed/")["results"] == []


def test_missed_leads_can_be_filtered_and_paged(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=0, buyer__service_area={"states": ["GA"]})
    here = [distribute(campaign) for _ in range(3)]
    away = [distribute(campaign, zip="36104", state="AL") for _ in range(2)]
    api = Api(buyer)

    ids = [each["lead"]["id"] for each in api.page_through("missed/", limit=2)]
    assert ids == [str(lead.public_id) for lead in reversed([*here, *away])]
    poor = api.page_through("missed/", limit=2, reason="insufficient_credits")
    assert [each["lead"]["id"] for each in poor] == [str(lead.public_id) for lead in reversed(here)]


def test_one_lead_takes_the_same_statements_for_any_number_of_attempts(campaign: Campaign) -> None:
    """The key, the lead, its attempts and offers. The check of the deciding one reads its workspace and snapshot."""
    buyer = enroll_asker(campaign, credits_cents=0)
    lead = distribute(campaign)
    api = Api(buyer)
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            api.get(f"missed/{lead.public_id}/")
        assert len(captured) == 7
        run_again(lead)


@pytest.mark.usefixtures("rival")
def test_insufficient_fix_says_so(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=0)
    lead = distribute(campaign)

    detail = Api(buyer).get(f"missed/{lead.public_id}/")

    assert (detail["reason"], detail["ranked_higher"]) == ("insufficient_credits", None)
    assert detail["check"] == {
        "ending": "outranked",
        "is_confirmed": False,
        "ranked_higher": 1,
        "price_cents": 2_500,
        "sentence": "With all of these changes, 1 buyer would still have ranked higher.",
        "winning_bid_cents": None,
    }


def test_response_reveals_neither_others_nor_the_person(campaign: Campaign, rival: Enrollment) -> None:
    """Planted: a rival with a revealing name and price, and personal data in attributes that filters read."""
    gossip = {
        "callback": "(404) 881-2345",
        "mail": PERSON["email"],
        "surname": PERSON["last_name"],
        "roof_age": 3,
    }
    reads = [{"field": f"attributes.{name}", "op": "eq", "value": "x"} for name in gossip]
    buyer = enroll_asker(campaign, credits_cents=0, lead_filter={"all": reads})
    second = enroll_asker_again(campaign)
    leads = [distribute(campaign, attributes=gossip, **PERSON) for _ in range(2)]
    run_again(leads[0])
    secrets = [
        *PERSON.values(),
        *("404) 881", "4048812345", "881-2345"),
        *(RIVAL, str(rival.buyer.public_id), str(RIVAL_CENTS), "9,876.54", "9876.54"),
    ]

    for asker in (buyer, second):
        api, others = Api(asker), {buyer.name, second.name, str(buyer.public_id), str(second.public_id)}
        hidden = [*secrets, *(others - {asker.name, str(asker.public_id)})]
        texts = [
            api.ask(path).content.decode()
            for path in ("missed/", *(f"missed/{lead.public_id}/" for lead in leads))
        ]
        assert all(json.loads(text).get("error") is None for text in texts)
        assert [find_shown(hidden, text) for text in texts] == [[]] * len(texts)

    [gate, *_] = Api(buyer).get("missed/")["results"][0]["gates"]
    assert gate["observed"] == {
        "attributes.callback": "(hidden)",
        "attributes.mail": "(hidden)",
        "attributes.surname": "(hidden)",
        "attributes.roof_age": 3,
    }


def enroll_asker_again(campaign: Campaign) -> Buyer:
    """One that passes every gate, and is outranked."""
    enrollment = EnrollmentFactory(
        campaign=campaign, buyer=BuyerFactory(workspace=campaign.workspace, name="Bystander")
    )
    top_up(enrollment.buyer_id, amount_cents=5_000, key="b", actor="op")
    buyer: Buyer = enrollment.buyer
    return buyer


@pytest.mark.usefixtures("rival")
def test_documents_describe_exactly_the_responses(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=0, cap_day=0)
    second = enroll_asker_again(campaign)
    lead = distribute(campaign)

    for asker in (buyer, second):
        assert_described(Api(asker).get("missed/"), documents.MissedPage())
        assert_described(Api(asker).get(f"missed/{lead.public_id}/"), documents.MissedLeadDocument())


def test_old_events_that_no_code_writes_stay_readable(campaign: Campaign) -> None:
    buyer = enroll_asker(campaign, credits_cents=0)
    lead = distribute(campaign)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            'UPDATE tracing_leaddistributionevent SET data = \'{"gates": [{"gate": "moon_phase"}]}\','
            " skip_reason = 'moon_phase' WHERE buyer_id = %s",
            [buyer.pk],
        )
        cursor.execute("SET session_replication_role = origin")

    detail = Api(buyer).get(f"missed/{lead.public_id}/")
    assert (detail["reason"], detail["fixer"], detail["change"]) == ("moon_phase", "", "")
