"""`manage.py dispatch` as a new user reads it: its output, and its exit codes."""

import json
import re
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from routing.dispatch import schedule, workers
from routing.dispatch.control import read_control, write_leader_heartbeat
from routing.models import DispatchPath, Workspace
from routing.redis import keys
from tests.support import switches
from tests.support.blocking import holding
from tests.support.factories import WorkspaceFactory
from tests.support.reconciled import all_ran
from tests.support.times import due, later
from tracing.models import AuditEntry

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

WHY = {"actor": "ann", "reason": "a doubt"}
AT = "2026-01-01 00:00:00 UTC"
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")


def dispatch(*arguments: str, code: int = 0) -> str:
    """The output, with AT for every time. `code` is the expected exit code."""
    output = StringIO()
    if code == 0:
        call_command("dispatch", *arguments, stdout=output)
    else:
        with pytest.raises(SystemExit) as ended:
            call_command("dispatch", *arguments, stdout=output)
        assert ended.value.code == code
    return MOMENT.sub(AT, output.getvalue())


def refused(*arguments: str) -> str:
    """The error with exit code 2. Nothing is done."""
    with pytest.raises(CommandError) as ended:
        call_command("dispatch", *arguments, stdout=StringIO())
    assert ended.value.returncode == 2
    return str(ended.value)


def lead_and_work(path: DispatchPath = DispatchPath.REDIS) -> None:
    write_leader_heartbeat("host:71:ab12", epoch=3, path=path)
    workers.write_worker_heartbeat("celery@one")
    all_ran()


class TestStatus:
    def test_new_user_can_read_it(self, settings: Any) -> None:
        settings.LEADSWITCH_READY_LIMIT = 2
        settings.LEADSWITCH_READY_SHARDS = 2
        sunbelt = WorkspaceFactory(name="Sunbelt Leads", slug="sunbelt", dispatch_mode="event")
        partner = WorkspaceFactory(name="Partner", slug="partner")
        schedule.put([*(due(number, sunbelt.pk) for number in range(1, 5)), later(5, sunbelt.pk)])
        schedule.start([1])
        lead_and_work()
        switches.pause_workspace(partner.pk, at=timezone.now(), **WHY)

        numbers = ["        0        0      0      0  yes", "        0        0      0      0  yes"]
        numbers[keys.shard_of(sunbelt.pk, shards=2)] = "        3        2      1      0  yes"
        assert dispatch("status").splitlines() == [
            f"Dispatch at {AT}",
            "",
            "leader      host:71:ab12, epoch 3, through Redis, last heartbeat 0 s ago",
            "product     running",
            "Redis       responds",
            "workers     1 alive",
            "in flight   2: 1 queued, 1 started",
            "waiting     0, of which 0 are due (from PostgreSQL)",
            "oldest      nothing is overdue",
            "last start  never",
            "canary      none has returned yet",
            "reconciled  0 s ago",
            "workspaces  2 (1 poll, 0 shadow, 1 event), paused: 1",
            "pauses      Redis is up to date",
            "",
            "shard  waiting  overdue  ready  stale  worker",
            f"0    {numbers[0]}",
            f"1    {numbers[1]}",
            "total        3        2      1      0  yes",
            "",
            "workspace  mode  waiting  overdue  paused since             by   why",
            f"partner    poll        0        0  {AT}  ann  a doubt",
            "",
            "No problems found.",
        ]

    def test_chosen_workspace_is_reported_too(self) -> None:
        lead_and_work()
        WorkspaceFactory(slug="acme")
        assert "acme" not in dispatch("status")
        assert "acme       poll        0        0  running       -   -" in dispatch(
            "status", "--workspace", "acme"
        )

    def test_problem_exits_with_1(self, redis_client: "redis.Redis[str]") -> None:
        workspace = WorkspaceFactory(slug="acme", dispatch_mode="event")
        redis_client.set(keys.workspace_paused_key(workspace.pk), 1)

        lines = dispatch("status", code=1).splitlines()

        assert lines[2] == "leader      none"
        assert "pauses      1 is out of date in Redis: acme" in lines
        assert [line.split(".")[0] for line in lines if line.startswith("Problem: ")] == [
            "Problem: No dispatcher has sent a heartbeat as the leader for 15 seconds",
            "Problem: No reconciler has run yet",
            "Problem: No worker has sent a heartbeat for 15 seconds",
            "Problem: 1 pause in Redis is out of date",
        ]

    def test_pause_is_reported_and_is_not_a_problem(self) -> None:
        lead_and_work()
        switches.pause_product(at=timezone.now(), **WHY)
        lines = dispatch("status").splitlines()
        assert f"product     PAUSED since {AT} by ann: a doubt" in lines
        assert "workspaces  0 (0 poll, 0 shadow, 0 event), paused: all (product paused)" in lines

    def test_redis_outage_is_reported(self, no_redis: str) -> None:
        WorkspaceFactory(dispatch_mode="event")
        write_leader_heartbeat("host:71:ab12", epoch=3, path=DispatchPath.POSTGRES)

        text = dispatch("status", code=1)

        assert "without Redis" in text
        assert f"Redis       does not respond: {no_redis}" in text
        assert "shard" not in text

    def test_json_output_can_be_parsed(self, redis_client: "redis.Redis[str]") -> None:
        assert redis_client.ping()
        workspace = WorkspaceFactory(slug="acme", dispatch_mode="event")
        schedule.put([later(5, workspace.pk)])
        lead_and_work()
        switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)

        found = json.loads(dispatch("status", "--json"))

        assert found["problems"] == []
        leader = found["leader"]
        assert (leader["name"], leader["epoch"], leader["path"], leader["is_alive"]) == (
            "host:71:ab12",
            3,
            "redis",
            True,
        )
        assert leader["age_seconds"] < 15
        assert (found["redis"]["is_answering"], found["redis"]["workers_alive"]) == (True, 1)
        assert sum(shard["waiting"] for shard in found["redis"]["shards"]) == 1
        [reported] = found["workspaces"]
        assert (reported["slug"], reported["mode"], reported["waiting"], reported["is_mirrored"]) == (
            "acme",
            "event",
            1,
            True,
        )
        assert (reported["pause"]["actor"], reported["pause"]["reason"]) == ("ann", "a doubt")
        assert found["product"] == {"pause": None, "is_mirrored": True}

    def test_json_output_reports_that_redis_is_down(self, no_redis: str) -> None:
        found = json.loads(dispatch("status", "--json", code=1))
        assert found["redis"] == {"is_answering": False, "failure": no_redis}
        assert found["product"] == {"pause": None, "is_mirrored": None}


