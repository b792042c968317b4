"""A board as Grafana's JSON, schema 39: Grafana 10.4 and later read it. Grafana cannot save changes to it."""

from typing import Any, Final

from leadswitch.levels.dashboards.board import (
    COLUMNS,
    Board,
    Panel,
    Query,
    Row,
    Threshold,
    Unit,
    Variable,
    View,
)
from leadswitch.levels.dashboards.promql import has_window, over_shown_period, to_promql

SCHEMA_VERSION: Final = 39
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
TAG: Final = "leadswitch"
UNITS: Final = {
    Unit.COUNT: "short",
    Unit.PER_SECOND: "cps",
    Unit.SECONDS: "s",
    Unit.SHARE: "percentunit",
    Unit.BYTES: "bytes",
    Unit.DOLLARS: "currencyUSD",
    Unit.YES_NO: "bool_yes_no",
}
TYPES: Final = {
    View.LINES: "timeseries",
    View.STACKED: "timeseries",
    View.NUMBER: "stat",
    View.LIST: "barchart",
    View.TABLE: "table",
}
NOW_ONLY: Final = (View.LIST, View.TABLE)
GOOD, WARNING, ERROR = "green", "orange", "red"
# No shorter than four scrapes: an increase needs at least two samples.
SHORTEST_INTERVAL: Final = "1m"


def make_dashboard(board: Board) -> dict[str, Any]:
    return {
        "annotations": {"list": []},
        "description": board.description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [_make_link()],
        "panels": _place_rows(board.rows),
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG],
        "templating": {"list": [_make_datasource_variable(), *map(_make_variable, board.variables)]},
        "time": {"from": "now-6h", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": board.title,
        "uid": str(board.uid),
        "version": 1,
        "weekStart": "",
    }


def _make_link() -> dict[str, Any]:
    """A menu of the other boards, which keeps the time range."""
    return {
        "asDropdown": True,
        "icon": "external link",
        "includeVars": False,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "LeadSwitch",
        "type": "dashboards",
    }


def _make_datasource_variable() -> dict[str, Any]:
    return {
        "current": {},
        "hide": 0,
        "includeAll": False,
        "label": "Data source",
        "multi": False,
        "name": "datasource",
        "options": [],
        "query": "prometheus",
        "refresh": 1,
        "regex": "",
        "skipUrlSync": False,
        "type": "datasource",
    }


def _make_variable(variable: Variable) -> dict[str, Any]:
    """`allValue` matches everything, also a label without values, for which Grafana would otherwise send no query."""
    query = f"label_values({variable.series}, {variable.label})"
    return {
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "datasource": DATASOURCE,
        "definition": query,
        "hide": 0,
        "includeAll": True,
        "label": variable.title,
        "multi": True,
        "name": variable.label,
        "options": [],
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "refresh": 2,
        "regex": "",
        "skipUrlSync": False,
        "sort": 1,
        "type": "query",
    }


def _place_rows(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """Panels from left to right; the next line starts when one does not fit."""
    placed: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        placed.append(_make_row(row, identifier=len(placed) + 1, y=y))
        x, y, line_height = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, line_height = 0, y + line_height, 0
            position = {"x": x, "y": y, "w": panel.width, "h": panel.height}
            placed.append(_make_panel(panel, identifier=len(placed) + 1, position=position))
            x, line_height = x + panel.width, max(line_height, panel.height)
        y += line_height
    return placed


def _make_row(row: Row, *, identifier: int, y: int) -> dict[str, Any]:
    return {
        "collapsed": False,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "id": identifier,
        "panels": [],
        "title": row.title,
        "type": "row",
    }


def _make_panel(panel: Panel, *, identifier: int, position: dict[str, int]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "datasource": DATASOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _make_defaults(panel), "overrides": []},
        "gridPos": position,
        "id": identifier,
        "interval": SHORTEST_INTERVAL,
        "options": OPTIONS[panel.view],
        "targets": [_make_target(panel, query, place) for place, query in enumerate(panel.queries)],
        "title": panel.title,
        "type": TYPES[panel.view],
    }
    if panel.view in NOW_ONLY:
        made["transformations"] = TRANSFORMATIONS
    if panel.view is View.LIST:
        (query,) = panel.queries
        made["options"] = {**made["options"], "xField": query.legend.strip("{}")}
    return made


