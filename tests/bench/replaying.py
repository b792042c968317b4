"""Missed leads of one buyer, replayed with a change by the worker."""

import time
from collections.abc import Mapping
from typing import Any, Final

from django.utils import timezone

from distribution.attempts.distribute import distribute_lead
from distribution.models import Buyer, Enrollment
from distribution.selfservice.whatif import Proposed, assess_change
from tests.bench.dataset import SERVED, Pool, add_leads, build_pool
from tests.bench.delivering import NotDelivered
from tests.bench.wire import list_statements

SIZE: Final = 6  # no other part has a pool of this size
# No recorded decision has this field, so it is read from the leads.
NEW_FIELD: Final = {"field": "attributes.stories", "op": "gte", "value": 1}


def build_missed(count: int) -> Pool:
    """Sell leads that the pool's last buyer misses, because it serves another area."""
    pool = build_pool(SIZE)
    for lead_id in add_leads(pool, count):
        outcome = distribute_lead(lead_id)
        if outcome.result != "success":
            raise NotDelivered(f"{outcome.result} {outcome.skip_reason}")
    return pool


def time_replays(pool: Pool) -> list[Mapping[str, Any]]:
    return [_time_replay(pool, name) for name in ("area", "area and a filter on a new field")]


def _time_replay(pool: Pool, name: str) -> Mapping[str, Any]:
    def replay() -> Any:
        place = Enrollment.objects.select_related("buyer").filter(campaign_id=pool.campaign_id).latest("pk")
        buyer = Buyer.objects.select_related("workspace").get(pk=place.buyer_id)
        changes = [(place, {"lead_filter": NEW_FIELD})] if name != "area" else []
        proposed = Proposed({"area": {"service_area": SERVED}}, changes)
        return assess_change(buyer, proposed, at=timezone.now())

    started = time.perf_counter()
    effect = replay()
    seconds = time.perf_counter() - started
    return {
        "change": name,
        "seconds": seconds,
        "missed": effect.missed,
        "checked": effect.checked,
        "won": effect.won,
        "is_partial": effect.is_partial,
        "statements": len(list_statements(replay)),
    }
