"""The rows that the product itself makes: workspaces, campaigns, buyers, and a few thousand leads with real attempts.

Each vertical has one campaign per workspace, whose buyers decide the outcome of its leads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.engine.limits import MAX_CREDIT_LIMIT_CENTS
from distribution.models import Assignment, Buyer, Campaign, Enrollment, SourceContract, Tier, Wallet
from routing.intake.identity import identify
from routing.models import Lead, LeadStatus, RoutingRule, Source, Workspace, WorkspaceKind
from tests.bench.scale.size import BIG, DAYS, KINDS, Kind, Size
from tests.support.returning import return_assignment

PREFIX: Final = "scale-"
PRICE_CENTS: Final = 2_500
TTL_DAYS: Final = 1_000
EVERYWHERE: Final = {"everywhere": True}
ELSEWHERE: Final = {"states": ["AK", "HI"]}
NEVER_OPEN: Final = {"mon": [["00:00", "00:01"]]}
# Of the largest workspaces. Each skipped buyer adds an event.
BUYERS_IN_BIG: Final = 8
BUYERS: Final = 4
# Every tenth workspace is a partner. Its leads are routed to the workspace before it.
PARTNERS: Final = 10
PAUSED: Final = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A lead to multiply: the number of copies and the period. `first_id`: the lead that it duplicates."""

    lead_id: int
    copies: int
    days: int
    first_id: int | None = None


@dataclass(slots=True)
class Place:
    """A workspace with its source, and the workspace where its leads are sold."""

    rank: int
    workspace: Workspace
    source: Source


def build_world(size: Size, *, on_progress: Callable[[str], None]) -> list[Sample]:
    on_progress(f"{size.workspaces} workspaces with their campaigns and buyers")
    places = [_build_place(rank) for rank in range(size.workspaces)]
    for place in places:
        if place.workspace.kind == WorkspaceKind.PARTNER:
            _send_on(place, to=places[place.rank - 1])
    _build_big(places[0])
    on_progress("real attempts, by the product")
    samples = [sample for place in places for sample in _try_leads(place, size)]
    big = list(_try_big(places[0], size))
    Workspace.objects.filter(pk__in=[each.workspace.pk for each in places[5::PAUSED]]).update(
        paused_at=timezone.now()
    )
    return samples + big


def _build_place(rank: int) -> Place:
    is_partner = rank % PARTNERS == PARTNERS - 1
    workspace = Workspace.objects.create(
        slug=f"{PREFIX}{rank}",
        name=f"Workspace {rank}",
        kind=WorkspaceKind.PARTNER if is_partner else WorkspaceKind.AGENCY,
        lead_ttl_days=TTL_DAYS,
    )
    source = Source.objects.create(workspace=workspace, name="form")
    if rank % 2:
        _promise_revenue(source)
    if not is_partner:
        _build_campaigns(workspace, buyers=BUYERS_IN_BIG if rank < 3 else BUYERS)
    return Place(rank, workspace, source)


def _promise_revenue(source: Source) -> None:
    """Since before the oldest lead."""
    starts_at = timezone.now() - timedelta(days=2 * DAYS)
    SourceContract.objects.create(
        source=source, pays="share", share_bps=10_000, starts_at=starts_at, valid_from=starts_at.date()
    )


def _build_campaigns(workspace: Workspace, *, buyers: int) -> None:
    """The last roofer has no cap left. In every other campaign at most one buyer matches a lead, and cannot buy it."""
    roofers = [_buyer(workspace, f"Roofer {number}") for number in range(buyers)]
    roofing = _campaign(workspace, "roofing", roofers)
    Enrollment.objects.filter(campaign=roofing, buyer=roofers[-1]).update(cap_day=0)
    away = [_buyer(workspace, f"Away {number}", service_area=ELSEWHERE) for number in range(buyers)]
    _campaign(workspace, "siding", away)
    windows = _campaign(workspace, "windows", [*away[1:], roofers[0]])
    today = timezone.now().astimezone(ZoneInfo(away[0].timezone)).date()
    Enrollment.objects.filter(campaign=windows).update(cap_day=1, counted_on=today, day_leads=1)
    _campaign(workspace, "hvac", [*away[1:], _buyer(workspace, "Closed", hours=NEVER_OPEN)])
    _campaign(workspace, "gutters", [*away[1:], _buyer(workspace, "Broke", limit_cents=0)])


