"""The gauges of deliveries, holds and return requests, and the commands that show the same."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from distribution.attempts.distribute import distribute_lead
from distribution.deliveries.liveness import write_deliverer_heartbeat
from distribution.models import Assignment, Delivery, DeliveryTry, Endpoint, ReturnRequest
from leadswitch.levels import deliveries
from leadswitch.levels.delivery_limits import HALTED_SECONDS
from leadswitch.levels.exporter.collectors.deliveries import DELIVERIES
from tests.support.factories import (
    BidFactory,
    DeliveryFactory,
    EndpointFactory,
    EnrollmentFactory,
    LeadFactory,
    PingEndpointFactory,
)
from tests.support.holds import asking_campaign, lead_of, open_hold
from tests.support.planting import plant

pytestmark = pytest.mark.django_db


def read() -> dict[str, object]:
    return {series.name.removeprefix("leadswitch_"): value for series, value in DELIVERIES.read().items()}


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


def add_try(delivery: Delivery, *, at: datetime, outcome: str = "unknown") -> None:
    DeliveryTry.objects.create(
        delivery=delivery, number=1, started_at=at, finished_at=at, outcome=outcome, error="answer_timeout"
    )


def add_bid(endpoint: Endpoint, *, outcome: str, at: datetime) -> None:
    BidFactory(
        offer__campaign__workspace=endpoint.workspace,
        enrollment__buyer=endpoint.buyer,
        bid_outcome=outcome,
        bid_cents=None,
        asked_at=at,
        visible_at=at,
    )


def test_product_without_endpoints_has_nothing_to_deliver() -> None:
    assert read() == {
        "deliverers": 0,
        "endpoints": 0,
        "endpoints_failing": 0,
        "deliveries_due": 0,
        "delivery_oldest_due_age_seconds": 0,
        "deliveries_unknown": 0,
        "delivery_oldest_unknown_age_seconds": 0,
        "holds_open": 0,
        "hold_oldest_age_seconds": 0,
        "return_requests_open": 0,
        "return_request_oldest_age_seconds": 0,
    }


def test_deliverers_with_a_recent_heartbeat_are_counted() -> None:
    write_deliverer_heartbeat("one", at=ago(seconds=1))
    write_deliverer_heartbeat("two", at=ago(seconds=20))
    write_deliverer_heartbeat("killed", at=ago(seconds=31))
    assert read()["deliverers"] == 2


def test_messages_that_are_due_at_endpoints_that_are_on_are_counted() -> None:
    one, other = EndpointFactory(), EndpointFactory()
    for endpoint, seconds in ((one, 10), (one, 90), (other, 30), (other, -60)):
        DeliveryFactory(endpoint=endpoint, next_try_at=ago(seconds=seconds))
    DeliveryFactory(endpoint=one, state="posting", next_try_at=None, leased_until=ago(seconds=-30), tries=1)
    off, disabled = EndpointFactory(active=False), EndpointFactory()
    Endpoint.objects.filter(pk=disabled.pk).update(disabled_at=ago(days=1), disabled_reason="gone_410")
    for endpoint in (off, disabled):
        DeliveryFactory(endpoint=endpoint, next_try_at=ago(hours=5))

    values = read()

    assert (values["endpoints"], values["deliveries_due"]) == (2, 3)
    assert values["delivery_oldest_due_age_seconds"] == pytest.approx(90, abs=5)


def test_counts_stop_at_their_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = EndpointFactory()
    for seconds in (10, 90, 30):
        DeliveryFactory(endpoint=endpoint, next_try_at=ago(seconds=seconds))
    monkeypatch.setitem(deliveries.VALUES, "limit", 2)
    values = read()
    assert values["deliveries_due"] == 2
    assert values["delivery_oldest_due_age_seconds"] == pytest.approx(90, abs=5)


def test_time_since_the_last_try_is_that_of_the_newest() -> None:
    assert "delivery_last_try_age_seconds" not in read()
    endpoint = EndpointFactory()
    for seconds in (300, 40):
        add_try(DeliveryFactory(endpoint=endpoint), at=ago(seconds=seconds))
    assert read()["delivery_last_try_age_seconds"] == pytest.approx(40, abs=5)


@pytest.mark.parametrize(
    ("minutes", "failed", "is_failing"), [(11, 3, 1), (11, 2, 0), (9, 3, 0)], ids=["fails", "few", "recent"]
)
def test_endpoint_fails_after_a_while_with_several_messages(
    minutes: int, failed: int, is_failing: int
) -> None:
    endpoint = EndpointFactory(failing_since=ago(minutes=minutes))
    for _ in range(failed):
        add_try(DeliveryFactory(endpoint=endpoint, tries=1), at=ago(minutes=1))
    assert read()["endpoints_failing"] == is_failing


def test_failures_before_the_last_success_do_not_count() -> None:
    """Messages of last week's outage still wait for a person. Since then one lead was refused."""
    endpoint = EndpointFactory(failing_since=ago(minutes=20))
    for days in (7, 7, 7, 0):
        delivery = DeliveryFactory(endpoint=endpoint, state="unknown", next_try_at=None, tries=1)
        add_try(delivery, at=ago(days=days, minutes=15))
    assert read()["endpoints_failing"] == 0


