"""The figures of today on the admin's home page. Each statement is bounded by a day, through an index."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from django.db import connection

from distribution.calls.liveness import ALIVE_SECONDS
from distribution.models import DisabledReason
from routing.leads.status_words import describe_status
from routing.models import Workspace

Key = TypeVar("Key", "Outcome", str)
FEW_LEADS: Final = 10  # a wallet that pays for fewer leads than this is running low
SHOWN: Final = 10
MAX_COUNTED: Final = 1_000
BY_ITSELF: Final = (DisabledReason.GONE.value, DisabledReason.NO_SUCCESS.value)  # what no person switched off

# One range of the index (workspace, -received_at) for each workspace.
TODAY: Final = """
SELECT status, CASE WHEN status IN ('failed', 'pending') THEN skip_reason ELSE '' END AS reason, count(*)
FROM routing_lead
WHERE workspace_id = ANY(%s) AND received_at >= %s AND NOT is_test
GROUP BY 1, 2
"""

DRY: Final = """
SELECT w.id, b.name || ' (' || o.name || ')', w.balance_cents - w.held_cents + w.credit_limit_cents AS available,
    MAX(COALESCE(e.bid_cents, t.price_cents, c.price_cents)) AS price
FROM distribution_buyer b
JOIN routing_workspace o ON o.id = b.workspace_id
JOIN distribution_wallet w ON w.buyer_id = b.id
JOIN distribution_enrollment e ON e.buyer_id = b.id AND e.active AND e.archived_at IS NULL
JOIN distribution_campaign c ON c.id = e.campaign_id AND c.active
JOIN distribution_tier t ON t.id = e.tier_id
WHERE b.workspace_id = ANY(%s) AND (b.paused_at IS NULL OR b.paused_until IS NOT NULL)
GROUP BY w.id, b.id, o.id
HAVING w.balance_cents - w.held_cents + w.credit_limit_cents
    < %s * MAX(COALESCE(e.bid_cents, t.price_cents, c.price_cents))
ORDER BY (w.balance_cents - w.held_cents + w.credit_limit_cents)::float8
    / MAX(COALESCE(e.bid_cents, t.price_cents, c.price_cents)), w.id
