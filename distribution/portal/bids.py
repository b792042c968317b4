"""Rules of bids in auctions: what a buyer bids for which leads without being asked."""

from collections.abc import Mapping
from typing import Any

from django import forms

from distribution.configuration.describe import describe_standing_bids
from distribution.portal.conditions import Row, make_condition, read_rows
from distribution.portal.dollars import MAX_DOLLARS, to_cents, to_dollars
from distribution.portal.place import PlacePage
from distribution.portal.rows import RowsForm, describe_row, find_names
from distribution.selfservice.change import read_version
from distribution.selfservice.settings import ENROLLMENT

NO_BID = "Enter what you bid for these leads."


class BidsForm(RowsForm):
    """The first rule that a lead meets counts. A rule without a field is for every lead."""

    def add_row(self, number: int, choices: list[tuple[str, str]]) -> None:
        super().add_row(number, choices)
        field: Any = self.fields[f"field_{number}"]
        field.choices = [("", "Every lead"), *choices]
        self.fields[f"bid_{number}"] = forms.DecimalField(
            label=f"Dollars of line {number + 1}",
            required=False,
            min_value=0,
            max_value=MAX_DOLLARS,
            decimal_places=2,
            widget=forms.NumberInput(attrs={"inputmode": "decimal"}),
        )

    def read_row(self, number: int) -> Row | None:
        """Without a value and without a bid the line is cleared."""
        row = super().read_row(number)
        is_cleared = (
            row is not None and not row.value.strip() and self.cleaned_data.get(f"bid_{number}") is None
        )
        return None if is_cleared else row

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        for number in self.numbers:
            is_empty = cleaned.get(f"bid_{number}") is None and f"bid_{number}" not in self.errors
            if self.read_row(number) is not None and is_empty:
                self.add_error(f"bid_{number}", NO_BID)
        return cleaned

    def make_patch(self) -> dict[str, Any]:
        if not self.changed_data:
            return {}
        return {"standing_bids": [rule for number in self.numbers if (rule := self._make_rule(number))]}

    def _make_rule(self, number: int) -> dict[str, Any] | None:
        bid_cents, row = to_cents(self.cleaned_data[f"bid_{number}"]), self.read_row(number)
        return (
            None
            if bid_cents is None
            else {"when": make_condition([row] if row else []), "bid_cents": bid_cents}
        )

    @property
    def lines(self) -> list[list[Any]]:
        return [
            [*line, self[f"bid_{number}"]] for number, line in zip(self.numbers, super().lines, strict=True)
        ]


class BidsPage(PlacePage):
    template = "bids"

    def make_form(self, data: Any = None) -> BidsForm:
        place = self.enrollment
        version, shown = read_version(place, part=ENROLLMENT), read_rules(place.standing_bids)
        return BidsForm(data, initial={"version": version}, shown=shown, names=find_names(place))

    def describe(self) -> dict[str, Any]:
        rules = self.enrollment.standing_bids
        present = describe_standing_bids(rules) if rules else "no rules, so your bid for every lead counts"
        return {**super().describe(), "present": present}


def read_rules(rules: list[Any]) -> list[dict[str, Any]] | None:
    """None: a rule has more than one test."""
    shown = [_read_rule(rule) for rule in rules]
    return None if None in shown else [each for each in shown if each is not None]


def _read_rule(rule: Any) -> dict[str, Any] | None:
    rows = read_rows(rule.get("when")) if isinstance(rule, Mapping) else None
    if rows is None or len(rows) > 1:
        return None
    tests: dict[str, Any] = describe_row(rows[0]) if rows else {}
    return {**tests, "bid": to_dollars(rule.get("bid_cents"))}
