"""Every buyer's answer in every auction: what it bid and how fast, which rank it had, and what it paid."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from distribution.admin.bid_figures import BidFiguresAdmin
from distribution.models import (
    Assignment,
    AssignmentState,
    Bid,
    BidOutcome,
    Buyer,
    Campaign,
    Offer,
    OfferBuyer,
    OfferKind,
)
from routing.models import Lead
from tracing.admin.columns import NOTHING, time_column
from tracing.admin.days import APART, DayFilter, first_id_at
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.readonly import ReadOnlyAdmin, VocabularyFilter
from tracing.admin.scope import visible_ids
from tracing.parsing import parse_id, parse_text, parse_uuid
from tracing.wording import duration, money, short_id

MAX_CHOICES: Final = 200
MAX_FOUND: Final = 100
UNANSWERED: Final = "unanswered"
PAID: Final = (AssignmentState.SOLD, AssignmentState.RETURNED)


class BuyerFilter(admin.SimpleListFilter):
    title = "buyer"
    parameter_name = "buyer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        buyers, ids = Buyer.objects.order_by("name"), visible_ids(request)
        if ids is not None:
            buyers = buyers.filter(workspace_id__in=ids)
        return [(str(each.pk), each.name) for each in buyers[:MAX_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(buyer_id=parse_id(value) or 0) if value else queryset


class BidCampaignFilter(admin.SimpleListFilter):
    title = "campaign"
    parameter_name = "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        campaigns, ids = Campaign.objects.filter(mode="auction").order_by("name"), visible_ids(request)
        if ids is not None:
            campaigns = campaigns.filter(workspace_id__in=ids)
        return [(str(each.pk), str(each)) for each in campaigns.select_related("workspace")[:MAX_CHOICES]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset.filter(offer__campaign_id=parse_id(value) or 0) if value else queryset


class OutcomeFilter(VocabularyFilter):
    title = "outcome"
    parameter_name = "outcome"
    values = (*BidOutcome.values, UNANSWERED)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(bid_outcome="" if value == UNANSWERED else value)


class BidDayFilter(DayFilter):
    """The ids of auctions are made in the order of time, and those of their bids with them."""

    title = "day (UTC)"
    column = "visible_at"

    def of_days(self, queryset: QuerySet[Any], *, first: datetime, end: datetime) -> QuerySet[Any]:
        least, beyond = _first_bid_at(first - APART), _first_bid_at(end + APART)
        if least is None:
            return queryset.none()
        bounds = Q(pk__gte=least) if beyond is None else Q(pk__gte=least, pk__lt=beyond)
        return super().of_days(queryset, first=first, end=end).filter(bounds)


def _first_bid_at(at: datetime) -> int | None:
    """The smallest id of a bid in the first auction that opened then or later. None: there is none."""
    offers = Offer.objects.filter(public_id__gte=first_id_at(at)).order_by("public_id")
    bids = OfferBuyer.objects.filter(offer_id=Subquery(offers.values("pk")[:1])).order_by("pk")
    return bids.values_list("pk", flat=True).first()


@admin.register(Bid)
class BidAdmin(BidFiguresAdmin, ReadOnlyAdmin):
    change_list_template = "admin/distribution/bid/change_list.html"
    workspace_path = "buyer__workspace"
    list_display = (
        *("asked", "campaign", "lead_link", "buyer", "bid", "took", "outcome", "reason", "rank", "paid"),
    )
    list_filter = (OutcomeFilter, BidDayFilter, BidCampaignFilter, BuyerFilter, WorkspaceFilter)
    list_select_related = ("buyer__workspace", "offer__campaign__workspace", "offer__lead")
    scan_time = "visible_at"
    search_help_text = (
        "Public id of a lead, an auction or a buyer; a buyer's name; or the buyer's id of a bid."
    )
    empty_list_text = "Buyers bid in campaigns with the mode auction. Their answers are listed here."
    fields = (
        *("asked", "auction", "campaign", "lead_link", "buyer", "bid", "standing", "took", "outcome"),
        *("reason", "bid_id", "rank", "value", "returned", "paid"),
    )
    readonly_fields = (
        *("asked", "auction", "campaign", "lead_link", "bid", "standing", "took", "outcome", "reason"),
        *("value", "returned", "paid"),
    )
    asked = time_column("visible_at", label="time")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        sold = Assignment.objects.filter(
            lead_id=OuterRef("offer__lead_id"),
            buyer_id=OuterRef("buyer_id"),
            campaign_id=OuterRef("offer__campaign_id"),
            state__in=PAID,
        )
        bids = super().get_queryset(request)
        rows: QuerySet[Any] = bids.annotate(
            paid_cents=Subquery(sold.order_by("-pk").values("price_cents")[:1])
        )
        return rows

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        """By buyers that are looked up first: their index gives the newest ones."""
        buyers = Buyer.objects.filter(workspace__in=ids)
        return queryset.filter(buyer_id__in=list(buyers.values_list("pk", flat=True)))

    def passed_rows(self) -> QuerySet[Any]:
        """With the rows of ping posts, and without the offer of each: how many lie between two bids is not bounded."""
        return OfferBuyer.objects.all()

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Only buyers and days have an index. Rows of ping posts lie between those of auctions."""
        return None if asked.get("buyer") or asked.get("day") else MAX_SCANNED

    def find_named(self, text: str, *, request: HttpRequest) -> Q:
        """By ids that are looked up first."""
        if parse_text(text) is None:
            return Q(pk__in=[])
        public_id = parse_uuid(text)
        if public_id is None:
            return Q(bid_id=text) | Q(buyer_id__in=self._find_buyers(Q(name__icontains=text), request))
        auctions = Offer.objects.filter(kind=OfferKind.AUCTION)
        leads = Lead.objects.filter(public_id=public_id)
        named = auctions.filter(
            Q(public_id=public_id) | Q(lead_id__in=list(leads.values_list("pk", flat=True)))
        )
        offers = list(named.values_list("pk", flat=True)[:MAX_FOUND])
        return (
            Q(offer_id__in=offers)
            if offers
            else Q(buyer_id__in=self._find_buyers(Q(public_id=public_id), request))
        )

    def _find_buyers(self, named: Q, request: HttpRequest) -> list[int]:
        buyers = self.admin_site.get_model_admin(Buyer).get_queryset(request).filter(named)
        found: list[int] = self.find_first(
            buyers.order_by("pk"), most=MAX_FOUND, what="buyers", request=request
        )
        return found

    def title_of(self, row: Bid) -> str:
        return f"Answer of {row.buyer.name} in the auction {short_id(row.offer.public_id)}"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return request.user.has_perm("distribution.view_offer")

    @admin.display(description="auction")
    def auction(self, bid: Bid) -> SafeString:
        url = reverse("admin:distribution_offer_change", args=[bid.offer_id])
        return format_html('<a href="{}">{}</a>', url, short_id(bid.offer.public_id))

    @admin.display(description="campaign")
    def campaign(self, bid: Bid) -> str:
        return str(bid.offer.campaign)

    @admin.display(description="lead")
    def lead_link(self, bid: Bid) -> SafeString:
        public_id = bid.offer.lead.public_id
        url = reverse("admin:routing_lead_trace", args=[public_id])
        return format_html('<a href="{}">{}</a>', url, short_id(public_id))

    @admin.display(description="bid")
    def bid(self, bid: Bid) -> str:
        return NOTHING if bid.bid_cents is None else money(bid.bid_cents)

    @admin.display(description="standing bid")
    def standing(self, bid: Bid) -> str:
        return NOTHING if bid.price_cents is None else money(bid.price_cents)

    @admin.display(description="took")
    def took(self, bid: Bid) -> str:
        return NOTHING if bid.latency_ms is None else duration(bid.latency_ms)

    @admin.display(description="outcome")
    def outcome(self, bid: Bid) -> str:
        if bid.bid_outcome:
            return str(BidOutcome(bid.bid_outcome).label)
        return "not asked yet" if bid.asked_at is None else "asked, no answer yet"

    @admin.display(description="why")
    def reason(self, bid: Bid) -> str:
        return bid.bid_reason or NOTHING

    @admin.display(description="rank value")
    def value(self, bid: Bid) -> str:
        """The bid less margin and returns."""
        return NOTHING if bid.rank_value_cents is None else money(bid.rank_value_cents)

    @admin.display(description="returned leads")
    def returned(self, bid: Bid) -> str:
        return f"{bid.returned_bps / 100:g}%"

    @admin.display(description="price paid")
    def paid(self, bid: Any) -> str:
        return NOTHING if bid.paid_cents is None else money(bid.paid_cents)
