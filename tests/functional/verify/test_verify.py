"""What verify counts as a breach and what it does not, on one snapshot of the database."""

import pytest
from django.db import connection, connections

from distribution.models import Assignment, Buyer, Campaign, Enrollment
from distribution.verify import Invariant, run_verification
from distribution.verify.findings import MAX_EXAMPLES
from tests.functional.verify.world import ALL_NUMBERS, World, broken
from tests.support.factories import EnrollmentFactory, LeadFactory
from tests.support.planting import plant
from tests.support.returning import return_assignment


@pytest.mark.usefixtures("world")
def test_all_invariants_hold_after_real_sales() -> None:
    report = run_verification()

    assert broken(report) == {}
    assert {invariant.number: findings.checked for invariant, findings in report.results} == {
        1: 3 + 3 + 6 + 1,  # wallets, top-ups, charges, refund
        2: 5,
        3: 6,
        4: 5,
        5: 5,
        6: 4,
        7: 4,
        8: 3,
        9: 5 + 4 * 8 + 2,
        10: 6,
        11: 1,
        12: 6,
        13: 0,
        14: 3,
        15: 0,
    }
    assert [note for _, findings in report.results for note in findings.notes] == []


def test_wide_breach_is_counted_in_full_and_shown_in_part(world: World) -> None:
    for _ in range(MAX_EXAMPLES + 5):
        LeadFactory(
            source=world.sold.source,
            status="distributed",
            next_attempt_at=None,
            finished_at="2026-01-01T00:00Z",
        )

    [due] = [findings for invariant, findings in run_verification().results if invariant.number == 4]

    assert due.breaches == MAX_EXAMPLES + 5
    assert len(due.examples) == MAX_EXAMPLES


def test_sale_past_a_cap_is_found(world: World) -> None:
    """A sale that the current version did not allow, with counters that count it correctly."""
    enrollment = world.campaign.enrollments.earliest("id")
    snapshot = (
        "UPDATE distribution_campaignsnapshot SET config = jsonb_set(config, '{enrollments,0,%s}', '%s')"
    )
    plant(snapshot % ("caps,day", 1))
    plant(snapshot % ("budgets,month", 4_999))

    found = broken(run_verification())

    last = Assignment.objects.filter(enrollment=enrollment).latest("id")
    sale = f"enrollment {enrollment.pk}: assignment {last.pk}"
    assert f"{sale} is lead 2 of its day, but the cap was 1" in found[8]
    assert f"{sale} brings its month to 5000 cents, but the budget was 4999" in found[8]
    assert len(found[8]) == 2


def test_lowered_limits_are_no_breach(world: World) -> None:
    Campaign.objects.filter(pk=world.campaign.pk).update(max_buyers=1)
    world.campaign.enrollments.update(cap_day=0, budget_month_cents=0)

    assert broken(run_verification()) == {}


def test_moved_buyer_and_reenrollment_are_no_breach(world: World) -> None:
    enrollment = world.campaign.enrollments.earliest("id")
    counted = Assignment.objects.filter(buyer=enrollment.buyer_id, is_counted=True).count()
    Buyer.objects.filter(pk=enrollment.buyer_id).update(timezone="Pacific/Honolulu")
    Enrollment.objects.filter(pk=enrollment.pk).delete()
    again = EnrollmentFactory(campaign=world.campaign, buyer=enrollment.buyer, tier=enrollment.tier)

    assert counted > 0
    assert Enrollment.objects.get(pk=again.pk).month_leads == counted
    assert broken(run_verification()) == {}


def test_return_may_or_may_not_reduce_the_counters(world: World) -> None:
    """The campaign's setting at the time of the return decides."""
    restored = Assignment.objects.filter(lead=world.sold).latest("id")
    Campaign.objects.filter(pk=world.campaign.pk).update(returns_restore_caps=False)
    return_assignment(restored.public_id, actor="test", reason="wrong number")
    Campaign.objects.filter(pk=world.campaign.pk).update(returns_restore_caps=True)

    assert broken(run_verification()) == {}


def test_person_named_like_a_place_is_no_breach(world: World) -> None:
    """First name and city are both Jackson; a condition may read the city."""
    plant(
        "UPDATE tracing_attempt SET facts = jsonb_set(facts, '{lead,fields}', facts #> '{lead,fields}'"
        ' || \'{"city": "Jackson"}\') WHERE lead_id = %s',
        [world.sold.pk],
    )
    plant(
        'UPDATE tracing_leaddistributionevent SET data = \'{"required": ["Fulton"]}\' WHERE lead_id = %s AND seq = 1',
        [world.sold.pk],
    )

    assert broken(run_verification()) == {}


def test_trace_that_could_not_be_written_is_a_note(world: World) -> None:
    plant("DELETE FROM tracing_leaddistributionevent WHERE attempt_id = %s", [world.attempt.pk])
    plant("DELETE FROM tracing_attempt WHERE id = %s", [world.attempt.pk])

    report = run_verification()

    assert broken(report) == {}
    assert [note for _, findings in report.results for note in findings.notes] == [
        "1 attempt has no trace, because it could not be written"
    ]


def test_number_and_noun_of_a_message_agree(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.returned.pk])

    assert broken(run_verification()) == {4: [f"lead {world.returned.pk}: is failed, but has 1 live sale"]}


def test_limit_reads_only_the_newest_leads(world: World) -> None:
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])

    assert broken(run_verification(limit=4)) == {}
    assert sorted(broken(run_verification(limit=5))) == [4]


@pytest.mark.usefixtures("world")
def test_verify_changes_nothing() -> None:
    """The transaction is read-only: PostgreSQL itself would refuse a write."""
    modes = []

    class Spy:
        def begin(self, _: object, *, parts: int) -> None:  # noqa: ARG002 - the signature of Progress
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
                )
                modes.append(cursor.fetchone())

        def advance(self, *_: object, **__: object) -> None:
            pass

    run_verification(progress=Spy())

    assert modes == [("repeatable read", "on")] * len(ALL_NUMBERS)


def test_concurrent_sale_is_not_a_breach(world: World) -> None:
    """Later checks do not see a commit between two checks: one snapshot for all."""
    lead = LeadFactory(source=world.sold.source)

    class Spy:
        def begin(self, invariant: Invariant, *, parts: int) -> None:  # noqa: ARG002 - the signature of Progress
            if invariant.number == 3:
                with connections["verdict"].cursor() as cursor:
                    cursor.execute("UPDATE distribution_wallet SET balance_cents = balance_cents + 1")
                    cursor.execute(
                        "UPDATE routing_lead SET status = 'gated', next_attempt_at = NULL WHERE id = %s",
                        [lead.pk],
                    )

        def advance(self, *_: object, **__: object) -> None:
            pass

    assert broken(run_verification(progress=Spy())) == {}
    assert sorted(broken(run_verification())) == [1, 4, 14]


@pytest.mark.usefixtures("world")
def test_decisions_of_another_engine_are_reported_and_not_replayed() -> None:
    plant("UPDATE tracing_attempt SET facts = jsonb_set(facts, '{engine}', '1') WHERE facts ? 'engine'")

    report = run_verification()

    assert broken(report) == {}
    [again] = [findings for invariant, findings in report.results if invariant.number == 7]
    assert again.checked == 0
    assert again.notes == ["4 decisions of another engine version were not replayed"]
