"""The monitoring of docker-compose.yml against the files that it mounts."""

import re
from typing import Any

import yaml

from leadswitch.env import REPOSITORY
from leadswitch.env.example import COMPOSE_VARIABLES
from leadswitch.env.registry import NAMES

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
MONITORING = {
    name: each for name, each in COMPOSE["services"].items() if each.get("profiles") == ["monitoring"]
}
# Names the template that the Datadog Agent applies to a container.
AGENT_LABEL = "com.datadoghq.ad.check.id"
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


def test_each_secret_comes_from_a_variable_of_the_example_that_the_documents_name() -> None:
    documents = (REPOSITORY / "docs" / "dashboards.md").read_text()
    listed = NAMES | {each.name for each in COMPOSE_VARIABLES}
    for secret in COMPOSE["secrets"].values():
        assert secret["environment"] in listed
        assert secret["environment"] in documents


def test_each_scraped_service_listens_on_the_scraped_port() -> None:
    """Prometheus and the Datadog Agent read the services of compose, on the ports of their settings."""
    scraping = yaml.safe_load((REPOSITORY / "ops" / "prometheus" / "prometheus.yml").read_text())
    scraped = {
        (each["dns_sd_configs"][0]["names"][0], each["dns_sd_configs"][0]["port"])
        for each in scraping["scrape_configs"]
    }
    assert scraped == {(service, find_metrics_port(COMPOSE["services"][service])) for service, _ in scraped}
    services = dict(read_labels())
    assert {(services[identifier], port) for identifier, port in read_templates()} == scraped


def test_each_label_of_the_agent_names_one_service_and_no_image() -> None:
    """A template that names an image is applied to every service of that image."""
    identifiers = sorted(identifier for identifier, _ in read_templates())
    images = {each["image"].partition(":")[0] for each in COMPOSE["services"].values()}
    assert sorted(label for label, _ in read_labels()) == identifiers
    assert images.isdisjoint(identifiers)


def read_labels() -> list[tuple[str, str]]:
    """The label that names the Agent's template for the containers of a service, and the service."""
    return [
        (each["labels"][AGENT_LABEL], name) for name, each in COMPOSE["services"].items() if "labels" in each
    ]


def read_templates() -> list[tuple[str, int]]:
    """The identifier and the port of each file. Raises ValueError for a file that is no template of one container."""
    templates = []
    for path in (REPOSITORY / "ops" / "datadog" / "openmetrics.d").glob("*.yaml"):
        content = yaml.safe_load(path.read_text())
        (identifier,), (instance,) = content["ad_identifiers"], content["instances"]
        (port,) = re.findall(r"^http://%%host%%:(\d+)/metrics$", instance["openmetrics_endpoint"])
        templates.append((identifier, int(port)))
    return templates


def find_metrics_port(service: dict[str, Any]) -> int:
    """That of its settings, or the one on which it serves pages."""
    ports = [
        int(value)
        for name, value in service["environment"].items()
        if re.fullmatch(r"LEADSWITCH_(\w+_METRICS|EXPORTER)_PORT", name)
    ]
    bound = re.findall(r"--bind 0\.0\.0\.0:(\d+)", service["command"])
    (port,) = ports or map(int, bound)
    return port


def test_servers_read_the_files_that_are_mounted() -> None:
    """The path after the colon of each mount is the one in the command, or Grafana's own."""
    mounted = {
        mount.split(":")[1]
        for part in MONITORING.values()
        for mount in part["volumes"]
        if mount.startswith("./")
    }
    read = {
        option.removeprefix("--config.file=")
        for part in MONITORING.values()
        for option in part.get("command", "").split()
        if option.startswith("--config.file=")
    }
    assert {path if path in mounted else path.rpartition("/")[0] for path in read} <= mounted
    assert "/etc/grafana/provisioning" in mounted
    assert {path.parent.name for path in PROVISIONING.glob("*/*.yml")} == {"datasources", "dashboards"}
