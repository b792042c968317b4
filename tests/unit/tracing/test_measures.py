"""A gate's required and observed values, as text for a table."""

from typing import Any

import pytest

from tracing.obstacles import describe_gate, describe_measures


@pytest.mark.parametrize(
    ("gate", "required", "observed", "words"),
    [
        ("enrollment_paused", "active", "paused", ("active", "paused")),
        (
            "outside_service_area",
            "25 miles around 30312",
            {"zip": "10001", "county": "New York County", "state": "NY"},
            ("25 miles around 30312", "10001, New York County, NY"),
        ),
        (
            "onboarding_mismatch",
            {"property_types": ["residential"]},
            {"property_types": "commercial"},
            ("property_types: residential", "property_types: commercial"),
        ),
        (
            "lead_filter_rejected",
            "roof_age >= 10",
            {"attributes.roof_age": None},
            ("roof_age >= 10", "roof_age: missing"),
        ),
        (
            "outside_buyer_hours",
            {"day": "wed", "open": [["09:00", "17:00"]]},
            {"day": "wed", "time": "17:20", "timezone": "UTC"},
            ("Wednesday 09:00 to 17:00", "Wednesday 17:20 UTC"),
        ),
        (
            "outside_buyer_hours",
            {"day": "sun", "open": []},
            {"day": "sun", "time": "01:00", "timezone": "UTC"},
            ("Sunday closed", "Sunday 01:00 UTC"),
        ),
        (
            "cap_reached",
            {"leads per day": 5, "cents per week": 10_000},
            {"leads per day": 5, "cents per week": 9_000},
            ("up to 5 leads per day, up to $100.00 per week", "5 leads per day, $90.00 per week"),
        ),
        ("insufficient_credits", 2500, -100, ("$25.00", "-$1.00")),
        ("already_has_lead", False, True, ("not sold to it before", "sold to it before")),
        ("of_tomorrow", {"a": 1}, [1, 2], ("a: 1", "1 or 2")),
        ("outside_buyer_hours", "odd", None, ("odd", "missing")),
    ],
)
def test_required_and_observed_values_are_text(
    gate: str, required: Any, observed: Any, words: tuple[str, str]
) -> None:
    obstacle = describe_gate({"gate": gate, "required": required, "observed": observed, "fixed_at": None})

    assert describe_measures(obstacle) == words
