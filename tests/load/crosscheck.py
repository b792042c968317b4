"""One phase again with another generator, autocannon, through npx. It measures only the answers of the intake."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.load.plan import Phase

PACKAGE: Final = "autocannon@8"
CONNECTIONS: Final = 32
SLACK_SECONDS: Final = 120.0


class NoAutocannon(Exception):
    """npx could not run autocannon."""


def run_autocannon(address: str, *, key: str, phase: Phase) -> Mapping[str, Any]:
    """Send leads at a rate. Its latencies are corrected for starts that it missed. Raises NoAutocannon."""
    body = {
        "email": "cross-[<id>]@example.com",
        "zip": "30312",
        "vertical": "roofing",
        "attributes": {"number": -1},
    }
    command = [
        *("npx", "--yes", PACKAGE, "--json", "--no-progress", "--idReplacement"),
        *(
            "--connections",
            str(CONNECTIONS),
            "--overallRate",
            f"{phase.rate:g}",
            "--duration",
            f"{phase.seconds:g}",
        ),
        *("--method", "POST", "--headers", f"Authorization=Api-Key {key}"),
        *(
            "--headers",
            "Content-Type=application/json",
            "--body",
            json.dumps(body),
            f"{address}/api/v1/leads/",
        ),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=phase.seconds + SLACK_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error)
        message = f"npx cannot run {PACKAGE}: {str(output).strip()[-300:]}"
        raise NoAutocannon(message) from error
    answer: Mapping[str, Any] = json.loads(done.stdout)
    return answer


def compare(phases: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> dict[str, Any]:
    """autocannon knows no 95th percentile: its 97.5th is beside ours."""
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
