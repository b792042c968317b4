"""The monitoring of docker-compose.yml against the files that it mounts."""

import re
from typing import Any

import yaml

from leadswitch.env import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
MONITORING = {
    name: each for name, each in COMPOSE["services"].items() if each.get("profiles") == ["monitoring"]
}
PROVISIONING = REPOSITORY / "ops" / "grafana" / "provisioning"


def test_monitoring_is_optional_local_and_checked() -> None:
    assert set(MONITORING) == {"prometheus", "alertmanager", "grafana"}
    for part in MONITORING.values():
        assert part["healthcheck"]["test"]
        assert all(port.startswith("127.0.0.1:") for port in part["ports"])


def test_mounted_files_exist_and_volumes_are_declared() -> None:
    for part in MONITORING.values():
        for mount in part["volumes"]:
            source = mount.split(":")[0]
            assert (REPOSITORY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_each_secret_that_a_file_names_reaches_its_server() -> None:
    files = {"prometheus": "ops/prometheus/prometheus.yml", "alertmanager": "ops/alertmanager.yml"}
    for name, path in files.items():
        named = set(re.findall(r"/run/secrets/(\w+)", (REPOSITORY / path).read_text()))
        assert named == set(MONITORING[name]["secrets"])
    assert {secret for part in MONITORING.values() for secret in part["secrets"]} == COMPOSE["secrets"].keys()


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    (source,) = yaml.safe_load((PROVISIONING / "datasources" / "prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "leadswitch.yml").read_text())["providers"]
    scraping = yaml.safe_load((REPOSITORY / "ops" / "prometheus" / "prometheus.yml").read_text())
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == scraping["global"]["scrape_interval"]
    assert f"./ops/grafana/dashboards:{provider['options']['path']}:ro" in MONITORING["grafana"]["volumes"]
    (target,) = scraping["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert target == "alertmanager:9093"
