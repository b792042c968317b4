"""Redis was flushed while one workspace had thousands of overdue leads: other workspaces do not wait for them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from routing.dispatch.backlog import LEADS_PER_PAGE, BacklogScan, Spread, scan_all, scan_running
from routing.dispatch.modes import FOLLOW_MODE, follow_mode
from routing.dispatch.schedule import Due
from routing.dispatcher.leader_tasks import BrokerRefused, LeaderTasks, catch_up
from routing.models import DispatchMode, Lead, Source
from routing.reconcile import find_reconciler, run_reconciler
from routing.redis import keys
from tests.support import switches
from tests.support.factories import SourceFactory
from tests.support.filling import fill_leads

if TYPE_CHECKING:
    import redis

PILE = 20_000
FRESH = 5
OTHERS = 3
# A fresh lead is due again by then. The pile takes 20 seconds to be restored.
SOON_MS = 1_000


def make_pile(*, count: int = PILE, is_paused: bool) -> Source:
    """Overdue for longer than any other lead."""
    source: Source = SourceFactory(
        workspace__dispatch_mode="event", workspace__paused_at=timezone.now() if is_paused else None
    )
    fill_leads(
        source,
        count=count,
        next_attempt_at="now() - interval '1 hour' + n * interval '1 millisecond'",
        received_at="now() - interval '2 hours'",
    )
    return source


@pytest.fixture
def fresh(committed_db: None, redis_client: "redis.Redis[str]") -> list[tuple[int, int]]:  # noqa: ARG001 - both are filled
    """(lead, workspace) of leads that have just become due in other workspaces."""
    for _ in range(OTHERS):
        source = SourceFactory(workspace__dispatch_mode="event")
        fill_leads(
            source,
            count=FRESH,
            next_attempt_at="now() - interval '5 seconds'",
            received_at="now() - interval '1 minute'",
        )
    return list(Lead.objects.values_list("pk", "workspace_id"))


def late_or_missing(client: "redis.Redis[str]", leads: Sequence[tuple[int, int]]) -> list[int]:
    seconds, micros = client.time()
    latest_ms = seconds * 1000 + micros / 1000 + SOON_MS
    found = []
    for lead_id, workspace_id in leads:
        score = client.zscore(keys.schedule_of(workspace_id), str(lead_id))
        is_out = client.zscore(keys.inflight_key(), str(lead_id)) is not None
        if not is_out and (score is None or score > latest_ms):
            found.append(lead_id)
    return found


def win() -> None:
    """The work of a new leader in its first turn."""
    with suppress(BrokerRefused):
        next(catch_up(), None)


def look() -> None:
    with suppress(BrokerRefused):
        LeaderTasks()._scan_postgres()


def reconcile() -> None:
    run_reconciler(find_reconciler("schedule"), fix=True, limit=LEADS_PER_PAGE)


@pytest.mark.parametrize("is_paused", [True, False], ids=["paused", "running"])
@pytest.mark.parametrize("put_first_page", [win, look, reconcile])
def test_other_workspaces_leads_are_restored_with_the_first_page(
    put_first_page: Callable[[], None],
    fresh: list[tuple[int, int]],
    redis_client: "redis.Redis[str]",
    *,
    is_paused: bool,
) -> None:
    make_pile(is_paused=is_paused)
    put_first_page()
    assert late_or_missing(redis_client, fresh) == []


@pytest.mark.usefixtures("fresh")
def test_pile_keeps_its_rate_beside_others() -> None:
    """Overdue leads of one workspace are restored a thousand per second, while those of another start at zero."""
    at = timezone.now()
    spread = Spread(seed=1)
    pile = [spread.place(Due(number, 1, at), at=at).wait_ms for number in range(5_000)]
    assert max(pile) >= 4_999
    assert spread.place(Due(5_000, 2, at), at=at).wait_ms == 0


def test_page_has_an_equal_part_of_each_workspace(fresh: list[tuple[int, int]]) -> None:
    """A workspace without further leads leaves its share to the others, and each lead comes once."""
    pile = make_pile(count=200, is_paused=False)
    scan = scan_running(DispatchMode.EVENT)
    pages = []
    while not scan.is_finished:
        pages.append([lead.workspace_id for lead in scan.read_page(count=12)])
    others = {workspace_id for _, workspace_id in fresh}
    parts = [{each: page.count(each) for each in {*others, pile.workspace_id}} for page in pages]
    assert parts[0] == dict.fromkeys([*others, pile.workspace_id], 3)
    assert parts[1] == {**dict.fromkeys(others, 2), pile.workspace_id: 3}
    assert {part[pile.workspace_id] for part in parts[2:-1]} == {12}
    assert sum(map(len, pages)) == 200 + len(fresh)


@pytest.mark.usefixtures("fresh")
def test_paused_workspaces_come_last() -> None:
    paused = make_pile(count=20, is_paused=True)
    scan = scan_all(DispatchMode.EVENT)
    pages = [{lead.workspace_id for lead in scan.read_page(count=30)} for _ in range(2)]
    assert scan.read_page() == []
    assert scan.is_finished
    assert paused.workspace_id not in pages[0]
    assert pages[1] == {paused.workspace_id}


def test_more_workspaces_than_a_page_has_leads(fresh: list[tuple[int, int]]) -> None:
    scan = BacklogScan(DispatchMode.EVENT, sorted({workspace_id for _, workspace_id in fresh}))
    found = []
    while not scan.is_finished:
        found += [lead.lead_id for lead in scan.read_page(count=2)]
    assert sorted(found) == sorted(lead_id for lead_id, _ in fresh)


@pytest.mark.usefixtures("fresh")
def test_paused_pile_is_enqueued_when_it_is_resumed(
    redis_client: "redis.Redis[str]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reconciler has run before: the process that resumes a workspace has its leads enqueued."""
    workspace_id = make_pile(count=3_000, is_paused=True).workspace_id
    win()
    assert redis_client.zcard(keys.schedule_of(workspace_id)) == 0
    sent: list[tuple[str, object]] = []
    monkeypatch.setattr("routing.dispatch.modes.send_wake", lambda task, args: sent.append((task, args)))
    switches.resume_workspace(workspace_id, actor="ops", reason="cleared")
    assert sent == [(FOLLOW_MODE, [workspace_id])]
    assert follow_mode(workspace_id) == 3_000
    waiting = redis_client.zrange(keys.schedule_of(workspace_id), 0, -1)
    out = [
        lead
        for lead, holder in redis_client.hgetall(keys.leases_key()).items()
        if holder.partition("@")[0] == str(workspace_id)
    ]
    assert len({*waiting, *out}) == 3_000
