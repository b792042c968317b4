"""Offers: leads that a buyer may claim until a time, without contact data. The first valid claim gets the lead."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from distribution.models import Offer, OfferBuyer, OfferEnd
from distribution.offers.claim import claim_offer
from distribution.offers.queries import CLAIMED, OPEN, find_offer, list_offers, list_open_offers
from distribution.offers.refusals import (
    ClaimBusy,
    ClaimRefused,
    NotEligible,
    OfferNotFound,
    Taken,
    WindowOver,
)
from distribution.portal.listening import find_stream_address
from distribution.portal.pages import PortalPage
from distribution.portal.paging import SIZE, Shown, read_paging
from distribution.portal.wording import list_links
from distribution.selfservice.pauses import describe_pause, paused_by
from tracing.obstacles import describe_gate
from tracing.wording import duration

MOST_OPEN: Final = 100
# What the title of an offer says already.
IN_TITLE: Final = frozenset({"vertical", "zip", "zip3", "state"})
STATES: Final = [(OPEN, "open now"), (CLAIMED, "claimed by you"), ("all", "all")]
BUSY: Final = "You are being charged for another lead at this moment. Claim again."
PAUSED: Final = "Selling is paused now. Claim again when it resumes."
STATE_WORDS: Final = {
    "open": ("open", "good"),
    "claimed": ("claimed by you", "good"),
    "taken": ("taken by others", "quiet"),
    "over": ("time is over", "quiet"),
}


class ClaimingPage(PortalPage):
    """A page with buttons that claim, unless the person or a pause of the buyer forbids it."""

    section = "portal-offers"

    def describe_claims(self) -> dict[str, Any]:
        by = paused_by(self.buyer, at=self.at)
        pause = describe_pause(self.buyer, at=self.at)
        return {"by": by, "pause": pause, "can_claim": self.user.is_manager and by is None}


class OffersPage(ClaimingPage):
    """Open offers, unless another state is chosen. A script asks for the list alone and shows it in this page."""

    template = "offers"

    def get(self, request: HttpRequest) -> HttpResponse:
        state = request.GET.get("state", OPEN)
        if state not in dict(STATES):
            raise Http404
        shown = self._list(request, state)
        context = {
            "page": shown,
            "offers": [describe_offer(each, at=self.at) for each in shown.rows],
            "states": STATES,
            "state": state,
            "is_live": state == OPEN and shown.is_first,
            "stream": find_stream_address(),
            **self.describe_claims(),
        }
        return self.show_page(self.template, context)

    def _list(self, request: HttpRequest, state: str) -> Shown[OfferBuyer]:
        """Open offers are one page: the one that ends first must be on it."""
        paging = read_paging(request, name="offers", buyer=self.buyer)
        if state == OPEN:
            return Shown(list_open_offers(self.buyer, limit=MOST_OPEN), "", is_first=True)
        wanted = None if state == "all" else state
        return paging.show(list_offers(self.buyer, limit=SIZE + 1, before=paging.before, state=wanted))


class OfferListPage(OffersPage):
    template = "offer_list"


class OfferPage(ClaimingPage):
    """One offer, and its claim at the price that the buyer sees."""

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(public_id)

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        try:
            claim = claim_offer(public_id, buyer_id=self.buyer.pk, actor=self.user.actor)
        except OfferNotFound:
            raise Http404 from None
        except ClaimRefused as refusal:
            return self._show(public_id, **self._describe(refusal, public_id))
        except ClaimBusy:
            return self._show(public_id, problem=BUSY)
        done = "claimed" if claim.is_new else "claimed-before"
        return HttpResponseRedirect(f"{reverse('portal-lead', args=[claim.assignment_id])}?done={done}")

    def _describe(self, refusal: ClaimRefused, public_id: UUID) -> dict[str, Any]:
        """A pause is not among the gates: the page says until when, and links to its end."""
        place = find_offer(public_id, buyer=self.buyer)
        campaign_id = None if place is None else place.offer.campaign.public_id
        said = frozenset({"buyer_paused"}) if paused_by(self.buyer, at=self.at) else frozenset()
        return describe_refusal(refusal, timezone=self.buyer.timezone, campaign_id=campaign_id, without=said)

    def _show(self, public_id: UUID, **refused: Any) -> HttpResponse:
        place = find_offer(public_id, buyer=self.buyer)
        if place is None:
            raise Http404
        status = HTTPStatus.CONFLICT if refused else HTTPStatus.OK
        context = {
            **describe_offer(place, at=self.at),
            "stream": find_stream_address(),
            **self.describe_claims(),
            **refused,
        }
        return self.show_page("offer", context, status=status)


def find_state(place: OfferBuyer, *, at: datetime) -> str:
    """For this buyer. The time may be over before the offer is closed."""
    if place.claimed_at is not None:
        return "claimed"
    if place.offer.end_reason == OfferEnd.CLAIMED:
        return "taken"
    return "open" if place.offer.closed_at is None and at < place.offer.closes_at else "over"


def describe_offer(place: OfferBuyer, *, at: datetime) -> dict[str, Any]:
    state = find_state(place, at=at)
    words, tone = STATE_WORDS[state]
    left = max(0, int((place.offer.closes_at - at).total_seconds()))
    return {
        "place": place,
        "offer": place.offer,
        "claimed_by": place.claimed_by.removeprefix("portal "),
        "title": describe_job(place.offer),
        "fields": list_fields(place.offer.partial),
        "state": state,
        "is_open": state == "open",
        "state_words": words,
        "tone": tone,
        "seconds_left": left if state == "open" else 0,
    }


def describe_job(offer: Offer) -> str:
    """ "Gutters, 303xx, GA": the work, and where it is as far as the offer shows it."""
    where = offer.partial.get("zip") or _describe_prefix(offer.partial.get("zip3"))
    words = offer.lead.vertical.replace("_", " ").capitalize()
    return ", ".join(str(part) for part in (words, where, offer.partial.get("state")) if part)


def _describe_prefix(zip3: object) -> str:
    return f"{zip3}xx" if zip3 else ""


def list_fields(partial: Mapping[str, Any]) -> Sequence[tuple[str, Any]]:
    """What the title does not say."""
    return [(name, value) for name, value in partial.items() if name not in IN_TITLE]


def describe_refusal(
    refusal: ClaimRefused,
    *,
    timezone: str,
    campaign_id: UUID | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """It says when others had the lead, never who. `without`: gates that the page describes itself."""
    if isinstance(refusal, Taken):
        late = duration(refusal.late_ms or 0)
        return {"problem": f"Taken: another buyer claimed this lead {late} before you. You were not charged."}
    if isinstance(refusal, WindowOver):
        return {"problem": "The time of this offer is over. You were not charged."}
    if not isinstance(refusal, NotEligible):
        return {"problem": PAUSED}
    described = (describe_gate(gate, timezone=timezone) for gate in refusal.gates)
    gates = [gate for gate in described if gate.gate not in without]
    links = list_links(gates, campaign_id=campaign_id)
    return {"problem": f"{refusal.message} You were not charged.", "gates": gates, "links": links}
