"""The words of reached caps and budgets. `tracing/gates.py` has those of the other gates. Pure.

The shapes are those that the engine writes into `data.gates`.
"""

from collections.abc import Mapping
from typing import Any, Final

from tracing import wording

PERIODS: Final = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly"}


def describe_caps(gate: Mapping[str, Any], timezone: str) -> tuple[str, str]:
    """What was reached, and what would have to change. `timezone`: the buyer's, in which resets are shown."""
    price_cents = gate["price_cents"]
    windows = gate["windows"]
    findings = [_describe_cap(each, price_cents) for each in windows]
    changes = [_describe_cap_change(each, price_cents, timezone) for each in windows]
    return " and ".join(findings), " and ".join(changes)


def _describe_cap(reached: Mapping[str, Any], price_cents: int) -> str:
    cap = _describe_limit(reached)
    if reached["kind"] == "leads":
        return f"{cap} is reached"
    spent, price = wording.money(reached["used"]), wording.money(price_cents)
    return f"{cap} has {spent} spent and the lead costs {price}"


def _describe_cap_change(reached: Mapping[str, Any], price_cents: int, timezone: str) -> str:
    cap = _describe_limit(reached)
    resets_at = wording.parse_moment(reached["resets_at"])
    if resets_at is not None:
        return f"wait until {cap} resets at {wording.local_moment(resets_at, timezone=timezone)}, or raise it"
    if reached["kind"] == "leads":
        return f"raise {cap}: a cap of 0 accepts no leads"
    least = wording.money(price_cents)
    return f"raise {cap} to at least {least}: the lead costs more than the whole budget"


def _describe_limit(reached: Mapping[str, Any]) -> str:
    period = PERIODS[reached["window"]]
    if reached["kind"] == "leads":
        return f"the {period} cap of {reached['limit']:,}"
    return f"the {period} budget of {wording.money(reached['limit'])}"


def measure_caps(required: Any, observed: Any) -> tuple[str, str]:
    limits = [_describe_amount(name, limit, "up to") for name, limit in required.items()]
    return ", ".join(limits), ", ".join(_describe_amount(name, used, "") for name, used in observed.items())


def _describe_amount(name: str, amount: int, prefix: str) -> str:
    """ "cents per day", 2500: "$25.00 per day"."""
    kind, _, period = name.partition(" ")
    text = f"{wording.money(amount)} {period}" if kind == "cents" else f"{amount:,} {name}"
    return f"{prefix} {text}".strip()
