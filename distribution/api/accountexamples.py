"""The examples of a buyer's account in the OpenAPI schema."""

from typing import Any, Final

from distribution.api.buyerexamples import CAMPAIGN, NO_LIMITS, WALLET

ENROLLMENT: Final[dict[str, Any]] = {
    "campaign": CAMPAIGN,
    "active": True,
    "paused": False,
    "paused_until": None,
    "bid_cents": None,
    "standing_bids": [],
    "lead_filter": {"field": "attributes.roof_age", "op": "gte", "value": 10},
    "caps": {**NO_LIMITS, "day": 5},
    "budgets_cents": {**NO_LIMITS, "month": 100_000},
}
PAUSE: Final[dict[str, Any]] = {"paused": False, "paused_until": None, "paused_by": None}
AREA: Final = {"service_area": {"states": ["GA"], "exclude": {"zips": ["30301"]}}}
HOURS: Final = {"hours": {"mon": [["09:00", "17:00"]]}, "timezone": "America/New_York"}
QUESTION: Final = {
    "key": "types",
    "campaign": CAMPAIGN,
    "field": "attributes.property_type",
    "op": "in",
    "is_required": True,
}
ME: Final[dict[str, Any]] = {
    "id": "019c1f0e-7c1a-7b7e-9d0a-3f1c2b4a5d70",
    "name": "Acme Roofing",
    "agency": "Northern Leads",
    "timezone": "America/New_York",
    "contact": {"name": "Grace Example", "email": "grace@example.com", "phone": "+14045550142"},
    "paused_at": None,
    **PAUSE,
    **AREA,
    "hours": HOURS["hours"],
    "answers": {"types": ["residential"]},
    "questions": [QUESTION],
    "key": {
        "name": "reporting",
        "prefix": "hN2vQx7T",
        "scopes": ["account:read", "wallet:read"],
        "expires_at": "2027-01-01T05:00:00Z",
    },
    "enrollments": [ENROLLMENT],
}
ANSWERS: Final[dict[str, Any]] = {
    "buyer_me": ME,
    "buyer_me_change": {**ME, "timezone": "America/Chicago"},
    "buyer_wallet": WALLET,
    "buyer_wallet_change": {**WALLET, "notice_below_cents": 5_000},
    "buyer_area": AREA,
    "buyer_area_change": {"service_area": {"states": ["AL", "GA"], "exclude": {"zips": ["30301"]}}},
    "buyer_hours": HOURS,
    "buyer_hours_change": {**HOURS, "hours": {"mon": [["09:00", "17:00"]], "tue": [["09:00", "12:00"]]}},
    "buyer_answers": {"answers": {"types": ["residential"]}, "questions": [QUESTION]},
    "buyer_answers_change": {"answers": {"types": ["commercial"]}, "questions": [QUESTION]},
    "buyer_pause": PAUSE,
    "buyer_pause_change": {"paused": True, "paused_until": "2026-02-09T14:00:00Z", "paused_by": "buyer"},
    "buyer_enrollments_list": {"results": [ENROLLMENT]},
    "buyer_enrollment": ENROLLMENT,
    "buyer_enrollment_change": {**ENROLLMENT, "caps": {**NO_LIMITS, "day": 8}, "bid_cents": 4_000},
}
REQUESTS: Final[dict[str, Any]] = {
    "buyer_me_change": {"timezone": "America/Chicago"},
    "buyer_wallet_change": {"notice_below_cents": 5_000},
    "buyer_area_change": {"service_area": {"states": ["AL", "GA"]}},
    "buyer_hours_change": {"hours": {"tue": [["09:00", "12:00"]]}},
    "buyer_answers_change": {"answers": {"types": ["commercial"]}},
    "buyer_pause_change": {"paused_until": "2026-02-09T14:00:00Z"},
    "buyer_enrollment_change": {"caps": {"day": 8}, "bid_cents": 4_000},
}
