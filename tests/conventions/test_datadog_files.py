"""The files of Datadog: valid by the models of its API client, and in agreement with what the Agent sends."""

import re
from typing import Any

import pytest
from datadog_api_client.v1.model.dashboard import Dashboard

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.alerts.files import TARGETS
from leadswitch.levels.dashboards.board import Board
from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.datadog import make_datadog_dashboard
from leadswitch.levels.dashboards.datadog_agent import make_agent_files, make_template
from leadswitch.levels.dashboards.expressions import Recorded
from tests.support.datadog_models import list_problems
from tests.support.exported_series import SUFFIXES, Exported, read_own_series

AGGREGATED = re.compile(r"(?:\w+(?:\([^)]*\))?):(leadswitch\.\w+(?:\.count)?)\{")


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboard_is_valid(board: Board) -> None:
    assert list_problems(make_datadog_dashboard(board), Dashboard) == []


@pytest.mark.parametrize("change", [{"type": "no_such_type"}, {"titel": "a key with a typo"}])
def test_check_finds_what_the_client_accepts(change: dict[str, str]) -> None:
    raw = make_datadog_dashboard(BOARDS[0])
    raw["widgets"][0]["definition"]["widgets"][0]["definition"] |= change
    assert list_problems(raw, Dashboard)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_only_panels_of_recorded_series_are_left_out(board: Board) -> None:
    made = [
        widget["definition"]["title"]
        for group in make_datadog_dashboard(board)["widgets"]
        for widget in group["definition"]["widgets"]
    ]
    assert made == [
        panel.title
        for panel in board.panels
        if not any(isinstance(query.expression, Recorded) for query in panel.queries)
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return read_own_series(tmp_path_factory.mktemp("metrics"))


def test_no_other_template_is_committed() -> None:
    """The Agent reads every file of the directory: with a second one it would count a container twice."""
    committed = {path.name for path in (REPOSITORY / "ops" / "datadog" / "openmetrics.d").iterdir()}
    assert committed == set(make_agent_files()) == {f"{job}.yaml" for job in Job}


@pytest.mark.parametrize("job", Job)
def test_template_reads_each_container_of_its_job_once(job: Job) -> None:
    """The Agent applies all instances of a file to each container that matches one of its identifiers."""
    template = make_template(job)
    (instance,) = template["instances"]
    assert template["ad_identifiers"] == [str(job)]
    assert instance["tags"] == [f"job:{job}"]
    assert instance["openmetrics_endpoint"] == f"http://%%host%%:{TARGETS[job][1]}/metrics"


def test_agent_reads_only_series_that_exist(exported: Exported) -> None:
    instances = [each for job in Job for each in make_template(job)["instances"]]
    families = {name for each in instances for mapping in each["metrics"] for name in mapping}
    suffixes = {suffix for group in SUFFIXES.values() for suffix in group}
    assert [
        name for name in families if not any(name + suffix in exported.names for suffix in suffixes)
    ] == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_dashboard_queries_only_series_that_the_agent_sends(board: Board, exported: Exported) -> None:
    """Counters arrive with .count, gauges and distributions under their own name."""
    (sent,) = make_template(Job.WEB)["instances"]
    names = {f"{sent['namespace']}.{new}" for mapping in sent["metrics"] for new in mapping.values()}
    texts = [query["query"] for query in list_queries(make_datadog_dashboard(board))]
    asked = [match[1] for text in texts for match in AGGREGATED.finditer(text)]
    assert len(asked) == len(texts)
    assert {name.removesuffix(".count") for name in asked} <= names
    prometheus_names = {
        f"{sent['namespace']}.{new}": old for mapping in sent["metrics"] for old, new in mapping.items()
    }
    for name in asked:
        series = prometheus_names[name.removesuffix(".count")]
        is_counted = f"{series}_total" in exported.names or f"{series}_count" in exported.names
        assert is_counted if name.endswith(".count") else f"{series}_total" not in exported.names


def list_queries(made: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        query
        for group in made["widgets"]
        for widget in group["definition"]["widgets"]
        for request in widget["definition"]["requests"]
        for query in request["queries"]
    ]
