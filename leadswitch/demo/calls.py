"""Leads that are called before they are sold: verified, refused, and called again when the line was busy.

Everything goes through the real API, the real dialer and a carrier in a process of its own
(leadswitch/fake_carrier.py).
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from distribution.calls.by_hand import call_now
from distribution.calls.calling_rules import read_calling_rules
from distribution.calls.hours.check import check_hours
from distribution.calls.hours.places import Unplaced, find_places
from distribution.models import (
    Buyer,
    CallPolicy,
    Campaign,
    CarrierAccount,
    Channel,
    Enrollment,
    Tier,
    Verification,
    VerificationState,
)
from distribution.money.wallet import top_up
from leadswitch.demo.build import ACTOR, Demo
from leadswitch.demo.direct_post import post, save
from leadswitch.demo.send import SendingFailed
from leadswitch.fake_carrier import ACCOUNT_SID, AUTH_TOKEN, FakeCarrier, is_present, running_carrier
from routing.leads.actions import Operator
from routing.models import Lead, LeadStatus, Workspace

VERTICAL: Final = "painting"
CREDITS_CENTS: Final = 50_000
PRICE_CENTS: Final = 3_800
# Long enough for all calls, should the hours end while the demo runs.
STAYS_OPEN: Final = timedelta(minutes=10)
# A second of the carrier, so that nobody waits for a phone that rings.
SECOND_MS: Final = 40
WAIT_SECONDS: Final = 40.0
POLL_SECONDS: Final = 0.1
ENDED: Final = (LeadStatus.DISTRIBUTED, LeadStatus.FAILED)
NUMBERS: Final = 100
NO_HOURS: Final = "No place of the demo has calling hours now. Run it again after 12:00 UTC."
NO_CARRIER: Final = "The carrier of the demo is part of the tests, which are not installed here."


@dataclass(frozen=True, slots=True)
class Place:
    """Where the people of the demo live."""

    name: str
    zip: str
    state: str
    timezone: str
    area_code: str


# At nearly every hour the law allows calls in one of them. The other leads of the demo (people.py) use up the reserved
# numbers of their area codes: a lead with one of those would be a duplicate.
PLACES: Final = (
    Place("New York, New York", "10001", "NY", "America/New_York", "212"),
    Place("Honolulu, Hawaii", "96813", "HI", "Pacific/Honolulu", "808"),
    Place("Hagåtña, Guam", "96910", "GU", "Pacific/Guam", "671"),
    Place("San Juan, Puerto Rico", "00901", "PR", "America/Puerto_Rico", "787"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """`callees`: what answers each call, by the carrier's names. `title`: what it shows."""

    name: str
    title: str
    callees: tuple[str, ...]


PEOPLE: Final = (
    Person("ada", "confirms", ("confirms",)),
    Person("ben", "declines", ("declines",)),
    Person("cleo", "is busy, then confirms", ("busy", "confirms")),
    Person("dan", "lets the machine answer", ("voicemail",)),
    Person("eva", "gave a number that does not exist", ("invalid",)),
)


@dataclass(frozen=True, slots=True)
class Called:
    """`leads`: ids by the person's name. Empty: nobody was called, and `why` says why not. `place`: where they live."""

    leads: Mapping[str, int] = field(default_factory=dict)
    why: str = ""
    place: str = ""


def play(demo: Demo, *, address: str) -> Called:
    """With a carrier, if one is installed. Raises SendingFailed and CarrierNotStarted."""
    if not is_present():
        return Called(why=NO_CARRIER)
    with running_carrier() as carrier:
        return play_with(carrier, demo, address=address)


def play_with(carrier: FakeCarrier, demo: Demo, *, address: str) -> Called:
    """Send the leads, and wait until each is sold or refused. Raises SendingFailed."""
    place = find_open_place(datetime.now(UTC))
    if place is None:
        return Called(why=NO_HOURS)
    carrier.configure(second_ms=SECOND_MS)
    channel = build(demo.workspace, place=place, api_url=carrier.api_url)
    leads = {
        person.name: _send(person, number, demo, place=place, address=address, carrier=carrier)
        for number, person in enumerate(PEOPLE)
    }
    _wait_until_ended(leads.values())
    _disable(channel)
    return Called(leads, place=place.name)


