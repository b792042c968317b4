"""What the web server and the exporter answer, read by promtool; and the page that lists it.

`test_serving.py` reads the worker, the dispatcher and beat.
"""

from threading import Event, Thread
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from leadswitch.env import REPOSITORY
from leadswitch.levels.exporter.run import run_exporter
from leadswitch.levels.serving.listing import render_page
from tests.support.ports import free_port
from tests.support.promtool import list_complaints
from tests.support.scrapes import local_endpoint


def test_page_lists_every_series() -> None:
    """`manage.py metrics --write` makes it."""
    assert (REPOSITORY / "docs" / "metrics.md").read_text() == render_page()


@pytest.mark.django_db
def test_web_scrape_is_clean() -> None:
    headers = {"Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    answer = Client(headers=headers).get("/metrics")
    assert b"leadswitch_attempts_total" in answer.content
    assert list_complaints(answer.content.decode()) == []


@pytest.mark.usefixtures("committed_db")
def test_exporter_scrape_is_clean() -> None:
    port, ready, stop = free_port(), Event(), Event()
    options: dict[str, Any] = {"stop": stop, "on_ready": ready.set}
    exporter = Thread(target=run_exporter, args=("127.0.0.1", port), kwargs=options)
    exporter.start()
    try:
        assert ready.wait(60)
        text = local_endpoint(port).read()
    finally:
        stop.set()
        exporter.join()
    assert "leadswitch_up 1.0" in text
    assert list_complaints(text) == []


def test_promtool_complains_about_a_series_without_help() -> None:
    """The control of the tests above."""
    complaints = list_complaints("# TYPE leadswitch_lag_ms gauge\nleadswitch_lag_ms 1\n")
    assert any(line.startswith("leadswitch_lag_ms") for line in complaints)
