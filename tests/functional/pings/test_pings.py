"""A source asks for a price, and sends its lead with the answer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from distribution.models import Assignment, Campaign, LedgerEntry, PayableEntry
from routing.intake.ping_ids import write_ping_id
from routing.models import Lead, Ping, Source
from tests.support.factories import ContractFactory, SourceFactory, enroll
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import ASKED, PingingSource
from tracing.models import Attempt, LeadDistributionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign() -> Campaign:
    """One buyer, who pays $25.00."""
    return build_campaign()


@pytest.fixture
def sender(campaign: Campaign) -> PingingSource:
    """Its source gets 40% of the revenue."""
    return PingingSource(build_source(campaign, pays="share", amount_cents=None, share_bps=4_000))


def test_price_is_what_the_contract_makes_of_the_best_decision(
    sender: PingingSource, campaign: Campaign
) -> None:
    body = sender.ping()

    ping = Ping.objects.get()
    assert body == {
        "outcome": "price",
        "price_cents": 1_000,
        "ping_id": body["ping_id"],
        "expires_at": ping.expires_at.isoformat().replace("+00:00", "Z"),
        "is_test": False,
        "reason": None,
        "message": None,
        "change": None,
        "fixer": None,
        "missing_fields": [],
        "warnings": [],
    }
    assert (ping.source, ping.campaign_id, ping.price_cents, ping.reason) == (
        sender.source,
        campaign.pk,
        1_000,
        "",
    )
    assert ping.expires_at - ping.created_at == timedelta(seconds=300)


def test_ping_sells_counts_and_stores_nothing_else(sender: PingingSource, campaign: Campaign) -> None:
    entries = LedgerEntry.objects.count()

    sender.ping()

    enrollment = campaign.enrollments.get()
    assert (Lead.objects.count(), Attempt.objects.count(), Assignment.objects.count()) == (0, 0, 0)
    assert LedgerEntry.objects.count() == entries
    assert (enrollment.day_leads, enrollment.virtual_finish) == (0, 0)


def test_lead_with_the_ping_is_sold_and_pays_the_price(sender: PingingSource) -> None:
    response = sender.post_lead(sender.get_ping_id())

    body = response.json()
    assert (response.status_code, body["status"], body["buyers"]) == (201, "distributed", 1)
    lead, ping = Lead.objects.get(), Ping.objects.get()
    assert lead.ping == ping
    assert PayableEntry.objects.get(lead=lead).amount_cents == ping.price_cents == 1_000
    assert Attempt.objects.get().facts["promise"][:3] == [1_000, "share", 4_000]


@pytest.mark.parametrize(
    ("contract", "cents"),
    [
        ({"pays": "fixed", "amount_cents": 1_234}, 1_234),
        ({"pays": "share", "amount_cents": None, "share_bps": 3_333}, 1_666),
    ],
)
def test_shared_lead_pays_for_all_selected_buyers(contract: dict[str, Any], cents: int) -> None:
    """Two of three buyers at $25.00 each: 33.33% of $50.00 is $16.665, rounded half to even."""
    campaign = build_campaign(buyers=3)
    Campaign.objects.filter(pk=campaign.pk).update(max_buyers=2)
    sender = PingingSource(build_source(campaign, **contract))

    assert sender.ping()["price_cents"] == cents

    sender.post_lead(sender.get_ping_id())
    assert sum(PayableEntry.objects.values_list("amount_cents", flat=True)) == cents


def test_source_without_a_contract_is_promised_nothing(campaign: Campaign) -> None:
    body = PingingSource(SourceFactory.create(workspace=campaign.workspace)).ping()

    assert (body["outcome"], body["reason"], body["price_cents"], body["ping_id"]) == (
        "no_price",
        "no_contract",
        None,
        None,
    )
    assert body["change"] == "Send the lead without a ping, or ask the operator for a contract."
    assert Ping.objects.get().reason == "no_contract"


def test_missing_field_is_named_without_a_buyer(sender: PingingSource, campaign: Campaign) -> None:
    adults = {"field": "attributes.roof_age", "op": "gte", "value": 10}
    campaign.enrollments.update(lead_filter=adults)

    body = sender.ping(attributes={})

    assert body["reason"] == "no_eligible_buyers_after_tier_filters"
    assert (body["message"], body["change"]) == (
        "No buyer takes this lead without roof_age.",
        "Ping again with roof_age.",
    )
    assert (body["fixer"], body["missing_fields"]) == ("sender", ["attributes.roof_age"])
    assert campaign.enrollments.get().buyer.name not in str(body)


def test_ping_is_used_once(sender: PingingSource) -> None:
    ping_id = sender.get_ping_id()
    first = sender.post_lead(ping_id).json()

    again = sender.post_lead(ping_id, email="bob@example.com")

    error = again.json()["error"]
    assert (again.status_code, error["code"], error["lead_id"]) == (409, "ping_used", first["id"])
    assert Lead.objects.count() == 1


def test_repeated_request_gets_the_first_answer(sender: PingingSource) -> None:
    ping_id, headers = sender.get_ping_id(), {"Idempotency-Key": "form-1"}
    lead = {**ASKED, "email": "ada@example.com", "ping_id": ping_id}
    first, second = (
        sender.client.post("/api/v1/leads/", lead, content_type="application/json", headers=headers)
        for _ in range(2)
    )

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert (second["Idempotency-Replayed"], Lead.objects.count()) == ("true", 1)


def test_expired_ping_is_refused(sender: PingingSource) -> None:
    ping_id = write_expired_ping(sender)

    response = sender.post_lead(ping_id)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "ping_expired")
    assert Lead.objects.count() == 0


def write_expired_ping(sender: PingingSource) -> str:
    """Sign a ping as if it had come in earlier."""
    sender.ping()
    ping = Ping.objects.get()
    past = timedelta(seconds=301)
    Ping.objects.update(created_at=ping.created_at - past, expires_at=ping.expires_at - past)
    return write_ping_id(Ping.objects.get())


def test_ping_whose_row_was_changed_is_refused(sender: PingingSource) -> None:
    ping_id = sender.get_ping_id()
    Ping.objects.update(price_cents=2_000)

    assert sender.post_lead(ping_id).json()["error"]["code"] == "ping_unknown"


def test_ping_of_another_source_is_refused(sender: PingingSource, campaign: Campaign) -> None:
    other = PingingSource(build_source(campaign))

    response = other.post_lead(sender.get_ping_id())

    error = response.json()["error"]
    assert (response.status_code, error["code"]) == (422, "ping_of_other_source")
    assert error["fields"]["ping_id"][0]["code"] == "ping_of_other_source"
    assert Lead.objects.count() == 0


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"zip": "30313"}, "zip"),
        ({"vertical": "solar", "zip": "30313"}, "vertical"),
        ({"attributes": {"roof_age": 13}}, "attributes.roof_age"),
        ({"attributes": {}}, "attributes.roof_age"),
        ({"is_test": True}, "is_test"),
    ],
)
def test_first_field_that_differs_is_named(sender: PingingSource, fields: dict[str, Any], name: str) -> None:
    response = sender.post_lead(sender.get_ping_id(), **fields)

    error = response.json()["error"]
    assert (response.status_code, error["code"], list(error["fields"])) == (422, "ping_data_differs", [name])
    assert Lead.objects.count() == 0


def test_lead_may_have_more_than_its_ping(sender: PingingSource) -> None:
    response = sender.post_lead(
        sender.get_ping_id(),
        attributes={"roof_age": 12, "comment": "call 404 881 2345"},
        state="GA",
        zip="30312-1234",
    )

    assert response.json()["status"] == "distributed"


def test_changed_campaign_is_refused(sender: PingingSource, campaign: Campaign) -> None:
    ping_id = sender.get_ping_id()
    build_campaign(workspace=campaign.workspace, priority=campaign.priority + 1)

    response = sender.post_lead(ping_id)

    assert (response.status_code, response.json()["error"]["code"]) == (409, "ping_campaign_changed")


@pytest.mark.parametrize("ping_id", ["1.", "2.AAAA", "x", 7, "1." + "A" * 43, "1." + "é" * 43])
def test_unknown_ping_is_refused(sender: PingingSource, ping_id: Any) -> None:
    response = sender.post_lead(ping_id)

    assert (response.status_code, response.json()["error"]["code"]) == (422, "ping_unknown")
    assert Lead.objects.count() == 0


def test_changed_ping_id_is_refused(sender: PingingSource) -> None:
    ping_id = sender.get_ping_id()
    other = "A" if ping_id[-3] != "A" else "B"

    response = sender.post_lead(f"{ping_id[:-3]}{other}{ping_id[-2:]}")

    assert response.json()["error"]["code"] == "ping_unknown"


def test_lead_is_not_sold_for_less_than_was_promised(sender: PingingSource, campaign: Campaign) -> None:
    """The price fell between ping and lead. The lead waits for the end of the promise, and is ordinary then."""
    ping_id = sender.get_ping_id()
    Campaign.objects.filter(pk=campaign.pk).update(price_cents=2_400)

    body = sender.post_lead(ping_id).json()

    assert (body["status"], body["result"], body["reason"], body["buyers"]) == (
        "pending",
        "deferred",
        "below_promised_price",
        0,
    )
    assert body["message"] == "No buyer pays enough for the price that the source was promised."
    lead = Lead.objects.get()
    assert body["next_attempt_at"] == promise_ends_at(lead).isoformat().replace("+00:00", "Z")


def promise_ends_at(lead: Lead) -> datetime:
    return lead.received_at + timedelta(seconds=300)


def test_better_buyer_is_preferred_to_the_one_in_turn(sender: PingingSource, campaign: Campaign) -> None:
    """The buyer in turn bids less than was promised: the next one who pays enough gets the lead."""
    ping_id = sender.get_ping_id()
    campaign.enrollments.update(bid_cents=100)
    [rich] = enroll(campaign, count=1, credits_cents=10_000, virtual_finish=10**12)

    assert sender.post_lead(ping_id).json()["status"] == "distributed"

    assert Assignment.objects.get().enrollment_id == rich.pk
    skip = LeadDistributionEvent.objects.get(event="buyer_skipped")
    assert skip.skip_reason == "below_promised_price"


def test_lead_ends_with_the_promise_if_its_source_says_so(sender: PingingSource, campaign: Campaign) -> None:
    Source.objects.filter(pk=sender.source.pk).update(after_promise="end")
    ping_id = sender.get_ping_id()
    Campaign.objects.filter(pk=campaign.pk).update(price_cents=2_400)

    body = sender.post_lead(ping_id).json()

    assert (body["status"], body["result"], body["reason"]) == ("failed", "unsold", "below_promised_price")


def test_contract_that_pays_more_keeps_the_promise(sender: PingingSource) -> None:
    """The promise is a least price: a later version of the contract pays more."""
    ping_id = sender.get_ping_id()
    ContractFactory.create(source=sender.source, pays="fixed", amount_cents=1_500)

    assert sender.post_lead(ping_id).json()["status"] == "distributed"
    assert PayableEntry.objects.get().amount_cents == 1_500
