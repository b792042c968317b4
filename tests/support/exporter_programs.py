"""`manage.py exporter` as a process, with PostgreSQL and Redis servers of its own that a test may freeze and stop."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from leadswitch.embedded import ServiceUrls, start_services, stop_services
from leadswitch.embedded.paths import ServicePaths
from leadswitch.embedded.processes import leaders, processes_in
from leadswitch.up import EXPORTER
from tests.support.ports import free_port
from tests.support.processes import started
from tests.support.scrapes import Scrape, is_served, scrape
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    import subprocess


@dataclass(frozen=True, slots=True)
class Exporter:
    process: "subprocess.Popen[str]"
    port: int
    log: Path

    def read(self, name: str, **labels: str) -> float | None:
        """The value of the only sample with these labels; None: it is not shown."""
        return find_value(scrape(self.port), name, **labels)

    def wait_for(self, name: str, value: float | None, **labels: str) -> None:
        wait_until(lambda: self.read(name, **labels) == value, what=f"{name} {labels} is {value}")

    def wait_until_shown(self, name: str, **labels: str) -> None:
        wait_until(lambda: self.read(name, **labels) is not None, what=f"{name} {labels} is shown")


def find_value(shown: Scrape, name: str, **labels: str) -> float | None:
    values = [
        sample.value
        for family in shown.families.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return values[0] if values else None


@contextmanager
def exporter(directory: Path, **environment: str) -> Iterator[Exporter]:
    """It reads every second. Its log is a file, since a full pipe would stop it."""
    port, log = free_port(), directory / "exporter.log"
    ours = {
        "LEADSWITCH_ROLE": "exporter",
        "LEADSWITCH_EXPORTER_PERIOD_SECONDS": "1",
        "LEADSWITCH_LOG_LEVEL": "INFO",
    }
    with (
        log.open("w") as output,
        started(*EXPORTER, "--port", str(port), output=output, **ours, **environment) as process,
    ):
        wait_until(lambda: is_served(port) or process.poll() is not None, what=f"metrics on port {port}")
        yield Exporter(process, port, log)


@contextmanager
def own_services(var_dir: Path) -> Iterator[ServiceUrls]:
    """Servers with an empty database. They are stopped at the end of the block."""
    try:
        yield start_services(var_dir, durable=False)
    finally:
        stop_services(var_dir)
        shutil.rmtree(ServicePaths.of(var_dir).socket_dir)


def urls_of(services: ServiceUrls) -> dict[str, str]:
    return {"DATABASE_URL": services.database_url, "REDIS_URL": services.redis_url}


@contextmanager
def frozen(var_dir: Path) -> Iterator[psutil.Process]:
    """Every process of the PostgreSQL server is stopped during the block, as on a machine that hangs.

    Yields the postmaster. It is stopped first, so that it starts no other process.
    """
    directory = ServicePaths.of(var_dir).postgres_data
    [postmaster] = leaders(processes_in(directory, names=["postgres"]))
    try:
        postmaster.suspend()
        for each in processes_in(directory, names=["postgres"]):
            with suppress(psutil.NoSuchProcess):  # a backend whose client left may have ended
                each.suspend()
        yield postmaster
    finally:
        for each in processes_in(directory, names=["postgres"]):
            with suppress(psutil.NoSuchProcess):
                each.resume()
