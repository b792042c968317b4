"""Triggers that write events in the transaction in which something happens, with a delivery for each subscription.

They are in the database so that every path is covered: attempts, sales by hand, answers of buyers, returns. Without a
subscription nothing is written: a trigger of the hot path then only looks into an empty index. Test leads have no
events. A migration has the function `distribution_emit`.
"""

from typing import Final

import pgtrigger

_NOBODY: Final = """
    IF NOT EXISTS (SELECT FROM distribution_endpoint WHERE events <> '{}') THEN
        RETURN NULL;
    END IF;
"""
_OF_CAMPAIGN: Final = "(SELECT workspace_id FROM distribution_campaign WHERE id = {row}.campaign_id)"
_OF_BUYER: Final = "(SELECT workspace_id FROM distribution_buyer WHERE id = NEW.buyer_id)"


def _trigger(
    name: str, operation: pgtrigger.core.Operation, *, condition: str, func: str
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=operation,
        condition=pgtrigger.Condition(f"({condition})"),
        func=f"{_NOBODY}{func} RETURN NULL;",
    )


def _of_assignment(kind: str, facts: str = "'{}'") -> str:
    return f"""
    PERFORM distribution_emit(
        '{kind}', NEW.buyer_id, NULL, {_OF_CAMPAIGN.format(row="NEW")}, NEW.lead_id, NEW.id, NEW.campaign_id,
        {facts}::jsonb, NULL
    );
"""


def assignment_events() -> list[pgtrigger.Trigger]:
    """A sale is for its buyer and the workspace. The source hears of its lead (lead_events)."""
    sold, returned = _of_assignment("lead.sold"), _of_assignment("lead.returned")
    rejected = _of_assignment("assignment.rejected", """'{"was_charged": false}'""")
    changed = f"""
    IF NEW.state = 'sold' THEN {sold} ELSIF NEW.state = 'returned' THEN {returned} ELSE {rejected} END IF;
"""
    return [
        _trigger(
            "event_of_sale",
            pgtrigger.Insert,
            condition="NEW.state = 'sold' AND NOT NEW.is_test",
            func=sold,
        ),
        _trigger(
            "event_of_state",
            pgtrigger.UpdateOf("state"),
            condition="NEW.state <> OLD.state AND NEW.state IN ('sold', 'returned', 'rejected') AND NOT NEW.is_test",
            func=changed,
        ),
    ]


def delivery_event() -> pgtrigger.Trigger:
    """The rejection of a direct post ends its sale, which has the event already."""
    return _trigger(
        "event_of_end",
        pgtrigger.UpdateOf("state"),
        condition=(
            "NEW.state <> OLD.state AND NEW.assignment_id IS NOT NULL AND NEW.event_id IS NULL AND NOT NEW.is_test"
            " AND (NEW.state = 'accepted' OR NEW.state = 'rejected' AND NOT NEW.is_direct_post)"
        ),
        func=f"""
    PERFORM distribution_emit(
        CASE NEW.state WHEN 'accepted' THEN 'assignment.delivered' ELSE 'assignment.rejected' END,
        a.buyer_id, NULL, {_OF_CAMPAIGN.format(row="a")}, a.lead_id, a.id, a.campaign_id,
        CASE NEW.state WHEN 'accepted' THEN '{{}}' ELSE '{{"was_charged": true}}' END::jsonb
            || jsonb_build_object('message_id', NEW.message_id), NULL
    ) FROM distribution_assignment a WHERE a.id = NEW.assignment_id;
""",
    )


