"""A campaign that has its leads verified, five numbers, and people who live where calls are allowed now, or are not."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import CallingHours, Channel
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
    channels: list[Channel]
    open: Place
    closed: Place
    random: Random
    number: int = 0
    phones: list[str] = field(default_factory=list)

    def send(self, count: int) -> None:
        """Store leads and try each at once: it is gated. Some belong to one person, and some may not be called now."""
        for _ in range(count):
            place = self.closed if self.random.randrange(100) < CLOSED else self.open
            lead = LeadFactory(
                source=self.source,
                zip=place.zip,
                state=place.state,
                country="US",
                **person(phone=self._choose_phone(place)),
            )
            result = distribute_lead(lead.pk).result
            assert result == "gated", result

    def find_place(self, phone: str) -> Place:
        return self.closed if phone[2:5] == self.closed.area_code else self.open

    def _choose_phone(self, place: Place) -> str:
        if place is self.open and self.phones and self.random.randrange(100) < SHARED:
            return self.phones[-1]
        self.number += 1
        phone = f"+1{place.area_code}{5_550_000 + self.number:07d}"
        if place is self.open:
            self.phones.append(phone)
        return phone


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
    return World(source, channels, here, there, Random(seed))


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
