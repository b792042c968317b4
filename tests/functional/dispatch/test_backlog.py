"""`reconcile schedule`: lost leads are restored at their due times, and a whole backlog without a stampede."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as product_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from distribution.models import Campaign
from routing.dispatch import backlog, schedule, spread
from routing.dispatch.schedule import Due
from routing.dispatch.sizes import read_sizes
from routing.dispatch.spread import Spread
from routing.metrics.dispatch import BACKLOG_LEADS, BACKLOG_MOST_PER_SECOND, BACKLOG_SPREAD_SECONDS
from routing.models import DispatchMode, Lead
from routing.reconcile import Counts, find_reconciler, run_reconciler
from routing.redis import keys
from tests.conftest import remove_keys
from tests.support.factories import CampaignFactory
from tests.support.race_leads import make_leads
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import redis

AT = datetime(2026, 3, 2, 17, tzinfo=UTC)
HOUR = timedelta(hours=1)
PACE = 1_000  # leads per second


@pytest.fixture
def campaign(committed_db: None, redis_client: "redis.Redis[str]") -> Campaign:  # noqa: ARG001
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode="event")
    return campaign


def reconcile(*, fix: bool = True, limit: int = 2**31) -> Counts:
    return run_reconciler(find_reconciler("schedule"), fix=fix, limit=limit)


def make_old_leads(campaign: Campaign, *, count: int, **fields: Any) -> list[int]:
    """Old enough that no process is still about to enqueue them."""
    received_at = timezone.now() - HOUR
    return make_leads(campaign, count=count, received_at=received_at, **fields)


def scores(client: "redis.Redis[str]", campaign: Campaign) -> dict[int, float]:
    members = client.zrange(keys.schedule_of(campaign.workspace_id), 0, -1, withscores=True)
    return {int(member): score for member, score in members}


@pytest.mark.finds("schedule")
def test_lost_leads_are_found_and_restored_at_their_due_times(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    """A lead that is pending without a due time is an orphan. The reconciler must find it."""
    later_at = timezone.now() + HOUR
    due = make_old_leads(campaign, count=3)
    later = make_old_leads(campaign, count=2, next_attempt_at=later_at)
    make_old_leads(campaign, count=1, status="failed", next_attempt_at=None, finished_at=timezone.now())
    make_old_leads(campaign, count=1, paused_at=timezone.now())

    reported = reconcile(fix=False)
    assert reported == Counts(checked=5, skipped=5)
    assert scores(redis_client, campaign) == {}
    repaired = reconcile()
    assert repaired == Counts(checked=5, repaired=5)
    for counts in (reported, repaired):
        assert set(counts.named) == {f"lead {lead_id}" for lead_id in (*due, *later)}
    assert {lead_id: scores(redis_client, campaign)[lead_id] for lead_id in later} == dict.fromkeys(
        later, schedule.to_ms(later_at)
    )
    sizes = read_sizes()
    assert sizes.waiting + sizes.inflight == len(due) + len(later)
    assert reconcile() == Counts(checked=5)


def test_leads_in_a_ready_queue_are_not_lost(campaign: Campaign) -> None:
    """A lead that waits in a ready queue is not lost, and must not be enqueued twice."""
    [lead_id] = make_old_leads(campaign, count=1)
    lead = Lead.objects.get(pk=lead_id)
    schedule.put([Due(lead_id, lead.workspace_id, lead.received_at)])
    assert reconcile() == Counts(checked=1)


def test_young_leads_may_still_be_on_their_way(campaign: Campaign) -> None:
    make_leads(campaign, count=3)
    assert reconcile() == Counts()


def test_wrong_time_is_corrected(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    """The row is due in an hour, but the index has tomorrow."""
    in_an_hour = timezone.now() + HOUR
    [lead_id] = make_old_leads(campaign, count=1, next_attempt_at=in_an_hour)
    schedule.put([Due(lead_id, campaign.workspace_id, in_an_hour + 24 * HOUR)])
    assert reconcile() == Counts(checked=1, repaired=1)
    assert scores(redis_client, campaign) == {lead_id: schedule.to_ms(in_an_hour)}


def test_healthy_pile_hides_nothing(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many leads with the same due time, page by page."""
    monkeypatch.setattr("routing.reconcile.schedule.LEADS_PER_PAGE", 10)
    lead_ids = make_old_leads(campaign, count=55, next_attempt_at=timezone.now() + HOUR)
    assert reconcile() == Counts(checked=55, repaired=55)
    schedule.withdraw([(lead_ids[-1], campaign.workspace_id)])
    assert reconcile(limit=20) == Counts(checked=20)
    assert reconcile() == Counts(checked=55, repaired=1)


