"""The response bodies about returns. The operator who decided is confidential to the agency."""

from datetime import datetime
from typing import Any

from distribution.configuration.return_reasons import RETURN_REASONS
from distribution.models import Buyer, ReturnFile, ReturnPolicy, ReturnRequest
from distribution.returns.limits import Allowance, Period, find_allowance, find_period, read_usage
from routing.api.answers import write_time
from routing.calendar.zones import load_zone


def describe_return(request: ReturnRequest) -> dict[str, Any]:
    return {
        "id": str(request.public_id),
        "assignment_id": str(request.assignment.public_id),
        "state": request.state,
        "reason": request.reason,
        "text": request.text,
        "amount_cents": request.asked_cents,
        "files": [_describe_file(file) for file in request.files.all()],
        "requested_at": write_time(request.requested_at),
        "decided_at": write_time(request.decided_at),
        "is_automatic": request.is_automatic,
        "decision_reason": request.decision_reason,
        "refund_cents": request.refund_cents,
        "is_full": request.is_full,
    }


def _describe_file(file: ReturnFile) -> dict[str, Any]:
    return {
        "id": str(file.public_id),
        "name": file.name,
        "content_type": file.content_type,
        "size_bytes": file.size_bytes,
    }


def describe_policy(policy: ReturnPolicy | None, *, buyer: Buyer, at: datetime) -> dict[str, Any]:
    if policy is None:
        return {
            "accepts_returns": False,
            "window_hours": None,
            "evidence": None,
            "reasons": [],
            "limit": None,
        }
    today = at.astimezone(load_zone(buyer.timezone)).date()
    period = find_period(policy.limit_period, day=today)
    allowance = find_allowance(policy, read_usage(buyer.pk, period))
    return {
        "accepts_returns": True,
        "window_hours": policy.window_hours,
        "evidence": policy.evidence,
        "reasons": [_describe_reason(code) for code in policy.reasons],
        "limit": None if allowance.allowed is None else _describe_limit(policy, allowance, period),
    }


def _describe_reason(code: str) -> dict[str, str]:
    row = RETURN_REASONS[code]
    return {"code": code, "meaning": row.label, "advice": row.advice}


def _describe_limit(policy: ReturnPolicy, allowance: Allowance, period: Period) -> dict[str, Any]:
    return {
        "basis": policy.limit_basis,
        "value": policy.limit_value,
        "period": policy.limit_period,
        "from": period.first.isoformat(),
        "to": period.last.isoformat(),
        "allowed": allowance.allowed,
        "used": allowance.used,
        "left": allowance.left,
    }
