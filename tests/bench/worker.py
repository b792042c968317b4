"""`python -m tests.bench.worker N`: a process that takes the requests of the bench on its stdin.

Each line is a JSON object: {"do": name, ...}. The answer is its result. Log lines go to stderr, as in a worker.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from statistics import median
from typing import Any

import django

if __name__ == "__main__":
    django.setup()

from django.core.management import call_command
from django.db import connection

from distribution.attempts.campaigns import read_definition
from distribution.attempts.worker import freeze_startup_objects
from distribution.engine import compile_campaign, decide, facts_from_json
from distribution.payables.contracts import Terms, add_contract
from distribution.tasks import process_leads
from leadswitch.levels.serving.processes import ProcessKind
from leadswitch.spans.begin import begin_spans
from routing.models import Source, SourceKey, Workspace
from routing.spans import SpanSwitch
from tests.bench.dataset import Pool, add_leads, build_pool
from tests.bench.loops import Loop, make_loop
from tests.bench.plan import LOOPS, PRODUCT
from tests.bench.stages import add_rules, drain, make_retries, time_stages, time_way
from tests.bench.template import read_template
from tests.bench.wire import list_statements

DECISIONS = 50
LEADS_PER_MESSAGE = 10


class Worker:
    """It keeps its loops, so that connections, statements and caches stay warm as in a worker that runs for days."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._pools: dict[int, Pool] = {}
        self._loops: dict[tuple[int, str], Loop] = {}

    def migrate(self) -> Mapping[str, Any]:
        call_command("migrate", verbosity=0, interactive=False)
        return {}

    def build(self, size: int) -> Mapping[str, Any]:
        """Make a pool and sell a first lead in it, whose trace is the template of the baselines."""
        pool = self._pools[size] = build_pool(size)
        [lead_id] = add_leads(pool, 1)
        make_first_sale(lead_id)
        return self.describe_pool(size)

    def describe_pool(self, size: int) -> Mapping[str, Any]:
        return asdict(self._pools[size])

    def join(self, size: int, pool: Mapping[str, Any]) -> Mapping[str, Any]:
        """Prepare to sell into a pool that another worker built. Returns what a lead writes there."""
        self._pools[size] = Pool(**pool)
        template = read_template(self._pools[size])
        for name in LOOPS:
            self._loops[size, name] = make_loop(name, template=template, worker=self._number)
        return {
            "events": len(template.events),
            "facts_bytes": len(template.facts_text),
            "events_bytes": sum(len(row.data_text) for row in template.events),
        }

    def analyze(self) -> Mapping[str, Any]:
        """Update the statistics of the tables, as autovacuum does, and plan the prepared statements again."""
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return {}

    def add_leads(self, size: int, count: int) -> Mapping[str, Any]:
        return {"ids": add_leads(self._pools[size], count)}

    def sell(self, size: int, loop: str, ids: list[int]) -> Mapping[str, Any]:
        """Sell these leads one by one. Times come from the machine's clock, so that workers can be compared."""
        sell = self._loops[size, loop].sell
        latencies, sold = [], 0
        started = before = time.monotonic()
        for lead_id in ids:
            sold += sell(lead_id)
            after = time.monotonic()
            latencies.append((after - before) * 1000)
            before = after
        return {"started": started, "ended": before, "sold": sold, "latencies_ms": latencies}

    def begin_spans(self) -> Mapping[str, Any]:
        """Turn spans on as a process of a worker does. Raises SpansOff."""
        begin_spans(ProcessKind.WORKER)
        if SpanSwitch.spans is None:
            raise SpansOff
        return {}

    def process(self, ids: list[int]) -> Mapping[str, Any]:
        """Run these leads in messages, as a worker does. `cpu_seconds`: of this process with all its threads."""
        started, cpu_started = time.monotonic(), time.process_time()
        for first in range(0, len(ids), LEADS_PER_MESSAGE):
            process_leads(ids[first : first + LEADS_PER_MESSAGE])
        return {
            "started": started,
            "ended": time.monotonic(),
            "cpu_seconds": time.process_time() - cpu_started,
        }

    def list_statements(self, size: int) -> Mapping[str, Any]:
        [lead_id] = add_leads(self._pools[size], 1)
        return {"statements": list_statements(lambda: self._loops[size, PRODUCT].sell(lead_id))}

    def time_decide(self, size: int) -> Mapping[str, Any]:
        """Time the pure decision alone, on recorded facts."""
        pool = self._pools[size]
        campaign = compile_campaign(read_definition(pool.campaign_id)[1])
        facts = facts_from_json(read_template(pool).facts)
        times = []
        for _ in range(DECISIONS):
            before = time.perf_counter()
            decide(campaign, facts)
            times.append((time.perf_counter() - before) * 1000)
        return {"decide_ms": median(times)}

    def add_retries(self, size: int, count: int) -> Mapping[str, Any]:
        ids = add_leads(self._pools[size], count)
        make_retries(ids)
        return {"ids": ids}

    def drain(self) -> Mapping[str, Any]:
        started = time.monotonic()
        return {"started": started, "count": drain(), "ended": time.monotonic()}

    def time_stages(self, size: int, count: int) -> Mapping[str, Any]:
        return time_stages(add_leads(self._pools[size], count))

    def add_rules(self, size: int, count: int) -> Mapping[str, Any]:
        add_rules(self._pools[size], count)
        return {}

    def time_way(self, size: int, port: int, key: str, count: int) -> Mapping[str, Any]:
        return {"times": time_way(self._pools[size], port=port, key=key, count=count)}

    def issue_pool_key(self, size: int) -> Mapping[str, Any]:
        """Make a key of the source from which a pool's leads come."""
        source = Source.objects.get(pk=self._pools[size].source_id)
        _, key = SourceKey.objects.create_key(name="bench", source=source)
        return {"key": key}

    def issue_contract_key(self, size: int) -> Mapping[str, Any]:
        """Make a source with a contract in a pool's workspace, and a key of it."""
        source = Source.objects.create(workspace_id=self._pools[size].workspace_id, name=f"pings-{size}")
        terms = Terms("share", valid_from=date(2020, 1, 1), share_bps=4_000)
        add_contract(source, terms, actor="bench", reason="bench")
        _, key = SourceKey.objects.create_key(name="bench", source=source)
        return {"key": key}

    def issue_key(self) -> Mapping[str, Any]:
        """Make a source with a key for the intake."""
        workspace = Workspace.objects.create(slug="bench-intake", name="Bench intake")
        source = Source.objects.create(workspace=workspace, name="form")
        _, key = SourceKey.objects.create_key(name="bench", source=source)
        return {"key": key, "workspace_id": workspace.pk, "source_id": source.pk}

    def count_rows(self, ids: list[int]) -> Mapping[str, Any]:
        """Count the rows of these leads, which proves that every loop wrote the same rows."""
        with connection.cursor() as cursor:
            cursor.execute(ROWS, [ids] * 4)
            names = ("distributed", "assignments", "attempts", "events")
            return dict(zip(names, cursor.fetchone(), strict=True))


