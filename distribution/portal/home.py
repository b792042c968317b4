"""The first page: balance, the leads of this week, and what stops leads right now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse

from distribution.explain.enrollment import StopCode, find_stops
from distribution.models import Buyer, Campaign, ReturnState, Wallet
from distribution.payments.account import has_cards
from distribution.payments.queries import find_payment_to_confirm
from distribution.portal.pages import PortalPage
from distribution.portal.wording import ShownStop, describe_stop
from distribution.queries import count_leads_by_day, list_endpoints, list_enrollments_to_explain
from distribution.returns.queries import list_returns
from distribution.selfservice.pauses import describe_pause, paused_by

DAYS: Final = 7
MOST_COUNTED: Final = 100
# In the chart's units.
CHART_HEIGHT: Final = 60
LEAST_HEIGHT: Final = 2
# They stop the buyer in all of its campaigns, so they are said once.
OF_BUYER: Final = frozenset(
    {
        *(StopCode.BUYER_PAUSED, StopCode.WORKSPACE_PAUSED, StopCode.AREA_INVALID, StopCode.AREA_EMPTY),
        *(StopCode.HOURS_INVALID, StopCode.CLOSED_ALWAYS, StopCode.CLOSED_TODAY),
        *(StopCode.ANSWERS_INVALID,),
    }
)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of the chart. `top` and `height` are in the chart's units."""

    day: date
    leads: int
    top: int
    height: int


@dataclass(frozen=True, slots=True)
class Path:
    """One campaign, and what stops its leads to this buyer alone."""

    campaign: Campaign
    stops: Sequence[ShownStop]


@dataclass(frozen=True, slots=True)
class Standing:
    """`is_active`: at least one path is open. `stops` close every path; each path has its own as well."""

    is_active: bool
    stops: Sequence[ShownStop]
    paths: Sequence[Path]

    @property
    def open_names(self) -> list[str]:
        """The campaigns without an obstacle."""
        return [path.campaign.name for path in self.paths if not path.stops] if self.is_active else []


class HomePage(PortalPage):
    section = "portal-home"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - the signature is Django's
        bars = list_bars(self.buyer, today=self.at.astimezone(self.zone).date())
        context = {
            "wallet": self.buyer.wallet,
            "available_cents": find_available(self.buyer.wallet),
            "standing": find_standing(self.buyer, at=self.at),
            "pause": describe_pause(self.buyer, at=self.at),
            "by": paused_by(self.buyer, at=self.at),
            "bars": bars,
            "leads": sum(bar.leads for bar in bars),
            "to_confirm": find_payment_to_confirm(self.buyer),
            "has_cards": has_cards(),
            "waiting_returns": self._count_waiting_returns(),
            "has_endpoints": bool(list_endpoints(self.buyer)),
        }
        return self.show_page("home", context)

    def _count_waiting_returns(self) -> int:
        waiting = list_returns(self.buyer, limit=MOST_COUNTED, before=None, state=ReturnState.REQUESTED)
        return len(waiting)


def find_available(wallet: Wallet) -> int:
    return wallet.balance_cents - wallet.held_cents + wallet.credit_limit_cents


def list_bars(buyer: Buyer, *, today: date) -> list[Bar]:
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    counted = count_leads_by_day(buyer, first=days[0], last=days[-1])
    most = max(counted.values(), default=0)
    return [_draw(day, counted.get(day, 0), most=most) for day in days]


def _draw(day: date, leads: int, *, most: int) -> Bar:
    """A day without leads has a line, so that it is seen as a day."""
    height = max(LEAST_HEIGHT, round(CHART_HEIGHT * leads / most)) if most else LEAST_HEIGHT
    return Bar(day, leads, CHART_HEIGHT - height, height)


def find_standing(buyer: Buyer, *, at: datetime) -> Standing:
    """What is said once is what every campaign has."""
    places = list_enrollments_to_explain(buyer)
    found = [(place.campaign, find_stops(place, at=at)) for place in places]
    shared = {stop.code: stop for _, stops in found for stop in stops if stop.code in OF_BUYER}
    shared.pop(StopCode.BUYER_PAUSED, None)  # the page says it, with its end
    paths = [
        Path(campaign, [describe_stop(stop) for stop in stops if stop.code not in OF_BUYER])
        for campaign, stops in found
    ]
    is_active = any(not stops for _, stops in found)
    return Standing(is_active, [describe_stop(stop) for stop in shared.values()], paths)
