"""One phase again with another generator, autocannon, through npx. It measures only the answers of the intake."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.load.plan import Phase

PACKAGE: Final = "autocannon@9"
SCRIPT: Final = Path(__file__).parent / "autocannon.cjs"
CONNECTIONS: Final = 32
SLACK_SECONDS: Final = 120.0


class NoAutocannon(Exception):
    """npx could not run autocannon."""


def run_autocannon(address: str, *, key: str, phase: Phase) -> Mapping[str, Any]:
    """Send leads at the rate of a phase. Its latencies are corrected for late starts. Raises NoAutocannon."""
    order = {
        "url": f"{address}/api/v1/leads/",
        "key": key,
        "rate": phase.rate,
        "seconds": phase.seconds,
        "connections": CONNECTIONS,
    }
    command = ["npx", "--yes", "--package", PACKAGE, "--", "node", str(SCRIPT), json.dumps(order)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=phase.seconds + SLACK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error)
        message = f"npx cannot run {PACKAGE}: {str(output).strip()[-300:]}"
        raise NoAutocannon(message) from error
    answer: Mapping[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def compare(phases: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> dict[str, Any]:
    """autocannon has no 95th percentile: its 97.5th is shown beside ours."""
    phase = max(phases, key=lambda each: float(each["planned_rate"]))
    own = phase["intake_ms"]
    latency = answer["latency"]
    rows: Sequence[Mapping[str, Any]] = (
        {"generator": "this one", "answers": phase["accepted"], "ms": [own["p50"], own["p95"], own["p99"]]},
        {
            "generator": PACKAGE,
            "answers": answer["2xx"],
            "ms": [latency["p50"], latency["p97_5"], latency["p99"]],
        },
    )
    return {"rate": phase["planned_rate"], "rows": rows}