class TestSwitch:
    def test_product_is_paused_and_resumed(self, redis_client: "redis.Redis[str]") -> None:
        assert dispatch("pause", "--reason", "a bad import") == (
            "dispatch: the whole product is paused; a sale that has already begun completes, and no new sale is made\n"
        )
        assert read_control().paused_at is not None
        assert redis_client.exists(keys.paused_key())
        assert dispatch("resume", "--reason", "fixed") == "dispatch: the whole product was resumed\n"
        assert read_control().paused_at is None
        assert not redis_client.exists(keys.paused_key())
        entries = list(AuditEntry.objects.order_by("pk").values_list("action", "reason"))
        assert entries == [("pause", "a bad import"), ("resume", "fixed")]
        assert all(
            name.endswith("(command line)") for name in AuditEntry.objects.values_list("actor", flat=True)
        )

    def test_repeated_action_says_so(self) -> None:
        workspace = WorkspaceFactory(slug="acme")
        switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
        of_acme = ("--workspace", "acme", "--reason", "x")
        assert dispatch("pause", *of_acme) == (
            f"dispatch: workspace acme was already paused, since {AT} by ann: a doubt; nothing was changed\n"
        )
        assert dispatch("resume", *of_acme) == "dispatch: workspace acme was resumed\n"
        assert (
            dispatch("resume", *of_acme) == "dispatch: workspace acme was not paused; nothing was changed\n"
        )
        assert dispatch("resume", "--reason", "x") == (
            "dispatch: the whole product was not paused; nothing was changed\n"
        )
        assert AuditEntry.objects.count() == 2

    def test_workspace_resumed_under_a_paused_product_says_so(self) -> None:
        workspace = WorkspaceFactory(slug="acme", paused_at=timezone.now())
        switches.pause_product(at=timezone.now(), **WHY)
        assert dispatch("resume", "--workspace", "acme", "--reason", "x").splitlines() == [
            "dispatch: workspace acme was resumed",
            f"The whole product is still paused, since {AT} by ann: a doubt. No lead starts until it is resumed too.",
        ]
        workspace.refresh_from_db()
        assert workspace.paused_at is None

    def test_pause_without_redis_is_stored_and_reported(self, no_redis: str) -> None:
        WorkspaceFactory(slug="acme")
        lines = dispatch("pause", "--workspace", "acme", "--reason", "x").splitlines()
        assert lines[0].startswith("dispatch: workspace acme is paused")
        assert lines[1].startswith(f"Redis does not respond ({no_redis}). The change is in force")
        assert Workspace.objects.filter(slug="acme", paused_at__isnull=False).exists()

    def test_unknown_workspace_error_suggests_close_names(self) -> None:
        assert refused("status", "--workspace", "acme") == "there is no workspace 'acme'; none exists yet"
        for slug in ("sunbelt", "sunrise", "peachtree"):
            WorkspaceFactory(slug=slug)
        assert refused("pause", "--workspace", "sunbeld", "--reason", "x") == (
            "there is no workspace 'sunbeld'; did you mean sunbelt?"
        )
        assert refused("resume", "--workspace", "zzz", "--reason", "x") == (
            "there is no workspace 'zzz'; choose one of peachtree, sunbelt, sunrise"
        )
        for number in range(10):
            WorkspaceFactory(slug=f"agency-{number:02}x")
        assert refused("status", "--workspace", "zzz").endswith("agency-09x and 3 more")
        assert not AuditEntry.objects.exists()

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "\x00"])
    def test_reason_is_required(self, reason: str) -> None:
        for action in ("pause", "resume"):
            assert "must have 1 to 200 characters" in refused_by_parser(action, "--reason", reason)
        assert "--reason" in refused_by_parser("pause")
        assert read_control().paused_at is None

    def test_concurrent_switch_is_waited_for_within_the_time_out(self) -> None:
        workspace = WorkspaceFactory(slug="acme")
        with holding("SELECT 1 FROM routing_workspace WHERE id = %s FOR UPDATE", [workspace.pk]):
            assert refused("pause", "--workspace", "acme", "--reason", "x") == (
                "another operator is pausing or resuming right now; try again"
            )


def refused_by_parser(*arguments: str) -> str:
    with pytest.raises(CommandError) as ended:
        call_command("dispatch", *arguments)
    return str(ended.value)
