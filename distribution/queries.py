"""Reads of distribution for API, admin and commands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from django.db.models import BigIntegerField, Model, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from distribution.attempts.campaigns import read_heads
from distribution.engine import resolve_campaign
from distribution.models import Assignment, Buyer, Enrollment, LedgerEntry, Wallet
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


def find_assignment(public_id: UUID, *, buyer: Buyer) -> Assignment | None:
    return _bought(buyer).filter(public_id=public_id).first()


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
