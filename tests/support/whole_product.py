"""The processes of the product, each with an endpoint of its own, as in docker-compose.yml."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

from leadswitch.embedded import ServiceUrls
from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Job
from leadswitch.levels.exporter.collector import SUCCESS
from leadswitch.levels.exporter.collectors.registry import COLLECTORS
from tests.support.exporter_programs import Exporter, exporter, own_services, urls_of
from tests.support.listening import stream_server
from tests.support.ports import free_port
from tests.support.processes import WORKER, beat, celery, child_environment, deliverer, dialer, dispatcher
from tests.support.scrapes import Endpoint, local_endpoint, wait_until_served
from tests.support.served import served
from tests.support.waiting import wait_until
from tests.support.warm.started import run_python

TOKEN: Final = "a-metrics-token-of-more-than-32-characters"
MIGRATION_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class WholeProduct:
    """`var_dir`: of its PostgreSQL and its Redis."""

    var_dir: Path
    exporter: Exporter
    endpoints: Mapping[Job, Endpoint]


@contextmanager
def own_product(directory: Path, *, database_options: str = "") -> Iterator[WholeProduct]:
    """The whole product on servers of its own, which may be frozen. Every process has read its database.

    `database_options`: of the connections, as the end of a URL, such as `?connect_timeout=60`.
    """
    var_dir = directory / "var"
    with own_services(var_dir) as services:
        places = make_environment(services)
        migrate(places)
        places["DATABASE_URL"] += database_options
        with (
            exporter(directory, **places) as shown,
            engine(directory, **places) as endpoints,
            web(directory, **places) as site,
        ):
            for row in COLLECTORS:
                shown.wait_for(SUCCESS.name, 1, collector=row.name)
            wait_until_led(endpoints[Job.DISPATCHER])
            endpoints = {**endpoints, Job.WEB: site, Job.EXPORTER: local_endpoint(shown.port)}
            yield WholeProduct(var_dir, shown, endpoints)


def make_environment(services: ServiceUrls) -> dict[str, str]:
    """What a product needs on servers that are not those of its checkout."""
    return {
        **urls_of(services),
        "SECRET_KEY": settings.SECRET_KEY,
        "LEADSWITCH_IDENTITY_KEY": settings.LEADSWITCH_IDENTITY_KEY,
        "LEADSWITCH_ENCRYPTION_KEY": settings.LEADSWITCH_ENCRYPTION_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "LEADSWITCH_HTTPS": "false",
        "LEADSWITCH_ENV_FILE": "",
    }


def migrate(places: Mapping[str, str]) -> None:
    environment = child_environment(**{**places, "LEADSWITCH_ROLE": "command"})
    command = ("manage.py", "migrate", "--verbosity", "0")
    done = run_python(*command, cwd=REPOSITORY, env=environment, timeout=MIGRATION_SECONDS)
    assert done.returncode == 0, done.stderr


@contextmanager
def engine(directory: Path, **environment: str) -> Iterator[Mapping[Job, Endpoint]]:
    """A worker, a dispatcher, a deliverer, a dialer, streams and beat."""
    ports = {
        job: free_port()
        for job in (Job.WORKER, Job.DISPATCHER, Job.DELIVERER, Job.DIALER, Job.STREAMS, Job.BEAT)
    }
    environment = {"LEADSWITCH_VAR_DIR": str(directory), **environment}
    with (
        celery(directory, *WORKER, LEADSWITCH_WORKER_METRICS_PORT=str(ports[Job.WORKER]), **environment),
        dispatcher(directory, LEADSWITCH_DISPATCHER_METRICS_PORT=str(ports[Job.DISPATCHER]), **environment),
        deliverer(directory, LEADSWITCH_DELIVERER_METRICS_PORT=str(ports[Job.DELIVERER]), **environment),
        dialer(directory, LEADSWITCH_DIALER_METRICS_PORT=str(ports[Job.DIALER]), **environment),
        stream_server(directory, LEADSWITCH_STREAMS_METRICS_PORT=str(ports[Job.STREAMS]), **environment),
        beat(directory, LEADSWITCH_BEAT_METRICS_PORT=str(ports[Job.BEAT]), **environment),
    ):
        for port in ports.values():
            wait_until_served(port)
        yield {job: local_endpoint(port) for job, port in ports.items()}


@contextmanager
def web(directory: Path, **environment: str) -> Iterator[Endpoint]:
    files = directory / "web-metrics"
    files.mkdir()
    environment = {"LEADSWITCH_VAR_DIR": str(directory), **environment}
    with served(
        PROMETHEUS_MULTIPROC_DIR=str(files), LEADSWITCH_METRICS_TOKEN=TOKEN, **environment
    ) as address:
        yield Endpoint(address, TOKEN)


def wait_until_led(endpoint: Endpoint) -> None:
    """Until the dispatcher leads, and a worker has returned its canary. The age of a canary exists then."""
    wait_until(
        lambda: bool(endpoint.scrape().values("leadswitch_canary_age_seconds")),
        what="a dispatcher that leads and a canary that returned",
    )
