"""Dashboards are generated from the boards, are complete, and query only series that the product exports."""

import json
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Dashboard
from leadswitch.levels.alerts.files import Links, make_rules
from leadswitch.levels.alerts.rows import ALERTS
from leadswitch.levels.dashboards.board import Board, View
from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.expressions import Recorded
from leadswitch.levels.dashboards.files import FORMATS
from leadswitch.levels.dashboards.grafana import DATASOURCE, make_dashboard
from leadswitch.levels.dashboards.promql import to_promql
from leadswitch.levels.monitors.monitor import Contacts
from tests.support.exported_series import (
    Exported,
    find_unknown_labels,
    list_grouping_labels,
    list_selectors,
    parse_promql,
    read_own_series,
)

OPS = REPOSITORY / "ops"
FILES = {path: text for make in FORMATS.values() for path, text in make(Contacts()).items()}
TYPES = {"row", "timeseries", "stat", "barchart", "table"}
# On no board, and why.
UNSHOWN = {
    "leadswitch_schedule_leads": "the exporter's leadswitch_redis_schedule_leads is shown, which needs no leader",
    "leadswitch_schedule_overdue_leads": "the exporter's leadswitch_redis_schedule_overdue_leads is shown",
    "leadswitch_ready_leads": "the exporter's leadswitch_redis_ready_leads is shown",
    "leadswitch_inflight_leads": "the exporter's leadswitch_redis_inflight_leads is shown",
    "leadswitch_workers_alive": "the exporter's leadswitch_workers is shown",
    "leadswitch_reconciler_last_run_timestamp_seconds": "leadswitch_reconciler_age_seconds shows it as an age",
    "leadswitch_digest_mails": "`manage.py digest` prints who got the mail today, and the cause",
    "leadswitch_event_messages_removed": "the removal of old messages concerns no buyer; a pile of them harms nothing",
    "leadswitch_pings_removed": "the removal of old pings concerns no source; a pile of them harms nothing",
    "leadswitch_test_leads_received": "test leads are left out of figures",
}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_generated_file_is_committed(path: Path) -> None:
    assert (OPS / path).read_text() == FILES[path], "run manage.py dashboards --write"


def test_no_other_dashboard_is_committed() -> None:
    committed = {path.relative_to(OPS) for path in OPS.glob("grafana/dashboards/*.json")}
    assert committed == {path for path in FILES if path.parts[0] == "grafana"}


def test_each_dashboard_of_the_alerts_is_a_board() -> None:
    assert Counter(board.uid for board in BOARDS) == Counter(Dashboard)
    assert len({board.title for board in BOARDS}) == len(BOARDS)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_board_of_an_alert_has_its_labels_as_variables(alert: Any) -> None:
    (board,) = (board for board in BOARDS if board.uid == alert.dashboard)
    assert set(alert.shown) <= {variable.label for variable in board.variables}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_texts_of_a_board_are_complete(board: Board) -> None:
    assert board.description.endswith(".")
    assert len({panel.title for panel in board.panels}) == len(list(board.panels))
    for panel in board.panels:
        assert panel.description.endswith("."), panel.title
        assert panel.queries, panel.title


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboard_of_grafana_is_complete(board: Board) -> None:
    made = make_dashboard(board)
    panels = made["panels"]
    assert (made["schemaVersion"], made["editable"], made["id"]) == (39, False, None)
    assert {panel["type"] for panel in panels} <= TYPES
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in (each for each in panels if each["type"] != "row"):
        assert panel["datasource"] == DATASOURCE
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert [target["datasource"] for target in panel["targets"]] == [DATASOURCE] * len(panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        check_steps(panel["fieldConfig"]["defaults"]["thresholds"]["steps"])
    datasource, *variables = made["templating"]["list"]
    assert (datasource["type"], datasource["name"]) == ("datasource", "datasource")
    assert all(each["allValue"] == ".*" and each["datasource"] == DATASOURCE for each in variables)
    json.dumps(made, allow_nan=False)


def check_steps(steps: list[dict[str, Any]]) -> None:
    """Grafana expects the first step without a value, and the others in ascending order."""
    values = [step["value"] for step in steps]
    assert values[0] is None
    assert values[1:] == sorted(set(values[1:]))


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_do_not_overlap(board: Board) -> None:
    places = [panel["gridPos"] for panel in make_dashboard(board)["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert [pair for pair in combinations(places, 2) if overlap(*pair)] == []


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def list_queries() -> list[tuple[Board, str, str]]:
    """Each board, title of a panel and text in the generated JSON."""
    return [
        (board, panel["title"], target["expr"])
        for board in BOARDS
        for panel in make_dashboard(board)["panels"]
        for target in panel.get("targets", ())
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return read_own_series(tmp_path_factory.mktemp("metrics"))


def test_every_query_names_series_that_exist(exported: Exported) -> None:
    recorded = {
        rule["record"]
        for group in make_rules(Links())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    asked = {selector.name for *_, text in list_queries() for selector in list_selectors(parse_promql(text))}
    assert asked - exported.names - recorded == set()


def test_every_query_names_labels_and_values_that_exist(exported: Exported) -> None:
    unknown = [
        f"{title}: {problem}"
        for board, title, text in list_queries()
        for problem in find_unknown_labels(
            parse_promql(text), exported, {each.label for each in board.variables}
        )
    ]
    assert unknown == []


def test_every_exported_series_is_on_a_board_or_has_a_reason(exported: Exported) -> None:
    asked = {selector.name for *_, text in list_queries() for selector in list_selectors(parse_promql(text))}
    shown = {base_name(str(name)) for name in asked} | UNSHOWN.keys()
    own = {base_name(name) for name in exported.names if name.startswith("leadswitch_")}
    assert own - shown == set()
    assert UNSHOWN.keys() - own == set(), "reasons for series that do not exist"


def base_name(name: str) -> str:
    """A histogram or counter without its suffix."""
    for suffix in ("_bucket", "_count", "_sum", "_total"):
        name = name.removesuffix(suffix)
    return name


def test_objectives_recorded_by_prometheus_exist() -> None:
    rules = [rule for group in make_rules(Links())["groups"] for rule in group["rules"] if "labels" in rule]
    recorded = {(rule.get("record"), rule["labels"].get("slo")) for rule in rules}
    asked = {
        (query.expression.name, query.expression.slo)
        for board in BOARDS
        for panel in board.panels
        for query in panel.queries
        if isinstance(query.expression, Recorded)
    }
    assert asked
    assert asked <= recorded


def test_list_shows_one_label() -> None:
    for board in BOARDS:
        for panel in board.panels:
            if panel.view is View.LIST:
                (query,) = panel.queries
                labels = list_grouping_labels(parse_promql(to_promql(query.expression)))
                assert {query.legend.strip("{}")} == labels, panel.title
