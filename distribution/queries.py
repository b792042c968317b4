"""Reads of distribution for API, admin and commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import BigIntegerField, Count, Model, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from distribution.attempts.campaigns import read_heads
from distribution.engine import resolve_campaign
from distribution.models import (
    Assignment,
    Buyer,
    Delivery,
    Endpoint,
    Enrollment,
    LedgerEntry,
    Purpose,
    Wallet,
)
from routing.access.named import find_named
from routing.models import Lead

Row = TypeVar("Row", bound=Model)
# Ids follow the order of inserts, but an entry's time is the start of its transaction. No transaction lasts longer than
# this, and no server's clock is set back by more.
APART: Final = timedelta(days=1)
FIRST_ID: Final = 0
LAST_ID: Final = 2**63 - 1
EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + APART
LATEST: Final = datetime.max.replace(tzinfo=UTC) - APART


def find_buyers(text: str, *, workspace_id: int, limit: int = 10) -> Sequence[Buyer]:
    """Return the buyers that `text` names: a public id, an id, or a name in any case. At most `limit`.

    Buyers of other workspaces are returned only if this workspace has none.
    """
    buyers = Buyer.objects.select_related("workspace").order_by("pk")
    here = find_named(buyers.filter(workspace_id=workspace_id), text, lookup="name__iexact", limit=limit)
    return here or find_named(buyers, text, lookup="name__iexact", limit=limit)


@dataclass(frozen=True, slots=True)
class Period:
    """From `starts_at` on and before `ends_at`. None: no bound."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def restrict(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        if self.starts_at is not None:
            rows = rows.filter(created_at__gte=self.starts_at)
        if self.ends_at is not None:
            rows = rows.filter(created_at__lt=self.ends_at)
        return rows


def list_ledger(
    buyer: Buyer, *, limit: int, before: int | None, period: Period, kind: str | None
) -> list[LedgerEntry]:
    """Return a buyer's ledger entries, newest first, those before the row `before`. One statement."""
    # No join: with the wallet as one value, the index returns the entries in order.
    wallet = Subquery(Wallet.objects.filter(buyer_id=buyer.pk).values("pk")[:1])
    entries = LedgerEntry.objects.filter(wallet=wallet).select_related("assignment").order_by("-pk")
    if before is not None:
        entries = entries.filter(pk__lt=before)
    if kind is not None:
        entries = entries.filter(kind=kind)
    return list(period.restrict(_between_ids(entries, period))[:limit])


def _between_ids(entries: QuerySet[LedgerEntry], period: Period) -> QuerySet[LedgerEntry]:
    """Bound a period by ids too. A wallet's index is by id, so a bound by time alone would read all of it.

    The first entry that is `APART` after the period, of any wallet, was inserted after every entry of the period. The
    last one that is `APART` before the period was inserted before every entry of the period.
    """
    if period.ends_at is not None:
        after = LedgerEntry.objects.filter(created_at__gte=min(period.ends_at, LATEST) + APART).order_by(
            "created_at"
        )
        entries = entries.filter(pk__lt=_id_or(after, LAST_ID))
    if period.starts_at is not None:
        before = LedgerEntry.objects.filter(created_at__lt=max(period.starts_at, EARLIEST) - APART).order_by(
            "-created_at"
        )
        entries = entries.filter(pk__gt=_id_or(before, FIRST_ID))
    return entries


def _id_or(entries: QuerySet[LedgerEntry], default: int) -> Coalesce:
    return Coalesce(Subquery(entries.values("pk")[:1]), Value(default, output_field=BigIntegerField()))


def list_assignments(
    buyer: Buyer, *, limit: int, before: int | None, period: Period, state: str | None
) -> list[Assignment]:
    """Return a buyer's assignments, newest first, with leads and campaigns. One statement."""
    bought = _bought(buyer).order_by("-pk")
    if before is not None:
        bought = bought.filter(pk__lt=before)
    if state is not None:
        bought = bought.filter(state=state)
    return list(period.restrict(bought)[:limit])


