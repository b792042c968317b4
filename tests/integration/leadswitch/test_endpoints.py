"""Health, metrics and documentation pages."""

import pytest
from django.test import Client
from pytest_django import Settings


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
        "reconcilers": "late",
        "enqueuer": "ok",
        "degraded": ["dispatcher", "workers", "canary", "reconcilers"],
    }


def test_metrics_are_in_the_exposition_format(client: Client, settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    answer = client.get("/metrics", headers=headers)
    assert answer["Content-Type"].startswith("text/plain")
    assert b"python_info" in answer.content


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer wrong", "Api-Key {}", "Bearer {}x"])
def test_metrics_need_their_token(client: Client, settings: Settings, given: str | None) -> None:
    token = settings.LEADSWITCH_METRICS_TOKEN
    headers = {} if given is None else {"Authorization": given.format(token)}
    answer = client.get("/metrics", headers=headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="metrics"')
    assert b"python_info" not in answer.content


def test_there_are_no_metrics_without_a_token(client: Client, settings: Settings) -> None:
    settings.LEADSWITCH_METRICS_TOKEN = ""
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer "}):
        assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize("host", ["10.0.0.7:8000", "web:8000"])
def test_metrics_are_served_under_any_host_name(client: Client, settings: Settings, host: str) -> None:
    """Prometheus asks by the address of each container, and the Datadog Agent by the name of its service."""
    headers = {"Host": host, "Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    assert client.get("/metrics", headers=headers).status_code == 200
    # The control: the host is checked for every other path.
    assert client.get("/healthz", headers=headers).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/admin/login/", "/api/docs/", "/api/schema/", "/api/v1/leads/", "/nowhere/", "/healthz", "/?%00"],
)
def test_every_page_forbids_foreign_and_inline_code(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


@pytest.mark.django_db
def test_documentation_comes_from_this_server_alone(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "http://" not in page
    assert "https://" not in page
    assert client.get("/api/schema/").status_code == 200