def _build_big(place: Place) -> None:
    """The only buyer of its vertical, and one of many in another. It has the most sales."""
    buyer = Buyer.objects.get(workspace=place.workspace, name="Roofer 0")
    _campaign(place.workspace, BIG.vertical, [buyer])


def _buyer(
    workspace: Workspace, name: str, *, limit_cents: int = MAX_CREDIT_LIMIT_CENTS, **more: Any
) -> Buyer:
    buyer = Buyer.objects.create(
        workspace=workspace, name=name, **{"service_area": EVERYWHERE, "hours": {}, **more}
    )
    Wallet.objects.filter(buyer=buyer).update(credit_limit_cents=limit_cents)
    return buyer


def _campaign(workspace: Workspace, vertical: str, buyers: Sequence[Buyer]) -> Campaign:
    campaign = Campaign.objects.create(
        workspace=workspace, name=vertical.title(), vertical=vertical, price_cents=PRICE_CENTS
    )
    tier = Tier.objects.create(campaign=campaign)
    Enrollment.objects.bulk_create(Enrollment(campaign=campaign, tier=tier, buyer=buyer) for buyer in buyers)
    return campaign


def _send_on(place: Place, *, to: Place) -> None:
    RoutingRule.objects.create(workspace=place.workspace, name="All", destination=to.workspace)


def _try_leads(place: Place, size: Size) -> Iterator[Sample]:
    at = timezone.now()
    leads = size.leads * size.share_of(place.rank)
    first_id: int | None = None
    for name, kind in KINDS.items():
        copies = max(1, round(leads * kind.share / kind.samples))
        for number in range(kind.samples):
            person = "sold 0" if name == "duplicate" else f"{name} {number}"
            lead = _add_lead(place, kind, person=f"{person} of {place.rank}", at=at)
            _come_to_its_end(lead, name)
            first_id = first_id or lead.pk
            yield Sample(lead.pk, copies, kind.days, first_id if name == "duplicate" else None)


def _try_big(place: Place, size: Size) -> Iterator[Sample]:
    at, left = timezone.now(), size.big_enrollment
    for number in range(min(BIG.samples, left)):
        lead = _add_lead(place, BIG, person=f"solar {number}", at=at)
        distribute_lead(lead.pk)
        copies = left // (min(BIG.samples, size.big_enrollment) - number)
        left -= copies
        yield Sample(lead.pk, copies, BIG.days)


def _add_lead(place: Place, kind: Kind, *, person: str, at: datetime) -> Lead:
    email_hash, _ = identify(email=f"{person.replace(' ', '.')}@example.com", phone=None)
    return Lead.objects.create(
        workspace=place.workspace,
        source_workspace=place.workspace,
        source=place.source,
        email_hash=email_hash,
        zip="30312",
        city="Atlanta",
        county="Fulton County",
        state="GA",
        vertical=kind.vertical,
        attributes={"roof_age": 12, "property_type": "residential", "own_home": True},
        received_at=at,
        next_attempt_at=at,
        expires_at=at + timedelta(days=TTL_DAYS),
    )


def _come_to_its_end(lead: Lead, name: str) -> None:
    row = Lead.objects.filter(pk=lead.pk)
    if name == "fresh":
        return
    if name == "cancelled":
        row.update(status=LeadStatus.CANCELLED, next_attempt_at=None, finished_at=lead.received_at)
        return
    if name == "expired":
        row.update(expires_at=lead.received_at + timedelta(milliseconds=1))
    distribute_lead(lead.pk)
    if name == "capped_twice":
        row.update(next_attempt_at=lead.received_at)
        distribute_lead(lead.pk)
    if name == "returned":
        [sale] = Assignment.objects.filter(lead=lead)
        return_assignment(sale.public_id, actor="bench", reason="wrong number")
