"""The states of the runbooks about verification calls."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from distribution.calls.liveness import write_dialer_heartbeat
from distribution.models import Call, CallNotice, Channel
from routing.dispatch.heartbeat import send_heartbeat
from tests.support.factories import CallFactory, ChannelFactory, VerificationFactory
from tests.support.runbook_delivery_faults import ago
from tests.support.runbook_faults import Product, age_heartbeat
from tests.support.runbook_promises import DATABASE, NO_LOCK, NO_PROBLEM
from tests.support.runbook_state import RUNNING, State
from tests.support.runbooks import Promise

DIALER: Final = "host-a:91:fa12:01"
CALLS: Final = "manage.py calls"
ALIVE: Final = "python -m leadswitch.alive dialer"
BEATS: Final = Promise(0, "dialer: last heartbeat SECONDS seconds ago")
ENDED: Final = {"state": "ended", "next_check_at": None}


@contextmanager
def dialed(product: Product) -> Iterator[None]:
    """A dialer runs."""
    write_dialer_heartbeat(DIALER, at=ago(seconds=0))
    send_heartbeat(product.directory, "dialer")
    yield


def add_channel(product: Product, **columns: object) -> Channel:
    workspace = product.campaign.workspace
    channel: Channel = ChannelFactory(workspace=workspace, account__workspace=workspace, **columns)
    return channel


def add_call(channel: Channel, **columns: object) -> Call:
    call: Call = CallFactory(channel=channel, **columns)
    return call


def let_wait(channel: Channel, *, minutes: int) -> None:
    VerificationFactory(lead__source__workspace=channel.workspace, due_at=ago(minutes=minutes))


@contextmanager
def without_dialer(product: Product) -> Iterator[None]:
    """The only dialer was killed five minutes ago, and a lead has been due since then."""
    age_heartbeat(product.directory, "dialer")
    let_wait(add_channel(product), minutes=6)
    yield


@contextmanager
def stopped_account(product: Product) -> Iterator[None]:
    """The carrier refused its token an hour ago."""
    stopped: dict[str, Any] = {"account__stopped_at": ago(hours=1), "account__stop_code": "account_refused"}
    add_channel(product, **stopped)
    yield


@contextmanager
def unanswered_dial(product: Product) -> Iterator[None]:
    """The carrier cut the connection twenty minutes ago, and has not answered since."""
    add_call(
        add_channel(product),
        state="dialing",
        dial="unknown",
        dial_problem="no_answer",
        dialed_at=ago(minutes=20),
        next_check_at=ago(seconds=-20),
    )
    yield


@contextmanager
def overdue_check(product: Product) -> Iterator[None]:
    add_call(add_channel(product), state="ringing", dialed_at=ago(minutes=15), next_check_at=ago(minutes=12))
    yield


@contextmanager
def full_channel(product: Product) -> Iterator[None]:
    channel = add_channel(product, lines=1)
    add_call(channel, state="in_progress", dialed_at=ago(minutes=1))
    let_wait(channel, minutes=12)
    yield


@contextmanager
def flagged_channel(product: Product) -> Iterator[None]:
    add_channel(product, flagged_at=ago(hours=1), flag_reason="The carrier refused the number (code 21210).")
    yield


@contextmanager
def lowered_lines(product: Product) -> Iterator[None]:
    channel = add_channel(product, lines=2)
    for _ in range(2):
        add_call(channel, state="in_progress", dialed_at=ago(minutes=1))
    Channel.objects.filter(pk=channel.pk).update(lines=1)
    yield


@contextmanager
def waiting_notice(product: Product) -> Iterator[None]:
    """It came three minutes ago."""
    call = add_call(add_channel(product), state="in_progress", dialed_at=ago(minutes=4))
    notice = CallNotice.objects.create(call=call, kind="status", carrier_sid="CA1", status="completed")
    CallNotice.objects.filter(pk=notice.pk).update(received_at=ago(minutes=3))
    yield


@contextmanager
def lost_webhooks(product: Product) -> Iterator[None]:
    """The carrier was asked about the end of a call ten minutes ago."""
    channel = add_channel(product)
    ended: dict[str, Any] = {**ENDED, "outcome": "confirmed", "ended_by": "poll"}
    add_call(channel, dialed_at=ago(minutes=12), ended_at=ago(minutes=10), **ended)
    yield


@contextmanager
def quiet_channel(product: Product) -> Iterator[None]:
    add_channel(product)
    yield


def make_state(name: str, fault: Any, calls: Promise, *pages: str) -> State:
    prints = {CALLS: calls, ALIVE: BEATS, DATABASE: NO_LOCK}
    return State(name=name, pages=pages, brought_by=(*RUNNING, dialed, fault), prints=prints)


def problem(text: str) -> Promise:
    return Promise(1, f"Problem: {text}")


CALL_STATES: Final = (
    State(
        name="no dialer",
        pages=("calls-halted",),
        brought_by=(*RUNNING, without_dialer),
        prints={
            CALLS: problem("No dialer has sent a heartbeat in the last 30 s. Start one."),
            ALIVE: Promise(1, "dialer: last heartbeat N seconds ago"),
            DATABASE: NO_LOCK,
        },
    ),
    make_state(
        "a carrier that refuses an account",
        stopped_account,
        problem("Carrier accounts that are stopped: N. Find the cause, then start them again."),
        "carrier-stopped",
    ),
    make_state(
        "a carrier that does not answer",
        unanswered_dial,
        problem("Calls that may have been placed: N. The oldest is SECONDS seconds old."),
        "carrier-unreachable",
        "dials-unknown",
    ),
    make_state(
        "a carrier that is not asked",
        overdue_check,
        problem("The carrier should have been asked about a call N seconds ago."),
        "call-checks-late",
    ),
    make_state(
        "no free line",
        full_channel,
        problem("Workspaces with leads due for 10 minutes and no free line: N."),
        "no-line",
    ),
    make_state(
        "a flagged number",
        flagged_channel,
        problem("Channels that are flagged: N. No call goes out over them."),
        "channels-flagged",
        "answer-rate-halved",
    ),
    make_state(
        "more calls than lines",
        lowered_lines,
        problem("Channels with more calls than lines: N."),
        "line-drift",
    ),
    make_state(
        "a webhook that is not applied",
        waiting_notice,
        problem("Webhooks that are not applied: N. The oldest is SECONDS seconds old."),
        "call-notices-waiting",
    ),
    make_state(
        "webhooks that do not come",
        lost_webhooks,
        Promise(0, "confirmed poll N TIME"),
        "call-webhooks-lost",
        "call-webhooks-refused",
    ),
    make_state(
        "calls without a problem",
        quiet_channel,
        NO_PROBLEM,
        *("carrier-limit", "missed-wakes", "second-calls", "unknown-calls"),
    ),
)
