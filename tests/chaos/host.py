"""Starts the product's processes quickly: it imports everything once, then forks a process for each line on stdin.

    python -m tests.chaos.host DIRECTORY [PROTECTION ...]

It prints "ready", and then the pid of a new process for each line. A line is a JSON list: the program and its
arguments. Each process is the real program in its own process group. When stdin ends, all are killed. The named
protections are removed before the first process starts.
"""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.chaos.periods import BY_NAME, Periods
from tests.chaos.probes import PROBE, install
from tests.chaos.protections import take_away

# A worker is slow under load. An expired order for a reconciler would have the same effect as a missing beat.
MIN_EXPIRY_SECONDS: Final = 5


def main(directory: str, *protections: str) -> None:
    set_periods(BY_NAME[os.environ["CHAOS_PERIODS"]])
    prepare()
    install(Path(directory))
    take_away(protections)
    serve()


def serve_suite(
    directory: str,
    protections: Sequence[str],
    *,
    install: Callable[[Path], None],
    removals: Mapping[str, Callable[[], None]],
) -> None:
    """The host of a suite with its own places and protections."""
    prepare()
    install(Path(directory))
    for name in protections:
        removals[name]()
    serve()


def serve() -> None:
    """Fork a process for each line of stdin, until it ends."""
    print("ready", flush=True)  # noqa: T201 - the protocol with the suite
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that killed processes leave no zombies
    pids = []
    while line := sys.stdin.readline():
        program, *arguments = json.loads(line)
        pids.append(fork(program, arguments))
        print(pids[-1], flush=True)  # noqa: T201
    for pid in pids:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def set_periods(periods: Periods) -> None:
    """Changes the settings module before Django reads it."""
    from leadswitch import settings

    # The faults count all runs, also those that found nothing.
    settings.LOGGING["loggers"]["routing.reconcile.running"] = {"level": "DEBUG"}

    settings.LEADSWITCH_RECONCILERS = {
        name: (place, periods.reconcilers.get(name, seconds))
        for name, (place, seconds) in settings.LEADSWITCH_RECONCILERS.items()
    }
    for name, seconds in periods.reconcilers.items():
        entry = settings.CELERY_BEAT_SCHEDULE[f"reconcile-{name}"]
        entry["schedule"] = float(seconds)
        entry["options"] = {"expires": max(seconds, MIN_EXPIRY_SECONDS)}


def prepare() -> None:
    import django
    from django.core.checks import run_checks

    from leadswitch.celery import app
    from routing.places.zips import load_rows

    django.setup()
    app.set_default()
    app.loader.import_default_modules()
    load_rows()
    run_checks()  # the real process begins with these imports, so they happen here


def fork(program: str, arguments: list[str]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            become(program, arguments)
        except BaseException:  # noqa: BLE001 - nothing of the host may go on in the child
            traceback.print_exc()
        finally:
            os._exit(0)
    return pid


def become(program: str, arguments: list[str]) -> None:
    from django.conf import settings

    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # its output is not for the suite
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    PROBE.program = program
    for database in settings.DATABASES.values():
        database["OPTIONS"]["application_name"] = f"{program}-{os.getpid()}"
    PROGRAMS[program](*arguments)


def run_worker(concurrency: str) -> None:
    from leadswitch.celery import app
    from leadswitch.up import worker_arguments

    name = f"chaos-{os.getpid()}@%h"
    app.worker_main([*worker_arguments(concurrency=int(concurrency)), "--hostname", name])


def run_dispatcher() -> None:
    from django.core.management import call_command

    call_command("dispatcher")


def run_deliverer() -> None:
    from django.core.management import call_command

    call_command("deliverer")


def run_dialer() -> None:
    from django.core.management import call_command

    call_command("dialer")


def run_beat(schedule: str) -> None:
    from leadswitch.celery import app
    from leadswitch.up import BEAT_OPTIONS

    app.start(["beat", "--schedule", schedule, *BEAT_OPTIONS])


def run_web(address: str) -> None:
    from gunicorn.app.wsgiapp import run

    from leadswitch.up import WEB

    sys.argv = [*WEB, "--bind", address, "--workers", "1", "--log-level", "warning"]
    run(prog="gunicorn")


def run_enqueue(*lead_ids: str) -> None:
    """The work of every process after the commit that wrote these leads' due times."""
    from routing.dispatch.enqueue import enqueue_now
    from routing.queries import read_due_times

    enqueue_now(read_due_times([int(each) for each in lead_ids]))


def run_switch(action: str) -> None:
    """The work of an operator on the whole product: pause or resume."""
    from django.core.management import call_command

    call_command("dispatch", action, "--reason", "a fault")


def run_reconcile(name: str) -> None:
    """The work of beat and a worker: one reconciler, which repairs what it finds."""
    from django.core.management import call_command

    call_command("reconcile", name, fix=True)


PROGRAMS: Final[Mapping[str, Callable[..., None]]] = {
    "worker": run_worker,
    "dispatcher": run_dispatcher,
    "deliverer": run_deliverer,
    "dialer": run_dialer,
    "beat": run_beat,
    "web": run_web,
    "enqueue": run_enqueue,
    "switch": run_switch,
    "reconcile": run_reconcile,
}

if __name__ == "__main__":
    main(*sys.argv[1:])