ROWS = """
SELECT (SELECT count(*) FROM routing_lead WHERE id = ANY(%s) AND status = 'distributed'),
    (SELECT count(*) FROM distribution_assignment WHERE lead_id = ANY(%s)),
    (SELECT count(*) FROM tracing_attempt WHERE lead_id = ANY(%s)),
    (SELECT count(*) FROM tracing_leaddistributionevent WHERE lead_id = ANY(%s))
"""


class SpansOff(RuntimeError):
    """Spans could not be turned on, or the environment has no endpoint for them."""


class NoFirstSale(RuntimeError):
    """The product did not sell the first lead of a pool."""


def make_first_sale(lead_id: int) -> None:
    # Imported here: the product's loop is the same call.
    from distribution.attempts.distribute import distribute_lead

    outcome = distribute_lead(lead_id)
    if outcome.result != "success" or not outcome.is_traced:
        message = f"the first lead of the pool was not sold: {outcome.result} {outcome.skip_reason}"
        raise NoFirstSale(message)


def serve(worker: object) -> None:
    """Answer each request on stdin with the method of `worker` that it names."""
    for line in sys.stdin:
        arguments = json.loads(line)
        act: Callable[..., Mapping[str, Any]] = getattr(worker, arguments.pop("do"))
        sys.stdout.write(json.dumps(act(**arguments)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    freeze_startup_objects()
    serve(Worker(int(sys.argv[1])))
