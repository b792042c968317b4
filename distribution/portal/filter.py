"""Which leads of a campaign a buyer wants."""

from typing import Any

from distribution.portal.conditions import describe_line, make_condition, read_rows
from distribution.portal.place import PlacePage
from distribution.portal.rows import RowsForm, describe_row, find_names
from distribution.selfservice.change import read_version
from distribution.selfservice.settings import ENROLLMENT
from routing.conditions import compile_condition


class FilterForm(RowsForm):
    def make_patch(self) -> dict[str, Any]:
        if not self.changed_data:
            return {}
        rows = [row for number in self.numbers if (row := self.read_row(number)) is not None]
        return {"lead_filter": make_condition(rows)}


class FilterPage(PlacePage):
    template = "lead_filter"

    def make_form(self, data: Any = None) -> FilterForm:
        place = self.enrollment
        rows = read_rows(place.lead_filter)
        shown = None if rows is None else [describe_row(row) for row in rows]
        version = read_version(place, part=ENROLLMENT)
        return FilterForm(data, initial={"version": version}, shown=shown, names=find_names(place))

    def describe(self) -> dict[str, Any]:
        return {**super().describe(), "present": describe_filter(self.enrollment.lead_filter)}


def describe_filter(condition: Any) -> str:
    """In the words of the form, as far as its lines can show it."""
    rows = read_rows(condition)
    if rows:
        return "; ".join(map(describe_line, rows))
    try:
        return compile_condition(condition).describe()
    except ValueError:
        return "a filter that cannot be read"
