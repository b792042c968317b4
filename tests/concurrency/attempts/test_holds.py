"""Answers that arrive at the same time: the first one ends the hold, the others change nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError

from distribution.attempts import settle
from distribution.attempts.distribute import decide_within, distribute_lead
from distribution.models import Assignment, LedgerEntry
from distribution.verify import run_verification
from routing.leads.finish import LeadMoved
from routing.locks import attempts
from routing.locks.attempts import LockedLead
from routing.models import Lead
from tests.support.holds import (
    CREDITS_CENTS,
    PRICE_CENTS,
    accept,
    asking_campaign,
    buyers_of,
    lead_of,
    money_of,
    open_hold,
    reject,
    statuses,
)
from tests.support.racing import in_background, race
from tests.support.waiting import LONGEST_SECONDS, wait_until

pytestmark = pytest.mark.usefixtures("committed_db")

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def held_lead(buyers: int = 1) -> Lead:
    lead = lead_of(asking_campaign(buyers=buyers), at=AT)
    assert distribute_lead(lead.pk, at=AT).result == "posting"
    return lead


def ends_of(hold: Assignment) -> int:
    return LedgerEntry.objects.filter(assignment=hold, kind__in=["capture", "release"]).count()


@pytest.mark.parametrize("_", range(3))
def test_answers_at_the_same_time_end_a_hold_once(_: int) -> None:
    hold = open_hold(held_lead())

    results = race([partial(answer, hold, at=AT) for answer in (accept, reject) * 3])

    assert sum(each.is_new for each in results) == 1
    [first] = [each.state for each in results if each.is_new]
    assert {each.state for each in results} == {first}
    assert ends_of(hold) == 1
    spent = PRICE_CENTS if first == "sold" else 0
    assert money_of(hold.buyer_id) == (CREDITS_CENTS - spent, 0)
    assert run_verification().holds


def test_control_without_the_lead_lock_the_second_answer_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read an open hold. Only the database's own checks stop the second one, with an error."""
    hold = open_hold(held_lead())
    both_read = Barrier(2)

    def read_without_a_lock(assignment_id: int, **_: object) -> tuple[LockedLead, Any]:
        lead = locked_lead_of(hold.lead_id)
        read = settle._read_hold(assignment_id)
        both_read.wait(LONGEST_SECONDS)
        return lead, read

    monkeypatch.setattr(settle, "_lock", read_without_a_lock)

    results = race([caught(partial(accept, hold, at=AT)), caught(partial(reject, hold, at=AT))])

    assert sorted(type(each) in (LeadMoved, IntegrityError) for each in results) == [False, True]
    assert ends_of(hold) == 1


def locked_lead_of(lead_id: int) -> LockedLead:
    """As lock_lead reads it, but without its lock."""
    sql = attempts.LOCK_LEAD.replace("FOR NO KEY UPDATE OF l SKIP LOCKED", "")
    lead = attempts._lock(sql, [lead_id])
    assert lead is not None
    return lead


def caught(call: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return call()
        except (LeadMoved, IntegrityError) as error:
            return error

    return run


def test_sender_waits_for_the_answer_and_for_the_next_buyer() -> None:
    """`Prefer: wait` covers the whole chain: the first buyer rejects the lead, and the second accepts it."""
    campaign = asking_campaign(buyers=2)
    first, second = buyers_of(campaign)
    lead = lead_of(campaign, at=datetime.now(UTC))

    with in_background(partial(decide_within, lead.pk, seconds=LONGEST_SECONDS)) as waiting:
        for buyer, answer in ((first, reject), (second, accept)):
            asked = Assignment.objects.filter(state="held", buyer_id=buyer)
            wait_until(asked.exists, what="the buyer is asked")
            answer(open_hold(lead), at=datetime.now(UTC))
        outcome = waiting.result(LONGEST_SECONDS)

    assert (outcome.result, outcome.not_run) == ("", "finished")
    assert statuses(lead) == ("distributed", "")
    assert [money_of(each) for each in (first, second)] == [
        (CREDITS_CENTS, 0),
        (CREDITS_CENTS - PRICE_CENTS, 0),
    ]


def test_sender_gets_the_state_when_the_answer_takes_longer() -> None:
    lead = lead_of(asking_campaign(buyers=1), at=datetime.now(UTC))

    outcome = decide_within(lead.pk, seconds=0.1)

    assert (outcome.result, outcome.status) == ("posting", "posting")
    assert statuses(lead) == ("posting", "")
