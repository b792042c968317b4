"""`python -m tests.load.alarm`: kills all workers under load, and measures when the page reaches a receiver.

A real Prometheus and a real Alertmanager read the generated files. Nothing restarts what was killed. docs/alerts.md
describes it. Exit code 0: the required alert reached the receiver in time, with its runbook. 1: it did not. 2: wrong
arguments, the run failed, or that alert paged before the kill.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from leadswitch.levels.alerts.notify import PAGER, WATCHDOG
from tests.load.alarm_pages import (
    LIMIT_SECONDS,
    NOT_RUN,
    PASSED,
    PageLog,
    find_required,
    judge,
    show_pages,
    show_seconds,
    title_of_row,
)
from tests.load.alarm_servers import (
    KINDS,
    PLACE,
    Processes,
    Start,
    alertmanager,
    are_up,
    check_running,
    product,
    prometheus,
    read_firing,
    running,
)
from tests.load.job import Job
from tests.load.pager import Pager, running_pager
from tests.load.plan import POISSON, one_rate
from tests.load.product import HOST, LoadBusy, NotStarted, fresh_servers, set_environment
from tests.support.console import make_console
from tests.support.ports import free_port
from tests.support.waiting import TooSlow, fetch_value, wait_until

# Rules need some scrapes of a healthy product: what an alert compares with.
HEALTHY_SECONDS: Final = 60.0
START_SECONDS: Final = 120.0
POLL_SECONDS: Final = 1.0
WORKER, DISPATCHER = "worker", "dispatcher"
RECEIVED: Final = "SELECT count(*) FROM routing_lead WHERE received_at > %s"
DECIDED: Final = "SELECT count(*) FROM tracing_attempt WHERE result <> 'retry' AND finished_at > %s"


def main(arguments: Sequence[str]) -> int:
    options = read_options(arguments)
    set_environment()
    try:
        with fresh_servers():
            return drill(options)
    except (LoadBusy, NotStarted, TooSlow, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_RUN


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises SystemExit."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.alarm", description=__doc__)
    parser.add_argument("--rate", type=float, default=5.0, help="leads a second, sent all the time")
    parser.add_argument(
        "--kill",
        choices=(WORKER, DISPATCHER),
        action="append",
        help="what is killed (default: all workers). Give it twice for both",
    )
    parser.add_argument(
        "--dispatcher-decides",
        action="store_true",
        help="let the dispatcher decide leads while no worker does, as in production; then absent workers must page",
    )
    parser.add_argument("--whole", action="store_true", help="wait for the limit, and show every alert")
    options = parser.parse_args(arguments)
    options.kill = options.kill or [WORKER]
    if options.dispatcher_decides and options.kill != [WORKER]:
        parser.error("--dispatcher-decides: only while the dispatcher lives and the workers are killed")
    return options


@dataclass(frozen=True, slots=True)
class Stage:
    """What runs during the drill. `prometheus`: its address."""

    processes: Processes
    prometheus: str
    pager: Pager


def drill(options: argparse.Namespace) -> int:
    import django

    django.setup()
    console = make_console(sys.stderr)
    required = find_required(dispatcher_decides=options.dispatcher_decides)
    seconds = START_SECONDS + HEALTHY_SECONDS + LIMIT_SECONDS
    keys = prepare(leads=round(seconds * options.rate))
    ports = {kind: free_port() for kind in KINDS}
    with running_stage(ports, dispatcher_decides=options.dispatcher_decides) as stage:
        job = Job(f"http://{HOST}:{ports['web']}", keys, one_rate(options.rate, seconds), POISSON, 1, 16)
        with running({"generator": generator(job)}):
            console.print(
                f"sending {options.rate:g} leads a second for {HEALTHY_SECONDS:g} s before the kill"
            )
            time.sleep(HEALTHY_SECONDS)
            log = kill_and_watch(stage, options, required=title_of_row(required), console=console)
    console.print(show_pages(log))
    verdict = judge(log, required=required)
    console.print(f"{'passed' if verdict.code == PASSED else 'not passed'}: {verdict.reason}")
    return verdict.code


def prepare(*, leads: int) -> tuple[str, ...]:
    """Make the tables, the senders and the buyers. Returns the keys of the senders."""
    from django.core.management import call_command

    from tests.load.world import build_world

    call_command("migrate", verbosity=0, interactive=False)
    return build_world(leads=leads)


def kill_and_watch(stage: Stage, options: argparse.Namespace, *, required: str, console: Console) -> PageLog:
    """Kill nothing if the required alert pages already. Raises OSError."""
    log = PageLog(time.monotonic(), set(read_firing(stage.prometheus)))
    console.print(f"paging before the kill: {', '.join(sorted(log.before)) or 'nothing'}")
    if required in log.before:
        return log
    since = fetch_value("SELECT clock_timestamp()")
    for kind in options.kill:
        os.killpg(stage.processes[kind].pid, signal.SIGKILL)
    console.print(f"killed: {', '.join(options.kill)}. {required} must page")
    watch(log, stage, until=None if options.whole else required, console=console)
    received, decided = fetch_value(RECEIVED, [since]), fetch_value(DECIDED, [since])
    console.print(f"after the kill: {received:,} leads received, {decided:,} decided")
    return log


@contextmanager
def running_stage(ports: dict[str, int], *, dispatcher_decides: bool) -> Iterator[Stage]:
    """Start everything, and wait until Prometheus reads each process and the watchdog has reached the receiver."""
    shutil.rmtree(PLACE, ignore_errors=True)  # counters, alerts and notifications of the last run
    alertmanager_port, prometheus_port = free_port(), free_port()
    with ExitStack() as stack:
        pager = stack.enter_context(running_pager())
        programs = {
            **product(ports, dispatcher_decides=dispatcher_decides),
            "alertmanager": alertmanager(PLACE / "alertmanager", port=alertmanager_port, pager=pager.address),
            "prometheus": prometheus(
                PLACE / "prometheus", ports, port=prometheus_port, alertmanager=alertmanager_port
            ),
        }
        stage = Stage(stack.enter_context(running(programs)), f"http://{HOST}:{prometheus_port}", pager)
        wait_until(lambda: is_ready(stage), what="targets and a watchdog that answer", seconds=START_SECONDS)
        yield stage


def is_ready(stage: Stage) -> bool:
    """Raises NotStarted."""
    check_running(stage.processes)
    return are_up(stage.prometheus) and bool(stage.pager.list_notices(WATCHDOG))


def watch(log: PageLog, stage: Stage, *, until: str | None, console: Console) -> None:
    """Note pages until the limit; with `until`, until that alert has reached the receiver. Raises OSError."""
    while time.monotonic() - log.killed_at < LIMIT_SECONDS and not (until and log.has_received(until)):
        firing = read_firing(stage.prometheus)
        for page in log.add_firing(firing, at=time.monotonic()):
            console.print(f"{show_seconds(page.fired)}: {page.title} fires: {firing[page.title]}")
        for page in log.add_notices(stage.pager.list_notices(PAGER)):
            console.print(
                f"{show_seconds(page.received)}: {page.title} reached the receiver: {page.runbook_url}"
            )
        time.sleep(POLL_SECONDS)


def generator(job: Job) -> Start:
    path = PLACE / "job.json"
    job.write(path)
    return [sys.executable, "-m", "tests.load.generator", str(path), str(PLACE / "answer.json")], {}


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    sys.exit(main(sys.argv[1:]))
