"""Health, metrics and documentation pages."""

import pytest
from django.test import Client


@pytest.mark.django_db
def test_health_and_readiness(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json() == {
        "ready": True,
        "database": "ok",
        "redis": "ok",
        "dispatcher": "none",
        "workers": "none",
        "canary": "unknown",
        "degraded": ["dispatcher", "workers", "canary"],
    }


@pytest.mark.django_db
def test_metrics_are_in_the_exposition_format(client: Client) -> None:
    answer = client.get("/metrics")
    assert answer["Content-Type"].startswith("text/plain")
    assert b"python_info" in answer.content


@pytest.mark.django_db
def test_the_documentation_comes_from_this_server_alone(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "http://" not in page
    assert "https://" not in page
    assert client.get("/api/schema/").status_code == 200
