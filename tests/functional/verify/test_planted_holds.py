"""Damage to holds is found: by every check that the oracle names, and by no other."""

from datetime import UTC, datetime

import pytest

from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment
from distribution.verify import run_verification
from tests.functional.verify import oracle
from tests.functional.verify.world import broken
from tests.support.holds import accept, asking_campaign, lead_of, open_hold, reject
from tests.support.planting import plant, without

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
LEDGER, ASSIGNMENT = "distribution_ledgerentry", "distribution_assignment"
DELIVERY = "distribution_delivery"
# The buyer's system rejected the second try, and no person ended the direct post.
TRIED = f"""
WITH post AS (
    UPDATE {DELIVERY} SET ended_by = '', tries = 2 WHERE assignment_id = {{{{rejected}}}} RETURNING id
)
INSERT INTO distribution_deliverytry (delivery_id, number, started_at, finished_at, outcome)
SELECT id, number, now(), now(), CASE number WHEN 1 THEN '{{first}}' ELSE 'rejected' END
FROM post, generate_series(1, 2) AS number
"""
PLANTED = {
    "held_without_a_hold": (
        "UPDATE distribution_wallet SET held_cents = held_cents + 1 WHERE buyer_id = {held_buyer}",
        {1},
    ),
    "hold_without_an_entry": (f"DELETE FROM {LEDGER} WHERE assignment_id = {{held}}", {1, 3}),
    "hold_of_another_amount": (
        f"UPDATE {LEDGER} SET amount_cents = amount_cents - 1 WHERE assignment_id = {{held}}",
        {1, 3},
    ),
    "capture_missing": (f"DELETE FROM {LEDGER} WHERE assignment_id = {{sold}} AND kind = 'capture'", {1, 3}),
    "release_missing": (
        f"DELETE FROM {LEDGER} WHERE assignment_id = {{rejected}} AND kind = 'release'",
        {1, 3},
    ),
    "released_while_it_waits": (
        f"UPDATE {LEDGER} SET assignment_id = {{held}} WHERE assignment_id = {{rejected}} AND kind = 'release'",
        {3},
    ),
    "captured_after_a_rejection": (
        f"UPDATE {LEDGER} SET assignment_id = {{rejected}} WHERE assignment_id = {{sold}} AND kind = 'capture'",
        {3},
    ),
    "hold_of_another_buyer": (
        f"UPDATE {LEDGER} SET assignment_id = CASE assignment_id WHEN {{held}} THEN {{other_held}} ELSE {{held}} END"
        f" WHERE assignment_id IN ({{held}}, {{other_held}})",
        {3},
    ),
    "settled_without_an_answer": (
        f"UPDATE {ASSIGNMENT} SET settled_at = NULL WHERE id = {{sold}}",
        {3, 6, 7},
    ),
    "posting_without_a_hold": (
        f"UPDATE {ASSIGNMENT} SET state = 'sold', settled_at = now() WHERE id = {{held}}",
        {1, 3, 4, 12, 14},
    ),
    "hold_of_a_finished_lead": (
        "UPDATE routing_lead SET status = 'failed', finished_at = now() WHERE id = {held_lead}",
        {4},
    ),
    "two_holds": (
        f"UPDATE {ASSIGNMENT} SET state = 'held', settled_at = NULL WHERE id = {{rejected}}",
        {1, 2, 3, 4, 12},
    ),
    "partly_sold_without_a_sale": (
        "UPDATE routing_lead SET is_partly_sold = TRUE WHERE id = {held_lead}",
        {4},
    ),
    "hold_that_timed_out": (
        f"UPDATE {LEDGER} SET expires_at = now() - interval '11 minutes' WHERE assignment_id = {{held}}",
        {14},
    ),
    "hold_without_a_direct_post": (f"DELETE FROM {DELIVERY} WHERE assignment_id = {{held}}", {12}),
    "hold_whose_direct_post_has_ended": (
        f"UPDATE {DELIVERY} SET state = 'rejected', next_try_at = NULL, ended_at = now(), end_reason = 'x'"
        " WHERE assignment_id = {held}",
        {12},
    ),
    "hold_asked_for_twice": (
        f"INSERT INTO {DELIVERY} (endpoint_id, assignment_id, lead_id, is_direct_post, next_try_at)"
        f" SELECT endpoint_id, assignment_id, lead_id, TRUE, now() FROM {DELIVERY} WHERE assignment_id = {{held}}",
        {12},
    ),
    "direct_post_after_the_release": (
        f"UPDATE {DELIVERY} SET state = 'pending', next_try_at = now(), ended_at = NULL"
        " WHERE assignment_id = {rejected}",
        {12},
    ),
    "accepted_by_a_buyer_whose_hold_was_released": (
        f"UPDATE {DELIVERY} SET state = 'accepted' WHERE assignment_id = {{rejected}}",
        {12},
    ),
    "rejected_though_another_try_may_have_arrived": (TRIED.format(first="unknown"), {12}),
    "rejected_though_a_lost_try_may_have_arrived": (TRIED.format(first="worker_lost"), {12}),
}
MAY_HAVE_ARRIVED = "is rejected, but another try of it may have arrived"
FOUND = {
    "hold_without_a_direct_post": "is held, but has no direct post",
    "hold_whose_direct_post_has_ended": "is held, but its direct post is rejected",
    "hold_asked_for_twice": "is held, but has 2 direct posts without an end",
    "direct_post_after_the_release": "still asks its buyer, but its sale is rejected",
    "accepted_by_a_buyer_whose_hold_was_released": "is accepted, but its sale is rejected",
    "rejected_though_another_try_may_have_arrived": MAY_HAVE_ARRIVED,
    "rejected_though_a_lost_try_may_have_arrived": MAY_HAVE_ARRIVED,
}


