"""A change of the hours makes the verifications due that wait for them, and no others."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.utils import timezone

from distribution.models import CallingHours, Channel, Verification
from tests.support.factories import CarrierAccountFactory, ChannelFactory, VerificationFactory

pytestmark = pytest.mark.django_db

LATER = datetime(2099, 1, 1, 13, tzinfo=UTC)
EARLIER = datetime(2026, 1, 1, 13, tzinfo=UTC)


def park(reason: str, **fields: Any) -> Verification:
    parked: Verification = VerificationFactory(**{"due_at": LATER, "reason": reason, **fields})
    return parked


def list_due(*parked: Verification) -> list[Verification]:
    now = timezone.now()
    return [
        each for each in parked if (due_at := Verification.objects.get(pk=each.pk).due_at) and due_at <= now
    ]


def update_florida(**changes: Any) -> Callable[[], Any]:
    return lambda: CallingHours.objects.filter(state="FL").update(**changes)


def add_ontario() -> None:
    CallingHours.objects.create(
        country="CA",
        state="ON",
        opens=time(9),
        closes=time(21),
        source="a page",
        checked_on=date(2026, 11, 30),
    )


CHANGES = {
    "opens": update_florida(opens=time(7)),
    "closes": update_florida(closes=time(21)),
    "sunday": update_florida(calls_on_sunday=False),
    "holidays": update_florida(calls_on_holidays=False),
    "most calls": update_florida(most_calls_per_day=None),
    "moved": update_florida(country="CA", state="ON"),
    "deleted": lambda: CallingHours.objects.filter(state="FL").delete(),
    "added": add_ontario,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_law_wakes_what_waits_for_it_in_every_workspace(change: Callable[[], Any]) -> None:
    parked = [park("outside_calling_hours"), park("no_calling_hours"), park("called_too_often")]
    others = [park("channel_closed"), park("no_line"), park("workspace_paused"), park("")]

    change()

    assert list_due(*parked, *others) == parked
    assert {each.due_at for each in Verification.objects.filter(pk__in=[row.pk for row in others])} == {LATER}


def test_verification_that_is_due_keeps_its_place_in_the_queue() -> None:
    due = park("outside_calling_hours", due_at=EARLIER)
    update_florida(opens=time(7))()
    assert Verification.objects.get(pk=due.pk).due_at == EARLIER


@pytest.mark.parametrize("state", ["calling", "person"])
def test_verification_that_does_not_wait_is_not_changed(state: str) -> None:
    other = park("outside_calling_hours", state=state, due_at=None)
    update_florida(opens=time(7))()
    assert Verification.objects.get(pk=other.pk).due_at is None


@pytest.mark.parametrize(
    "changes", [{"source": "another page"}, {"checked_on": date(2027, 1, 1)}, {"opens": time(8)}]
)
def test_row_with_the_same_hours_wakes_nobody(changes: dict[str, Any]) -> None:
    parked = park("outside_calling_hours")
    update_florida(**changes)()
    assert list_due(parked) == []


def test_woken_verification_keeps_its_reason_until_it_is_checked() -> None:
    parked = park("outside_calling_hours")
    update_florida(opens=time(7))()
    assert Verification.objects.get(pk=parked.pk).reason == "outside_calling_hours"


def channel_of(parked: Verification, **fields: Any) -> Channel:
    account = CarrierAccountFactory(workspace=parked.workspace)
    channel: Channel = ChannelFactory(account=account, **fields)
    return channel


CLOSED = {"mon": [["09:00", "10:00"]]}
OPENED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "hours": ({"hours": CLOSED}, {"hours": {}}),
    "time zone": ({"hours": CLOSED}, {"timezone": "America/Chicago"}),
    "enabled": ({"is_enabled": False}, {"is_enabled": True}),
    "unflagged": ({"flagged_at": EARLIER, "flag_reason": "spam"}, {"flagged_at": None, "flag_reason": ""}),
}


@pytest.mark.parametrize(("before", "after"), OPENED.values(), ids=OPENED)
def test_opened_channel_wakes_what_waits_for_one_in_its_workspace(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    other_workspace = park("channel_closed")
    closed = park("channel_closed")
    mine = {"lead__source__workspace": closed.workspace}
    none = park("no_channel", **mine)
    others = [park("outside_calling_hours", **mine), park("", **mine), other_workspace]
    channel = channel_of(closed, **before)
    Verification.objects.update(due_at=LATER)

    Channel.objects.filter(pk=channel.pk).update(**after)

    assert list_due(closed, none, *others) == [closed, none]


def test_added_channel_wakes_what_waits_for_one() -> None:
    parked = park("no_channel")
    channel_of(parked)
    assert list_due(parked) == [parked]


SHUT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "disabled": ({}, {"is_enabled": False}),
    "flagged": ({}, {"flagged_at": EARLIER, "flag_reason": "spam"}),
    "hours of a disabled channel": ({"is_enabled": False}, {"hours": CLOSED}),
    "pace": ({}, {"next_dial_at": EARLIER}),
}


@pytest.mark.parametrize(("before", "after"), SHUT.values(), ids=SHUT)
def test_channel_that_does_not_open_wakes_nobody(before: dict[str, Any], after: dict[str, Any]) -> None:
    parked = park("channel_closed")
    channel = channel_of(parked, **before)
    Verification.objects.update(due_at=LATER)
    Channel.objects.filter(pk=channel.pk).update(**after)
    assert list_due(parked) == []
