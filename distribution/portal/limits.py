"""Caps, budgets, the bid and the pause of one campaign."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from distribution.explain.enrollment import read_usage
from distribution.models import Enrollment, is_paused
from distribution.portal.changes import ChangeForm, ChangePage
from distribution.queries import list_enrollments_to_explain
from distribution.selfservice.change import Author, Outcome, change_enrollment, read_version
from distribution.selfservice.settings import ENROLLMENT, PERIODS

CENTS: Final = 100
MAX_DOLLARS: Final = Decimal("10000000")
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
    )
    is_active = forms.BooleanField(label="Get leads from this campaign", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
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
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


def _make_budget(words: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=f"Dollars per {words}",
        required=False,
        min_value=0,
        max_value=MAX_DOLLARS,
        decimal_places=2,
        widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
    )


def to_cents(dollars: Decimal | None) -> int | None:
    return None if dollars is None else int(dollars * CENTS)


def to_dollars(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / CENTS


class LimitsPage(ChangePage):
    template = "limits"

    enrollment: Enrollment

    def find(self, public_id: UUID) -> None:
        """`public_id`: of the campaign. A buyer is enrolled once in each."""
        places = list_enrollments_to_explain(self.buyer)
        found = next((each for each in places if each.campaign.public_id == public_id), None)
        if found is None:
            raise Http404
        self.enrollment = found

    def get(self, request: HttpRequest, public_id: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.find(public_id)
        return self.show_form(self.make_form())

    def post(self, request: HttpRequest, public_id: UUID) -> HttpResponse:
        self.find(public_id)
        return self.save(request.POST)

    def make_form(self, data: Any = None) -> LimitsForm:
        if data is not None:
            return LimitsForm(data)
        return LimitsForm(initial=_read_values(self.enrollment, at=self.at))

    def read_again(self) -> None:
        self.enrollment.refresh_from_db()

    def change(self, patch: dict[str, Any], *, version: str, by: Author) -> Outcome:
        return change_enrollment(self.enrollment, patch=patch, by=by, if_match=version)

    def describe(self) -> dict[str, Any]:
        return {"enrollment": self.enrollment, "usage": read_usage(self.enrollment, at=self.at)}


def _read_values(enrollment: Enrollment, *, at: datetime) -> dict[str, Any]:
    budgets = {period: getattr(enrollment, f"budget_{period}_cents") for period in PERIODS}
    return {
        "version": read_version(enrollment, part=ENROLLMENT),
        "bid": to_dollars(enrollment.bid_cents),
        "is_active": not is_paused(enrollment, at=at),
        **{f"cap_{period}": getattr(enrollment, f"cap_{period}") for period in PERIODS},
        **{f"budget_{period}": to_dollars(cents) for period, cents in budgets.items()},
    }
