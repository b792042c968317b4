"""The smallest campaign that compiles, to let the engine read one part of a configuration."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

HEAD: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "id": 1,
        "config_version": 1,
        "mode": "round_robin",
        "price_cents": 0,
        "max_buyers": 1,
        "sells_on": "decision",
        "post_deadline_seconds": 60,
        "offer_seconds": 60,
        "offer_fields": [],
        "offer_fallback": "push",
        "fallback_mode": "round_robin",
        "bid_deadline_ms": 1_000,
        "reserve_cents": None,
        "margin_bps": 0,
        "penalizes_returns": False,
        "verification": "none",
        "consent_kind": "token",
        "unverified_end": "fail",
        "unverified_percent": 100,
        "timezone": "UTC",
        "schedule": {},
        "price_rules": [],
        "questions": [],
    }
)


def minimal_campaign(
    *,
    campaign: Mapping[str, Any] | None = None,
    service_area: Mapping[str, Any] | None = None,
    enrollment: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A definition with these fields of the campaign. One buyer is enrolled when its area or enrollment is given."""
    buyer = {
        "id": 1,
        "active": True,
        "timezone": "UTC",
        "hours": {},
        "answers": {},
        "service_area": service_area or {},
    }
    enrolled: dict[str, Any] = {
        "id": 1,
        "tier_id": 1,
        "buyer_id": 1,
        "active": True,
        "weight": 1,
        "priority": 0,
        "bid_cents": None,
        "margin_bps": None,
        "standing_bids": [],
        "lead_filter": {},
        "caps": {},
        "budgets": {},
    }
    has_buyer = service_area is not None or enrollment is not None
    return {
        "campaign": {**HEAD, **(campaign or {})},
        "tiers": [
            {"id": 1, "position": 1, "content_filter": {}, "price_cents": None, "head_start_seconds": 0}
        ],
        "enrollments": [{**enrolled, **(enrollment or {})}] if has_buyer else [],
        "buyers": [buyer] if has_buyer else [],
    }
