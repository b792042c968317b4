"""Complaints of `promtool check metrics` about a scrape."""

import subprocess

from tests.support import machine


def list_complaints(scrape: str) -> list[str]:
    """Those about the product's series. Those of libraries have the names that their authors chose."""
    result = subprocess.run(
        [machine.promtool(), "check", "metrics"],
        input=scrape,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = (result.stdout + result.stderr).splitlines()
    assert result.returncode in {0, 3}, lines
    return [line for line in lines if line.startswith("leadswitch_")]
