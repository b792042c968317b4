"""Finds why nothing was sold and whether waiting helps, from the gate that emptied the pool."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from distribution.engine.campaign import Calendar, CompiledCampaign
from distribution.engine.gates import GATES_BY_CODE
from distribution.engine.types import Skip, Verdict

# Two weekly calendars that do not overlap within two weeks (plus a day for clock changes) never overlap.
_HORIZON = timedelta(days=15)


def empty_pool_verdict(
    campaign: CompiledCampaign, *, skipped: Sequence[Skip], funnel: Sequence[tuple[str, int]], at: datetime
) -> Verdict:
    """For a pool in which no enrollment passed the gates."""
    emptied_by = emptying_stage(funnel)
    gate = GATES_BY_CODE.get(emptied_by or "")
    reason = "no_eligible_buyers" if gate is None else gate.empty_pool_reason
    retry_at = earliest_pass(campaign, skipped=skipped, at=at)
    if retry_at is None:
        return Verdict(reason, "permanent", None, emptied_by)
    return Verdict(reason, "deferred", retry_at, emptied_by)


def emptying_stage(funnel: Iterable[tuple[str, int]]) -> str | None:
    return next((stage for stage, remaining in funnel if remaining == 0), None)


def earliest_pass(campaign: CompiledCampaign, *, skipped: Sequence[Skip], at: datetime) -> datetime | None:
    """Return the first time at which a buyer whose failing gates all open by themselves passes all of them.

    The campaign's schedule counts too: a retry while it is closed would only be deferred again, and a buyer that is
    open only while the campaign is closed would be retried forever.
    """
    best: datetime | None = None
    memo: dict[tuple[Calendar | None, datetime], datetime | None] = {}
    for skip in skipped:
        resets = _resets(skip, at)
        if resets is None or (best is not None and resets >= best):
            continue
        key = (campaign.by_enrollment_id[skip.enrollment_id].calendar, resets)
        if key not in memo:
            memo[key] = first_common_opening(resets, calendars=(key[0], campaign.schedule))
        opening = memo[key]
        if opening is not None and (best is None or opening < best):
            best = opening
    return best


def _resets(skip: Skip, at: datetime) -> datetime | None:
    """When the last full counter resets; `at` if none is full. None if a gate does not open by itself."""
    resets = at
    for failure in skip.gates:
        gate = GATES_BY_CODE[failure["gate"]]
        if not gate.is_time_bound or failure["fixed_at"] is None:
            return None
        if not gate.has_calendar:
            resets = max(resets, datetime.fromisoformat(failure["fixed_at"]))
    return resets


def first_common_opening(start: datetime, *, calendars: Sequence[Calendar | None]) -> datetime | None:
    """Return the first time from `start` on at which all calendars are open, or None."""
    hours = [calendar.hours for calendar in calendars if calendar is not None]
    at = start
    while at <= start + _HORIZON:
        opening = at
        for each in hours:
            following = each.next_open(opening)
            if following is None:
                return None
            opening = following
        if opening == at:
            return at
        at = opening
    return None