def find_open_place(at: datetime) -> Place | None:
    """Where people may be called now, and for a while."""
    return next((place for place in PLACES if _is_open(place, at)), None)


def _is_open(place: Place, at: datetime) -> bool:
    places = find_places(place.zip, country="US", phone=f"+1{place.area_code}5550100")
    if isinstance(places, Unplaced):
        return False
    rules = read_calling_rules(places)
    return check_hours(places, rules=rules, at=at, margin=STAYS_OPEN, channel_hours=None).is_open


@transaction.atomic
def build(workspace: Workspace, *, place: Place, api_url: str) -> Channel:
    """A campaign that requires verification, with one buyer, and a channel of three lines."""
    campaign = Campaign(
        workspace=workspace,
        name="Painting, verified by phone",
        vertical=VERTICAL,
        mode="priority",
        price_cents=PRICE_CENTS,
        verification="required",
    )
    save(campaign)
    save(CallPolicy(campaign=campaign, busy_minutes=10, voicemail_calls=1))
    tier = save(Tier(campaign=campaign, position=1, name=""))
    buyer = Buyer(
        workspace=workspace,
        name="Fulton Painting",
        timezone=place.timezone,
        service_area={"states": [place.state]},
    )
    save(buyer)
    key = f"demo:{buyer.public_id}"
    top_up(buyer.pk, amount_cents=CREDITS_CENTS, key=key, actor=ACTOR, reason="opening balance")
    save(Enrollment(campaign=campaign, tier=tier, buyer=buyer))
    return build_channel(workspace, area_code=place.area_code, api_url=api_url)


def build_channel(workspace: Workspace, *, area_code: str, api_url: str) -> Channel:
    account = CarrierAccount(
        workspace=workspace,
        name="Fake carrier",
        api_url=api_url,
        account_sid=ACCOUNT_SID,
        auth_token=AUTH_TOKEN,
        calls_per_second=20,
    )
    save(account)
    channel = Channel(
        workspace=workspace,
        account=account,
        name="Fake number",
        number=f"+1{area_code}555{1_000 + workspace.pk % 9_000}",
        lines=3,
        calls_per_minute=1_200,
    )
    save(channel)
    return channel


def _send(
    person: Person, number: int, demo: Demo, *, place: Place, address: str, carrier: FakeCarrier
) -> int:
    """Another number in each run: a person is called three times a day at most. Returns the lead's id."""
    line = (demo.workspace.pk * len(PEOPLE) + number) % NUMBERS
    phone = f"+1{place.area_code}55501{line:02d}"
    carrier.set_callees(phone, *person.callees)
    lead = {
        "first_name": person.name.title(),
        "last_name": "Painter",
        "email": f"{person.name}.painter.{line}@example.com",
        "phone": phone,
        "zip": place.zip,
        "vertical": VERTICAL,
        "external_id": f"painting-{person.name}",
    }
    answer = post(f"{address}/api/v1/leads/", lead, Authorization=f"Api-Key {demo.key}")
    return Lead.objects.get(public_id=str(answer["id"])).pk


def _wait_until_ended(lead_ids: Iterable[int]) -> None:
    ids = list(lead_ids)
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        call_again_now(ids)
        if Lead.objects.filter(pk__in=ids, status__in=ENDED).count() == len(ids):
            return
        time.sleep(POLL_SECONDS)
    raise SendingFailed("the leads were not called in time")


def call_again_now(lead_ids: Iterable[int]) -> None:
    """Nobody watches a demo for ten minutes: an operator has those called now whose line was busy."""
    at = datetime.now(UTC)
    waiting = Verification.objects.filter(lead__in=lead_ids, state=VerificationState.WAITING, reason="busy")
    for verification in waiting.filter(due_at__gt=at):
        call_now(verification.pk, at=at, by=Operator(ACTOR, "nobody watches a demo for ten minutes"))


def _disable(channel: Channel) -> None:
    """Nothing answers at the carrier's address after the demo."""
    CarrierAccount.objects.filter(pk=channel.account_id).update(is_enabled=False)
    Channel.objects.filter(pk=channel.pk).update(is_enabled=False)
