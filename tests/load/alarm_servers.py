"""What the drill of the alarm runs: each process of the product, Prometheus and the Alertmanager.

Only addresses, the token and the receivers differ from the generated files.
"""

import json
import os
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

import yaml

from leadswitch.env import REPOSITORY
from leadswitch.levels.alerts.alert import Severity
from leadswitch.levels.alerts.notify import PAGER, WATCHDOG
from tests.load.alarm_pages import title_of
from tests.load.product import DIRECTORY, HOST, NotStarted
from tests.support.monitoring import alertmanager_command, find_program

TOKEN: Final = token_urlsafe(48)
KINDS: Final = ("web", "worker", "dispatcher", "deliverer", "dialer", "streams", "beat", "exporter")
WITH_PORT: Final = ("worker", "dispatcher", "deliverer", "dialer", "streams", "beat")
CONFIGURATION: Final = REPOSITORY / "ops" / "prometheus"
ROUTES: Final = REPOSITORY / "ops" / "alertmanager.yml"
PLACE: Final = DIRECTORY / "alarm"
# Longer than the drill: without it, the dispatcher would decide leads itself 15 s after the workers are gone.
CANARY_NEVER_LATE: Final = {"LEADSWITCH_CANARY_LATE_SECONDS": "600"}

# Its command, and what it has in its environment besides this process's own.
Start = tuple[Sequence[str], Mapping[str, str]]
Processes = Mapping[str, "subprocess.Popen[bytes]"]


def product(ports: Mapping[str, int], *, dispatcher_decides: bool) -> Mapping[str, Start]:
    """The programs of `make up`, each with a metrics directory and a port of its own.

    `dispatcher_decides`: it decides leads while no worker does, as in production.
    """
    from leadswitch.up import STREAMS_OFFSET, find_free_port, programs

    found = {}
    streams_port = find_free_port(ports["web"] + STREAMS_OFFSET)
    for program in programs(HOST, ports["web"], streams_port=streams_port, workers=2):
        directory = PLACE / f"metrics-{program.name}"
        directory.mkdir(parents=True, exist_ok=True)
        environment = {
            **program.environment,
            "PROMETHEUS_MULTIPROC_DIR": str(directory),
            "LEADSWITCH_METRICS_TOKEN": TOKEN,
        }
        if program.name in WITH_PORT:
            environment[f"LEADSWITCH_{program.name.upper()}_METRICS_PORT"] = str(ports[program.name])
        if program.name == "dispatcher" and not dispatcher_decides:
            environment |= CANARY_NEVER_LATE
        command = [*program.command]
        if program.name == "exporter":
            command[command.index("--port") + 1] = str(ports["exporter"])
        found[program.name] = (command, environment)
    return found


@contextmanager
def running(programs: Mapping[str, Start]) -> Iterator[Processes]:
    """Each in a process group of its own, with a log of its own. Ended by SIGKILL: the servers are removed anyway."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    PLACE.mkdir(parents=True, exist_ok=True)
    try:
        for name, (command, environment) in programs.items():
            with log_of(name).open("w") as log:
                processes[name] = subprocess.Popen(
                    command,
                    cwd=REPOSITORY,
                    env={**os.environ, **environment},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        yield processes
    finally:
        for process in processes.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def log_of(name: str) -> Path:
    return PLACE / f"{name}.log"


def check_running(processes: Processes) -> None:
    """Raises NotStarted if a process has ended."""
    for name, process in processes.items():
        if process.poll() is not None:
            message = f"{name} did not start (see {log_of(name)})"
            raise NotStarted(message)


def prometheus(directory: Path, ports: Mapping[str, int], *, port: int, alertmanager: int) -> Start:
    """Raises FileNotFoundError."""
    configuration = write_scraping(directory, ports, alertmanager=alertmanager)
    command = [
        find_program("prometheus"),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    return command, {}


def alertmanager(directory: Path, *, port: int, pager: str) -> Start:
    """`pager`: the address of the receiver. Raises FileNotFoundError."""
    routes = write_routes(directory, pager=pager)
    return alertmanager_command(find_program("alertmanager"), routes, port=port), {}


def write_scraping(directory: Path, ports: Mapping[str, int], *, alertmanager: int) -> Path:
    """Write Prometheus' generated configuration with the addresses and the token of the drill."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    configuration["rule_files"] = [str(CONFIGURATION / "rules.yml")]
    [receiver] = configuration["alerting"]["alertmanagers"]
    receiver["static_configs"] = [{"targets": [f"{HOST}:{alertmanager}"]}]
    token = directory / "token"
    token.write_text(TOKEN)
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        kind = job["job_name"].removeprefix("leadswitch-")
        job["static_configs"] = [{"targets": [f"{HOST}:{ports[kind]}"]}]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(token)
    return write_yaml(directory / "prometheus.yml", configuration)


def write_routes(directory: Path, *, pager: str) -> Path:
    """Write the Alertmanager's generated configuration. The pager and the watchdog call `pager`; chats get nothing."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = yaml.safe_load(ROUTES.read_text())
    webhooks = {"webhook_configs": [{"url": pager, "send_resolved": True}]}
    configuration["receivers"] = [
        {"name": each["name"], **(webhooks if each["name"] in (PAGER, WATCHDOG) else {})}
        for each in configuration["receivers"]
    ]
    return write_yaml(directory / "alertmanager.yml", configuration)


def write_yaml(file: Path, configuration: Any) -> Path:
    file.write_text(yaml.safe_dump(configuration))
    return file


def are_up(prometheus: str) -> bool:
    """Whether every process of the product answers Prometheus."""
    try:
        targets = ask(prometheus, "targets")["activeTargets"]
    except OSError:
        return False
    return len(targets) == len(KINDS) and all(target["health"] == "up" for target in targets)


def read_firing(prometheus: str) -> dict[str, str]:
    """The text of each alert that pages now, by its title. Raises OSError."""
    return {
        title_of(alert["labels"]): alert["annotations"]["summary"]
        for alert in ask(prometheus, "alerts")["alerts"]
        if alert["state"] == "firing" and alert["labels"]["severity"] == Severity.PAGE
    }


def ask(prometheus: str, what: str) -> Any:
    """Raises OSError."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/{what}", timeout=10) as answer:  # noqa: S310 - our own address
        return json.load(answer)["data"]
