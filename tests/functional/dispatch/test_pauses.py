"""The switches: PostgreSQL decides, Redis mirrors, and the mirror is corrected."""

from datetime import datetime
from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.utils import timezone

from distribution.attempts.distribute import distribute_next_due, distribute_next_polled
from routing.dispatch import pauses
from routing.dispatch.control import read_control
from routing.models import DispatchControl, Workspace
from routing.queries import count_polled
from routing.reconcile import Counts, find_reconciler, run_reconciler
from routing.redis import keys
from tests.conftest import remove_keys
from tests.support import switches
from tests.support.blocking import holding
from tests.support.factories import CampaignFactory, WorkspaceFactory, enroll
from tests.support.race_leads import make_leads
from tests.support.racing import race
from tests.support.waiting import wait_until
from tracing import audit
from tracing.locks import is_lock_timeout
from tracing.models import AuditEntry

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db")

WHY = {"actor": "ops", "reason": "a doubt"}


def reconcile(*, fix: bool = True) -> Counts:
    return run_reconciler(find_reconciler("workspace_pauses"), fix=fix)


def paused_keys(client: "redis.Redis[str]") -> set[str]:
    return set(client.scan_iter(f"{keys.paused_key()}*"))


def test_product_is_paused_and_resumed(redis_client: "redis.Redis[str]") -> None:
    first = timezone.now()
    assert switches.pause_product(at=first, **WHY)
    assert not switches.pause_product(at=timezone.now(), **WHY)
    assert read_control().paused_at == first
    assert paused_keys(redis_client) == {keys.paused_key()}
    assert switches.resume_product(**WHY)
    assert not switches.resume_product(**WHY)
    assert read_control().paused_at is None
    assert paused_keys(redis_client) == set()


def test_workspace_is_paused_and_resumed(redis_client: "redis.Redis[str]") -> None:
    workspace = WorkspaceFactory()
    assert switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
    assert not switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
    assert paused_keys(redis_client) == {keys.workspace_paused_key(workspace.pk)}
    assert switches.resume_workspace(workspace.pk, **WHY)
    assert not switches.resume_workspace(workspace.pk, **WHY)
    assert paused_keys(redis_client) == set()


def test_resuming_wakes_the_dispatcher(redis_client: "redis.Redis[str]") -> None:
    with redis_client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe(keys.wake_key())
        switches.resume_product(**WHY)
        wait_until(lambda: channel.get_message(timeout=1) is not None, what="a word to the dispatcher")


def test_paused_product_starts_nothing_in_any_mode(redis_client: "redis.Redis[str]") -> None:
    """One switch stops all modes."""
    assert redis_client.ping()
    campaign = CampaignFactory()
    enroll(campaign, count=1, credits_cents=1_000_000)
    make_leads(campaign, count=1)
    switches.pause_product(at=timezone.now(), **WHY)
    assert distribute_next_due().lead_id is None
    assert distribute_next_polled().lead_id is None
    assert count_polled(limit=10) == 0
    switches.resume_product(**WHY)
    assert distribute_next_polled().result == "success"


@pytest.mark.finds("workspace_pauses")
def test_mirror_that_differs_is_corrected(redis_client: "redis.Redis[str]") -> None:
    """In both directions: a pause that Redis misses, and one that Redis still has."""
    paused = WorkspaceFactory(paused_at=timezone.now())
    running = WorkspaceFactory()
    redis_client.set(keys.workspace_paused_key(running.pk), 1)
    redis_client.set(keys.paused_key(), 1)
    reported = reconcile(fix=False)
    assert reported == Counts(checked=3, skipped=3)
    repaired = reconcile()
    assert repaired == Counts(checked=3, repaired=3)
    names = ("product", f"workspace {paused.pk}", f"workspace {running.pk}")
    assert reported.named == repaired.named == names
    assert paused_keys(redis_client) == {keys.workspace_paused_key(paused.pk)}
    assert reconcile() == Counts(checked=3)


def test_flush_is_repaired(redis_client: "redis.Redis[str]") -> None:
    workspaces = WorkspaceFactory.create_batch(3, paused_at=timezone.now())
    switches.pause_product(at=timezone.now(), **WHY)
    remove_keys(redis_client)
    assert reconcile() == Counts(checked=4, repaired=4)
    assert paused_keys(redis_client) == {
        keys.paused_key(),
        *(keys.workspace_paused_key(each.pk) for each in workspaces),
    }