def lead_event() -> pgtrigger.Trigger:
    """What became of a lead, for its source and, apart from sales, for the workspace that has it."""
    emit = """
    PERFORM distribution_emit('{kind}', NULL, NEW.source_id, {workspace}, NEW.id, NULL, NULL, facts, NULL);
"""
    source = "NULL"
    return pgtrigger.Trigger(
        name="event_of_status",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf("status"),
        condition=pgtrigger.Condition("(NEW.status <> OLD.status AND NOT NEW.is_test)"),
        declare=[("facts", "jsonb")],
        func=f"""{_NOBODY}
    facts := jsonb_build_object(
        'status', NEW.status, 'previous_status', OLD.status, 'reason', NEW.skip_reason
    );
    {emit.format(kind="lead.status_changed", workspace="NEW.workspace_id")}
    IF NEW.status = 'distributed' THEN {emit.format(kind="lead.sold", workspace=source)}
    ELSIF NEW.status = 'returned' THEN {emit.format(kind="lead.returned", workspace=source)}
    ELSIF NEW.status IN ('failed', 'expired') THEN {emit.format(kind="lead.unsold", workspace="NEW.workspace_id")}
    END IF;
    RETURN NULL;
""",
    )


def attempt_event() -> pgtrigger.Trigger:
    """An attempt in which no buyer of a campaign could take the lead, and which is not tried again by itself."""
    return _trigger(
        "event_of_unsold",
        pgtrigger.Insert,
        condition="NEW.result = 'unsold' AND NEW.campaign_id IS NOT NULL AND NOT NEW.is_test",
        func=f"""
    PERFORM distribution_emit(
        'campaign.unsold', NULL, NULL, {_OF_CAMPAIGN.format(row="NEW")}, NEW.lead_id, NULL, NEW.campaign_id,
        jsonb_build_object('reason', NEW.skip_reason), NULL
    );
""",
    )


_AVAILABLE: Final = "({row}.balance_cents - {row}.held_cents + {row}.credit_limit_cents)"


def wallet_event() -> pgtrigger.Trigger:
    """Once for each time that what is available falls below the limit for a notice."""
    now, before = _AVAILABLE.format(row="NEW"), _AVAILABLE.format(row="OLD")
    return _trigger(
        "event_of_low",
        pgtrigger.UpdateOf("balance_cents", "held_cents", "credit_limit_cents"),
        condition=f"{now} < NEW.notice_below_cents AND {before} >= NEW.notice_below_cents",
        func=f"""
    PERFORM distribution_emit(
        'wallet.low', NEW.buyer_id, NULL, {_OF_BUYER}, NULL, NULL, NULL,
        jsonb_build_object(
            'balance_cents', NEW.balance_cents, 'held_cents', NEW.held_cents, 'available_cents', {now},
            'notice_below_cents', NEW.notice_below_cents
        ), NULL
    );
""",
    )


def change_event() -> pgtrigger.Trigger:
    """The agency approved or declined. A buyer that withdraws its change knows it."""
    return _trigger(
        "event_of_decision",
        pgtrigger.UpdateOf("state"),
        condition="OLD.state = 'waiting' AND NEW.state IN ('approved', 'declined')",
        func=f"""
    PERFORM distribution_emit(
        'change.decided', NEW.buyer_id, NULL, {_OF_BUYER}, NULL, NULL, NULL,
        jsonb_build_object(
            'change_id', NEW.public_id, 'decision', NEW.state, 'fields', NEW.fields,
            'decision_reason', NEW.decision_reason
        ), NULL
    );
""",
    )


def recharge_event() -> pgtrigger.Trigger:
    """Once for each time that automatic recharge is paused by something that the buyer did not choose."""
    return _trigger(
        "event_of_pause",
        pgtrigger.UpdateOf("paused_at"),
        condition=(
            "OLD.paused_at IS NULL AND NEW.paused_at IS NOT NULL AND NEW.pause_reason NOT IN ('by_hand', 'by_buyer')"
        ),
        func="""
    PERFORM distribution_emit(
        'wallet.recharge_failed', w.buyer_id, NULL, NEW.workspace_id, NULL, NULL, NULL,
        jsonb_build_object(
            'pause_reason', NEW.pause_reason, 'amount_cents', NEW.amount_cents, 'balance_cents', w.balance_cents,
            'held_cents', w.held_cents
        ), NULL
    ) FROM distribution_wallet w WHERE w.id = NEW.wallet_id;
""",
    )


