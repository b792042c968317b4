"""What the endpoints answer, read by promtool; and the page that lists it."""

import subprocess
from threading import Event, Thread
from typing import Any
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.test import Client
from prometheus_client import generate_latest

from leadswitch.env import REPOSITORY
from leadswitch.levels.exporter.run import run_exporter
from leadswitch.levels.serving.listing import render_page
from leadswitch.levels.serving.registry import make_registry
from tests.support import machine
from tests.support.ports import free_port


def check_metrics(scrape: bytes) -> str:
    """The complaints of promtool about our own series. Those of libraries have the names that their authors chose."""
    result = subprocess.run(
        [machine.promtool(), "check", "metrics"], input=scrape, capture_output=True, timeout=60, check=False
    )
    lines = (result.stdout + result.stderr).decode().splitlines()
    assert result.returncode in {0, 3}, lines
    return "\n".join(line for line in lines if line.startswith("leadswitch_"))


def test_page_lists_every_series() -> None:
    """`manage.py metrics --write` makes it."""
    assert (REPOSITORY / "docs" / "metrics.md").read_text() == render_page()


@pytest.mark.django_db
def test_web_scrape_is_clean() -> None:
    headers = {"Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    answer = Client(headers=headers).get("/metrics")
    assert b"leadswitch_attempts_total" in answer.content
    assert check_metrics(answer.content) == ""


def test_scrape_of_other_processes_is_clean() -> None:
    """The worker, the dispatcher and beat serve this registry."""
    scrape = generate_latest(make_registry())
    assert b"leadswitch_leads_decided_total" in scrape
    assert check_metrics(scrape) == ""


@pytest.mark.usefixtures("committed_db")
def test_exporter_scrape_is_clean() -> None:
    port, ready, stop = free_port(), Event(), Event()
    options: dict[str, Any] = {"stop": stop, "on_ready": ready.set}
    exporter = Thread(target=run_exporter, args=("127.0.0.1", port), kwargs=options)
    exporter.start()
    try:
        assert ready.wait(60)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            scrape = answer.read()
    finally:
        stop.set()
        exporter.join()
    assert b"leadswitch_up 1.0" in scrape
    assert check_metrics(scrape) == ""


def test_promtool_complains_about_a_series_without_help() -> None:
    """The control of the tests above."""
    assert "leadswitch_lag_ms" in check_metrics(b"# TYPE leadswitch_lag_ms gauge\nleadswitch_lag_ms 1\n")
