"""Offers: auctions, claims, listeners, how late offers close, and what a buyer's change would have won."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.bench.auctions_part import measure_auctions
from tests.bench.children import Child, start_children
from tests.bench.claims_part import count_claim_steps, measure_claims
from tests.bench.closings_part import measure_closings
from tests.bench.plan import Plan

Progress = Callable[[str], None]

AUCTION_STEPS: Final = 2
CLOSING_STEPS: Final = 1
REPLAY_STEPS: Final = 1


def count_steps(plan: Plan) -> int:
    """How often `measure_offers` reports progress."""
    return AUCTION_STEPS + count_claim_steps(plan) + CLOSING_STEPS + REPLAY_STEPS


def measure_offers(
    plan: Plan, *, database_url: str, directory: Path, progress: Progress
) -> Mapping[str, Any]:
    """Needs a migrated database."""
    log, module = directory / "offers-worker.log", "tests.bench.offers_worker"
    with start_children(1, database_url=database_url, log=log, module=module) as [child]:
        given: dict[str, Any] = {"database_url": database_url, "directory": directory, "progress": progress}
        return {
            "auction": measure_auctions(plan, child, **given),
            **measure_claims(plan, child, **given),
            "closing": measure_closings(plan, child, **given),
            "replays": _measure_replays(plan, child, progress=progress),
        }


def _measure_replays(plan: Plan, child: Child, *, progress: Progress) -> Sequence[Mapping[str, Any]]:
    """What a change would have won: 30 days of one buyer's missed leads."""
    progress(f"{plan.missed:,} missed leads")
    replays: Sequence[Mapping[str, Any]] = child.ask("time_replays", missed=plan.missed)["replays"]
    return replays
