"""Triggers that recognize changes that may help waiting leads, and wake those leads.

Each trigger has the skip reasons that it may remove: those of its own gate and of later gates. A lead that failed only
this gate for a buyer was dropped here or, because of other buyers, at a later gate. A lowered cap or a new pause wakes
no lead. A changed filter or area wakes leads, because it may be wider or narrower.
"""

from typing import Final

import pgtrigger

_CREDITS: Final = ("insufficient_credits",)
_CAPS: Final = ("all_buyers_capped", *_CREDITS)
_HOURS: Final = ("all_buyers_outside_hours", *_CAPS)
_FILTERS: Final = ("no_eligible_buyers_after_tier_filters", *_HOURS)
_POOL: Final = ("no_eligible_buyers", *_FILTERS)
_PLACE: Final = ("no_enrolled_buyers", "no_campaign", *_POOL)
_CAMPAIGN: Final = ("outside_campaign_hours", *_PLACE)
_MODE: Final = (*_CAMPAIGN, "offer_unclaimed")

_LIMITS: Final = tuple(
    column for kind in ("hour", "day", "week", "month") for column in (f"cap_{kind}", f"budget_{kind}_cents")
)


def _array(reasons: tuple[str, ...]) -> str:
    return f"ARRAY[{', '.join(repr(reason) for reason in reasons)}]"


def _case(cases: tuple[tuple[str, str, tuple[str, ...]], ...]) -> str:
    """The first true condition gives cause and reasons. The one that may help most leads comes first."""
    arms = [
        f"{'IF' if place == 0 else 'ELSIF'} {condition} THEN cause := '{cause}'; reasons := {_array(reasons)};"
        for place, (condition, cause, reasons) in enumerate(cases)
    ]
    return " ".join([*arms, "ELSE RETURN NULL; END IF;"])


# Wakes leads of one campaign, and of every campaign in which a buyer is enrolled.
_IN_CAMPAIGN: Final = """
    PERFORM routing_wake(cause, c.workspace_id, c.id, {buyer}, ARRAY[c.vertical::text], ARRAY[c.source_id], reasons)
    FROM distribution_campaign c WHERE c.id = {campaign} AND c.active;
    RETURN NULL;
"""
_OF_BUYER: Final = """
    PERFORM routing_wake(
        cause, b.workspace_id, NULL, b.id,
        array_agg(c.vertical::text ORDER BY c.id), array_agg(c.source_id ORDER BY c.id), reasons
    )
    FROM distribution_buyer b
    JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL
    JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active
    JOIN distribution_tier t ON t.id = e.tier_id
    WHERE b.id = {buyer} AND (b.paused_at IS NULL OR b.paused_until IS NOT NULL){where}
    GROUP BY b.id;
    RETURN NULL;
"""
_DECLARED: Final = [("cause", "text"), ("reasons", "text[]")]


def _raised(column: str) -> str:
    return f"(OLD.{column} IS NOT NULL AND (NEW.{column} IS NULL OR NEW.{column} > OLD.{column}))"


def _changed(*columns: str) -> str:
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


# A pause was ended, given an end, or ends earlier: what waited for its end is due earlier.
_PAUSE_SHORTENED: Final = (
    "OLD.paused_at IS NOT NULL AND (NEW.paused_at IS NULL OR NEW.paused_until IS NOT NULL"
    " AND (OLD.paused_until IS NULL OR NEW.paused_until < OLD.paused_until))"
)


def _trigger(
    name: str, operation: pgtrigger.core.Operation, func: str, condition: str | None = None
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        declare=_DECLARED,
        func=func,
        condition=None if condition is None else pgtrigger.Condition(condition),
    )


def enrollment_triggers() -> list[pgtrigger.Trigger]:
    act = _IN_CAMPAIGN.format(buyer="NEW.buyer_id", campaign="NEW.campaign_id")
    enrolled = f"cause := 'buyer_enrolled'; reasons := {_array(_PLACE)}; {act}"
    changed = _case(
        (
            (f"NEW.active AND NOT OLD.active OR {_PAUSE_SHORTENED}", "enrollment_resumed", _POOL),
            (_changed("campaign_id", "buyer_id", "tier_id"), "buyer_enrolled", _PLACE),
            (_changed("lead_filter"), "filter_changed", _FILTERS),
            (" OR ".join(_raised(column) for column in _LIMITS), "cap_raised", _CAPS),
            (_changed("bid_cents"), "price_changed", _CAPS),
        )
    )
    columns = (
        *("active", "campaign_id", "buyer_id", "tier_id", "lead_filter", *_LIMITS, "bid_cents"),
        *("paused_at", "paused_until"),
    )
    is_live = "NEW.active AND NEW.archived_at IS NULL"
    return [
        _trigger("wake_on_insert", pgtrigger.Insert, enrolled, f"({is_live})"),
        _trigger("wake_on_update", pgtrigger.UpdateOf(*columns), f"{changed} {act}", f"({is_live})"),
    ]


