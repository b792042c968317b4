"""The drill passes only if the required alert reached the receiver in time, new after the kill, with its runbook."""

from typing import Any

import pytest

from tests.load.alarm_pages import (
    LIMIT_SECONDS,
    NOT_PASSED,
    NOT_RUN,
    PASSED,
    Notice,
    PageLog,
    find_required,
    judge,
    title_of,
    title_of_row,
)
from tests.load.pager import read_notices

REQUIRED = find_required(dispatcher_decides=False)
TITLE = "LeadSwitchAvailabilityPage"
LINK = "https://git.example.com/leadswitch/runbooks/availability-page.md"
KILLED_AT = 1_000.0


def notice(title: str = TITLE, *, seconds: float, link: str = LINK) -> Notice:
    return Notice("pager", title, link, KILLED_AT + seconds)


def watched(*, fired: float | None = 70.0, notices: tuple[Notice, ...] = (), before: Any = ()) -> PageLog:
    log = PageLog(KILLED_AT, set(before))
    if fired is not None:
        log.add_firing([TITLE], at=KILLED_AT + fired)
    log.add_notices(notices)
    return log


def test_availability_is_required_if_nothing_decides() -> None:
    assert title_of_row(REQUIRED) == TITLE
    assert REQUIRED.runbook == "availability-page"


def test_absent_workers_are_required_while_the_dispatcher_decides() -> None:
    required = find_required(dispatcher_decides=True)
    assert title_of_row(required) == "LeadSwitchJobAbsent (leadswitch-worker)"


def test_page_at_the_receiver_passes() -> None:
    verdict = judge(watched(notices=(notice(seconds=81.4),)), required=REQUIRED)
    assert verdict.code == PASSED
    assert verdict.reason == f"{TITLE} reached the receiver 81 s after the kill, with its runbook"


def test_other_page_does_not_pass() -> None:
    log = watched(fired=None, notices=(notice("LeadSwitchLatencyPage", seconds=20),))
    log.add_firing(["LeadSwitchLatencyPage"], at=KILLED_AT + 10)
    assert set(log.pages) == {"LeadSwitchLatencyPage"}
    assert judge(log, required=REQUIRED).code == NOT_PASSED


@pytest.mark.parametrize(
    ("log", "code", "reason"),
    [
        (watched(fired=None), NOT_PASSED, f"{TITLE} did not fire within 300 s of the kill"),
        (watched(fired=LIMIT_SECONDS + 1), NOT_PASSED, f"{TITLE} did not fire within 300 s of the kill"),
        (watched(), NOT_PASSED, f"{TITLE} did not reach the receiver within 300 s of the kill"),
        (
            watched(notices=(notice(seconds=LIMIT_SECONDS + 1),)),
            NOT_PASSED,
            f"{TITLE} did not reach the receiver within 300 s of the kill",
        ),
        (
            watched(notices=(notice(seconds=80, link=""),)),
            NOT_PASSED,
            f"{TITLE} came with no link in place of its runbook availability-page.md",
        ),
        (
            watched(notices=(notice(seconds=80, link="https://x.example/latency-page.md"),)),
            NOT_PASSED,
            f"{TITLE} came with https://x.example/latency-page.md in place of its runbook availability-page.md",
        ),
        (
            watched(notices=(notice(seconds=80),), before=[TITLE]),
            NOT_RUN,
            f"{TITLE} paged before the kill, so this run shows nothing",
        ),
    ],
)
def test_run_does_not_pass(log: PageLog, code: int, reason: str) -> None:
    verdict = judge(log, required=REQUIRED)
    assert (verdict.code, verdict.reason) == (code, reason)


def test_page_from_before_the_kill_is_not_new() -> None:
    """The Alertmanager repeats a page, and a notification may be older than the kill."""
    log = watched(fired=None, before=["LeadSwitchNoLeader"])
    log.add_firing(["LeadSwitchNoLeader"], at=KILLED_AT + 1)
    log.add_notices([notice("LeadSwitchNoLeader", seconds=2), notice(seconds=-1)])
    assert log.pages == {}


def test_first_time_of_a_page_counts() -> None:
    log = watched(fired=70, notices=(notice(seconds=80), notice(seconds=140)))
    assert log.add_firing([TITLE], at=KILLED_AT + 75) == []
    page = log.pages[TITLE]
    assert (page.fired, page.received, page.runbook_url) == (70.0, 80.0, LINK)


def test_webhook_is_read() -> None:
    firing = {
        "status": "firing",
        "labels": {"alertname": "LeadSwitchJobAbsent", "job": "leadswitch-worker"},
        "annotations": {"runbook_url": "https://x.example/job-absent.md"},
    }
    payload = {"receiver": "pager", "alerts": [firing, {**firing, "status": "resolved"}]}
    assert list(read_notices(payload, at=5.0)) == [
        Notice("pager", title_of(firing["labels"]), "https://x.example/job-absent.md", 5.0)  # type: ignore[arg-type]
    ]
