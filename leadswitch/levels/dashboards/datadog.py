"""A board as Datadog's JSON. Panels that only Prometheus can answer are left out."""

from typing import Any, Final

from leadswitch.levels.dashboards.board import Board, Panel, Query, Row, Threshold, Unit, Variable, View
from leadswitch.levels.dashboards.datadog_query import FormulaQueries, NotInDatadog, to_formula
from leadswitch.levels.dashboards.expressions import Largest

TYPES: Final = {
    View.LINES: "timeseries",
    View.STACKED: "timeseries",
    View.NUMBER: "query_value",
    View.LIST: "toplist",
    View.TABLE: "toplist",
}
UNITS: Final[dict[Unit, dict[str, str]]] = {
    Unit.COUNT: {},
    Unit.PER_SECOND: {"type": "custom_unit_label", "label": "per second"},
    Unit.SECONDS: {"type": "canonical_unit", "unit_name": "second"},
    Unit.SHARE: {"type": "canonical_unit", "unit_name": "fraction"},
    Unit.BYTES: {"type": "canonical_unit", "unit_name": "byte"},
    Unit.DOLLARS: {"type": "canonical_unit", "unit_name": "dollar"},
    Unit.YES_NO: {"type": "custom_unit_label", "label": "1 = yes"},
}
ALL_LISTED: Final = 100


def make_datadog_dashboard(board: Board) -> dict[str, Any]:
    return {
        "title": make_dashboard_title(board),
        "description": board.description,
        "layout_type": "ordered",
        "reflow_type": "auto",
        "tags": ["team:leadswitch"],
        "template_variables": [_make_variable(variable) for variable in board.variables],
        "widgets": [_make_group(row) for row in board.rows],
    }


def make_dashboard_title(board: Board) -> str:
    return f"LeadSwitch: {board.title}"


def _make_variable(variable: Variable) -> dict[str, Any]:
    return {"name": variable.label, "prefix": variable.label, "available_values": [], "defaults": ["*"]}


def _make_group(row: Row) -> dict[str, Any]:
    widgets = [{"definition": made} for panel in row.panels if (made := _make_widget(panel)) is not None]
    return {"definition": {"type": "group", "layout_type": "ordered", "title": row.title, "widgets": widgets}}


def _make_widget(panel: Panel) -> dict[str, Any] | None:
    try:
        requests = _make_requests(panel)
    except NotInDatadog:
        return None
    widget: dict[str, Any] = {
        "type": TYPES[panel.view],
        "title": panel.title,
        "description": panel.description,
        "requests": requests,
    }
    if panel.view is View.NUMBER:
        widget |= {"autoscale": True, "precision": 2}
    if TYPES[panel.view] == "timeseries":
        widget |= {"show_legend": True, "legend_layout": "auto", "markers": _make_markers(panel.thresholds)}
    return widget


def _make_requests(panel: Panel) -> list[dict[str, Any]]:
    if TYPES[panel.view] != "timeseries":
        return [_make_scalar_request(panel)]
    display = "bars" if panel.view is View.STACKED else "line"
    return [
        {"response_format": "timeseries", "display_type": display, **_ask(panel, query)}
        for query in panel.queries
    ]


def _make_scalar_request(panel: Panel) -> dict[str, Any]:
    (query,) = panel.queries
    request: dict[str, Any] = {"response_format": "scalar", **_ask(panel, query)}
    if panel.view is View.NUMBER:
        request["conditional_formats"] = [_make_format(each) for each in _strongest_first(panel.thresholds)]
    else:
        listed = query.expression.count if isinstance(query.expression, Largest) else ALL_LISTED
        request["sort"] = {"count": listed, "order_by": [{"type": "formula", "index": 0, "order": "desc"}]}
    return request


def _ask(panel: Panel, query: Query) -> dict[str, Any]:
    """Queries and formula. A query that is grouped names its lines by the label itself."""
    queries = FormulaQueries()
    formula: dict[str, Any] = {"formula": to_formula(query.expression, queries)}
    if not query.legend.startswith("{"):
        formula["alias"] = query.legend
    if UNITS[panel.unit]:
        formula["number_format"] = {"unit": UNITS[panel.unit]}
    is_now = TYPES[panel.view] != "timeseries"
    made = [_make_query(name, text, is_now=is_now) for name, text in queries.by_name.items()]
    return {"queries": made, "formulas": [formula]}


def _make_query(name: str, text: str, *, is_now: bool) -> dict[str, Any]:
    """A number or list shows the sum of a count over the period, and the last value of anything else."""
    query = {"data_source": "metrics", "name": name, "query": text}
    if is_now:
        query["aggregator"] = "sum" if text.endswith(".as_count()") else "last"
    return query


def _make_markers(thresholds: tuple[Threshold, ...]) -> list[dict[str, str]]:
    return [
        {"value": f"y = {each.value:g}", "display_type": f"{'error' if each.is_error else 'warning'} dashed"}
        for each in thresholds
    ]


def _strongest_first(thresholds: tuple[Threshold, ...]) -> list[Threshold]:
    """Datadog applies the first format that fits."""
    return sorted(thresholds, key=lambda each: each.value if each.is_below else -each.value)


def _make_format(threshold: Threshold) -> dict[str, Any]:
    return {
        "comparator": "<=" if threshold.is_below else ">=",
        "value": threshold.value,
        "palette": "white_on_red" if threshold.is_error else "white_on_yellow",
    }