def test_polled_workspaces_are_ignored(campaign: Campaign) -> None:
    campaign.workspace.dispatch_mode = DispatchMode.POLL
    campaign.workspace.save()
    make_old_leads(campaign, count=2)
    assert reconcile() == Counts()


def test_page_is_in_due_order_and_ends_at_a_time(campaign: Campaign) -> None:
    now = timezone.now()
    last, first, middle = (
        make_old_leads(campaign, count=1, next_attempt_at=now + number * HOUR)[0] for number in (3, 1, 2)
    )
    found = [each.lead_id for each in backlog.scan_running(DispatchMode.EVENT).read_page()]
    assert found == [first, middle, last]
    page = backlog.scan_running(DispatchMode.EVENT).read_page(until=now + 2.5 * HOUR)
    until = [each.lead_id for each in page]
    assert until == [first, middle]


# --- no stampede ----------------------------------------------------------------------------------------------


def delays_of(count: int, *, overdue: timedelta = HOUR) -> list[float]:
    spread = Spread(seed=1)
    return [spread.place(Due(number, 1, AT - overdue), at=AT).wait_ms / 1000 for number in range(count)]


def test_hundred_thousand_leads_are_restored_evenly() -> None:
    """The more leads, the later they are due: never earlier, and never more than a second's worth per second."""
    delays = delays_of(100_000)
    a_second = Counter(int(delay) for delay in delays)
    assert min(delays) >= 0
    assert max(delays) == pytest.approx(100_000 / PACE, abs=1)
    assert max(a_second.values()) <= 1.02 * PACE
    report = product_settings.VAR_DIR / "reports" / "backlog_spread.json"
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps({"leads": len(delays), "leads_by_second": dict(sorted(a_second.items()))}))


def test_control_fixed_jitter_causes_a_stampede() -> None:
    """Two seconds for all leads."""
    fixed = Counter(int(2 * number / 100_000) for number in range(100_000))
    assert max(fixed.values()) == 50_000


def test_few_leads_hardly_wait() -> None:
    assert max(delays_of(10)) < 0.05


def test_backlog_beyond_the_longest_spread_starts_over() -> None:
    longest = product_settings.LEADSWITCH_TUNING.longest_spread_seconds
    delays = delays_of(2 * (longest - 1) * PACE)
    assert max(delays) < longest
    assert max(Counter(int(delay) for delay in delays).values()) < 2.1 * PACE


def test_lead_that_is_not_due_keeps_its_time() -> None:
    lead = Due(1, 1, AT + HOUR)
    assert Spread(seed=1).place(lead, at=AT) == lead


# --- a part in each run -----------------------------------------------------------------------------------------


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setattr("routing.reconcile.schedule.LEADS_PER_PAGE", 4)
    settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, sweep_leads=10)


def make_scheduled(campaign: Campaign, *, count: int, due_at: datetime) -> list[int]:
    lead_ids = make_old_leads(campaign, count=count, next_attempt_at=due_at)
    schedule.put([Due(lead_id, campaign.workspace_id, due_at) for lead_id in lead_ids])
    return lead_ids


@pytest.mark.usefixtures("small_parts")
def test_run_reads_what_is_due_soon_and_a_part_of_the_rest(campaign: Campaign) -> None:
    """The far future costs each run the same, no matter how many leads it has."""
    now = timezone.now()
    make_scheduled(campaign, count=5, due_at=now + timedelta(minutes=5))
    make_scheduled(campaign, count=33, due_at=now + HOUR)

    def run() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as queries:
            checked = reconcile().checked
        return checked, sum("routing_lead" in query["sql"] for query in queries)

    assert [run() for _ in range(4)] == [(15, 7)] * 4
    make_scheduled(campaign, count=200, due_at=now + 2 * HOUR)
    assert run() == (15, 7)
    assert reconcile(fix=False).checked == 238


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("lost", [0, 9, 10, 17, 32])
def test_round_reaches_every_lead(campaign: Campaign, lost: int) -> None:
    other: Campaign = CampaignFactory(workspace__dispatch_mode="event")
    far_at = timezone.now() + HOUR
    lead_ids = [
        *((lead_id, campaign) for lead_id in make_scheduled(campaign, count=16, due_at=far_at)),
        *((lead_id, other) for lead_id in make_scheduled(other, count=17, due_at=far_at)),
    ]
    reconcile()
    lead_id, owner = lead_ids[lost]
    schedule.withdraw([(lead_id, owner.workspace_id)])

    assert sum(reconcile().repaired for _ in range(4)) == 1


