"""Decision facts as compact JSON and back, exactly, so that a decision can be repeated from its trace.

{"at": iso, "seed": int, "lead": {"fields": {}, "latitude", "longitude", "sold_count"}, "locked": [id],
 "live": {"10": [balance, held, limit, virtual_finish, has_lead 0|1, last_assigned_at iso|null,
                 {"day": [starts_at iso, leads, spent_cents]}]}}
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from distribution.engine.types import DecisionFacts, JsonObject, LeadFacts, LiveFacts, Usage


def facts_to_json(facts: DecisionFacts) -> JsonObject:
    return {
        "at": _write_time(facts.at),
        "seed": facts.seed,
        "lead": {
            "fields": dict(facts.lead.fields),
            "latitude": facts.lead.latitude,
            "longitude": facts.lead.longitude,
            "sold_count": facts.lead.sold_count,
        },
        "live": {str(enrollment_id): _live_to_json(live) for enrollment_id, live in facts.live.items()},
        "locked": sorted(facts.locked),
    }


def facts_from_json(stored: Mapping[str, Any]) -> DecisionFacts:
    lead = stored["lead"]
    return DecisionFacts(
        lead=LeadFacts(lead["fields"], lead["latitude"], lead["longitude"], lead["sold_count"]),
        live={int(enrollment_id): _live_from_json(row) for enrollment_id, row in stored["live"].items()},
        at=_read_time(stored["at"]),
        seed=stored["seed"],
        locked=frozenset(stored["locked"]),
    )


def _live_to_json(live: LiveFacts) -> list[Any]:
    return [
        live.balance_cents,
        live.held_cents,
        live.credit_limit_cents,
        live.virtual_finish,
        int(live.has_lead),
        None if live.last_assigned_at is None else _write_time(live.last_assigned_at),
        {window: [_write_time(used[0]), used[1], used[2]] for window, used in live.usage.items()},
    ]


def _live_from_json(row: list[Any]) -> LiveFacts:
    balance, held, limit, virtual_finish, has_lead, last_assigned_at, usage = row
    return LiveFacts(
        balance_cents=balance,
        held_cents=held,
        credit_limit_cents=limit,
        usage={window: _usage_from_json(used) for window, used in usage.items()},
        last_assigned_at=None if last_assigned_at is None else _read_time(last_assigned_at),
        virtual_finish=virtual_finish,
        has_lead=bool(has_lead),
    )


def _usage_from_json(used: list[Any]) -> Usage:
    starts_at, leads, spent_cents = used
    return (_read_time(starts_at), leads, spent_cents)


def _write_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
