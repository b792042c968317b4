"""The page "Dispatch": who sees what, who may use which switch, the required reason, and the cost."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from routing.dispatch import pauses, schedule, workers
from routing.dispatch.control import read_control, write_leader_heartbeat
from routing.models import DispatchControl, DispatchPath, Workspace
from routing.redis import keys
from tests.support import switches
from tests.support.admin_pages import client_of, page, person
from tests.support.blocking import holding
from tests.support.factories import LeadFactory, SourceFactory, WorkspaceFactory
from tests.support.times import due, later
from tracing.models import AuditEntry

if TYPE_CHECKING:
    import redis

pytestmark = pytest.mark.usefixtures("committed_db", "redis_client")

URL = page(DispatchControl, "changelist")
FRAGMENT = {"X-LeadSwitch-Fragment": "1"}
WHY = {"actor": "ann", "reason": "a <b>doubt</b>"}


@pytest.fixture
def root() -> Client:
    return client_of(User.objects.create_superuser("root"))


def shown(client: Client, **query: str) -> str:
    """The visible text of the page, in one line."""
    answer = client.get(URL, query, headers=FRAGMENT)
    assert answer.status_code == 200, answer.content
    return words(answer.content.decode())


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def switch_url(name: str, workspace: Workspace | None = None) -> str:
    return f"{URL}{name}/" + ("" if workspace is None else f"?workspace={workspace.pk}")


def switch(client: Client, name: str, workspace: Workspace | None = None, *, reason: str = "x") -> Any:
    return client.post(switch_url(name, workspace), {"reason": reason})


def links(client: Client) -> list[str]:
    """The addresses of its buttons."""
    return re.findall(r'class="admin-switch"[^>]* href="([^"]+)"', client.get(URL).content.decode())


def texts(response: Any) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in response.context["messages"]]


def test_page_shows_all_to_users_who_see_every_workspace(root: Client, settings: Any) -> None:
    settings.LEADSWITCH_READY_LIMIT = 2
    settings.LEADSWITCH_READY_SHARDS = 1
    event, polled = WorkspaceFactory(name="Sunbelt", dispatch_mode="event"), WorkspaceFactory(name="Partner")
    LeadFactory(source__workspace=polled, next_attempt_at=timezone.now() - timedelta(minutes=5))
    schedule.put([*(due(number, event.pk) for number in range(1, 5)), later(5, event.pk)])
    schedule.start([1])
    write_leader_heartbeat("host:71:ab12", epoch=3, path=DispatchPath.REDIS)
    workers.write_worker_heartbeat("celery@one")
    switches.pause_workspace(polled.pk, at=timezone.now(), **WHY)

    text = shown(root)

    for expected in (
        *("Leader host:71:ab12", "Epoch 3", "Leads start through Redis", "Redis responds", "Workers alive 1"),
        *("Waiting 1", "Overdue 1", "Oldest overdue lead nothing is overdue"),
        *("In flight, queued 1", "In flight, started 1", "0 3 2 1 0 yes All 3 2 1 0"),
        *("Poll 1 Shadow 0 Event 1 Paused 1", "The product is not paused."),
        *("Sunbelt event 3 2 no Pause Sunbelt", "Partner poll 1 1 paused since"),
        "UTC by ann: a &lt;b&gt;doubt&lt;/b&gt; Resume Partner",
    ):
        assert expected in text, (expected, text)


def test_scoped_user_sees_own_workspaces_only() -> None:
    mine, foreign = WorkspaceFactory(name="Mine"), WorkspaceFactory(name="Foreign", dispatch_mode="event")
    LeadFactory(source__workspace=foreign)
    schedule.put([later(5, foreign.pk)])
    write_leader_heartbeat("host:71:ab12", epoch=3, path=DispatchPath.REDIS)
    switches.pause_product(at=timezone.now(), actor="ann", reason="Foreign sends nonsense")

    text = shown(client_of(person("operator", mine)))

    assert "Leader alive" in text
    assert "The whole product has been paused since" in text
    assert "Mine poll 0 0 with the product Pause Mine" in text
    assert "Poll 1 Shadow 0 Event 0 Paused all (product paused)" in text
    for secret in (
        "Foreign",
        "nonsense",
        "ann",
        "host:71:ab12",
        "Epoch",
        "Shard",
        "In flight",
        "Workers alive",
    ):
        assert secret not in text, (secret, text)
    assert "Foreign" not in shown(client_of(person("operator", mine)), q="Foreign").replace("“Foreign”", "")


def test_first_page_says_what_to_do() -> None:
    assert "Ask an admin to add you" in shown(client_of(person("operator")))


@pytest.mark.parametrize("role", ["viewer", "finance"])
def test_other_roles_look_but_cannot_switch(role: str) -> None:
    """An action without permissions is open to view-only staff."""
    mine = WorkspaceFactory()
    client = client_of(person(role, mine))
    assert mine.name in shown(client)
    assert links(client) == []
    for workspace in (mine, None):
        for name in ("pause", "resume"):
            assert client.get(switch_url(name, workspace)).status_code == 403
            assert switch(client, name, workspace).status_code == 403
    assert not AuditEntry.objects.exists()
    assert Workspace.objects.get().paused_at is None


def test_clerk_without_permissions_sees_nothing() -> None:
    client = client_of(User.objects.create_user("clerk", is_staff=True))
    assert client.get(URL).status_code == 403
    assert client.get(URL, headers=FRAGMENT).status_code == 403
    assert "Dispatch" not in client.get("/admin/").content.decode()


def test_operator_switches_only_own_workspaces() -> None:
    mine, foreign = WorkspaceFactory(), WorkspaceFactory()
    client = client_of(person("operator", mine))
    assert links(client) == [switch_url("pause", mine)]

    assert switch(client, "pause", mine).status_code == 302
    assert switch(client, "pause", foreign).status_code == 404
    assert switch(client, "pause").status_code == 403
    for junk in ("0", "x", "", "9" * 40):
        assert client.post(f"{URL}pause/?workspace={junk}", {"reason": "x"}).status_code == 404

    assert list(Workspace.objects.filter(paused_at__isnull=False)) == [mine]
    assert read_control().paused_at is None
    assert links(client) == [switch_url("resume", mine)]


def test_product_is_paused_and_resumed(root: Client, redis_client: "redis.Redis[str]") -> None:
    assert links(root) == [switch_url("pause")]
    asked = root.get(switch_url("pause"))
    assert "no lead in any workspace is started" in asked.content.decode()
    assert read_control().paused_at is None

    done = root.post(switch_url("pause"), {"reason": "a bad import"}, follow=True)

    assert done.redirect_chain == [(URL, 302)]
    assert texts(done) == [("success", "The whole product is paused.")]
    assert redis_client.exists(keys.paused_key())
    text = shown(root)
    assert "by root: a bad import" in text
    assert links(root) == [switch_url("resume")]
    assert switch(root, "resume", reason="fixed").status_code == 302
    assert not redis_client.exists(keys.paused_key())
    entries = AuditEntry.objects.order_by("pk").values_list("actor", "action", "reason", "workspace_id")
    assert list(entries) == [("root", "pause", "a bad import", None), ("root", "resume", "fixed", None)]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201, "\x00"])
def test_without_a_reason_nothing_happens(root: Client, reason: str) -> None:
    workspace = WorkspaceFactory()
    for whose in (workspace, None):
        assert switch(root, "pause", whose, reason=reason).status_code == 400
    assert Workspace.objects.get().paused_at is None
    assert read_control().paused_at is None
    assert not AuditEntry.objects.exists()


def test_opening_a_switch_changes_nothing(root: Client) -> None:
    """Only POST changes it, with the page's token."""
    workspace = WorkspaceFactory()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get())
    assert root.get(switch_url("pause", workspace)).status_code == 200
    assert switch(strict, "pause", workspace).status_code == 403
    assert switch(strict, "pause").status_code == 403
    assert Workspace.objects.get().paused_at is None
    assert read_control().paused_at is None


