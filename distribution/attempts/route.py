"""The step between lock and decision: which workspace gets the lead. The attempt's trace records it.

locked lead -> follow the rules -> wait for leads of the same person -> paused? duplicate? -> decide there
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from distribution.attempts.record import AttemptRecord, Unsold
from routing.locks.attempts import LockedLead
from routing.rules.route import Route, route_lead
from routing.rules.ruleset import Hop
from routing.values.opening_hours import is_open, next_opening
from tracing.attempt_parts import RouteTaken
from tracing.recorder import Recorder
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event


def follow_rules(record: AttemptRecord) -> Unsold | None:
    """Route a locked lead and record its route. Needs the transaction that holds the lead's lock.

    Returns why no decision may be made there, or None. Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    lead, route = record.lead, route_lead(record.lead)
    _record(route, lead=lead, trace=record.trace)
    record.route = route
    if route.workspace_id != lead.workspace_id:
        record.lead = replace(lead, workspace_id=route.workspace_id)
    return find_obstacle(route, at=record.at)


def find_obstacle(route: Route, *, at: datetime) -> Unsold | None:
    """Return why no decision may be made at the end of the route, or None."""
    if route.is_paused:
        return Unsold("workspace_paused", RetryClass.DEFERRED, at)  # due at once when it is resumed
    if route.first is not None:
        return Unsold("duplicate_lead", RetryClass.PERMANENT)
    return find_closed(route.hours, timezone=route.timezone, at=at)


def find_closed(hours: str | None, *, timezone: str, at: datetime) -> Unsold | None:
    """Return the result of an attempt outside the workspace's hours, or None within them."""
    if hours is None or is_open(hours, timezone=timezone, at=at):
        return None
    return Unsold(
        "outside_workspace_hours", RetryClass.DEFERRED, next_opening(hours, timezone=timezone, at=at)
    )


def _record(route: Route, *, lead: LockedLead, trace: Recorder) -> None:
    for hop in route.path:
        trace.add(Event.ROUTED, data=_describe(hop))
    if not route.path and route.workspace_id != lead.workspace_id:
        trace.add(Event.ROUTED, data={"rule": None, "from": lead.workspace_id, "to": route.workspace_id})
    trace.route = RouteTaken(
        hops=tuple((hop.workspace_id, hop.rule.id, hop.rule.destination_id) for hop in route.path),
        first_lead_id=route.first.id if route.first else None,
    )


def _describe(hop: Hop) -> dict[str, Any]:
    """Record the rule's name: the rule may be renamed or deleted later."""
    rule = hop.rule
    return {
        "rule": {"id": rule.id, "name": rule.name, "tags": rule.tags},
        "from": hop.workspace_id,
        "to": rule.destination_id,
    }
