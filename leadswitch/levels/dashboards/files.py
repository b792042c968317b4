"""The text of each generated file, by its path below ops/."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from leadswitch.levels.dashboards.boards.registry import BOARDS
from leadswitch.levels.dashboards.grafana import make_dashboard


def make_grafana_files() -> dict[Path, str]:
    return {Path(f"grafana/dashboards/{board.uid}.json"): as_json(make_dashboard(board)) for board in BOARDS}


def as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


FORMATS: Final[Mapping[str, Callable[[], dict[Path, str]]]] = {"grafana": make_grafana_files}