def test_endpoint_with_a_pile_that_nobody_could_try_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(deliveries.VALUES, "newest", 2)
    endpoint = EndpointFactory(failing_since=ago(minutes=20))
    DeliveryFactory.create_batch(3, endpoint=endpoint)
    assert read()["endpoints_failing"] == 1
    Endpoint.objects.update(active=False)
    assert read()["endpoints_failing"] == 0


@pytest.mark.parametrize(
    ("outcomes", "is_failing"),
    [(["timeout", "error", "timeout"], 1), (["timeout", "bid", "timeout"], 0), (["timeout"], 0)],
)
def test_ping_endpoint_fails_if_its_buyer_answers_in_no_auction(outcomes: list[str], is_failing: int) -> None:
    endpoint = PingEndpointFactory(failing_since=ago(minutes=20))
    for outcome in outcomes:
        add_bid(endpoint, outcome=outcome, at=ago(minutes=10))
    add_bid(PingEndpointFactory(), outcome="timeout", at=ago(minutes=10))
    assert read()["endpoints_failing"] == is_failing
    assert read()["endpoints"] == 2


def test_unknown_message_waits_since_its_last_try() -> None:
    endpoint = EndpointFactory()
    for hours in (1, 5):
        delivery = DeliveryFactory(endpoint=endpoint, state="unknown", next_try_at=None, tries=1)
        add_try(delivery, at=ago(hours=hours))
    values = read()
    assert values["deliveries_unknown"] == 2
    assert values["delivery_oldest_unknown_age_seconds"] == pytest.approx(5 * 3_600, abs=5)


def test_open_hold_is_counted_until_it_ends() -> None:
    campaign = asking_campaign(buyers=1)
    lead = lead_of(campaign, at=datetime.now(UTC))
    distribute_lead(lead.pk)
    hold = open_hold(lead)
    plant("UPDATE distribution_assignment SET created_at = %s WHERE id = %s", [ago(hours=3), hold.pk])
    values = read()
    assert values["holds_open"] == 1
    assert values["hold_oldest_age_seconds"] == pytest.approx(3 * 3_600, abs=5)


def print_command(name: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command(name, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_commands_find_no_problem_in_an_empty_product() -> None:
    code, output = print_command("deliveries")
    assert code == 0
    assert "No endpoint has any." in output
    assert output.rstrip().endswith("No problems found.")
    assert print_command("returns") == (
        0,
        "Return requests that wait for review\nNo return request waits for review.\n",
    )


def test_command_names_the_endpoint_its_buyer_and_how_the_last_try_ended() -> None:
    write_deliverer_heartbeat("one", at=datetime.now(UTC))
    endpoint = EndpointFactory(name="CRM", buyer__name="Acme", failing_since=ago(minutes=1))
    add_try(DeliveryFactory(endpoint=endpoint, tries=1), at=ago(minutes=1))
    code, output = print_command("deliveries")
    assert code == 0
    [row] = [line.split() for line in output.splitlines() if "CRM" in line]
    assert row[1:6] == ["Acme", "CRM", "on", "1", "0"]
    assert row[-1] == "answer_timeout"


def test_halted_deliveries_are_a_problem_unless_a_message_was_tried() -> None:
    write_deliverer_heartbeat("one", at=datetime.now(UTC))
    endpoint = EndpointFactory()
    delivery = DeliveryFactory(endpoint=endpoint, next_try_at=ago(seconds=HALTED_SECONDS + 5))
    code, output = print_command("deliveries")
    assert code == 1
    assert "Problem: Due messages: 1. None was tried in the last 2 minutes." in output
    add_try(delivery, at=ago(seconds=5))
    assert print_command("deliveries")[0] == 0


def test_open_return_requests_are_counted_and_listed_by_buyer() -> None:
    for days in (1, 4):
        sale = sell()
        ReturnRequest.objects.create(
            assignment=sale,
            lead=sale.lead,
            buyer=sale.buyer,
            reason="bad_phone",
            requested_at=ago(days=days),
            requested_by="test",
        )
    values = read()
    assert values["return_requests_open"] == 2
    assert values["return_request_oldest_age_seconds"] == pytest.approx(4 * 86_400, abs=5)
    _, _, *rows = print_command("returns")[1].splitlines()
    assert len(rows) == 2
    assert all("bad_phone" in row for row in rows)


def sell() -> Assignment:
    enrollment = EnrollmentFactory(buyer__credits_cents=10_000)
    lead = LeadFactory(source__workspace=enrollment.campaign.workspace)
    distribute_lead(lead.pk)
    return Assignment.objects.get(lead=lead)
