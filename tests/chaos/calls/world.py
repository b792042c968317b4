"""A campaign that has its leads verified, five numbers, and people who live where calls are allowed now, or are not."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import CallingHours, Campaign, Channel
from routing.models import Source
from tests.carrier import Carrier
from tests.support.factories import (
    CallPolicyFactory,
    CampaignFactory,
    CarrierAccountFactory,
    ChannelFactory,
    EnrollmentFactory,
    LeadFactory,
    SourceFactory,
    VerificationFactory,
    person,
)

LINES: Final = (2, 3, 5, 6, 8)
CREDITS_CENTS: Final = 1_000_000_000
# Shorter than any allowed setting, as every wait of the suite.
RING_SECONDS: Final = 2
# Of a hundred leads.
CLOSED: Final = 10
SHARED: Final = 15


@dataclass(frozen=True, slots=True)
class Place:
    """`opens` and `closes`: the hours that the suite has set there, on every day."""

    state: str
    zip: str
    area_code: str
    timezone: str
    opens: time
    closes: time

    def is_open(self, at: datetime) -> bool:
        """By the clock of the place alone: no code of the product says when a call may go out."""
        return self.opens <= at.astimezone(ZoneInfo(self.timezone)).time() < self.closes


@dataclass(slots=True)
class World:
    source: Source
    campaign: Campaign
    channels: list[Channel]
    open: Place
    closed: Place
    random: Random
    number: int = 0
    phone: str = ""

    def send(self, count: int) -> None:
        """Store leads and try each at once: it is gated. Some belong to one person, and some may not be called now."""
        for _ in range(count):
            draw = self.random.randrange(100)
            if draw < SHARED and self.phone:
                self._send_again(self.phone)
            else:
                self._send(self.closed if draw >= 100 - CLOSED else self.open)

    def _send(self, place: Place) -> None:
        self.number += 1
        phone = f"+1{place.area_code}{5_550_000 + self.number:07d}"
        lead = LeadFactory(source=self.source, **_live_in(place), **person(phone=phone))
        result = distribute_lead(lead.pk).result
        assert result == "gated", result
        if place is self.open:
            self.phone = phone

    def _send_again(self, phone: str) -> None:
        """Another lead of the last person, which was gated before anybody could tell that it is a duplicate."""
        contact = {f"lead__{name}": value for name, value in person(phone=phone).items()}
        where = {f"lead__{name}": value for name, value in _live_in(self.open).items()}
        VerificationFactory(lead__source=self.source, campaign=self.campaign, **contact, **where)

    def find_place(self, phone: str) -> Place:
        return self.closed if phone[2:5] == self.closed.area_code else self.open


def _live_in(place: Place) -> dict[str, str]:
    return {"zip": place.zip, "state": place.state, "country": "US"}


def build_world(carrier: Carrier, *, seed: int) -> World:
    here, there = find_places(timezone.now())
    set_hours(here, there)
    campaign: Any = CampaignFactory(price_cents=2_000, verification="required", unverified_end="fail")
    EnrollmentFactory(campaign=campaign, buyer__credits_cents=CREDITS_CENTS)
    waits = {f"{name}_minutes": 0 for name in ("busy", "no_answer", "voicemail", "no_input", "failed")}
    CallPolicyFactory(campaign=campaign, ring_seconds=RING_SECONDS, **waits)
    account = CarrierAccountFactory(
        workspace=campaign.workspace,
        account_sid=carrier.account_sid,
        auth_token=carrier.auth_token,
        signing_key=carrier.signing_key,
        api_url=carrier.api_url,
    )
    channels = [
        ChannelFactory(account=account, lines=lines, number=f"+1212555{number:04d}")
        for number, lines in enumerate(LINES)
    ]
    source: Source = SourceFactory(workspace=campaign.workspace)
    return World(source, campaign, channels, here, there, Random(seed))


def find_places(at: datetime) -> tuple[Place, Place]:
    """Where it is open for all of the day, and where it is closed for hours. Not near a midnight of the place."""
    atlanta = ("GA", "30312", "404", "America/New_York")
    honolulu = ("HI", "96813", "808", "Pacific/Honolulu")
    local = at.astimezone(ZoneInfo(atlanta[3]))
    is_late = (local + timedelta(hours=1)).date() != local.date()
    here = Place(*(honolulu if is_late else atlanta), time(0), time(23, 59))
    hour = at.astimezone(ZoneInfo("America/Chicago")).hour
    opens = hour + 6 if hour < 17 else hour - 12
    return here, Place("IL", "60601", "312", "America/Chicago", time(opens), time(opens + 1))


def set_hours(here: Place, there: Place) -> None:
    rows = {"": here, here.state: here, there.state: there}
    for state, place in rows.items():
        CallingHours.objects.update_or_create(
            country="US",
            state=state,
            defaults={
                "opens": place.opens,
                "closes": place.closes,
                "calls_on_sunday": True,
                "calls_on_holidays": True,
                "most_calls_per_day": None,
                "source": "the suite",
                "checked_on": datetime.now(UTC).date(),
            },
        )
