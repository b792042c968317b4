"""Sentences for the buyers of an attempt: those who were considered, skipped and selected. Pure."""

from tracing import wording
from tracing.auction_words import find_silence
from tracing.event_rows import EventContext, EventRow
from tracing.obstacles import describe_clause, describe_funnel
from tracing.reason_words import describe_obstacles


def describe_pool(event: EventRow, _context: EventContext) -> str:
    return describe_funnel(event.data["funnel"], zip_code=str(event.data.get("zip") or ""))


def describe_skip(event: EventRow, context: EventContext) -> str:
    name = context.names.buyer(event.buyer_id).name
    if event.skip_reason in ("outranked", "outbid"):
        return f"{name}: {_outranked(event, context)}."
    silence = find_silence(event.skip_reason, event.data)
    if silence is not None:
        return f"{name}: {silence[0]}."
    obstacles = describe_obstacles(event, names=context.names)
    if not obstacles:
        return f"{name}: {describe_clause(event.skip_reason)}."
    also = [describe_clause(each.gate) for each in obstacles[1:]]
    more = f" Also failed: {'; '.join(also)}." if also else ""
    return f"{name}: {obstacles[0].finding}.{more}"


def _outranked(event: EventRow, context: EventContext) -> str:
    rank = event.data.get("rank")
    if not context.has_selection:
        return "eligible, but the lead is sold to as many buyers as the campaign allows"
    return describe_clause(event.skip_reason) + (f" (rank {rank})" if rank else "")


def describe_selection(event: EventRow, context: EventContext) -> str:
    name = context.names.buyer(event.buyer_id).name
    text = f"{name}: selected, rank {event.data['rank']}, for {wording.money(event.cost_cents)}."
    overridden = [describe_clause(gate) for gate in event.data.get("overridden") or ()]
    return f"{text} An operator chose it despite: {'; '.join(overridden)}." if overridden else text
