"""The senders and buyers: five workspaces and twenty buyers, so that leads have every kind of end.

A sixth workspace is paused."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.models import Campaign, CampaignMode
from routing.calendar.hours import WEEKDAYS
from routing.models import Source, Workspace
from tests.support.factories import (
    CampaignFactory,
    EnrollmentFactory,
    RuleFactory,
    SourceFactory,
    WorkspaceFactory,
    enroll,
    issue_key,
)

PRICE_CENTS: Final = 100
ZONE: Final = "America/New_York"


@dataclass(frozen=True, slots=True)
class Sender:
    """A source, its key, and the number of leads out of a hundred that it sends."""

    source: Source
    key: str
    share: int


@dataclass(frozen=True, slots=True)
class World:
    senders: tuple[Sender, ...]
    plain: Campaign  # its buyers have no limits, so every lead of it is sold at once
    paused: Workspace  # it has a pile of leads while a fault needs one, and sends none


def build_world(*, leads: int) -> World:
    """Caps and credits are small enough that they run out during the run."""
    plain = _campaign("plain")
    enroll(plain, count=8, credits_cents=100 * leads * PRICE_CENTS)

    shared = _campaign("shared", mode=CampaignMode.WEIGHTED, max_buyers=2)
    for weight in (1, 2, 3):
        enroll(shared, count=2, credits_cents=max(2, leads // 25) * PRICE_CENTS, weight=weight)

    capped = _campaign("capped", mode=CampaignMode.PRIORITY)
    for priority, cap in enumerate((2, 3, 5, 8)):
        enroll(
            capped,
            count=1,
            credits_cents=100 * leads * PRICE_CENTS,
            cap_day=max(1, cap * leads // 200),
            priority=priority,
        )

    closed = _campaign("closed")
    for _ in range(2):
        EnrollmentFactory(campaign=closed, buyer__hours=_closed_now(), buyer__credits_cents=PRICE_CENTS)

    partner = WorkspaceFactory(slug="chaos-partner", name="partner", kind="partner", dispatch_mode="event")
    RuleFactory(workspace=partner, destination=plain.workspace)

    workspaces = (plain.workspace, shared.workspace, capped.workspace, closed.workspace, partner)
    senders = [_sender(each, share) for each, share in zip(workspaces, (45, 25, 16, 4, 10), strict=True)]
    paused = WorkspaceFactory(
        slug="chaos-paused", name="paused", dispatch_mode="event", paused_at=timezone.now()
    )
    return World(tuple(senders), plain, paused)


def _campaign(name: str, **fields: object) -> Campaign:
    workspace = WorkspaceFactory(slug=f"chaos-{name}", name=name, dispatch_mode="event")
    campaign: Campaign = CampaignFactory(workspace=workspace, name=name, price_cents=PRICE_CENTS, **fields)
    return campaign


def _sender(workspace: Workspace, share: int) -> Sender:
    source = SourceFactory(workspace=workspace)
    return Sender(source, issue_key(source), share)


def _closed_now() -> dict[str, list[list[str]]]:
    """An hour of the day that is far from now, so that no run reaches it."""
    opens = (timezone.now().astimezone(ZoneInfo(ZONE)) + timedelta(hours=12)).hour
    spans = [[f"{opens:02}:00", f"{opens:02}:59"]]
    return dict.fromkeys(WEEKDAYS, spans)