LIMIT %s
"""

# The index (enrollment, -created_at) shows for each enrollment whether it got a lead today.
SILENT: Final = """
SELECT c.id, c.name || ' (' || o.name || ')' FROM distribution_campaign c
JOIN routing_workspace o ON o.id = c.workspace_id
WHERE c.workspace_id = ANY(%s) AND c.active AND NOT EXISTS (
    SELECT 1 FROM distribution_enrollment e
    JOIN distribution_assignment a ON a.enrollment_id = e.id AND a.created_at >= %s AND NOT a.is_test
    WHERE e.campaign_id = c.id
)
ORDER BY c.name, c.id
LIMIT %s
"""

# Unknown deliveries and open calls are few and have indexes. Verifications have one by workspace and state.
FOR_OPERATORS: Final = """
SELECT (
    SELECT count(*) FROM (
        SELECT FROM distribution_delivery d
        JOIN distribution_endpoint e ON e.id = d.endpoint_id
        WHERE d.state = 'unknown' AND e.workspace_id = ANY(%(ids)s) LIMIT %(most)s
    ) unknown
), (
    SELECT count(*) FROM distribution_endpoint e
    WHERE e.workspace_id = ANY(%(ids)s) AND e.active
        AND (e.failing_since IS NOT NULL AND e.disabled_at IS NULL OR e.disabled_reason = ANY(%(by_itself)s))
), (
    SELECT count(*) FROM (
        SELECT FROM distribution_verification v
        WHERE v.workspace_id = ANY(%(ids)s) AND v.state = 'person' LIMIT %(most)s
    ) undecided
), (
    SELECT count(*) FROM distribution_carrieraccount a
    WHERE a.workspace_id = ANY(%(ids)s) AND a.is_enabled AND a.stopped_at IS NOT NULL
), (
    SELECT count(*) FROM (
        SELECT FROM distribution_verification v
        WHERE v.workspace_id = ANY(%(ids)s) AND v.state = 'waiting'
            AND v.due_at < %(late)s LIMIT %(most)s
    ) overdue
), (
    SELECT count(*) FROM distribution_channel c
    WHERE c.workspace_id = ANY(%(ids)s) AND c.is_enabled AND c.flagged_at IS NOT NULL
), (
    SELECT count(*) FROM distribution_call o
    WHERE o.workspace_id = ANY(%(ids)s) AND o.ended_at IS NULL AND o.dial = 'unknown'
), EXISTS (
    SELECT FROM distribution_channel c WHERE c.workspace_id = ANY(%(ids)s) AND c.is_enabled
) AND NOT EXISTS (
    SELECT FROM distribution_dialer WHERE seen_at > %(alive)s
)
"""
# A lead that has been due for as long is not called because something holds it back.
LATE: Final = timedelta(minutes=1)
ALIVE: Final = timedelta(seconds=ALIVE_SECONDS)


class Outcome(NamedTuple):
    """`reason`: that makes the words, in which case it selects the leads; else blank."""

    words: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DryWallet:
    wallet_id: int
    buyer: str
    available_cents: int
    price_cents: int

    @property
    def leads_left(self) -> int:
        return max(0, self.available_cents // self.price_cents)


@dataclass(frozen=True, slots=True)
class CallTroubles:
    """`overdue`: leads that are due and not called, at most MAX_COUNTED. `flagged`: channels. `doubtful`: calls."""

    overdue: int
    flagged: int
    doubtful: int
    is_dialer_missing: bool


@dataclass(frozen=True, slots=True)
class Home:
    """`outcomes`: the number of today's leads by status, in words. `reasons`: of those that are not sold, by reason.

    `unknown`: deliveries that wait for a person, at most MAX_COUNTED. `failing`: endpoints.
    `unverified`: leads that wait until an operator verifies them, at most MAX_COUNTED. `stopped`: carrier accounts.
    """

    outcomes: Sequence[tuple[Outcome, int]]
    reasons: Sequence[tuple[str, int]]
    dry: Sequence[DryWallet]
    silent: Sequence[tuple[int, str]]
    unknown: int
    failing: int
    unverified: int
    stopped: int
    calls: CallTroubles
    has_workspaces: bool

    @property
    def leads(self) -> int:
        return sum(number for _, number in self.outcomes)


def read_home(visible: Sequence[int] | None, *, since: datetime, at: datetime) -> Home:
    """Four statements, five for a user who sees every workspace (None)."""
    ids = list(Workspace.objects.values_list("pk", flat=True)) if visible is None else list(visible)
    outcomes: dict[Outcome, int] = {}
    reasons: dict[str, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(TODAY, [ids, since])
        for status, reason, number in cursor.fetchall():
            outcome = _name_outcome(status, reason)
            outcomes[outcome] = outcomes.get(outcome, 0) + number
            if reason:
                reasons[reason] = reasons.get(reason, 0) + number
        cursor.execute(DRY, [ids, FEW_LEADS, SHOWN])
        dry = [DryWallet(*row) for row in cursor.fetchall()]
        cursor.execute(SILENT, [ids, since, SHOWN])
        silent = cursor.fetchall()
        values: dict[str, Any] = {
            "ids": ids,
            "most": MAX_COUNTED,
            "by_itself": list(BY_ITSELF),
            "late": at - LATE,
            "alive": at - ALIVE,
        }
        cursor.execute(FOR_OPERATORS, values)
        unknown, failing, unverified, stopped, *calls = cursor.fetchone()
    return Home(
        outcomes=_most_first(outcomes),
        reasons=_most_first(reasons),
        dry=dry,
        silent=silent,
        unknown=unknown,
        failing=failing,
        unverified=unverified,
        stopped=stopped,
        calls=CallTroubles(*calls),
        has_workspaces=bool(ids),
    )


def _name_outcome(status: str, reason: str) -> Outcome:
    words = describe_status(status, reason=reason)
    return Outcome(words, status, reason if words != describe_status(status, reason="") else "")


def _most_first(numbers: dict[Key, int]) -> list[tuple[Key, int]]:
    return sorted(numbers.items(), key=lambda each: (-each[1], each[0]))
