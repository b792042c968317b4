"""Offers and auctions of leads: when they were open, who was shown them, and how each of these ended."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db.models import IntegerField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from distribution.admin.lead_search import find_of_lead_or_own
from distribution.explain.places import SALE
from distribution.models import BidOutcome, Campaign, Offer, OfferBuyer, OfferEnd, OfferKind, OfferState
from tracing.admin.columns import NOTHING, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.keyset import MAX_SCANNED
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.wording import duration, moment, money, short_id

HEADINGS: Final = ("Buyer", "Tier", "Price", "Shown from", "What happened")
TABLE: Final = '<table class="admin-stack"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>'
# On a phone each cell is a line with its heading.
ROW: Final = format_html(
    "<tr>{}</tr>",
    format_html_join("", '<td data-label="{}">{{}}</td>', ((each,) for each in HEADINGS)),
)

# Buyers whose bid bought the lead. NULL for an offer that buyers claim, which counts them itself.
SOLD: Final = RawSQL(  # noqa: S611 - constants only
    f"""
    CASE WHEN distribution_offer.kind = 'auction' THEN (
        SELECT count(*)
        FROM distribution_offer o JOIN distribution_offerbuyer b ON b.offer_id = o.id {SALE}
        WHERE o.id = distribution_offer.id AND b.rank IS NOT NULL AND sale.state <> 'rejected'
    ) END
    """,  # noqa: S608 - constants only
    [],
    output_field=IntegerField(null=True),
)


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    workspace_path = "campaign__workspace"
    list_display = ("opened", "kind_shown", "campaign", "lead_link", "state_shown", "bought", "end_shown")
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        ("kind", admin.ChoicesFieldListFilter),
        WorkspaceFilter,
    )
    list_select_related = ("campaign__workspace", "lead")
    search_help_text = "The public id of an offer or of a lead."
    scan_time = "opened_at"
    empty_list_text = (
        "A campaign with the mode ping post or auction opens one for each lead. They are listed here."
    )
    fields = (
        *("public_id", "kind", "campaign", "lead_link", "state", "end_reason"),
        *("opened_at", "closes_at", "closed_at", "max_buyers", "claims", "shown_fields", "shown_to", "bids"),
    )
    readonly_fields = ("lead_link", "shown_fields", "shown_to", "bids")
    opened = time_column("opened_at", label="opened")
    kind_shown = word_column("kind", words=dict(OfferKind.choices))
    state_shown = word_column("state", words=dict(OfferState.choices))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        offers: QuerySet[Any] = super().get_queryset(request).annotate(sold=SOLD)
        return offers

    def scan_limit(self, asked: Mapping[str, str], *, ids: Sequence[int] | None) -> int | None:  # noqa: ARG002
        """Those that are open are few and have an index."""
        is_closed = asked.get("state__exact", OfferState.OPEN) != OfferState.OPEN
        return MAX_SCANNED if is_closed or asked.get("kind__exact") else None

    def of_workspaces(self, queryset: QuerySet[Any], ids: Sequence[int]) -> QuerySet[Any]:
        """By campaigns that are looked up first: the database knows how many offers each has."""
        campaigns = Campaign.objects.filter(workspace__in=ids)
        return queryset.filter(campaign_id__in=list(campaigns.values_list("pk", flat=True)))

    def find_named(self, text: str, *, request: HttpRequest) -> Q:  # noqa: ARG002 - the rows are of this user already
        return find_of_lead_or_own(text)

    def title_of(self, row: Offer) -> str:
        kind = capfirst(OfferKind(row.kind).label)
        return f"{kind} in {row.campaign.name}, {moment(row.opened_at)} ({short_id(row.public_id)})"

    @admin.display(description="lead")
    def lead_link(self, offer: Offer) -> SafeString:
        url = reverse("admin:routing_lead_trace", args=[offer.lead.public_id])
        return format_html('<a href="{}">{}</a>', url, short_id(offer.lead.public_id))

    @admin.display(description="buyers that got it")
    def bought(self, offer: Offer) -> str:
        return f"{_count_bought(offer)} of {offer.max_buyers}"

    @admin.display(description="why it closed")
    def end_shown(self, offer: Offer) -> str:
        if offer.kind == OfferKind.AUCTION and (sold := _count_bought(offer)):
            return "sold to the best bid" if sold == 1 else f"sold to the best {sold} bids"
        return dict(OfferEnd.choices).get(offer.end_reason, NOTHING)

    @admin.display(description="shown fields")
    def shown_fields(self, offer: Offer) -> str:
        """Names only: values are on the page of the lead."""
        return ", ".join(offer.partial) or "none"

    @admin.display(description="bids")
    def bids(self, offer: Offer) -> SafeString | str:
        if offer.kind != OfferKind.AUCTION:
            return NOTHING
        url = f"{reverse('admin:distribution_bid_changelist')}?q={offer.public_id}"
        return format_html('<a href="{}">Bids of this auction</a>', url)

    @admin.display(description="buyers")
    def shown_to(self, offer: Offer) -> SafeString:
        places = OfferBuyer.objects.filter(offer=offer).select_related("buyer").order_by("rank", "pk")
        heads = format_html_join("", '<th scope="col">{}</th>', ((each,) for each in HEADINGS))
        cells = [_describe_place(place) for place in places]
        rows = format_html_join("", ROW, cells)
        return format_html(TABLE, heads, rows)


def _count_bought(offer: Offer) -> int:
    """How many buyers claimed the lead, or won it by their bids."""
    sold = getattr(offer, "sold", None)
    return offer.claims if sold is None else int(sold)


def _describe_place(place: OfferBuyer) -> tuple[Any, ...]:
    url = reverse("admin:distribution_buyer_change", args=[place.buyer_id])
    buyer = format_html('<a href="{}">{}</a>', url, place.buyer.name)
    cents = place.bid_cents if place.bid_cents is not None else place.price_cents
    price = NOTHING if cents is None else money(cents)
    return buyer, place.tier_position, price, moment(place.visible_at), _describe_end(place)


def _describe_end(place: OfferBuyer) -> str:
    if place.claimed_at is not None:
        by = f" by {place.claimed_by}" if place.claimed_by else ""
        return f"claimed at {moment(place.claimed_at)}{by}"
    if place.lost_at is not None:
        late = f", {duration(place.late_ms)} late" if place.late_ms is not None else ""
        return f"refused at {moment(place.lost_at)}: {place.lost_reason.replace('_', ' ')}{late}"
    if place.bid_outcome:
        rank = f", rank {place.rank}" if place.rank is not None else ""
        took = f" in {duration(place.latency_ms)}" if place.latency_ms is not None else ""
        return f"{BidOutcome(place.bid_outcome).label}{took}{rank}"
    return "no claim" if place.asked_at is None else "asked, no answer yet"
