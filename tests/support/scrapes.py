"""Scrapes of metrics endpoints, read as Prometheus reads them."""

import urllib.error
import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import wait_until


def read_metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def is_served(port: int) -> bool:
    try:
        return bool(read_metrics(port))
    except urllib.error.URLError:
        return False


def wait_until_served(port: int) -> None:
    wait_until(lambda: is_served(port), what=f"metrics on port {port}")


class Scrape:
    """The samples of one scrape."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.families = {each.name: each for each in text_string_to_metric_families(text)}

    def values(self, name: str) -> dict[Mapping[str, str], float]:
        """The samples of this exact name, by their labels as sorted pairs."""
        return {
            tuple(sorted(sample.labels.items())): sample.value  # type: ignore[misc]
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name
        }

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels."""
        return sum(
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


def scrape(port: int) -> Scrape:
    return Scrape(read_metrics(port))
