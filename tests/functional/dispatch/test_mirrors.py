"""Redis applies switches in the order in which PostgreSQL changed them, for any order of messages."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from distribution.attempts.lease import distribute_leased
from routing.dispatch import mirror, modes, pauses, schedule
from routing.dispatch.schedule import Due, Leader
from routing.dispatcher.leader_tasks import catch_up
from routing.models import DispatchControl, DispatchMode, Lead, Workspace
from routing.reconcile import Counts, find_reconciler, run_reconciler
from routing.reconcile import schedule as schedule_reconciler
from routing.redis import keys
from tests.conftest import remove_keys
from tests.support import switches
from tests.support.factories import CampaignFactory, WorkspaceFactory, enroll
from tests.support.race_leads import make_leads

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

WHY = {"actor": "ops", "reason": "a doubt"}
HOUR = timedelta(hours=1)


def overtake(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, quick: Callable[[], object]) -> None:
    """Run all of `quick` between the first caller's reading and its call of `name`, which writes."""
    write = getattr(module, name)

    def write_late(*positional: Any, **named: Any) -> Any:
        monkeypatch.setattr(module, name, write)
        quick()
        return write(*positional, **named)

    monkeypatch.setattr(module, name, write_late)


def is_paused(client: "redis.Redis[str]", workspace_id: int | None) -> bool:
    key = keys.paused_key() if workspace_id is None else keys.workspace_paused_key(workspace_id)
    return bool(client.exists(key))


@pytest.mark.parametrize("is_whole", [True, False], ids=["product", "workspace"])
def test_late_pause_message_does_not_undo_the_resume(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch, *, is_whole: bool
) -> None:
    name = None if is_whole else WorkspaceFactory().pk
    overtake(
        monkeypatch, pauses, "write_pauses", lambda: pauses.switch(name, to=None, actor="ben", reason="over")
    )
    pauses.switch(name, to=timezone.now(), **WHY)
    assert not is_paused(redis_client, name)