def test_second_editor_is_warned(root: Client) -> None:
    workspace = WorkspaceFactory(name="Sunbelt")
    switches.pause_workspace(workspace.pk, at=timezone.now(), **WHY)
    asked = words(root.get(switch_url("pause", workspace)).content.decode())
    assert "It is already paused, since" in asked
    assert "Saved in the audit log" not in asked  # there is no form
    again = root.post(switch_url("pause", workspace), {"reason": "x"}, follow=True)
    assert texts(again) == [
        ("warning", "Sunbelt is paused. Someone else had already done this. Nothing was changed.")
    ]
    assert AuditEntry.objects.count() == 1
    free = WorkspaceFactory()
    assert "It is not paused." in words(root.get(switch_url("resume", free)).content.decode())


def test_concurrent_switch_asks_to_try_again(root: Client) -> None:
    workspace = WorkspaceFactory()
    with holding("SELECT 1 FROM routing_workspace WHERE id = %s FOR UPDATE", [workspace.pk]):
        answer = switch(root, "pause", workspace)
    assert answer.status_code == 400
    assert "Someone else is pausing or resuming right now" in answer.content.decode()
    assert Workspace.objects.get().paused_at is None


def test_unknown_switch_is_404(root: Client) -> None:
    assert root.get(f"{URL}explode/").status_code == 404


