"""Scrapes of metrics endpoints, read as Prometheus reads them."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from tests.support.waiting import wait_until

PATIENCE_SECONDS: Final = 30


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


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a process serves its metrics. Only the web server asks for a token."""

    address: str
    token: str = ""

    def read(self) -> str:
        """Raises OSError if there is no answer in PATIENCE_SECONDS."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(f"{self.address}/metrics", headers=headers)  # noqa: S310 - of a test
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            text: str = answer.read().decode()
            return text

    def scrape(self) -> Scrape:
        return Scrape(self.read())


def local_endpoint(port: int) -> Endpoint:
    return Endpoint(f"http://127.0.0.1:{port}")


def scrape(port: int) -> Scrape:
    return local_endpoint(port).scrape()


def is_served(port: int) -> bool:
    try:
        return bool(local_endpoint(port).read())
    except urllib.error.URLError:
        return False


def wait_until_served(port: int) -> None:
    wait_until(lambda: is_served(port), what=f"metrics on port {port}")
