"""Forms with rows of conditions: the filter of a campaign, and the rules of bids."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms

from distribution.models import Assignment, Enrollment
from distribution.portal.changes import ChangeForm
from distribution.portal.conditions import (
    ATTRIBUTE,
    OPERATORS,
    WITHOUT_VALUE,
    Row,
    list_fields,
    name_fields,
)

LEAST_ROWS: Final = 4
SPARE_ROWS: Final = 2
MOST_ROWS: Final = 50
LEADS_READ: Final = 50
CHOOSE: Final = ("", "Choose")
HALF: Final = "Enter a value, or clear the line."


class RowsForm(ChangeForm):
    """`shown`: the stored rows; None: they have more levels than rows can show, and are replaced only on purpose."""

    replace = forms.BooleanField(label="Replace it with what is entered here", required=False)

    def __init__(
        self, *args: Any, shown: list[dict[str, Any]] | None, names: Iterable[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.is_simple = shown is not None
        if self.is_simple:
            del self.fields["replace"]
        self.numbers = range(min(MOST_ROWS, max(LEAST_ROWS, len(shown or ()) + SPARE_ROWS)))
        choices = list_fields(names)
        for number in self.numbers:
            self.add_row(number, choices)
            self.initial.update({f"{key}_{number}": each for key, each in self._values(shown, number)})

    @staticmethod
    def _values(shown: list[dict[str, Any]] | None, number: int) -> Iterable[tuple[str, Any]]:
        return (shown[number] if shown is not None and number < len(shown) else {}).items()

    def add_row(self, number: int, choices: list[tuple[str, str]]) -> None:
        label = f"line {number + 1}"
        self.fields[f"field_{number}"] = forms.ChoiceField(
            label=f"Field of {label}", choices=[CHOOSE, *choices], required=False
        )
        self.fields[f"op_{number}"] = forms.ChoiceField(
            label=f"Test of {label}", choices=OPERATORS, required=False
        )
        self.fields[f"value_{number}"] = forms.CharField(
            label=f"Value of {label}", required=False, max_length=10_000
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.is_simple and not cleaned.get("replace"):
            self.add_error("replace", "Check this, or leave the page without saving.")
        for number in self.numbers:
            row = self.read_row(number)
            if row is not None and not row.value.strip() and row.op not in WITHOUT_VALUE:
                self.add_error(f"value_{number}", HALF)
        return cleaned

    def read_row(self, number: int) -> Row | None:
        """None: the line is empty."""
        name, op, value = (self.cleaned_data.get(f"{key}_{number}", "") for key in ("field", "op", "value"))
        return Row(name, op or OPERATORS[0][0], value) if name else None

    @property
    def lines(self) -> list[list[Any]]:
        return [[self[f"{key}_{number}"] for key in ("field", "op", "value")] for number in self.numbers]


def describe_row(row: Row) -> dict[str, Any]:
    return {"field": row.field, "op": row.op, "value": row.value}


def find_names(place: Enrollment) -> set[str]:
    """The fields that its campaign and its filters read, and attributes of the leads that it bought last."""
    campaign = place.campaign
    named = name_fields(
        [place.lead_filter, place.standing_bids, place.tier.content_filter, campaign.questions]
    )
    bought = Assignment.objects.filter(enrollment=place).order_by("-pk")[:LEADS_READ]
    attributes: list[Mapping[str, Any] | None] = list(bought.values_list("lead__attributes", flat=True))
    return named.union(
        campaign.offer_fields, *({f"{ATTRIBUTE}{key}" for key in each or ()} for each in attributes)
    )
