"""Pairs of configuration changes on two connections, with a reader in between that caches by version as a worker does.

The tables are read row by row here, without the product's own code for reading its configuration.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction

from distribution.attempts.campaigns import CampaignCache
from distribution.engine import CompiledCampaign
from distribution.models import Buyer, Campaign, Enrollment, Tier
from routing.models import RoutingRule, Workspace
from routing.rules.plans import PlanCache
from routing.rules.ruleset import Plan
from tests.support.racing import in_background
from tests.support.waiting import count_blocked, fetch_value, wait_until

if TYPE_CHECKING:
    from concurrent.futures import Future

SECONDS: Final = 20
Change = Callable[[], object]


def overlap(first: Change, second: Change, *, read: Change) -> None:
    """Make `first`, then `second` while `first` is uncommitted, and read after each step.

    `second` commits before `first` does, or waits for it.
    """
    is_made, may_commit = Event(), Event()

    def make_first() -> None:
        wait_long()
        with transaction.atomic():
            first()
            is_made.set()
            assert may_commit.wait(SECONDS)

    def make_second() -> None:
        wait_long()
        with transaction.atomic():
            second()

    read()
    with in_background(make_first) as one:
        try:
            wait_until(lambda: is_made.is_set() or one.done(), what="the first change")
            with in_background(make_second) as other:
                wait_until(lambda: _is_done_or_blocked(other), what="the second change, or its wait")
                read()
                may_commit.set()
        finally:
            may_commit.set()
    read()


def wait_long() -> None:
    """This session's waits end by the sessions that block it, on a slow machine too."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout TO '60s'")


def _is_done_or_blocked(change: "Future[None]") -> bool:
    return change.done() or count_blocked() > 0


@contextmanager
def without_trigger(table: str, name: str) -> Iterator[None]:
    """The control: the protection is removed during the block."""
    stored = fetch_value(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname LIKE %s",
        [table, f"pgtrigger_{name}_%"],
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {stored}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {stored}")


@dataclass(slots=True)
class CampaignReader:
    """A worker: it compiles a campaign again when the database has another version."""

    campaign_id: int
    cache: CampaignCache

    def read(self) -> CompiledCampaign:
        return self.cache.get(self.campaign_id, config_version=self._version())

    def _version(self) -> int:
        return Campaign.objects.values_list("config_version", flat=True).get(pk=self.campaign_id)

    def find_stale(self) -> Sequence[str]:
        """The differences between its campaign and the tables."""
        compiled = self.read()
        return _differences(_seen_campaign(compiled), _stored_campaign(self.campaign_id))


def _seen_campaign(campaign: CompiledCampaign) -> dict[str, Any]:
    return {
        "price": campaign.price_cents,
        "max_buyers": campaign.max_buyers,
        "tiers": {
            each.id: (each.position, each.content_filter is not None, each.price_cents)
            for each in campaign.tiers
        },
        **{
            f"enrollment {each.id}": (
                *(each.buyer_id, each.tier_id, each.enrollment_pause is None, each.weight, each.bid_cents),
                *(each.buyer_pause is None, each.timezone, each.area.everywhere, each.calendar is not None),
                each.lead_filter is not None,
            )
            for each in campaign.enrollments
        },
    }


def _stored_campaign(campaign_id: int) -> dict[str, Any]:
    campaign = Campaign.objects.get(pk=campaign_id)
    buyers = {each.pk: each for each in Buyer.objects.all()}
    return {
        "price": campaign.price_cents,
        "max_buyers": campaign.max_buyers,
        "tiers": {
            each.pk: (each.position, bool(each.content_filter), each.price_cents)
            for each in Tier.objects.filter(campaign_id=campaign_id)
        },
        **{
            f"enrollment {each.pk}": (
                *(each.buyer_id, each.tier_id, each.active, each.weight, each.bid_cents),
                *(buyers[each.buyer_id].paused_at is None, buyers[each.buyer_id].timezone),
                *(
                    bool(buyers[each.buyer_id].service_area.get("everywhere")),
                    bool(buyers[each.buyer_id].hours),
                ),
                bool(each.lead_filter),
            )
            for each in Enrollment.everything.filter(campaign_id=campaign_id, archived_at=None)
        },
    }


@dataclass(slots=True)
class PlanReader:
    """The same for the routing rules that leads of one workspace can reach."""

    workspace_id: int
    cache: PlanCache

    def read(self) -> Plan:
        version = Workspace.objects.values_list("rules_version", flat=True).get(pk=self.workspace_id)
        return self.cache.get(self.workspace_id, version=version)

    def find_stale(self) -> Sequence[str]:
        plan = self.read()
        seen = {
            f"workspace {each}": [(rule.id, rule.destination_id, rule.name) for rule in rules.rules]
            for each, rules in plan.rules.items()
        }
        return _differences(seen, _stored_rules(self.workspace_id))


def _stored_rules(workspace_id: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ahead = [workspace_id]
    while ahead:
        here = ahead.pop()
        rules = RoutingRule.objects.filter(workspace_id=here, active=True).order_by("-priority", "pk")
        if rules and f"workspace {here}" not in found:
            found[f"workspace {here}"] = [(rule.pk, rule.destination_id, rule.name) for rule in rules]
            ahead += [rule.destination_id for rule in rules]
    return found


def _differences(seen: Mapping[str, Any], stored: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}: cached {seen.get(name)}, stored {stored.get(name)}"
        for name in sorted(seen.keys() | stored.keys())
        if seen.get(name) != stored.get(name)
    ]
