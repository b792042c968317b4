"""The parts of the bench in the order in which they run, each with how many steps it has and how it is called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench import (
    calls_part,
    deliveries_part,
    engine_part,
    intake_part,
    offers_part,
    outbound_part,
    pings_part,
    retries_part,
    routing_part,
    spans_part,
    targets_part,
)
from tests.bench.children import Child
from tests.bench.plan import Plan

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Site:
    """What the parts measure with. A part without a database has neither `database_url` nor `children`."""

    plan: Plan
    directory: Path
    database_url: str = ""
    children: Sequence[Child] = ()

    @property
    def files(self) -> dict[str, Any]:
        return {"database_url": self.database_url, "directory": self.directory}


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    count_steps: Callable[[Plan], int]
    measure: Callable[[Site, Progress], Mapping[str, Any]]
    needs_pool: bool = False  # of plan.WAITING_BUYERS


BARE_PARTS: Final = (
    Part(
        "routing",
        routing_part.count_steps,
        lambda site, progress: routing_part.measure_routing(site.plan, progress=progress),
    ),
    Part(
        "outbound",
        outbound_part.count_steps,
        lambda site, progress: outbound_part.measure_outbound(
            site.plan, directory=site.directory, progress=progress
        ),
    ),
)
# Retries come before the intake: the intake's leads are not sold, and they would be due before the retries.
# Of the parts with the pool, the targets come last: their rules stay.
DATABASE_PARTS: Final = (
    Part(
        "engine",
        engine_part.count_steps,
        lambda site, progress: engine_part.measure_engine(site.plan, site.children, progress=progress),
    ),
    Part(
        "retries",
        retries_part.count_steps,
        lambda site, progress: retries_part.measure_retries(site.plan, site.children, progress=progress),
        needs_pool=True,
    ),
    Part(
        "spans",
        spans_part.count_steps,
        lambda site, progress: spans_part.measure_spans(
            site.plan, site.children, **site.files, progress=progress
        ),
        needs_pool=True,
    ),
    Part(
        "targets",
        targets_part.count_steps,
        lambda site, progress: targets_part.measure_targets(
            site.plan, site.children, **site.files, progress=progress
        ),
        needs_pool=True,
    ),
    Part(
        "intake",
        intake_part.count_steps,
        lambda site, progress: intake_part.measure_intake(
            site.plan, site.children[0], **site.files, progress=progress
        ),
    ),
    Part(
        "pings",
        pings_part.count_steps,
        lambda site, progress: pings_part.measure_pings(
            site.plan, site.children[0], **site.files, progress=progress
        ),
    ),
    Part(
        "deliveries",
        deliveries_part.count_steps,
        lambda site, progress: deliveries_part.measure_deliveries(site.plan, **site.files, progress=progress),
    ),
    Part(
        "calls",
        calls_part.count_steps,
        lambda site, progress: calls_part.measure_calls(site.plan, **site.files, progress=progress),
    ),
    Part(
        "offers",
        offers_part.count_steps,
        lambda site, progress: offers_part.measure_offers(site.plan, **site.files, progress=progress),
    ),
)
PARTS: Final = tuple(each.name for each in (*BARE_PARTS, *DATABASE_PARTS))