def test_redis_outage_is_shown_with_the_rest(root: Client, no_redis: str) -> None:
    workspace = WorkspaceFactory(name="Sunbelt", dispatch_mode="event")
    LeadFactory(source__workspace=workspace)
    write_leader_heartbeat("host:71:ab12", epoch=3, path=DispatchPath.POSTGRES)

    text = shown(root)

    assert f"Redis does not respond ({no_redis})" in text
    assert "Leads start without Redis" in text
    assert "Sunbelt event 1 1 no Pause Sunbelt" in text
    assert "Workers alive unknown" in text
    assert "Shard" not in text
    assert switch(root, "pause", workspace, reason="x").status_code == 302
    assert Workspace.objects.get().paused_at is not None


def test_typed_markup_is_shown_as_text(root: Client) -> None:
    evil = '<script>alert("x")</script>'
    workspace = WorkspaceFactory(name=evil)
    switches.pause_workspace(workspace.pk, at=timezone.now(), actor=evil, reason=evil)
    switches.pause_product(at=timezone.now(), actor=evil, reason=evil)
    for content in (
        root.get(URL).content.decode(),
        root.get(URL, headers=FRAGMENT).content.decode(),
        root.get(URL, {"q": evil}).content.decode(),
        root.get(switch_url("resume", workspace)).content.decode(),
    ):
        assert "alert(" in content
        assert evil not in content


def test_list_is_capped_with_paused_ones_first_and_searched(
    root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("distribution.admin.dispatch.SHOWN", 2)
    for name in ("Alpha", "Beta", "Gamma"):
        WorkspaceFactory(name=name, slug=name.lower())
    Workspace.objects.filter(name="Gamma").update(paused_at=timezone.now())

    text = shown(root)

    assert text.index("Resume Gamma") < text.index("Pause Alpha")
    assert "Beta" not in text
    assert "The first 2 workspaces are shown, paused ones first. Search to find others." in text
    assert "Pause Beta" in shown(root, q=" bet ")
    assert "No workspace matches “nothing”." in shown(root, q="nothing")
    assert root.get(URL, {"q": "\x00"}, headers=FRAGMENT).status_code == 400


def test_script_gets_only_the_figures(root: Client) -> None:
    whole, part = root.get(URL).content.decode(), root.get(URL, headers=FRAGMENT).content.decode()
    assert "leadswitch/dispatch.js" in whole
    assert "<html" in whole
    assert "<html" not in part
    assert part.lstrip().startswith('<p class="admin-line">As of ')


def test_page_takes_the_same_statements_with_more_workspaces(root: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert root.get(URL, headers=FRAGMENT).status_code == 200
        return len(captured)

    source = SourceFactory(workspace__paused_at=timezone.now())
    LeadFactory(source=source)
    statements()
    few = statements()
    for _ in range(5):
        LeadFactory(source__workspace__paused_at=timezone.now())
        WorkspaceFactory(dispatch_mode="event")
    assert statements() == few == 10


def test_home_page_and_the_side_bar_link_there(root: Client) -> None:
    def card() -> str:
        content = root.get("/admin/").content.decode()
        assert f'<a href="{URL}">Dispatch</a>' in content
        [found] = re.findall(r'<section class="admin-card"><h2>Dispatch</h2>(.*?)</section>', content, re.S)
        assert f'href="{URL}"' in found
        return words(found)

    WorkspaceFactory(paused_at=timezone.now())
    assert card() == "No dispatcher The periodic pick-up starts leads. 1 workspace is paused."
    write_leader_heartbeat("one", epoch=1, path=DispatchPath.REDIS)
    assert card() == "Running Leads start when they are due. 1 workspace is paused."
    WorkspaceFactory(paused_at=timezone.now())
    switches.pause_product(at=timezone.now(), **WHY)
    assert (
        card()
        == "Paused The whole product is paused. No lead starts. 2 workspaces are also paused separately."
    )


def test_button_on_the_workspace_page_is_the_switch(root: Client) -> None:
    workspace = WorkspaceFactory()
    [button] = root.get(page(Workspace, "change", workspace.pk)).context["action_buttons"]
    assert root.post(button["url"], {"reason": ""}).status_code == 400
    assert Workspace.objects.get().paused_at is None

    assert root.post(button["url"], {"reason": "a doubt"}).status_code == 302

    pause = pauses.read_pause(workspace.pk)
    assert pause is not None
    assert (pause.actor, pause.reason) == ("root", "a doubt")
    assert pauses.read_mirror([workspace.pk])[workspace.pk]
    assert "by root: a doubt" in shown(root)