def _make_target(panel: Panel, query: Query, place: int) -> dict[str, Any]:
    promql = to_promql(query.expression)
    is_now = panel.view in NOW_ONLY or (panel.view is View.NUMBER and has_window(promql))
    legend = query.legend.replace("{", "{{").replace("}", "}}")
    return {
        "datasource": DATASOURCE,
        "editorMode": "code",
        "expr": over_shown_period(promql) if is_now else promql,
        "format": "table" if panel.view in NOW_ONLY else "time_series",
        "instant": is_now,
        "legendFormat": legend,
        "range": not is_now,
        "refId": chr(ord("A") + place),
    }


def _make_defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "color": {"mode": "thresholds" if panel.view is View.NUMBER else "palette-classic"},
        "custom": CUSTOM[panel.view] | _show_thresholds(panel),
        "mappings": [],
        "thresholds": {"mode": "absolute", "steps": _make_steps(panel.thresholds)},
        "unit": UNITS[panel.unit],
    }
    if panel.unit is not Unit.DOLLARS:
        defaults["min"] = 0
    if panel.unit is Unit.SHARE and panel.view is View.LINES:
        defaults["max"] = 1
    return defaults


def _show_thresholds(panel: Panel) -> dict[str, Any]:
    if panel.view is View.LINES and panel.thresholds:
        return {"thresholdsStyle": {"mode": "dashed"}}
    return {}


def _make_steps(thresholds: tuple[Threshold, ...]) -> list[dict[str, Any]]:
    """Grafana colors upward from each step, so a limit from below gives its color to the step before it."""
    below = sorted((each for each in thresholds if each.is_below), key=lambda each: each.value)
    above = sorted((each for each in thresholds if not each.is_below), key=lambda each: each.value)
    if not below:
        steps = [{"color": _color(each), "value": each.value} for each in above]
        return [{"color": GOOD, "value": None}, *steps]
    colors = [*map(_color, below), GOOD, *map(_color, above)]
    values = [None, *(each.value for each in below), *(each.value for each in above)]
    return [{"color": color, "value": value} for color, value in zip(colors, values, strict=True)]


def _color(threshold: Threshold) -> str:
    return ERROR if threshold.is_error else WARNING


LEGEND: Final = {
    "calcs": ["lastNotNull", "max"],
    "displayMode": "table",
    "placement": "bottom",
    "showLegend": True,
}
TOOLTIP: Final = {"mode": "multi", "sort": "desc"}
OPTIONS: Final[dict[View, dict[str, Any]]] = {
    View.LINES: {"legend": LEGEND, "tooltip": TOOLTIP},
    View.STACKED: {"legend": {**LEGEND, "calcs": ["sum"]}, "tooltip": TOOLTIP},
    View.NUMBER: {
        "colorMode": "value",
        "graphMode": "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
        "wideLayout": True,
    },
    View.LIST: {
        "barWidth": 0.8,
        "fullHighlight": False,
        "groupWidth": 0.7,
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "orientation": "horizontal",
        "showValue": "always",
        "stacking": "none",
        "tooltip": {"mode": "single", "sort": "none"},
        "xTickLabelRotation": 0,
    },
    View.TABLE: {"cellHeight": "sm", "footer": {"show": False}, "showHeader": True},
}
CUSTOM: Final[dict[View, dict[str, Any]]] = {
    View.LINES: {
        "drawStyle": "line",
        "fillOpacity": 10,
        "lineWidth": 1,
        "showPoints": "auto",
        "spanNulls": False,
    },
    View.STACKED: {
        "drawStyle": "bars",
        "fillOpacity": 80,
        "lineWidth": 0,
        "showPoints": "never",
        "stacking": {"group": "A", "mode": "normal"},
    },
    View.NUMBER: {},
    View.LIST: {"fillOpacity": 80, "lineWidth": 0},
    View.TABLE: {"align": "auto", "cellOptions": {"type": "auto"}},
}
TRANSFORMATIONS: Final = [
    {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": {}}},
    {"id": "sortBy", "options": {"fields": {}, "sort": [{"desc": True, "field": "Value"}]}},
]