# By period of a cap or a budget: when it began.
_PERIODS: Final = {
    "hour": "NEW.hour_starts_at",
    "day": "NEW.counted_on::timestamp AT TIME ZONE zone",
    "week": "date_trunc('week', NEW.counted_on::timestamp) AT TIME ZONE zone",
    "month": "date_trunc('month', NEW.counted_on::timestamp) AT TIME ZONE zone",
}
# The hour is the shortest period, so what it gained is the price of the lead.
_PRICE: Final = """(
    NEW.hour_spent_cents - CASE WHEN NEW.hour_starts_at = OLD.hour_starts_at THEN OLD.hour_spent_cents ELSE 0 END
)"""


def _is_sale(period: str) -> str:
    """Other updates of the counters, and those of a return, add no lead."""
    column = "hour_starts_at" if period == "hour" else "counted_on"
    return f"(NEW.{period}_leads > OLD.{period}_leads OR NEW.{column} IS DISTINCT FROM OLD.{column})"


def _is_cap_reached(period: str) -> str:
    return f"NEW.cap_{period} > 0 AND NEW.{period}_leads >= NEW.cap_{period} AND {_is_sale(period)}"


def _is_budget_reached(period: str) -> str:
    """It does not pay for another lead at the price of this one."""
    budget = f"NEW.budget_{period}_cents"
    return f"{budget} > 0 AND NEW.{period}_spent_cents + {_PRICE} > {budget} AND {_is_sale(period)}"


_LIMITS: Final = {"leads": _is_cap_reached, "budget": _is_budget_reached}


def _list_limits() -> str:
    return ", ".join(
        f"('{limit}', '{period}', {began}, NEW.cap_{period}, NEW.{period}_leads, NEW.budget_{period}_cents,"
        f" NEW.{period}_spent_cents, {is_reached(period)})"
        for period, began in _PERIODS.items()
        for limit, is_reached in _LIMITS.items()
    )


def enrollment_event() -> pgtrigger.Trigger:
    """Once for a limit in a period, even if returns make room and it is reached again."""
    conditions = " OR ".join(
        f"({is_reached(period)})" for period in _PERIODS for is_reached in _LIMITS.values()
    )
    columns = ("counted_on", "hour_starts_at", *(f"{period}_leads" for period in _PERIODS))
    return pgtrigger.Trigger(
        name="event_of_cap",
        when=pgtrigger.After,
        operation=pgtrigger.UpdateOf(*columns),
        condition=pgtrigger.Condition(f"({conditions})"),
        declare=[("zone", "text"), ("reached", "record")],
        func=f"""{_NOBODY}
    SELECT timezone INTO zone FROM distribution_buyer WHERE id = NEW.buyer_id;
    FOR reached IN
        SELECT * FROM (VALUES {_list_limits()})
        AS t(kind, period, began, cap, leads, budget_cents, spent_cents, is_reached) WHERE t.is_reached
    LOOP
        PERFORM distribution_emit(
            'cap.reached', NEW.buyer_id, NULL, {_OF_CAMPAIGN.format(row="NEW")}, NULL, NULL, NEW.campaign_id,
            jsonb_build_object(
                'limit', reached.kind, 'period', reached.period, 'period_starts_at', reached.began,
                'cap', reached.cap, 'leads', reached.leads,
                'budget_cents', reached.budget_cents, 'spent_cents', reached.spent_cents
            ),
            format(
                '%s:%s:%s:%s:%s', CASE reached.kind WHEN 'leads' THEN 'cap' ELSE 'budget' END,
                NEW.campaign_id, NEW.buyer_id, reached.period, extract(epoch FROM reached.began)::bigint
            )
        );
    END LOOP;
    RETURN NULL;
""",  # noqa: S608 - only constant expressions are put in
    )
