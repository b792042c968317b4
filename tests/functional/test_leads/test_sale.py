"""A test lead takes the whole way: real decisions and a trace, no money, no counters, no turn, no figure."""

import logging
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from prometheus_client import REGISTRY

from distribution.attempts.assign_by_hand import assign_within
from distribution.attempts.campaigns import CAMPAIGNS, run_with_snapshots
from distribution.attempts.distribute import distribute_lead
from distribution.explain.lead import explain
from distribution.explain.missed import list_missed
from distribution.models import Assignment, Enrollment, LedgerEntry, Wallet
from distribution.verify import run_verification
from routing.models import Lead
from tests.functional.verify.world import broken
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    enroll,
    person,
)
from tests.support.payables import booked, build_source
from tests.support.planting import plant
from tests.support.returning import return_assignment
from tracing.models import Attempt, AttemptHour
from tracing.rollups.counting import count_batch

pytestmark = pytest.mark.usefixtures("committed_db")

METRICS = (
    *("leadswitch_assignments_total", "leadswitch_charged_cents_total", "leadswitch_decision_seconds_count"),
    *(
        "leadswitch_returns_total",
        "leadswitch_returned_cents_total",
        "leadswitch_due_to_decision_seconds_count",
    ),
    "leadswitch_receipt_to_decision_seconds_count",
)


@pytest.fixture
def enrollment() -> Enrollment:
    CAMPAIGNS.clear()
    return EnrollmentFactory(campaign=CampaignFactory(), buyer__credits_cents=5_000, cap_day=1)


def new_lead(enrollment: Enrollment, **fields: Any) -> Lead:
    return LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace), is_test=True, **fields)


def read_counted(enrollment: Enrollment) -> tuple[Any, ...]:
    return (
        Enrollment.objects.filter(pk=enrollment.pk).values().get(),
        Wallet.objects.filter(buyer=enrollment.buyer).values().get(),
        list(LedgerEntry.objects.values_list("pk", flat=True)),
    )


def read_metrics() -> list[float | None]:
    return [REGISTRY.get_sample_value(name) for name in METRICS]


def test_sale_has_its_price_and_charges_nothing(enrollment: Enrollment) -> None:
    before, metrics = read_counted(enrollment), read_metrics()
    outcomes = [distribute_lead(new_lead(enrollment).pk) for _ in range(3)]

    assert [(each.result, each.charged_cents, len(each.assignments)) for each in outcomes] == [
        ("success", 0, 1)
    ] * 3
    sales = Assignment.objects.values_list("price_cents", "state", "is_test", "is_counted", "buyer_id")
    assert set(sales) == {(2_500, "sold", True, False, enrollment.buyer_id)}
    assert read_counted(enrollment) == before
    assert read_metrics() == metrics
    assert broken(run_verification()) == {}


def test_decision_is_the_real_one(enrollment: Enrollment) -> None:
    """The cap is used up: a real lead would wait, and so does the test lead."""
    real = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
    assert distribute_lead(real.pk).charged_cents == 2_500
    waiting = distribute_lead(new_lead(enrollment).pk)
    assert (waiting.result, waiting.skip_reason) == ("deferred", "all_buyers_capped")
    assert list_missed(enrollment.buyer, limit=5) == ([], None)


def test_trace_says_that_it_is_a_test(enrollment: Enrollment) -> None:
    lead = new_lead(enrollment)
    distribute_lead(lead.pk)
    explained = explain(Lead.objects.select_related("workspace", "source").get(pk=lead.pk))
    steps = [step.sentence for step in explained.attempts[0].steps]
    assert steps[0] == "Started as attempt 1 (first attempt). It is a test lead."
    assert steps[-1] == "Test: sold to 1 buyer for $25.00. No buyer was charged."
    assert explained.lead.is_test
    assert explained.sales[0].is_test
    assert explained.sales[0].sentence.endswith("It is a test: the buyer was not charged.")
    assert Attempt.objects.get().is_test


def test_no_roll_up_counts_it(enrollment: Enrollment) -> None:
    distribute_lead(new_lead(enrollment).pk)
    while count_batch(100)[1]:
        pass
    assert count_batch(100) == (0, False)
    assert AttemptHour.objects.count() == 0


def test_log_line_says_that_it_is_a_test(enrollment: Enrollment, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="routing"):
        distribute_lead(new_lead(enrollment).pk)
    [line] = [each for each in caplog.records if each.getMessage() == "routing.complete"]
    assert (line.is_test, line.buyers, line.charged_cents) == (True, 1, 0)  # type: ignore[attr-defined]


def test_return_moves_no_money(enrollment: Enrollment) -> None:
    before, metrics = read_counted(enrollment), read_metrics()
    lead = new_lead(enrollment)
    distribute_lead(lead.pk)
    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="a test")
    assert Assignment.objects.get().state == "returned"
    assert Lead.objects.get(pk=lead.pk).status == "returned"
    assert read_counted(enrollment) == before
    assert read_metrics() == metrics
    assert broken(run_verification()) == {}


