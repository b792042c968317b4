"""How much each buyer returns: of the leads it bought in the current period, and what its limit leaves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from distribution.models import Buyer, ReturnLimit, ReturnPolicy
from distribution.returns.limits import Allowance, Period, Usage, find_allowance, find_period, read_usages
from distribution.returns.policy import find_policies
from routing.calendar.zones import load_zone
from tracing.wording import count, money

DEFAULT_PERIOD: Final = "month"


@dataclass(frozen=True, slots=True)
class ReturnFigures:
    """Of one buyer in the current period of its policy; without a policy, in the current month."""

    buyer: Buyer
    period: Period
    usage: Usage
    allowance: Allowance
    policy: ReturnPolicy | None

    @property
    def rate(self) -> str:
        """The share of the bought leads that were returned or wait for review."""
        if not self.usage.sold:
            return "-"
        return f"{100 * self.usage.returned / self.usage.sold:.1f}%"

    @property
    def left(self) -> str:
        """What may still be asked for."""
        left = self.allowance.left
        if self.policy is None:
            return "no requests accepted"
        if left is None:
            return "no limit"
        is_money = self.policy.limit_basis == ReturnLimit.REVENUE_PERCENT
        return money(left) if is_money else count(left, "lead")


def read_figures(buyer: Buyer, *, at: datetime) -> ReturnFigures:
    [found] = read_all_figures([buyer], at=at)
    return found


def read_all_figures(buyers: Sequence[Buyer], *, at: datetime) -> list[ReturnFigures]:
    """Sorted by how many leads were returned, most first. Two statements."""
    policies = find_policies(buyers)
    periods = {buyer.pk: _find_period(buyer, policies[buyer.pk], at=at) for buyer in buyers}
    usages = read_usages(periods)
    found = [_judge(buyer, periods[buyer.pk], usages[buyer.pk], policies[buyer.pk]) for buyer in buyers]
    return sorted(found, key=lambda each: (-each.usage.returned, each.buyer.name))


def _find_period(buyer: Buyer, policy: ReturnPolicy | None, *, at: datetime) -> Period:
    today = at.astimezone(load_zone(buyer.timezone)).date()
    return find_period(DEFAULT_PERIOD if policy is None else policy.limit_period, day=today)


def _judge(buyer: Buyer, period: Period, usage: Usage, policy: ReturnPolicy | None) -> ReturnFigures:
    allowance = Allowance(None, usage.returned) if policy is None else find_allowance(policy, usage)
    return ReturnFigures(buyer, period, usage, allowance, policy)
