"""poll, shadow, event: which process starts leads in each mode, how shadow compares, and how modes change."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from distribution.attempts.distribute import distribute_next_polled
from distribution.models import Campaign
from distribution.tasks import pick_up_due, process_leads
from routing.dispatch import modes, schedule
from routing.dispatch.control import clear_leader_heartbeat, write_leader_heartbeat
from routing.dispatch.enqueue import enqueue_now
from routing.dispatch.sizes import read_sizes
from routing.metrics.dispatch import SHADOW_COMPARED
from routing.models import DispatchMode, DispatchPath, Lead, Source, Workspace
from routing.queries import read_due_times
from routing.reconcile import Counts, find_reconciler, run_reconciler
from routing.redis import keys
from tests.support import switches
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, SourceFactory, enroll, issue_key
from tests.support.flushed_enqueuer import flushed_enqueuer
from tests.support.queues import read_published
from tests.support.race_leads import assert_verified, make_leads

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

HOUR = timedelta(hours=1)
HOLD_WALLETS = "SELECT 1 FROM distribution_wallet FOR UPDATE"


@pytest.fixture
def campaign() -> Campaign:
    campaign: Campaign = CampaignFactory(workspace__dispatch_mode="event")
    enroll(campaign, count=2, credits_cents=1_000_000)
    return campaign


def switch(campaign: Campaign, mode: DispatchMode) -> None:
    assert switches.change_mode(campaign.workspace_id, mode)
    modes.follow_mode(campaign.workspace_id)


def shadow_index(client: "redis.Redis[str]", campaign: Campaign) -> dict[int, int]:
    members = client.zrange(keys.shadow_of(campaign.workspace_id), 0, -1, withscores=True)
    return {int(member): int(score) for member, score in members}


def compared() -> dict[str, float]:
    return {
        sample.labels["result"]: sample.value
        for metric in SHADOW_COMPARED.collect()
        for sample in metric.samples
        if sample.name.endswith("_total") and sample.value
    }


def difference(before: dict[str, float]) -> dict[str, float]:
    return {
        name: value - before.get(name, 0) for name, value in compared().items() if value != before.get(name)
    }


def make_due(campaign: Campaign, *, count: int = 1, **fields: Any) -> list[int]:
    return make_leads(campaign, count=count, received_at=timezone.now() - HOUR, **fields)


# --- who starts what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "is_led", "starts"),
    [
        ("poll", True, True),
        ("shadow", True, True),
        ("event", True, False),
        ("event", False, True),  # no dispatcher lives, so the pick-up starts the leads
    ],
)
def test_pick_up_starts_only_what_no_dispatcher_starts(
    campaign: Campaign, mode: str, *, is_led: bool, starts: bool
) -> None:
    Workspace.objects.update(dispatch_mode=mode)
    make_due(campaign)
    write_leader_heartbeat("another-dispatcher", epoch=1, path=DispatchPath.REDIS)
    if not is_led:
        clear_leader_heartbeat("another-dispatcher")
    assert (distribute_next_polled().lead_id is not None) == starts


def test_silent_dispatcher_does_not_count(campaign: Campaign) -> None:
    make_due(campaign)
    write_leader_heartbeat("another-dispatcher", epoch=1, path=DispatchPath.REDIS)
    run_sql("UPDATE routing_dispatchcontrol SET seen_at = seen_at - interval '16 seconds'")
    assert distribute_next_polled().lead_id is not None


def run_sql(sql: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_existing_workspaces_stay_with_the_pick_up(settings: Any) -> None:
    """The database default is `poll`. The product uses the mode of the settings."""
    run_sql(
        "INSERT INTO routing_workspace (public_id, kind, slug, name, timezone, lead_ttl_days)"
        " VALUES (gen_random_uuid(), 'agency', 'old', 'Old', 'UTC', 90)"
    )
    assert Workspace.objects.get(slug="old").dispatch_mode == "poll"
    assert Workspace.objects.create(slug="new", name="New").dispatch_mode == "event"
    settings.LEADSWITCH_DISPATCH_MODE = "shadow"
    assert Workspace.objects.create(slug="newer", name="Newer").dispatch_mode == "shadow"


@pytest.mark.parametrize("mode", list(DispatchMode))
def test_intake_enqueues_by_mode(redis_client: "redis.Redis[str]", mode: DispatchMode) -> None:
    source: Source = SourceFactory(workspace__dispatch_mode=mode)
    client = Client(headers={"Authorization": f"Api-Key {issue_key(source)}"})
    body = {"zip": "30312", "email": "ada@example.com", "vertical": "roofing"}
    with flushed_enqueuer():
        assert client.post("/api/v1/leads/", body, content_type="application/json").status_code == 201
    lead = Lead.objects.get()
    sizes = read_sizes()
    in_schedule = sizes.inflight + sizes.waiting
    shadowed = redis_client.zcard(keys.shadow_of(source.workspace_id))
    messages = redis_client.llen(f"{keys_prefix()}:{keys_prefix()}")
    assert (in_schedule, shadowed, messages) == {
        DispatchMode.POLL: (0, 0, 1),
        DispatchMode.SHADOW: (0, 1, 1),
        DispatchMode.EVENT: (1, 0, 0),
    }[mode]
    assert read_published(redis_client) == ([lead.pk] if sizes.inflight else [])


def keys_prefix() -> str:
    return keys.schedule_key().split("}")[0].lstrip("{")


# --- shadow ---------------------------------------------------------------------------------------------------


def test_pick_up_is_compared_with_the_index(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    Workspace.objects.update(dispatch_mode="shadow")
    same, missing, early, late = make_due(campaign, count=4)
    enqueue_now(read_due_times([same, early, late]))
    known = shadow_index(redis_client, campaign)
    redis_client.zadd(
        keys.shadow_of(campaign.workspace_id),
        {str(early): known[early] - 1_000, str(late): known[late] + 1_000},
    )
    before = compared()
    process_leads([same, missing])
    pick_up_due()
    assert difference(before) == {"same": 1, "missing": 1, "earlier": 1, "later": 1}
    assert shadow_index(redis_client, campaign) == {}
    assert read_sizes().inflight == 0
    assert_verified()


def test_retry_is_in_the_index_at_its_new_time(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    Workspace.objects.update(dispatch_mode="shadow")
    [lead_id] = make_due(campaign)
    enqueue_now(read_due_times([lead_id]))
    with holding(HOLD_WALLETS):
        process_leads([lead_id])
    lead = Lead.objects.get(pk=lead_id)
    assert lead.next_attempt_at is not None
    assert shadow_index(redis_client, campaign) == {lead_id: schedule.to_ms(lead.next_attempt_at)}


def test_reconciler_keeps_the_shadow_index(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    Workspace.objects.update(dispatch_mode="shadow")
    due_at = timezone.now() + HOUR
    [lead_id] = make_due(campaign, next_attempt_at=due_at)
    long_ago = schedule.to_ms(timezone.now() - HOUR)
    redis_client.zadd(keys.shadow_of(campaign.workspace_id), {"987654321": long_ago})
    before = compared()
    assert reconcile() == Counts(checked=2, repaired=2)
    assert shadow_index(redis_client, campaign) == {lead_id: schedule.to_ms(due_at)}
    assert difference(before) == {"missing": 1, "extra": 1}
    assert reconcile() == Counts(checked=1)


def reconcile() -> Counts:
    return run_reconciler(find_reconciler("schedule"), fix=True)


# --- the ways between -----------------------------------------------------------------------------------------


def test_modes_change_forward_and_back(campaign: Campaign, redis_client: "redis.Redis[str]") -> None:
    due_at = timezone.now() + HOUR
    lead_ids = make_due(campaign, count=3, next_attempt_at=due_at)
    Workspace.objects.update(dispatch_mode="poll")
    whole = dict.fromkeys(lead_ids, schedule.to_ms(due_at))

    switch(campaign, DispatchMode.SHADOW)
    assert (shadow_index(redis_client, campaign), read_sizes().waiting) == (whole, 0)
    switch(campaign, DispatchMode.EVENT)
    assert (shadow_index(redis_client, campaign), read_sizes().waiting) == ({}, 3)
    switch(campaign, DispatchMode.SHADOW)
    assert (shadow_index(redis_client, campaign), read_sizes().waiting) == (whole, 0)
    switch(campaign, DispatchMode.POLL)
    assert (shadow_index(redis_client, campaign), read_sizes().waiting) == ({}, 0)
    assert not switches.change_mode(campaign.workspace_id, DispatchMode.POLL)


@pytest.mark.parametrize(("mode", "left"), [("poll", 0), ("shadow", 0), ("event", 2)])
def test_without_the_message_the_reconciler_changes_the_mode(
    campaign: Campaign, redis_client: "redis.Redis[str]", mode: str, left: int
) -> None:
    lead_ids = make_due(campaign, count=2, next_attempt_at=timezone.now() + HOUR)
    enqueue_now(read_due_times(lead_ids))
    redis_client.zadd(keys.shadow_of(campaign.workspace_id), {"1": 1})
    Workspace.objects.update(dispatch_mode=mode)
    reconcile()
    assert read_sizes().waiting == left
    expected = set(lead_ids) if mode == "shadow" else set()
    assert set(shadow_index(redis_client, campaign)) - {1} == expected


def test_lead_in_flight_ends_in_the_current_mode(
    campaign: Campaign, redis_client: "redis.Redis[str]"
) -> None:
    """It was enqueued in event mode, and the pick-up starts its retry."""
    [lead_id] = make_due(campaign)
    enqueue_now(read_due_times([lead_id]))
    assert read_published(redis_client) == [lead_id]
    Workspace.objects.update(dispatch_mode="poll")
    with holding(HOLD_WALLETS):
        process_leads([lead_id], is_leased=True)
    sizes = read_sizes()
    assert (sizes.inflight, sizes.waiting) == (0, 0)
    assert Lead.objects.get(pk=lead_id).due_reason == "tier_lock_contention"


def test_lead_started_in_both_ways_is_sold_once(campaign: Campaign) -> None:
    [lead_id] = make_due(campaign)
    enqueue_now(read_due_times([lead_id]))
    Workspace.objects.update(dispatch_mode="poll")
    pick_up_due()
    process_leads([lead_id], is_leased=True)
    assert Lead.objects.get(pk=lead_id).status == "distributed"
    assert read_sizes().inflight == 0
    assert_verified()