def test_sale_by_hand_charges_nothing(enrollment: Enrollment) -> None:
    before = read_counted(enrollment)
    lead = new_lead(enrollment)
    sale = run_with_snapshots(lambda: assign_within(lead.pk, enrollment_id=enrollment.pk))
    assert (sale.price_cents, Assignment.objects.get().is_test) == (2_500, True)
    assert read_counted(enrollment) == before


def test_new_enrollment_does_not_continue_with_test_sales(enrollment: Enrollment) -> None:
    distribute_lead(new_lead(enrollment).pk)
    enrollment.delete()  # archived: it has a sale
    again = EnrollmentFactory(campaign=enrollment.campaign, buyer=enrollment.buyer)
    again.refresh_from_db()
    assert (again.counted_on, again.day_leads, again.last_assigned_at) == (None, 0, None)


def test_paused_campaign_sells_no_test_lead(enrollment: Enrollment) -> None:
    enrollment.buyer.paused_at = "2026-01-01T00:00Z"
    enrollment.buyer.save(update_fields=["paused_at"])
    assert distribute_lead(new_lead(enrollment).pk).skip_reason == "no_eligible_buyers"


def test_test_lead_waits_for_no_busy_buyer(enrollment: Enrollment) -> None:
    """It takes no lock, so no real lead finds a buyer busy because of it."""
    lead = new_lead(enrollment)
    distribute_lead(lead.pk)  # stores the snapshot
    with connection.execute_wrapper(_refuse_locks):
        assert distribute_lead(new_lead(enrollment).pk).result == "success"


def _refuse_locks(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
    assert "OF w, e" not in sql
    assert "distribution_wallet w" not in sql or "FOR NO KEY UPDATE" not in sql
    return execute(sql, params, many, context)


@pytest.mark.parametrize("table", ["routing_lead", "distribution_assignment"])
def test_test_cannot_become_real(enrollment: Enrollment, table: str) -> None:
    distribute_lead(new_lead(enrollment).pk)
    with (
        pytest.raises(IntegrityError, match="Send it again"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE {table} SET is_test = NOT is_test")


def test_test_lead_has_no_identity(enrollment: Enrollment) -> None:
    with pytest.raises(IntegrityError, match="lead_test_has_no_identity"), transaction.atomic():
        new_lead(enrollment, **person("ann@example.com"))


def test_verify_finds_money_of_a_test_sale(enrollment: Enrollment) -> None:
    distribute_lead(new_lead(enrollment).pk)
    sale, wallet = Assignment.objects.get(), Wallet.objects.get(buyer=enrollment.buyer)
    plant(
        "INSERT INTO distribution_ledgerentry (wallet_id, kind, amount_cents, balance_after_cents, idempotency_key,"
        f" assignment_id, actor, reason) VALUES ({wallet.pk}, 'charge', -2500, 2500, 'planted', {sale.pk}, 'x', '')"
    )
    plant(f"UPDATE distribution_wallet SET balance_cents = 2500 WHERE id = {wallet.pk}")
    entry = LedgerEntry.objects.latest("pk")
    assert broken(run_verification()) == {
        3: [f"ledger entry {entry.pk}: is a charge for a test sale"],
        14: [
            f"wallet {wallet.pk}: balance 2500, revenue 0 and payments -5000 sum to -2500 cents and not to 0"
        ],
    }


def test_verify_finds_a_real_sale_of_a_test_lead(enrollment: Enrollment) -> None:
    real = LeadFactory(source=SourceFactory(workspace=enrollment.campaign.workspace))
    distribute_lead(real.pk)
    plant(f"UPDATE routing_lead SET is_test = true WHERE id = {real.pk}")
    sale = Assignment.objects.get()
    assert broken(run_verification()) == {3: [f"assignment {sale.pk}: is a real sale of a test lead"]}


def test_real_lead_of_several_buyers_is_unchanged_beside_tests() -> None:
    campaign = CampaignFactory(max_buyers=2)
    enroll(campaign, count=2, credits_cents=10_000)
    source = SourceFactory(workspace=campaign.workspace)
    for is_test in (True, False, True):
        assert len(distribute_lead(LeadFactory(source=source, is_test=is_test).pk).assignments) == 2
    assert list(Wallet.objects.values_list("balance_cents", flat=True)) == [7_500, 7_500]


def test_nothing_is_owed_to_its_source(enrollment: Enrollment) -> None:
    source = build_source(enrollment.campaign, pays="share", share_bps=4_000)
    distribute_lead(LeadFactory(source=source, is_test=True).pk)
    return_assignment(Assignment.objects.get().public_id, actor="ann", reason="a test")
    assert booked(source) == []
    assert broken(run_verification()) == {}
