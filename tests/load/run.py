"""One run: the product starts, the generator sends, the leads are decided, and everything is counted."""

import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connections

from leadswitch.embedded.paths import ServicePaths
from leadswitch.env import REPOSITORY
from tests.bench.machine import describe_machine
from tests.load import outcome
from tests.load.crosscheck import compare, run_autocannon
from tests.load.job import Job
from tests.load.measure import read_sent
from tests.load.plan import Phase, plan_arrivals
from tests.load.product import DIRECTORY, serve_product
from tests.load.results import Course, describe
from tests.load.sampling import POSTGRES, REDIS, postgres_pid, redis_pid, sampling
from tests.load.world import build_world
from tests.support.waiting import TooSlow, wait_until

Progress = Callable[[str], None]

# gunicorn's two processes have four threads each; more connections only wait there.
CONNECTIONS: Final = 64
DRAIN_SECONDS: Final = 120.0
SAMPLES: Final = 400
MIN_SAMPLE_SECONDS: Final = 1.0
# Each buyer can pay for all leads of the run and of the cross-check.
SPARE: Final = 3


class GeneratorFailed(Exception):
    """The generator ended without a result."""


def run(options: Namespace, phases: tuple[Phase, ...], *, progress: Progress) -> Mapping[str, Any]:
    """Raises NotStarted, NoAutocannon or GeneratorFailed. The servers of the run must be new."""
    progress("migrating")
    call_command("migrate", verbosity=0, interactive=False)
    arrivals = list(plan_arrivals(phases, arrivals=options.arrivals, seed=options.seed))
    keys = build_world(leads=SPARE * len(arrivals))
    machine, check = describe_machine(), None
    progress("starting the product")
    with serve_product(workers=options.workers) as (supervisor, address):
        job = Job(address, keys, phases, options.arrivals, options.seed, CONNECTIONS)
        seconds = sum(phase.seconds for phase in phases)
        with sampling(
            {supervisor: "", **_server_pids()}, seconds=max(MIN_SAMPLE_SECONDS, seconds / SAMPLES)
        ) as samples:
            progress(f"sending {len(arrivals):,} leads in {seconds:,.0f} s")
            result = generate(job)
            progress("waiting until every lead is decided")
            drain()
        course = Course(phases, result, read_sent(result, arrivals), outcome.read_leads(), samples)
        due = outcome.count_retries_due()
        if options.cross_check:
            check = cross_check(job, progress=progress)
            drain()
    progress("verifying")
    report = describe(course)
    connections.close_all()
    return {
        "machine": machine,
        "seed": options.seed,
        "arrivals": options.arrivals,
        "retries_due_at_end": due,
        "cross_check": check and compare(report["phases"], check),
        **report,
    }


def generate(job: Job) -> Mapping[str, Any]:
    """Run the generator until all its requests are answered. Raises GeneratorFailed."""
    path, answer, log = (DIRECTORY / name for name in ("job.json", "generator.json", "generator.log"))
    answer.unlink(missing_ok=True)
    job.write(path)
    with log.open("w") as output:
        command = [sys.executable, "-m", "tests.load.generator", str(path), str(answer)]
        code = subprocess.run(command, cwd=REPOSITORY, stdout=output, stderr=output, check=False).returncode
    if code or not answer.exists():
        message = f"the generator ended with code {code} (see {log})"
        raise GeneratorFailed(message)
    result: Mapping[str, Any] = json.loads(answer.read_text())
    return result


def drain() -> None:
    """Wait until every lead is decided. After the limit the report counts those that are not."""
    try:
        wait_until(lambda: not outcome.is_undecided(), what="decided leads", seconds=DRAIN_SECONDS)
    except TooSlow:
        return


def cross_check(job: Job, *, progress: Progress) -> Mapping[str, Any]:
    """Repeat the fastest phase with autocannon."""
    phase = max(job.phases, key=lambda each: each.rate)
    progress(f"cross-check: {phase.rate:g}/s for {phase.seconds:g} s with autocannon")
    return run_autocannon(job.address, key=job.keys[0], phase=phase)


def _server_pids() -> Mapping[int, str]:
    paths = ServicePaths.of(settings.VAR_DIR)
    return {postgres_pid(paths.postgres_data): POSTGRES, redis_pid(paths.redis_dir): REDIS}