def test_every_page_of_workspaces_is_checked(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.reconcile.workspace_pauses.WORKSPACES_PER_PAGE", 2)
    WorkspaceFactory.create_batch(5)
    Workspace.objects.update(paused_at=timezone.now())
    assert reconcile() == Counts(checked=6, repaired=5)
    assert len(paused_keys(redis_client)) == 5


def entries_of_switches() -> list[tuple[str, str, str, str, str, int | None]]:
    """The audit entries of switches, oldest first."""
    columns = ("actor", "action", "reason", "model", "object_id", "workspace_id")
    return list(AuditEntry.objects.order_by("pk").values_list(*columns))


@pytest.mark.usefixtures("redis_client")
class TestAudit:
    def test_product_switch_leaves_entries(self) -> None:
        at = timezone.now()
        switches.pause_product(at=at, actor="ann", reason=" a bad import ")
        switches.resume_product(actor="ben", reason="repaired")

        target = ("routing.dispatchcontrol", "1", None)
        assert entries_of_switches() == [
            ("ann", "pause", "a bad import", *target),
            ("ben", "resume", "repaired", *target),
        ]
        paused, resumed = AuditEntry.objects.order_by("pk")
        written = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        assert (paused.before, paused.after) == ({"paused_at": None}, {"paused_at": written})
        assert (resumed.before, resumed.after) == ({"paused_at": written}, {"paused_at": None})

    def test_workspace_switch_leaves_its_own_entries(self) -> None:
        workspace = WorkspaceFactory()
        switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
        switches.resume_workspace(workspace.pk, **WHY)

        target = ("routing.workspace", str(workspace.pk), workspace.pk)
        assert entries_of_switches() == [
            ("ops", "pause", "a doubt", *target),
            ("ops", "resume", "a doubt", *target),
        ]

    def test_repeated_switch_leaves_no_entry(self) -> None:
        workspace = WorkspaceFactory()
        for _ in range(2):
            switches.pause_product(at=timezone.now(), **WHY)
            switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
        for _ in range(2):
            switches.resume_product(**WHY)
            switches.resume_workspace(workspace.pk, **WHY)
        assert [each[1] for each in entries_of_switches()] == ["pause", "pause", "resume", "resume"]

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_without_a_reason_nothing_is_switched(self, reason: str) -> None:
        workspace = WorkspaceFactory()
        for workspace_id in (None, workspace.pk):
            with pytest.raises(ValueError, match="need a reason"):
                pauses.switch(workspace_id, to=timezone.now(), actor="ops", reason=reason)
        assert read_control().paused_at is None
        assert not Workspace.objects.filter(paused_at__isnull=False).exists()
        assert entries_of_switches() == []

    def test_failed_entry_leaves_no_pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(**_: object) -> None:
            raise RuntimeError("no audit")

        monkeypatch.setattr(audit, "record", fail)
        with pytest.raises(RuntimeError, match="no audit"):
            switches.pause_product(at=timezone.now(), **WHY)
        assert read_control().paused_at is None

    def test_missing_workspace_is_an_error(self) -> None:
        with pytest.raises(LookupError):
            switches.pause_workspace(0, at=timezone.now(), **WHY)
        assert entries_of_switches() == []

    def test_wait_for_a_concurrent_switch_ends(self) -> None:
        workspace = WorkspaceFactory()
        row = "SELECT 1 FROM routing_workspace WHERE id = %s FOR UPDATE"
        with holding(row, [workspace.pk]), pytest.raises(OperationalError) as refused:
            switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
        assert is_lock_timeout(refused.value)

    def test_one_of_several_simultaneous_calls_pauses(self) -> None:
        workspace = WorkspaceFactory()

        def pause() -> bool:
            return switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)

        assert sorted(race([pause] * 4)) == [False, False, False, True]
        assert len(entries_of_switches()) == 1

    def test_control_without_the_lock_each_of_them_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Control."""
        workspace = WorkspaceFactory()
        have_read = Barrier(2)

        def read_unlocked(workspace_id: int | None) -> datetime | None:
            was = Workspace.objects.values_list("paused_at", flat=True).get(pk=workspace_id)
            have_read.wait(30)
            return was

        monkeypatch.setattr(pauses, "wait_for_switch", read_unlocked)
        outcomes = race(
            [lambda: switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY) for _ in range(2)]
        )
        assert outcomes == [True, True]
        assert len(entries_of_switches()) == 2


@pytest.mark.usefixtures("redis_client")
class TestWhy:
    def test_pause_is_shown_with_who_and_why(self) -> None:
        workspace, other = WorkspaceFactory.create_batch(2)
        first, second, third = (timezone.now() for _ in range(3))
        switches.pause_workspace(workspace.pk, at=first, actor="ann", reason="an old doubt")
        switches.resume_workspace(workspace.pk, actor="ann", reason="cleared")
        switches.pause_workspace(workspace.pk, at=second, actor="ben", reason="a new one")
        switches.pause_product(at=third, actor="cem", reason="a bad import")

        found = pauses.read_pauses({None: third, workspace.pk: second, other.pk: None})

        assert found == {
            None: pauses.Pause(third, "cem", "a bad import"),
            workspace.pk: pauses.Pause(second, "ben", "a new one"),
        }
        assert pauses.read_pause(None) == found[None]
        assert pauses.read_pause(other.pk) is None

    def test_unaudited_pause_has_only_its_time(self) -> None:
        """An older entry of the same workspace is not shown for it."""
        workspace = WorkspaceFactory()
        switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
        switches.resume_workspace(workspace.pk, **WHY)
        at = timezone.now()
        Workspace.objects.update(paused_at=at)
        assert pauses.read_pause(workspace.pk) == pauses.Pause(at)

    def test_workspace_with_the_products_id_is_another_row(self) -> None:
        """The product's only row has the id 1, which a workspace may have too."""
        at = timezone.now()
        workspace = WorkspaceFactory(pk=1)
        switches.pause_workspace(workspace.pk, at=at, actor="ann", reason="the workspace")
        DispatchControl.objects.update_or_create(pk=1, defaults={"paused_at": at})
        assert pauses.read_pause(None) == pauses.Pause(at)
        assert pauses.read_pause(1) == pauses.Pause(at, "ann", "the workspace")
