"""What a buyer may still return, in its words."""

from typing import Any

from distribution.models import Assignment, ReturnPolicy
from distribution.returns.limits import Limit, find_limit
from tracing.wording import count, money


def describe_limit_of(assignment: Assignment, policy: ReturnPolicy | None) -> dict[str, Any] | None:
    """Of the period in which the lead was sold. None: no limit."""
    limit = None if policy is None else find_limit(assignment, policy=policy)
    return None if limit is None else {"sentence": describe_limit(limit), "is_used_up": limit.is_used_up}


def describe_limit(limit: Limit) -> str:
    used, allowed = limit.allowance.used, limit.allowance.allowed or 0
    share = (
        f"{money(used)} of {money(allowed)}" if limit.is_money else f"{used:,} of {count(allowed, 'return')}"
    )
    return f"You used {share} for leads sold {limit.period}."
