"""Offers and auctions of leads: when they were open, who was shown them, and how each of these ended."""

from typing import Any, ClassVar, Final

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from distribution.models import BidOutcome, Offer, OfferBuyer, OfferEnd, OfferKind, OfferState
from tracing.admin.columns import NOTHING, time_column, word_column
from tracing.admin.filters import WorkspaceFilter
from tracing.admin.readonly import ReadOnlyAdmin
from tracing.parsing import parse_uuid
from tracing.wording import duration, moment, money, short_id

HEADINGS: Final = ("Buyer", "Tier", "Price", "Shown from", "What happened")
TABLE: Final = "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>"


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin):
    workspace_path = "campaign__workspace"
    list_display = ("opened", "kind_shown", "campaign", "lead_link", "state_shown", "claimed", "end_shown")
    list_filter = (
        ("state", admin.ChoicesFieldListFilter),
        ("kind", admin.ChoicesFieldListFilter),
        WorkspaceFilter,
    )
    list_select_related = ("campaign__workspace", "lead")
    search_help_text = "The public id of an offer or of a lead."
    exact_searches: ClassVar = {"public_id": parse_uuid, "lead__public_id": parse_uuid}
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
    end_shown = word_column("end_reason", words=dict(OfferEnd.choices), label="why it closed")

    @admin.display(description="lead")
    def lead_link(self, offer: Offer) -> SafeString:
        url = reverse("admin:routing_lead_trace", args=[offer.lead.public_id])
        return format_html('<a href="{}">{}</a>', url, short_id(offer.lead.public_id))

    @admin.display(description="claims")
    def claimed(self, offer: Offer) -> str:
        return f"{offer.claims} of {offer.max_buyers}"

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
        rows = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", cells)
        return format_html(TABLE, heads, rows)


def _describe_place(place: OfferBuyer) -> tuple[Any, ...]:
    url = reverse("admin:distribution_buyer_change", args=[place.buyer_id])
    buyer = format_html('<a href="{}">{}</a>', url, place.buyer.name)
    cents = place.bid_cents if place.bid_cents is not None else place.price_cents
    price = NOTHING if cents is None else money(cents)
    return buyer, place.tier_position, price, moment(place.visible_at), _describe_end(place)


def _describe_end(place: OfferBuyer) -> str:
    if place.claimed_at is not None:
        return f"claimed at {moment(place.claimed_at)}"
    if place.lost_at is not None:
        late = f", {duration(place.late_ms)} late" if place.late_ms is not None else ""
        return f"refused at {moment(place.lost_at)}: {place.lost_reason.replace('_', ' ')}{late}"
    if place.bid_outcome:
        rank = f", rank {place.rank}" if place.rank is not None else ""
        took = f" in {duration(place.latency_ms)}" if place.latency_ms is not None else ""
        return f"{BidOutcome(place.bid_outcome).label}{took}{rank}"
    return "no claim" if place.asked_at is None else "asked, no answer yet"
