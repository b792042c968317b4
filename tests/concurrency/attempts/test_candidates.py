"""An attempt holds the locks of buyers that it can use, and of no others."""

import pytest
from django.db import connection, transaction

from distribution import locks
from distribution.attempts.distribute import distribute_lead
from distribution.models import Assignment, Campaign, Enrollment
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, enroll
from tests.support.interleaving import SECONDS, Stopped
from tests.support.race_leads import assert_verified, make_leads, store_snapshot
from tests.support.racing import in_background
from tests.support.waiting import fetch_value

pytestmark = pytest.mark.usefixtures("committed_db")

HOLD_WALLET = "SELECT FROM distribution_wallet WHERE buyer_id = %s FOR NO KEY UPDATE"
ORDERS = pytest.mark.parametrize("order", ["w, e", "e, w"], ids=["wallet first", "control"])


@pytest.fixture
def campaign() -> Campaign:
    """The second buyer ranks before the first."""
    campaign: Campaign = CampaignFactory(mode="priority", price_cents=100)
    for priority in (1, 2):
        enroll(campaign, count=1, credits_cents=10_000, priority=priority)
    store_snapshot(campaign)
    return campaign


def in_this_order(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    for name in ("LOCK_CANDIDATES", "WAIT_FOR_CANDIDATES"):
        monkeypatch.setattr(locks, name, getattr(locks, name).replace("OF w, e", f"OF {order}"))


def count_free(enrollment: Enrollment) -> int:
    """1 while the row is not locked, else 0."""
    free = "SELECT FROM distribution_enrollment WHERE id = %s FOR NO KEY UPDATE SKIP LOCKED"
    return int(fetch_value(f"WITH free AS ({free}) SELECT count(*) FROM free", [enrollment.pk]))


@ORDERS
def test_busy_wallet_leaves_its_enrollment_free(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    in_this_order(monkeypatch, order)
    first, second = campaign.enrollments.order_by("pk")

    with holding(HOLD_WALLET, [first.buyer_id]), transaction.atomic():
        got = locks.lock_candidates([first.pk, second.pk], count=1)
        with in_background(lambda: [count_free(first), count_free(second)]) as free:
            pass

    assert got == {second.pk}
    assert free.result() == [1 if order == "w, e" else 0, 0]


@ORDERS
def test_next_lead_gets_the_skipped_buyer(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Another transaction holds the best buyer's wallet, so a slow lead skips this buyer. The wallet is released, and
    the next lead goes to this buyer. In the control the slow lead still holds the buyer's lock."""
    in_this_order(monkeypatch, order)
    best, other = campaign.enrollments.order_by("-priority")
    slow, next_one = make_leads(campaign, count=2)
    stopped = Stopped(monkeypatch)

    with holding(HOLD_WALLET, [best.buyer_id]) as elsewhere, in_background(lambda: distribute_lead(slow)):
        assert stopped.is_there.wait(SECONDS)
        elsewhere.rollback()
        outcome = distribute_lead(next_one)
        stopped.may_go_on.set()

    sold = dict(Assignment.objects.values_list("lead_id", "buyer_id"))
    if order == "w, e":
        assert sold == {slow: other.buyer_id, next_one: best.buyer_id}
    else:
        assert (outcome.result, outcome.skip_reason) == ("retry", "tier_lock_contention")
        assert sold == {slow: other.buyer_id}
    assert_verified()


def test_server_locks_in_the_order_of_the_clause(campaign: Campaign) -> None:
    """Why the clause is `OF w, e`: the server locks the wallet before the enrollment."""
    first = campaign.enrollments.earliest("pk")
    hold_enrollment = "SELECT FROM distribution_enrollment WHERE id = %s FOR NO KEY UPDATE"
    with holding(hold_enrollment, [first.pk]), transaction.atomic():
        assert locks.lock_candidates([first.pk], count=1) == frozenset()
        with in_background(lambda: _is_wallet_free(first)) as free:
            pass
    assert free.result() is False


def _is_wallet_free(enrollment: Enrollment) -> bool:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{HOLD_WALLET} SKIP LOCKED", [enrollment.buyer_id])
        return cursor.fetchone() is not None