def buyer_trigger() -> pgtrigger.Trigger:
    changed = _case(
        (
            (_PAUSE_SHORTENED, "buyer_resumed", _POOL),
            (_changed("service_area"), "area_changed", _POOL),
            (_changed("answers"), "answers_changed", _POOL),
            (_changed("hours", "timezone"), "hours_changed", _HOURS),
        )
    )
    columns = ("paused_at", "paused_until", "service_area", "answers", "hours", "timezone")
    act = _OF_BUYER.format(buyer="NEW.id", where="")
    return _trigger("wake_on_update", pgtrigger.UpdateOf(*columns), f"{changed} {act}")


def wallet_trigger() -> pgtrigger.Trigger:
    """Fire when the available balance rises to the price of a campaign.

    Price rules can produce any price. A charge never meets the condition, so a sale only compares two sums.
    """
    limit = "NEW.credit_limit_cents > OLD.credit_limit_cents"
    changed = (
        f"cause := CASE WHEN {limit} THEN 'credit_limit_raised' ELSE 'credits_added' END;"
        f" reasons := {_array(_CREDITS)};"
    )
    available = "{row}.balance_cents - {row}.held_cents + {row}.credit_limit_cents"
    rises = f"({available.format(row='NEW')} > {available.format(row='OLD')})"
    columns = ("balance_cents", "held_cents", "credit_limit_cents")
    price = "COALESCE(e.bid_cents, t.price_cents, c.price_cents)"
    new, old = available.format(row="NEW"), available.format(row="OLD")
    reaches = f" AND (e.bid_cents IS NULL AND c.price_rules <> '[]' OR {new} >= {price} AND {old} < {price})"
    act = _OF_BUYER.format(buyer="NEW.buyer_id", where=reaches)
    return _trigger("wake_on_update", pgtrigger.UpdateOf(*columns), f"{changed} {act}", rises)


def assignment_trigger() -> pgtrigger.Trigger:
    """Fire when a return or a rejection restores caps. The money wakes leads that waited for balance separately."""
    act = _IN_CAMPAIGN.format(buyer="NEW.buyer_id", campaign="NEW.campaign_id")
    cause = "CASE NEW.state WHEN 'returned' THEN 'sale_returned' ELSE 'sale_rejected' END"
    func = f"cause := {cause}; reasons := {_array(_CAPS)}; {act}"
    ended = (
        "(NEW.state IN ('returned', 'rejected') AND OLD.state <> NEW.state"
        " AND NOT NEW.is_counted AND NOT NEW.is_test)"
    )
    return _trigger("wake_on_return", pgtrigger.UpdateOf("state"), func, ended)


def campaign_trigger() -> pgtrigger.Trigger:
    changed = _case(
        (
            ("NEW.active AND NOT OLD.active", "campaign_resumed", _CAMPAIGN),
            (_changed("vertical", "source_id", "priority", "mode"), "campaign_changed", _MODE),
            (_changed("questions"), "answers_changed", _POOL),
            (_changed("schedule", "timezone"), "schedule_changed", ("outside_campaign_hours", *_HOURS)),
            (_changed("price_cents", "price_rules"), "price_changed", _CAPS),
            (_changed("sells_on", "post_deadline_seconds"), "campaign_changed", ("post_deadline_passed",)),
            (_changed("offer_fallback", "fallback_mode"), "campaign_changed", ("offer_unclaimed",)),
        )
    )
    columns = (
        *("active", "vertical", "source_id", "priority", "mode", "questions", "schedule", "timezone"),
        *(
            "price_cents",
            "price_rules",
            "sells_on",
            "post_deadline_seconds",
            "offer_fallback",
            "fallback_mode",
        ),
    )
    act = _IN_CAMPAIGN.format(buyer="NULL", campaign="NEW.id")
    return _trigger("wake_on_update", pgtrigger.UpdateOf(*columns), f"{changed} {act}", "(NEW.active)")


def tier_trigger() -> pgtrigger.Trigger:
    changed = _case(
        (
            (_changed("content_filter"), "filter_changed", _FILTERS),
            (_changed("price_cents"), "price_changed", _CAPS),
        )
    )
    act = _IN_CAMPAIGN.format(buyer="NULL", campaign="NEW.campaign_id")
    return _trigger("wake_on_update", pgtrigger.UpdateOf("content_filter", "price_cents"), f"{changed} {act}")
