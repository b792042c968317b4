"""`python -m tests.load.alarm`: kills what decides leads, and measures when a real Prometheus pages (docs/alerts.md).

The product runs as in production, with an endpoint for each kind of process and nothing that restarts it. Prometheus
reads the generated rules as they are. Exit code 0: an alert paged in time. 1: none did. 2: wrong arguments, or the run
failed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Final

import yaml
from rich.console import Console

from leadswitch.env import REPOSITORY
from tests.load.job import Job
from tests.load.plan import POISSON, one_rate
from tests.load.product import DIRECTORY, HOST, LoadBusy, NotStarted, fresh_servers, set_environment
from tests.support.ports import free_port
from tests.support.waiting import TooSlow, wait_until

IN_TIME, TOO_LATE, NOT_RUN = 0, 1, 2
LIMIT_SECONDS: Final = 300.0
# Rules need some scrapes of a healthy product: what an alert compares with.
HEALTHY_SECONDS: Final = 60.0
START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 1.0
TOKEN: Final = token_urlsafe(48)
KINDS: Final = ("web", "worker", "dispatcher", "beat", "exporter")
CONFIGURATION: Final = REPOSITORY / "ops" / "prometheus"
PROGRAMS: Final = REPOSITORY / "var" / "prometheus" / "usr" / "bin"
DECIDED: Final = "SELECT count(*) FROM tracing_attempt WHERE result <> 'retry' AND finished_at > %s"


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    set_environment()
    try:
        with fresh_servers():
            return drill(options)
    except (LoadBusy, NotStarted, TooSlow, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_RUN


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.load.alarm", description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="leads a second, sent all the time")
    parser.add_argument(
        "--kill",
        choices=("worker", "dispatcher"),
        action="append",
        help="what is killed (default: both; without workers the dispatcher decides leads itself)",
    )
    parser.add_argument("--whole", action="store_true", help="wait for the limit, and show every alert")
    return parser.parse_args(arguments)


def drill(options: argparse.Namespace) -> int:
    import django

    django.setup()
    from django.core.management import call_command

    from tests.load.world import build_world
    from tests.support.waiting import fetch_value

    console = Console(stderr=True)
    killed = options.kill or ["worker", "dispatcher"]
    call_command("migrate", verbosity=0, interactive=False)
    seconds = START_SECONDS + HEALTHY_SECONDS + LIMIT_SECONDS
    keys = build_world(leads=round(seconds * options.rate))
    with ExitStack() as stack:
        ports = {kind: free_port() for kind in KINDS}
        processes = stack.enter_context(running(product(ports)))
        prometheus = stack.enter_context(running_prometheus(ports))
        wait_until(lambda: are_up(prometheus, processes), what="targets that answer", seconds=START_SECONDS)
        job = Job(f"http://{HOST}:{ports['web']}", keys, one_rate(options.rate, seconds), POISSON, 1, 16)
        stack.enter_context(running({"generator": generator(job)}))
        console.print(
            f"sending {options.rate:g} leads a second to a healthy product for {HEALTHY_SECONDS:g} s"
        )
        time.sleep(HEALTHY_SECONDS)
        before = {name for name, _ in read_pages(prometheus)}
        console.print(f"paging before the kill: {', '.join(sorted(before)) or 'nothing'}")
        since = fetch_value("SELECT clock_timestamp()")
        begun = time.monotonic()
        for kind in killed:
            os.killpg(processes[kind].pid, signal.SIGKILL)
        console.print(f"killed: {', '.join(killed)}")
        paged: dict[str, float] = {}
        while time.monotonic() - begun < LIMIT_SECONDS and (options.whole or not paged):
            for name, summary in read_pages(prometheus):
                if name not in before and name not in paged:
                    paged[name] = time.monotonic() - begun
                    console.print(f"{paged[name]:5.0f} s  {name}: {summary}")
            time.sleep(POLL_SECONDS)
        decided = fetch_value(DECIDED, [since])
    console.print(f"leads decided after the kill: {decided:,}")
    return IN_TIME if paged else TOO_LATE


def product(ports: Mapping[str, int]) -> Mapping[str, tuple[Sequence[str], Mapping[str, str]]]:
    """The programs of `make up`, each with a metrics directory and a port of its own."""
    from leadswitch.up import programs

    found = {}
    for program in programs(HOST, ports["web"], workers=2):
        directory = DIRECTORY / f"metrics-{program.name}"
        directory.mkdir(parents=True, exist_ok=True)
        environment = {
            **program.environment,
            "PROMETHEUS_MULTIPROC_DIR": str(directory),
            "LEADSWITCH_METRICS_TOKEN": TOKEN,
        }
        if program.name in ("worker", "dispatcher", "beat"):
            environment[f"LEADSWITCH_{program.name.upper()}_METRICS_PORT"] = str(ports[program.name])
        command = [*program.command]
        if program.name == "exporter":
            command[command.index("--port") + 1] = str(ports["exporter"])
        found[program.name] = (command, environment)
    return found


def generator(job: Job) -> tuple[Sequence[str], Mapping[str, str]]:
    path = DIRECTORY / "alarm-job.json"
    job.write(path)
    answer = str(DIRECTORY / "alarm-answer.json")
    return [sys.executable, "-m", "tests.load.generator", str(path), answer], {}


@contextmanager
def running(
    programs: Mapping[str, tuple[Sequence[str], Mapping[str, str]]],
) -> Iterator[Mapping[str, "subprocess.Popen[bytes]"]]:
    """Each in a process group of its own, with a log of its own. Ended by SIGKILL: the servers are removed anyway."""
    processes: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, (command, environment) in programs.items():
            with (DIRECTORY / f"alarm-{name}.log").open("w") as log:
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


@contextmanager
def running_prometheus(ports: Mapping[str, int]) -> Iterator[str]:
    """Yield its address."""
    directory = DIRECTORY / "prometheus"
    port = free_port()
    command = [
        str(find_prometheus()),
        f"--config.file={write_configuration(directory, ports)}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address={HOST}:{port}",
    ]
    with running({"prometheus": (command, {})}):
        yield f"http://{HOST}:{port}"


def write_configuration(directory: Path, ports: Mapping[str, int]) -> Path:
    """Write the generated configuration, in which only the places of targets, rules and the token differ."""
    directory.mkdir(parents=True, exist_ok=True)
    configuration = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    configuration["rule_files"] = [str(CONFIGURATION / "rules.yml")]
    del configuration["alerting"]
    token = directory / "token"
    token.write_text(TOKEN)
    for job in configuration["scrape_configs"]:
        del job["dns_sd_configs"]
        kind = job["job_name"].removeprefix("leadswitch-")
        job["static_configs"] = [{"targets": [f"{HOST}:{ports[kind]}"]}]
        if "authorization" in job:
            job["authorization"]["credentials_file"] = str(token)
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(configuration))
    return file


def find_prometheus() -> Path:
    """Raises FileNotFoundError."""
    program = PROGRAMS / "prometheus"
    if not program.exists():
        message = "Prometheus is not installed: run ops/install_prometheus.sh"
        raise FileNotFoundError(message)
    return program


def are_up(prometheus: str, processes: Mapping[str, "subprocess.Popen[bytes]"]) -> bool:
    """Raises NotStarted if a process has ended."""
    for name, process in processes.items():
        if process.poll() is not None:
            message = f"{name} did not start (see {DIRECTORY / f'alarm-{name}.log'})"
            raise NotStarted(message)
    try:
        targets = ask(prometheus, "targets")["activeTargets"]
    except OSError:
        return False
    return len(targets) == len(KINDS) and all(target["health"] == "up" for target in targets)


def read_pages(prometheus: str) -> Iterator[tuple[str, str]]:
    """Name and text of each alert that pages now."""
    for alert in ask(prometheus, "alerts")["alerts"]:
        if alert["state"] == "firing" and alert["labels"]["severity"] == "page":
            yield alert["labels"]["alertname"], alert["annotations"]["summary"]


def ask(prometheus: str, what: str) -> Any:
    """Raises OSError."""
    with urllib.request.urlopen(f"{prometheus}/api/v1/{what}", timeout=10) as answer:  # noqa: S310 - our own address
        return json.load(answer)["data"]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
