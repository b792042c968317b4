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
        "deliverer": "ok",
        "dialer": "ok",
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
    """Prometheus and the Datadog Agent ask by the address of each container."""
    headers = {"Host": host, "Authorization": f"Bearer {settings.LEADSWITCH_METRICS_TOKEN}"}
    assert client.get("/metrics", headers=headers).status_code == 200
    # The control: the host is checked for every page.
    assert client.get("/admin/login/", headers=headers).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "[fd00::7]:8000", "web:8000", "a b", ""])
def test_probes_are_answered_under_any_host_name(client: Client, path: str, host: str) -> None:
    """Load balancers and kubelets ask by the address of each container."""
    usual = client.get(path)
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, answer.content) == (200, usual.content)
    assert answer.headers == usual.headers
    assert client.head(path, headers={"Host": host}).status_code == 200
    assert client.get("/admin/login/", headers={"Host": host or "10.0.0.7"}).status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_only_read(client: Client, path: str) -> None:
    answer = client.post(path)
    assert (answer.status_code, answer["Allow"], answer.content) == (405, "GET, HEAD", b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_probes_are_not_redirected_to_https(client: Client, settings: Settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    headers = {"Host": "10.0.0.7:8000"}
    assert client.get(path, headers=headers).status_code == 200
    assert client.get("/admin/login/", headers={"Host": "testserver"}).status_code == 301


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
def test_documentation_loads_only_from_this_server(client: Client) -> None:
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "http://" not in page
    assert "https://" not in page
    assert client.get("/api/schema/").status_code == 200