@pytest.mark.usefixtures("small_parts")
def test_lost_lead_due_soon_is_found_by_the_next_run(campaign: Campaign) -> None:
    """At any position of the round, and with any pile of later leads."""
    now = timezone.now()
    make_scheduled(campaign, count=40, due_at=now + HOUR)
    reconcile()
    make_old_leads(campaign, count=1, next_attempt_at=now + timedelta(minutes=9))
    make_old_leads(campaign, count=1, next_attempt_at=now - timedelta(minutes=9))

    assert reconcile().repaired == 2


@pytest.mark.usefixtures("small_parts")
def test_pile_of_a_paused_workspace_is_read_part_by_part(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    """When it is resumed, a worker enqueues its leads at once, and the next run finds them due soon."""
    campaign.workspace.paused_at = timezone.now()
    campaign.workspace.save()
    make_old_leads(campaign, count=25)

    assert [reconcile().repaired for _ in range(4)] == [10, 10, 5, 0]
    sizes = read_sizes()
    assert sizes.waiting + sizes.inflight == 25
    remove_keys(redis_client)
    campaign.workspace.paused_at = None
    campaign.workspace.save()
    assert reconcile().repaired == 25


@pytest.mark.usefixtures("small_parts")
def test_flush_restarts_the_round(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    make_scheduled(campaign, count=25, due_at=timezone.now() + HOUR)
    reconcile()
    remove_keys(redis_client)

    assert [reconcile().repaired for _ in range(4)] == [10, 10, 5, 0]


# --- the gauges of a spread -------------------------------------------------------------------------------------


def gauges() -> tuple[float, float, float]:
    shown = (BACKLOG_LEADS, BACKLOG_SPREAD_SECONDS, BACKLOG_MOST_PER_SECOND)
    leads, seconds, most = (each._value.get() for each in shown)
    return leads, seconds, most


def put_back(campaign: Campaign, numbers: range, *, restored: Spread) -> None:
    """Overdue leads of this workspace, lost in Redis."""
    at = timezone.now()
    due = [Due(number, campaign.workspace_id, at - HOUR) for number in numbers]
    backlog.requeue_leads(due, spread=restored, at=at)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> spread.SpreadGauges:
    gauges = spread.SpreadGauges()
    monkeypatch.setattr(backlog, "GAUGES", gauges)
    monkeypatch.setattr(gauges, "_start", lambda _: None)  # the test calls it
    return gauges


def test_spread_after_a_loss_is_exported_until_it_is_over(
    campaign: Campaign, settings: Any, shown: spread.SpreadGauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEADSWITCH_TUNING = replace(settings.LEADSWITCH_TUNING, backlog_leads_per_second=10)
    large, small = Spread(seed=1), Spread(seed=2)
    put_back(campaign, range(100, 130), restored=large)
    put_back(campaign, range(130, 150), restored=large)
    assert gauges() == (50, large.longest_seconds, large.most_per_second)
    assert large.longest_seconds == pytest.approx(4.95, abs=0.06)
    assert 9 <= large.most_per_second <= 11

    put_back(campaign, range(200, 203), restored=small)
    assert gauges()[0] == 50  # the larger one is in progress

    shown.clear_if_over()
    assert gauges()[0] == 50
    monkeypatch.setattr(shown, "_until", 0.0)
    shown.clear_if_over()
    assert gauges() == (0, 0, 0)

    put_back(campaign, range(203, 206), restored=small)
    assert gauges()[0] == 6


def test_gauges_return_to_zero_by_themselves(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "MIN_SHOWN_SECONDS", 0.05)
    monkeypatch.setattr(backlog, "GAUGES", spread.SpreadGauges())
    BACKLOG_LEADS.set(7)  # only the end sets 0
    put_back(campaign, range(100, 103), restored=Spread(seed=1))
    wait_until(lambda: gauges() == (0, 0, 0), what="the gauges are 0")


def test_leads_that_are_not_due_are_no_backlog(campaign: Campaign, shown: spread.SpreadGauges) -> None:
    before, at, restored = gauges(), timezone.now(), Spread(seed=1)
    backlog.requeue_leads([Due(1, campaign.workspace_id, at + HOUR)], spread=restored, at=at)
    assert restored.backlog == shown._backlog == 0
    assert gauges() == before


def test_two_workspaces_count_into_one_second() -> None:
    restored = Spread(seed=1)
    for number in range(200):
        restored.place(Due(number, 1 + number % 2, AT - HOUR), at=AT)
    assert restored.most_per_second == restored.backlog == 200
