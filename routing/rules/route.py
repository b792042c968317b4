"""Decides where a lead goes and whether it is a duplicate. Writes nothing.

Every attempt starts in the source workspace and uses the current rules, so a corrected rule also applies to leads that
wait or are run again.
"""

import time
from dataclasses import dataclass

from routing.intake.condition_fields import condition_fields
from routing.locks.attempts import LockedLead, lock_identity
from routing.metrics.leads import RULES_SECONDS
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.duplicates import FirstLead, read_arrival
from routing.rules.plans import PLANS
from routing.rules.ruleset import Hop


@dataclass(frozen=True, slots=True)
class Route:
    """A lead's path through workspaces. With `is_paused`, it ends in a paused workspace, where the lead waits.

    `first` is the earliest lead of the same person, which makes this one a duplicate. `hours` are those of the last
    workspace.
    """

    workspace_id: int
    path: tuple[Hop, ...]
    is_paused: bool = False
    first: FirstLead | None = None
    hours: str | None = None
    timezone: str = ""


def route_lead(lead: LockedLead) -> Route:
    """Follow the rules and look for duplicates. Needs the transaction that holds the lead's lock.

    Waits for other leads of the same person, and holds the lock of their identity until the transaction ends. Runs no
    statement for a lead without identity whose workspace never had a rule, and two for any other.

    Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    started = time.perf_counter()
    path = _find_path(lead)
    RULES_SECONDS.observe(time.perf_counter() - started)
    here = path[-1].rule.destination_id if path else lead.source_workspace_id
    # The lead's lock already checked its current workspace for a pause, but not the others on its path.
    if not lead.has_identity and here == lead.workspace_id and len(path) <= 1:
        return Route(here, path)
    lock_identity(lead)
    workspace_ids = [hop.rule.destination_id for hop in path] or [here]
    arrival = read_arrival(lead, workspace_id=here, path=workspace_ids)
    for hops, workspace_id in enumerate(workspace_ids, start=1):
        if workspace_id in arrival.paused:
            return Route(workspace_id, path[:hops], is_paused=True)
    return Route(here, path, first=arrival.first, hours=arrival.hours, timezone=arrival.timezone)


def _find_path(lead: LockedLead) -> tuple[Hop, ...]:
    plan = PLANS.get(lead.source_workspace_id, version=lead.rules_version)
    if not plan.rules:
        return ()
    return plan.find_path(condition_fields(lead, source=lead.source), max_hops=MAX_HOPS)
