"""Caps, budgets, the bid and the pause of one campaign."""

from datetime import datetime
from typing import Any, Final

from django import forms

from distribution.explain.enrollment import read_usage
from distribution.models import CampaignMode, Enrollment, is_paused
from distribution.portal.changes import ChangeForm
from distribution.portal.dollars import MAX_DOLLARS, to_cents, to_dollars
from distribution.portal.place import PlacePage
from distribution.selfservice.change import read_version
from distribution.selfservice.settings import ENROLLMENT, PERIODS

TOO_SMALL: Final = {"min_value": "Enter 0 or more."}
IN_AUCTIONS: Final = (
    "What you bid for a lead that no rule of your bids fits, and pay if you win. Empty: no bid."
)
PERIOD_WORDS: Final = {
    "hour": "hour",
    "day": "day",
    "week": "week, from Monday",
    "month": "calendar month",
}


class LimitsForm(ChangeForm):
    paths = {
        **{f"caps.{period}": f"cap_{period}" for period in PERIODS},
        **{f"budgets_cents.{period}": f"budget_{period}" for period in PERIODS},
        "bid_cents": "bid",
    }
    bid = forms.DecimalField(
        label="Your bid for a lead, in dollars",
        required=False,
        min_value=0,
        max_value=MAX_DOLLARS,
        decimal_places=2,
        help_text="What you pay for a lead. Empty: the campaign's price.",
        error_messages=TOO_SMALL,
    )
    is_active = forms.BooleanField(label="Get leads from this campaign", required=False)

    def __init__(self, *args: Any, is_auction: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_auction:
            self.fields["bid"].help_text = IN_AUCTIONS
        for period in PERIODS:
            words = PERIOD_WORDS[period]
            self.fields[f"cap_{period}"] = _make_cap(words)
            self.fields[f"budget_{period}"] = _make_budget(words)

    @property
    def pairs(self) -> list[tuple[Any, Any]]:
        """The cap and the budget of each period."""
        return [(self[f"cap_{period}"], self[f"budget_{period}"]) for period in PERIODS]

    def make_patch(self) -> dict[str, Any]:
        values = self.cleaned_data
        return {
            "bid_cents": to_cents(values["bid"]),
            "caps": {period: values[f"cap_{period}"] for period in PERIODS},
            "budgets_cents": {period: to_cents(values[f"budget_{period}"]) for period in PERIODS},
            "paused": not values["is_active"],
        }


def _make_cap(words: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=f"Leads per {words}",
        required=False,
        min_value=0,
        error_messages=TOO_SMALL,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


def _make_budget(words: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=f"Dollars per {words}",
        required=False,
        min_value=0,
        max_value=MAX_DOLLARS,
        decimal_places=2,
        error_messages=TOO_SMALL,
        widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
    )


class LimitsPage(PlacePage):
    template = "limits"

    def make_form(self, data: Any = None) -> LimitsForm:
        if data is not None:
            return LimitsForm(data, is_auction=self.is_auction)
        return LimitsForm(initial=_read_values(self.enrollment, at=self.at), is_auction=self.is_auction)

    @property
    def is_auction(self) -> bool:
        return self.enrollment.campaign.mode == CampaignMode.AUCTION

    def describe(self) -> dict[str, Any]:
        usage = read_usage(self.enrollment, at=self.at)
        return {**super().describe(), "usage": usage, "is_auction": self.is_auction}


def _read_values(enrollment: Enrollment, *, at: datetime) -> dict[str, Any]:
    budgets = {period: getattr(enrollment, f"budget_{period}_cents") for period in PERIODS}
    return {
        "version": read_version(enrollment, part=ENROLLMENT),
        "bid": to_dollars(enrollment.bid_cents),
        "is_active": not is_paused(enrollment, at=at),
        **{f"cap_{period}": getattr(enrollment, f"cap_{period}") for period in PERIODS},
        **{f"budget_{period}": to_dollars(cents) for period, cents in budgets.items()},
    }
