"""The response bodies of a buyer's account: what it can change, as it is now. No internal ids, no other buyers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from distribution.models import Buyer, BuyerKey, Campaign, Endpoint, Enrollment
from distribution.selfservice.endpoint_settings import CAMPAIGN, COLUMNS, HEADERS
from distribution.selfservice.pauses import describe_pause, paused_by
from routing.api.answers import write_time

CAPS: Final = ("hour", "day", "week", "month")


def describe_me(
    key: BuyerKey, buyer: Buyer, enrollments: Sequence[Enrollment], *, at: datetime
) -> dict[str, Any]:
    return {
        "id": str(buyer.public_id),
        "name": buyer.name,
        "agency": buyer.workspace.name,
        "timezone": buyer.timezone,
        "contact": describe_contact(buyer),
        "paused_at": write_time(buyer.paused_at) if paused_by(buyer, at=at) else None,
        **describe_own_pause(buyer, at=at),
        "service_area": buyer.service_area,
        "hours": buyer.hours,
        "answers": buyer.answers,
        "questions": describe_questions(enrollments),
        "key": {
            "name": key.name,
            "prefix": key.prefix,
            "scopes": key.granted_scopes,
            "expires_at": write_time(key.expiry_date),
        },
        "enrollments": [describe_enrollment(each, at=at) for each in enrollments],
    }


def describe_contact(buyer: Buyer) -> dict[str, Any]:
    return {"name": buyer.contact_name, "email": buyer.contact_email, "phone": buyer.contact_phone}


def describe_own_pause(buyer: Buyer, *, at: datetime) -> dict[str, Any]:
    pause = describe_pause(buyer, at=at)
    until = write_time(pause["paused_until"])
    return {**pause, "paused_until": until, "paused_by": paused_by(buyer, at=at)}


def describe_questions(enrollments: Sequence[Enrollment]) -> list[dict[str, Any]]:
    """What the campaigns ask: which answers have an effect."""
    return [
        {
            "key": question["key"],
            "campaign": describe_campaign(enrollment.campaign),
            "field": question["field"],
            "op": question["op"],
            "is_required": bool(question.get("required")),
        }
        for enrollment in enrollments
        for question in enrollment.campaign.questions
    ]


def describe_campaign(campaign: Campaign) -> dict[str, Any]:
    return {"id": str(campaign.public_id), "name": campaign.name}


def describe_enrollment(enrollment: Enrollment, *, at: datetime) -> dict[str, Any]:
    pause = describe_pause(enrollment, at=at)
    return {
        "campaign": describe_campaign(enrollment.campaign),
        "active": enrollment.active,
        "paused": pause["paused"],
        "paused_until": write_time(pause["paused_until"]),
        "bid_cents": enrollment.bid_cents,
        "standing_bids": enrollment.standing_bids,
        "lead_filter": enrollment.lead_filter,
        "caps": {window: getattr(enrollment, f"cap_{window}") for window in CAPS},
        "budgets_cents": {window: getattr(enrollment, f"budget_{window}_cents") for window in CAPS},
    }


def describe_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    """Headers are secrets: only their names are shown."""
    plain = {name: getattr(endpoint, name) for name in COLUMNS if name not in (CAMPAIGN, HEADERS, "daily_at")}
    return {
        "id": str(endpoint.public_id),
        **plain,
        "campaign_id": None if endpoint.campaign is None else str(endpoint.campaign.public_id),
        "daily_at": f"{endpoint.daily_at:%H:%M}" if hasattr(endpoint.daily_at, "hour") else endpoint.daily_at,
        "header_names": sorted(endpoint.headers),
        "is_enabled": endpoint.disabled_at is None,
        "disabled_reason": endpoint.disabled_reason,
        "last_success_at": write_time(endpoint.last_success_at),
        "failing_since": write_time(endpoint.failing_since),
    }