def build_holds() -> dict[str, int]:
    """One lead accepted, one rejected by the first of two buyers and held for the second, and one held."""
    campaign = asking_campaign(buyers=2)
    accepted, rejected, waiting = (lead_of(campaign, at=AT) for _ in range(3))
    for lead in (accepted, rejected, waiting):
        assert distribute_lead(lead.pk, at=AT).result == "posting"
    accept(open_hold(accepted), at=AT)
    reject(open_hold(rejected), at=AT, reason="Duplicate")
    assert distribute_lead(rejected.pk, at=AT).result == "posting"
    held = open_hold(waiting)
    return {
        "sold": Assignment.objects.get(lead=accepted).pk,
        "rejected": Assignment.objects.get(lead=rejected, state="rejected").pk,
        "held": held.pk,
        "held_lead": waiting.pk,
        "held_buyer": held.buyer_id,
        "other_held": open_hold(rejected).pk,
    }


@pytest.mark.usefixtures("committed_db")
def test_holds_without_damage_are_no_finding() -> None:
    build_holds()

    assert broken(run_verification()) == oracle.judge() == {}


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("first", ["not_sent", "rejected"])
def test_rejection_after_a_try_that_never_arrived_is_no_finding(first: str) -> None:
    names = build_holds()

    plant(TRIED.format(first=first).format(**names))

    assert broken(run_verification()) == oracle.judge() == {}


@pytest.mark.usefixtures("committed_db")
@pytest.mark.parametrize("name", PLANTED)
def test_damaged_hold_is_found(name: str) -> None:
    sql, numbers = PLANTED[name]
    names = build_holds()
    with (
        without("assignment_settled_at_fits_state", table=ASSIGNMENT),
        without("assignment_real_sale_is_counted", table=ASSIGNMENT),
        without("ledger_one_end_of_hold", table=LEDGER),
        without("ledger_one_charge_each", table=LEDGER),
    ):
        plant(sql.format(**names))

        found = broken(run_verification())
        again = broken(run_verification(incremental=True))

        assert oracle.select_judged(found) == oracle.judge()
        assert oracle.select_judged(again) == oracle.judge()
        assert set(found) == numbers
        assert FOUND.get(name, "") in "; ".join(found.get(12, []))
