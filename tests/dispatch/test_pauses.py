"""The switches: PostgreSQL decides, Redis mirrors, and the mirror is mended."""

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from distribution.distribute import distribute_next_due, distribute_next_polled
from routing import keys, pauses
from routing.control import read_control
from routing.models import Workspace
from routing.queries import count_polled
from routing.reconcile import Counts, find_reconciler, run_reconciler
from tests.concurrency.leads import make_leads
from tests.concurrency.racing import wait_until
from tests.factories import CampaignFactory, WorkspaceFactory, enroll

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

WHY = {"actor": "ops", "reason": "a doubt"}


def reconcile(*, fix: bool = True) -> Counts:
    return run_reconciler(find_reconciler("workspace_pauses"), fix=fix)


def paused_keys(client: "redis.Redis[str]") -> set[str]:
    return set(client.scan_iter(f"{keys.paused_key()}*"))


def test_the_product_is_paused_and_resumed(redis_client: "redis.Redis[str]") -> None:
    first = timezone.now()
    assert pauses.pause_product(at=first, **WHY)
    assert not pauses.pause_product(at=timezone.now(), **WHY)
    assert read_control().paused_at == first
    assert paused_keys(redis_client) == {keys.paused_key()}
    assert pauses.resume_product(**WHY)
    assert not pauses.resume_product(**WHY)
    assert read_control().paused_at is None
    assert paused_keys(redis_client) == set()


def test_a_workspace_is_paused_and_resumed(redis_client: "redis.Redis[str]") -> None:
    workspace = WorkspaceFactory()
    assert pauses.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
    assert not pauses.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
    assert paused_keys(redis_client) == {keys.workspace_paused_key(workspace.pk)}
    assert pauses.resume_workspace(workspace.pk, **WHY)
    assert not pauses.resume_workspace(workspace.pk, **WHY)
    assert paused_keys(redis_client) == set()


def test_resuming_wakes_the_dispatcher(redis_client: "redis.Redis[str]") -> None:
    with redis_client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(keys.wake_key())
        pauses.resume_product(**WHY)
        wait_until(lambda: channel.get_message(timeout=1) is not None, what="a word to the dispatcher")


def test_a_paused_product_starts_nothing_in_any_mode(redis_client: "redis.Redis[str]") -> None:
    """PITFALLS 50: one switch for all ways."""
    assert redis_client.ping()
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=1_000_000)
    make_leads(campaign, count=1)
    pauses.pause_product(at=timezone.now(), **WHY)
    assert distribute_next_due().lead_id is None
    assert distribute_next_polled().lead_id is None
    assert count_polled(limit=10) == 0
    pauses.resume_product(**WHY)
    assert distribute_next_polled().result == "success"


def test_a_mirror_that_differs_is_mended(redis_client: "redis.Redis[str]") -> None:
    """PITFALLS 49. Both ways: a pause that Redis misses, and one that it kept."""
    paused = WorkspaceFactory(paused_at=timezone.now())
    running = WorkspaceFactory()
    redis_client.set(keys.workspace_paused_key(running.pk), 1)
    redis_client.set(keys.paused_key(), 1)
    assert reconcile(fix=False) == Counts(checked=3, skipped=3)
    assert reconcile() == Counts(checked=3, repaired=3)
    assert paused_keys(redis_client) == {keys.workspace_paused_key(paused.pk)}
    assert reconcile() == Counts(checked=3)


def test_a_flush_is_mended(redis_client: "redis.Redis[str]") -> None:
    workspaces = WorkspaceFactory.create_batch(3, paused_at=timezone.now())
    pauses.pause_product(at=timezone.now(), **WHY)
    redis_client.flushall()
    assert reconcile() == Counts(checked=4, repaired=4)
    assert paused_keys(redis_client) == {
        keys.paused_key(),
        *(keys.workspace_paused_key(each.pk) for each in workspaces),
    }


def test_every_page_of_workspaces_is_looked_at(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.reconcile.workspace_pauses.WORKSPACES_A_PAGE", 2)
    WorkspaceFactory.create_batch(5)
    Workspace.objects.update(paused_at=timezone.now())
    assert reconcile() == Counts(checked=6, repaired=5)
    assert len(paused_keys(redis_client)) == 5
