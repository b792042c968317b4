"""What happens after the lead: another request with its ping, further attempts, and the end of the promise."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment
from distribution.offers.quotes import find_campaign_id
from routing.api.receive import read_pinged_lead
from routing.intake.store import PingUsedMeanwhile, store_lead
from routing.leads.actions import ActionRefused
from routing.models import Lead, Ping, Source, SourceKey
from routing.tasks import forget_pings
from tests.support.factories import LeadFactory, PingFactory
from tests.support.payables import build_campaign, build_source
from tests.support.pinging import ASKED, PERSON, PingingSource

pytestmark = pytest.mark.django_db

CHEAP_CENTS = 2_400


@pytest.fixture
def sender() -> PingingSource:
    return PingingSource(build_source(build_campaign(), pays="share", share_bps=4_000))


def send_too_cheap(sender: PingingSource) -> Lead:
    """The price fell after the ping."""
    ping_id = sender.get_ping_id()
    Campaign.objects.update(price_cents=CHEAP_CENTS)
    assert sender.post_lead(ping_id).json()["reason"] == "below_promised_price"
    return Lead.objects.get()


def attempt_after(lead: Lead, seconds: int) -> Any:
    at = lead.received_at + timedelta(seconds=seconds)
    Lead.objects.filter(pk=lead.pk).update(next_attempt_at=at)
    return distribute_lead(lead.pk, at=at)


def test_promise_is_kept_by_later_attempts(sender: PingingSource) -> None:
    lead = send_too_cheap(sender)

    assert attempt_after(lead, 299).skip_reason == "below_promised_price"
    assert not Assignment.objects.exists()


def test_ordinary_lead_is_sold_when_the_promise_ends(sender: PingingSource) -> None:
    lead = send_too_cheap(sender)
    assert lead.next_attempt_at == lead.received_at + timedelta(seconds=300)

    assert attempt_after(lead, 300).result == "success"
    assert Assignment.objects.get().price_cents == CHEAP_CENTS


def test_price_that_rises_again_sells_the_lead(sender: PingingSource) -> None:
    lead = send_too_cheap(sender)
    Campaign.objects.update(price_cents=2_500)

    assert attempt_after(lead, 10).result == "success"


def test_deferred_lead_ends_with_its_promise(sender: PingingSource) -> None:
    """It waited for a cap, and its source lets no lead be sold for less afterwards."""
    Source.objects.update(after_promise="end")
    ping_id = sender.get_ping_id()
    Enrollment.objects.update(cap_day=0)
    Campaign.objects.update(max_buyers=1)
    sender.post_lead(ping_id)
    lead = Lead.objects.get()
    Lead.objects.update(status="pending", next_attempt_at=lead.received_at, finished_at=None)

    outcome = attempt_after(lead, 300)

    assert (outcome.result, outcome.skip_reason) == ("unsold", "promise_ended")


def test_source_may_have_its_own_seconds(sender: PingingSource) -> None:
    Source.objects.update(ping_seconds=60)

    sender.ping()

    ping = Ping.objects.get()
    assert ping.expires_at - ping.created_at == timedelta(seconds=60)


def test_person_cannot_sell_for_less_while_it_is_promised(sender: PingingSource) -> None:
    lead = send_too_cheap(sender)
    enrollment_id = Enrollment.objects.get().pk

    with pytest.raises(ActionRefused, match="its price pays the source less than it was promised"):
        run_with_snapshots(lambda: assign_within(lead.pk, enrollment_id=enrollment_id))


def test_two_requests_at_once_use_a_ping_once(sender: PingingSource) -> None:
    """Both have checked the ping before the first one stores its lead."""
    key = SourceKey.objects.select_related("source__workspace").get()
    payload = {**ASKED, **PERSON, "ping_id": sender.get_ping_id()}
    first, second = (read_pinged_lead(payload, key=key, at=datetime.now(UTC)) for _ in range(2))

    store_lead(first, source=key.source, channel="api")
    with pytest.raises(PingUsedMeanwhile), transaction.atomic():
        store_lead(second, source=key.source, channel="api")

    assert Lead.objects.count() == 1


def test_database_refuses_a_second_lead_of_a_ping() -> None:
    ping = PingFactory.create()
    LeadFactory.create(source=ping.source, ping=ping)

    with pytest.raises(IntegrityError, match="lead_ping_used_once"), transaction.atomic():
        LeadFactory.create(source=ping.source, ping=ping)


def test_test_key_pings_for_test_leads(sender: PingingSource) -> None:
    tester = PingingSource(sender.source, is_test=True)
    ping_id = tester.get_ping_id()
    assert Ping.objects.get().is_test

    assert sender.post_lead(ping_id).json()["error"]["code"] == "ping_data_differs"
    assert tester.post_lead(ping_id).json()["status"] == "distributed"
    assert Assignment.objects.get().is_test


def test_batch_takes_no_ping(sender: PingingSource) -> None:
    lead = {**ASKED, **PERSON, "ping_id": sender.get_ping_id()}
    response = sender.client.post(
        "/api/v1/leads/batch/", {"leads": [lead]}, content_type="application/json"
    ).json()

    assert response["results"][0]["error"]["fields"]["ping_id"][0]["code"] == "not_in_batch"
    assert not Lead.objects.exists()


def test_paused_campaign_takes_no_lead(sender: PingingSource) -> None:
    Campaign.objects.update(active=False)
    key = SourceKey.objects.select_related("source__workspace").get()
    lead = read_pinged_lead({**ASKED, **PERSON}, key=key, at=datetime.now(UTC))

    assert find_campaign_id(lead, source=key.source, at=datetime.now(UTC)) is None
    assert sender.ping()["reason"] == "no_campaign"


def test_old_pings_without_a_lead_are_removed() -> None:
    now = datetime.now(UTC)
    old = [PingFactory.create(created_at=now - timedelta(days=31)) for _ in range(2)]
    young = PingFactory.create(created_at=now - timedelta(days=29))
    LeadFactory.create(source=old[0].source, ping=old[0])

    forget_pings()

    assert set(Ping.objects.all()) == {old[0], young}
