"""Where a lead goes, and whether its person was served before: rules, then duplicates. Writes nothing.

The way begins in the source workspace at every attempt, whatever an earlier one decided: rules as they are now
decide, and a rule that was corrected reaches leads that wait or are run again.
"""

import time
from dataclasses import dataclass

from routing import metrics
from routing.intake.parse import condition_fields
from routing.locks import LockedLead, lock_identity
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.duplicates import FirstLead, look_at_arrival
from routing.rules.plans import PLANS
from routing.rules.ruleset import Hop


@dataclass(frozen=True, slots=True)
class Route:
    """A lead's way, as far as it goes now. `is_paused`: it ends in a workspace that is paused and waits there.

    `first`: the lead of the same person that came first; this one is its duplicate. `hours`: of where the way ends.
    """

    workspace_id: int
    path: tuple[Hop, ...]
    is_paused: bool = False
    first: FirstLead | None = None
    hours: str | None = None
    timezone: str = ""


def route_lead(lead: LockedLead) -> Route:
    """Follow the rules and look for duplicates. Needs the transaction that holds the lead's lock.

    Waits for other leads of the same person; afterwards their locks are held until the transaction ends. Costs no
    statement for a lead without identity whose workspace never had a rule, two for any other.

    Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    started = time.perf_counter()
    path = _find_path(lead)
    metrics.RULES_SECONDS.observe(time.perf_counter() - started)
    here = path[-1].rule.destination_id if path else lead.source_workspace_id
    # The lock showed whether the workspace in which the lead is was paused, not those on the way to it.
    if not lead.has_identity and here == lead.workspace_id and len(path) <= 1:
        return Route(here, path)
    lock_identity(lead)
    stations = [hop.rule.destination_id for hop in path] or [here]
    arrival = look_at_arrival(lead, workspace_id=here, stations=stations)
    for place, station in enumerate(stations, start=1):
        if station in arrival.paused:
            return Route(station, path[:place], is_paused=True)
    return Route(here, path, first=arrival.first, hours=arrival.hours, timezone=arrival.timezone)


def _find_path(lead: LockedLead) -> tuple[Hop, ...]:
    plan = PLANS.get(lead.source_workspace_id, version=lead.rules_version)
    if not plan.rules:
        return ()
    return plan.find_path(condition_fields(lead, source=lead.source), max_hops=MAX_HOPS)