def test_late_resume_message_does_not_undo_the_pause(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace_id = WorkspaceFactory(paused_at=timezone.now()).pk
    overtake(
        monkeypatch,
        pauses,
        "write_pauses",
        lambda: switches.pause_workspace(workspace_id, at=timezone.now(), **WHY),
    )
    switches.resume_workspace(workspace_id, **WHY)
    assert is_paused(redis_client, workspace_id)


def make_waiting(mode: DispatchMode) -> tuple[int, list[int]]:
    """A workspace in that mode, with leads that are due in an hour."""
    campaign = CampaignFactory(workspace__dispatch_mode=mode)
    leads = make_leads(
        campaign, count=3, received_at=timezone.now() - HOUR, next_attempt_at=timezone.now() + HOUR
    )
    return campaign.workspace_id, leads


def scheduled(client: "redis.Redis[str]", workspace_id: int) -> list[int]:
    return sorted(int(lead) for lead in client.zrange(keys.schedule_of(workspace_id), 0, -1))


@pytest.mark.parametrize("who", ["worker", "reconciler"])
def test_late_mode_message_does_not_drop_the_later_modes_leads(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """It was polled, and is event-driven when its schedule would be dropped."""
    workspace_id, leads = make_waiting(DispatchMode.POLL)

    def go_on() -> None:
        switches.change_mode(workspace_id, DispatchMode.EVENT)
        modes.follow_mode(workspace_id)

    if who == "worker":
        overtake(monkeypatch, modes, "drop_others", go_on)
        modes.follow_mode(workspace_id)
    else:
        overtake(monkeypatch, schedule_reconciler, "drop_others", go_on)
        run_reconciler(find_reconciler("schedule"), fix=True)
    assert scheduled(redis_client, workspace_id) == leads


def test_mirror_unknown_to_a_restored_database_is_overwritten(redis_client: "redis.Redis[str]") -> None:
    """Redis has later versions than a backup has, and no process is locked out."""
    polled, _ = make_waiting(DispatchMode.POLL)
    running = WorkspaceFactory().pk
    for name in (polled, running):
        version = Workspace.objects.get(pk=name).switch_version + 10**17
        redis_client.hset(keys.versions_key(), mapping={f"pause:{name}": version, f"mode:{name}": version})
    redis_client.set(keys.workspace_paused_key(running), 1)
    redis_client.zadd(keys.schedule_of(polled), {"77": 1})

    assert run_reconciler(find_reconciler("workspace_pauses"), fix=True) == Counts(checked=3, repaired=1)
    assert run_reconciler(find_reconciler("schedule"), fix=True).repaired == 1

    assert not is_paused(redis_client, running)
    assert not redis_client.exists(keys.schedule_of(polled))


def test_only_a_switch_raises_the_version() -> None:
    old = WorkspaceFactory()
    assert old.switch_version == 0
    versions = []
    for change in ({"paused_at": timezone.now()}, {"name": "new"}, {"dispatch_mode": "shadow"}):
        Workspace.objects.filter(pk=old.pk).update(**change)
        versions.append(Workspace.objects.get(pk=old.pk).switch_version)
    assert 0 < versions[0] == versions[1] < versions[2]
    old.save()  # an instance from before these switches
    assert Workspace.objects.get(pk=old.pk).switch_version > versions[2]
    DispatchControl.objects.create(paused_at=None)
    DispatchControl.objects.update(paused_at=timezone.now(), switch_version=1)
    assert DispatchControl.objects.get().switch_version > 1


class TestInFlight:
    """A worker has a lead, and its workspace is paused before the attempt begins."""

    def hand_out(self, leader: Leader) -> tuple[int, int]:
        campaign = CampaignFactory(workspace__dispatch_mode="event")
        enroll(campaign, count=1, credits_cents=1_000_000)
        [lead_id] = make_leads(campaign, count=1)
        assert Lead.objects.get(pk=lead_id).next_attempt_at is not None
        schedule.put([Due(lead_id, campaign.workspace_id, timezone.now() - HOUR)])
        assert schedule.claim_batch(leader, limit=10).leads == []  # it went directly to a ready queue
        return lead_id, campaign.workspace_id

    @pytest.mark.parametrize("is_mirrored", [True, False], ids=["mirrored", "not mirrored"])
    def test_lead_is_claimed_when_the_workspace_is_resumed(
        self, redis_client: "redis.Redis[str]", leader: Leader, *, is_mirrored: bool
    ) -> None:
        lead_id, workspace_id = self.hand_out(leader)
        switches.pause_workspace(workspace_id, at=timezone.now(), **WHY)
        if not is_mirrored:
            redis_client.delete(keys.workspace_paused_key(workspace_id), keys.versions_key())

        distribute_leased(lead_id)

        assert is_paused(redis_client, workspace_id)
        assert schedule.claim_batch(leader, limit=10).leads == []  # nothing is claimed again and again
        switches.resume_workspace(workspace_id, **WHY)
        assert [each.lead_id for each in schedule.claim_batch(leader, limit=10).leads] == [lead_id]

    def test_lead_is_claimed_when_the_product_is_resumed(
        self, redis_client: "redis.Redis[str]", leader: Leader
    ) -> None:
        lead_id, _ = self.hand_out(leader)
        switches.pause_product(at=timezone.now(), **WHY)
        distribute_leased(lead_id)
        assert is_paused(redis_client, None)
        assert schedule.claim_batch(leader, limit=10).leads == []
        switches.resume_product(**WHY)
        assert [each.lead_id for each in schedule.claim_batch(leader, limit=10).leads] == [lead_id]


def test_new_leader_copies_pauses_first(redis_client: "redis.Redis[str]") -> None:
    workspace = WorkspaceFactory(paused_at=timezone.now())
    switches.pause_product(at=timezone.now(), **WHY)
    remove_keys(redis_client)
    list(catch_up())
    assert is_paused(redis_client, None)
    assert is_paused(redis_client, workspace.pk)


def test_dropped_keys_are_freed_in_the_background(redis_client: "redis.Redis[str]") -> None:
    """DEL of a million leads blocks Redis for an eighth of a second."""
    workspace_id = 7
    names = [keys.schedule_of(workspace_id), keys.shadow_of(workspace_id)]
    for name in names:
        redis_client.zadd(name, {"1": 1})
    commands = []
    with redis_client.monitor() as monitor:
        mirror.drop_others(workspace_id, mode="poll", version=1)
        redis_client.echo("the end")
        for command in monitor.listen():
            commands.append(command["command"])
            if command["command"] == "ECHO the end":
                break
    assert {f"UNLINK {name}" for name in names} <= set(commands)
    assert not [each for each in commands if each.startswith("DEL ")]