def list_assignments_since(buyer: Buyer, *, after: int, limit: int) -> list[Assignment]:
    """Return a buyer's assignments behind the row `after`, oldest first. None is ever inserted before one of these.

    Ids are taken under the lock of the buyer's wallet, which its transaction holds until it commits. So a row that
    another transaction has not committed yet has a higher id than every row that is seen. Test leads lock no wallet,
    so a test that commits late may be missed.
    """
    return list(_bought(buyer).filter(pk__gt=after).order_by("pk")[:limit])


def find_first_assignment(buyer: Buyer, *, at: datetime) -> int:
    """Where to begin to read the assignments from this time on: the row before the first of them."""
    mine = Assignment.objects.filter(buyer_id=buyer.pk)
    found = mine.filter(created_at__gte=at).order_by("pk").values_list("pk", flat=True).first()
    if found is not None:
        return found - 1
    return mine.order_by("-pk").values_list("pk", flat=True).first() or 0


def find_assignment(public_id: UUID, *, buyer: Buyer) -> Assignment | None:
    return _bought(buyer).filter(public_id=public_id).first()


def count_leads_by_day(buyer: Buyer, *, first: date, last: date) -> dict[date, int]:
    """How many leads a buyer bought on each day of its calendar, returned ones too. Days without leads are left out.

    A buyer's index is by id, so the last sale before the period bounds it.
    """
    bought = Assignment.objects.filter(buyer_id=buyer.pk)
    before = bought.filter(counted_on__lt=first - timedelta(days=1)).order_by("-pk").values("pk")[:1]
    bound = Coalesce(Subquery(before), Value(FIRST_ID, output_field=BigIntegerField()))
    sold = bought.filter(pk__gt=bound, counted_on__range=(first, last), is_test=False)
    rows = sold.filter(state__in=("sold", "returned")).values_list("counted_on").annotate(leads=Count("pk"))
    return {day: leads for day, leads in rows.order_by("counted_on") if day is not None}


def list_deliveries_of(assignment: Assignment) -> list[Delivery]:
    """Return where a sold lead was sent, the newest first. Nothing of an endpoint is decrypted."""
    rows = Delivery.objects.filter(assignment_id=assignment.pk, event=None).select_related("endpoint")
    return list(rows.defer("endpoint__headers", "endpoint__template").order_by("-pk"))


def list_endpoints(buyer: Buyer) -> list[Endpoint]:
    """Return where a buyer gets its leads, by name. Nothing of an endpoint is decrypted."""
    rows = Endpoint.objects.filter(buyer_id=buyer.pk, events=[], purpose=Purpose.DELIVERY)
    rows = rows.select_related("campaign")
    return list(rows.defer("headers", "template").order_by("name", "pk"))


def list_enrollments_to_explain(buyer: Buyer) -> list[Enrollment]:
    """As list_enrollments, with what find_stops reads."""
    places = Enrollment.objects.filter(buyer_id=buyer.pk)
    loaded = places.select_related("buyer__wallet", "buyer__workspace", "campaign__source", "tier")
    return list(loaded.order_by("campaign__name", "pk"))


def list_enrollments(buyer: Buyer) -> list[Enrollment]:
    """Return a buyer's places in campaigns, by the campaign's name."""
    places = Enrollment.objects.filter(buyer_id=buyer.pk).select_related("campaign")
    return list(places.order_by("campaign__name", "pk"))


def _bought(buyer: Buyer) -> QuerySet[Assignment]:
    return Assignment.objects.filter(buyer_id=buyer.pk).select_related("lead", "campaign")


def enrollments_for(lead: Lead) -> QuerySet[Enrollment]:
    """The enrollments of the campaign that would take this lead now, by buyer name. Empty without a campaign."""
    heads, _ = read_heads(workspace_id=lead.workspace_id, vertical=lead.vertical)
    head = resolve_campaign(heads, source_id=lead.source_id, vertical=lead.vertical)
    enrollments = Enrollment.objects.select_related("buyer__workspace").order_by("buyer__name")
    return enrollments.none() if head is None else enrollments.filter(campaign_id=head.id)
