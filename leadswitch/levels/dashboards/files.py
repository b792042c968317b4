"""The text of each generated file, by its path below ops/. Monitors belong to the files of Datadog."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.datadog import make_datadog_dashboard
from leadswitch.levels.dashboards.datadog_agent import make_agent_files
from leadswitch.levels.dashboards.grafana import make_dashboard
from leadswitch.levels.monitors.monitor import Contacts, make_monitors


def make_grafana_files(_: Contacts) -> dict[Path, str]:
    return {Path(f"grafana/dashboards/{board.uid}.json"): as_json(make_dashboard(board)) for board in BOARDS}


def as_json(content: dict[str, Any] | list[dict[str, Any]]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def make_datadog_files(contacts: Contacts) -> dict[Path, str]:
    boards = {
        Path(f"datadog/dashboards/{board.uid}.json"): as_json(make_datadog_dashboard(board))
        for board in BOARDS
    }
    agent = {Path(f"datadog/openmetrics.d/{name}"): text for name, text in make_agent_files().items()}
    return {**boards, Path("datadog/monitors.json"): as_json(make_monitors(contacts)), **agent}


FORMATS: Final[Mapping[str, Callable[[Contacts], dict[Path, str]]]] = {
    "grafana": make_grafana_files,
    "datadog": make_datadog_files,
}
