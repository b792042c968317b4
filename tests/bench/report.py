"""What every bench does with its measurements: write a file, and show tables or JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.aims import Aim
from tests.support.console import make_console


def publish_report(
    report: Mapping[str, Any],
    aims: Sequence[Aim],
    *,
    path: Path,
    is_json: bool,
    stream: Any,
    show: Callable[..., None],
) -> None:
    """Write the report to `path`, and to `stream` as JSON or by `show(report, aims, console=...)`."""
    report = {**report, "aims": [aim.as_json() for aim in aims]}
    path.write_text(json.dumps(report, indent=1) + "\n")
    if is_json:
        stream.write(json.dumps(report) + "\n")
        return
    show(report, aims, console=make_console(stream))
    stream.write(f"written to {path}\n")
