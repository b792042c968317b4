"""The step between the locked lead and its decision: where it goes, told in the attempt's trace.

locked lead -> follow the rules -> wait for leads of the same person -> paused? duplicate? -> decide there
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from distribution.attempts.decide_under_lock import AttemptOutcome, Unsold
from distribution.attempts.outcome import Outcome
from routing import metrics
from routing.locks import LockedLead
from routing.rules.route import Route, route_lead
from routing.rules.ruleset import Hop
from routing.values.opening_hours import is_open, next_opening
from tracing.models import AttemptResult
from tracing.recorder import Recorder, RouteTaken
from tracing.skip_reasons import RetryClass
from tracing.vocabulary import Event


@dataclass(frozen=True, slots=True)
class Routed:
    """The lead as it stands where it goes. `outcome`: what the attempt comes to already; None: decide there."""

    lead: LockedLead
    route: Route
    outcome: AttemptOutcome | None


def send_on(lead: LockedLead, *, recorder: Recorder, at: datetime) -> Routed:
    """Route a locked lead and record its way. Needs the transaction that holds the lead's lock.

    Raises RuleBroken, PathTooLong, UnknownWorkspace.
    """
    route = route_lead(lead)
    _record(route, lead=lead, recorder=recorder)
    moved = (
        lead if route.workspace_id == lead.workspace_id else replace(lead, workspace_id=route.workspace_id)
    )
    return Routed(moved, route, _outcome(route, at=at))


def find_closed(hours: str | None, *, timezone: str, at: datetime) -> AttemptOutcome | None:
    """What an attempt comes to outside the hours of the workspace that it is for; None within them."""
    if hours is None or is_open(hours, timezone=timezone, at=at):
        return None
    opens_at = next_opening(hours, timezone=timezone, at=at)
    return AttemptOutcome(None, Unsold("outside_workspace_hours", RetryClass.DEFERRED, opens_at))


def told_of(route: Route, *, outcome: Outcome) -> Outcome:
    """Count the way of an attempt that has ended, and return its outcome with it."""
    if route.path:
        metrics.LEADS_ROUTED.labels(hops=str(len(route.path))).inc()
        outcome = replace(outcome, rule_id=route.path[-1].rule.id)
    if route.first is not None and outcome.result == AttemptResult.DUPLICATE:
        metrics.DUPLICATES.labels(kind=route.first.kind).inc()
        outcome = replace(
            outcome, duplicate_of=route.first.public_id, duplicate_workspace_id=route.first.workspace_id
        )
    return outcome


def _outcome(route: Route, *, at: datetime) -> AttemptOutcome | None:
    if route.is_paused:
        # Due as it was: who resumes the workspace starts it.
        return AttemptOutcome(None, Unsold("workspace_paused", RetryClass.DEFERRED, at))
    if route.first is not None:
        return AttemptOutcome(None, Unsold("duplicate_lead", RetryClass.PERMANENT))
    return find_closed(route.hours, timezone=route.timezone, at=at)


def _record(route: Route, *, lead: LockedLead, recorder: Recorder) -> None:
    for hop in route.path:
        recorder.add(Event.ROUTED, data=_describe(hop))
    if not route.path and route.workspace_id != lead.workspace_id:
        recorder.add(Event.ROUTED, data={"rule": None, "from": lead.workspace_id, "to": route.workspace_id})
    recorder.route = RouteTaken(
        hops=tuple((hop.workspace_id, hop.rule.id, hop.rule.destination_id) for hop in route.path),
        first_lead_id=route.first.id if route.first else None,
    )


def _describe(hop: Hop) -> dict[str, Any]:
    """The rule by its name at that time: it may be renamed or deleted later."""
    rule = hop.rule
    return {
        "rule": {"id": rule.id, "name": rule.name, "tags": rule.tags},
        "from": hop.workspace_id,
        "to": rule.destination_id,
    }
