"""A cached plan may be old but is never used when it is stale, and no way around the forms makes a cycle of rules."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from routing.models import RoutingRule, Workspace
from routing.models.rule_triggers import MAX_HOPS
from routing.rules.cycles import find_cycle, is_path_too_long
from routing.rules.plans import PlanCache, UnknownWorkspace, read_plan
from routing.rules.ruleset import RuleBroken
from tests.support.factories import RuleFactory, WorkspaceFactory
from tests.unit.engine.oracle_conditions import truth

pytestmark = pytest.mark.django_db

GEORGIA = {"field": "state", "op": "eq", "value": "GA"}


def version(workspace: Workspace) -> int:
    return Workspace.objects.values_list("rules_version", flat=True).get(pk=workspace.pk)


def chain(count: int) -> list[Workspace]:
    """Workspaces, each of which sends its leads to the next."""
    workspaces = WorkspaceFactory.create_batch(count)
    for here, there in pairwise(workspaces):
        RuleFactory(workspace=here, destination=there)
    return list(workspaces)


class TestVersions:
    @pytest.mark.parametrize(
        "change",
        [
            {"priority": 5},
            {"active": False},
            {"conditions": GEORGIA},
            {"name": "another"},
            {"tags": ["a"]},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_rule_change_bumps_every_workspace_whose_leads_can_match(self, change: dict[str, Any]) -> None:
        first, second, third, fourth = chain(4)
        before = [version(each) for each in (first, second, third, fourth)]

        RoutingRule.objects.filter(workspace=second).update(**change)

        after = [version(each) for each in (first, second, third, fourth)]
        assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 0, 0]

    def test_new_deleted_and_redirected_rules_count(self) -> None:
        first, second, _ = chain(3)
        before = version(first)
        rule = RuleFactory(workspace=second)
        assert version(first) == before + 1
        RoutingRule.objects.filter(pk=rule.pk).update(destination=WorkspaceFactory())
        assert version(first) == before + 2
        rule.delete()
        assert version(first) == before + 3

    def test_change_without_effect_on_decisions_keeps_the_version(self) -> None:
        rule = RuleFactory()
        before = version(rule.workspace)
        RoutingRule.objects.filter(pk=rule.pk).update(name=rule.name, priority=rule.priority)
        assert version(rule.workspace) == before
        Workspace.objects.filter(pk=rule.workspace_id).update(name="renamed")
        assert version(rule.workspace) == before

    def test_workspace_saved_with_an_old_version_keeps_the_version(self) -> None:
        """save() writes the version that it read. The trigger keeps the higher one."""
        workspace = WorkspaceFactory()
        stale = Workspace.objects.get(pk=workspace.pk)
        RuleFactory(workspace=workspace)
        before = version(workspace)

        stale.name = "renamed"
        stale.save()

        assert (version(workspace), Workspace.objects.get(pk=workspace.pk).name) == (before, "renamed")


class TestPlans:
    def test_known_version_costs_no_statement(self, django_assert_num_queries: Callable[[int], Any]) -> None:
        cache, workspace = PlanCache(), chain(3)[0]
        plan = cache.get(workspace.pk, version=version(workspace))
        with django_assert_num_queries(0):
            assert cache.get(workspace.pk, version=plan.version) is plan

    def test_workspace_without_rules_costs_no_statement(
        self, django_assert_num_queries: Callable[[int], Any]
    ) -> None:
        workspace = WorkspaceFactory()
        with django_assert_num_queries(0):
            assert PlanCache().get(workspace.pk, version=0).rules == {}

    def test_change_further_along_the_path_is_seen(self) -> None:
        cache, (first, second, _) = PlanCache(), chain(3)
        assert len(cache.get(first.pk, version=version(first)).find_path({}, max_hops=MAX_HOPS)) == 2

        RoutingRule.objects.filter(workspace=second).update(active=False)

        assert len(cache.get(first.pk, version=version(first)).find_path({}, max_hops=MAX_HOPS)) == 1

    def test_least_recently_used_is_dropped(self) -> None:
        cache = PlanCache(size=2)
        workspaces = [chain(2)[0] for _ in range(3)]
        plans = [cache.get(each.pk, version=version(each)) for each in workspaces]
        again = [cache.get(each.pk, version=version(each)) for each in reversed(workspaces)]
        assert [now is then for now, then in zip(reversed(again), plans, strict=True)] == [False, True, True]

    def test_inactive_rules_are_not_included(self) -> None:
        rule = RuleFactory(active=False)
        assert read_plan(rule.workspace_id).rules == {}

    def test_stored_rule_that_does_not_compile_stops_only_leads_that_reach_its_workspace(self) -> None:
        first, second, _ = chain(3)
        RoutingRule.objects.filter(workspace=first).update(conditions=GEORGIA)
        broken = RuleFactory(workspace=second, conditions={"field": "state", "op": "near"})

        plan = read_plan(first.pk)

        assert plan.find_path({"state": "AL"}, max_hops=MAX_HOPS) == ()
        for _ in range(2):
            with pytest.raises(RuleBroken, match=f"routing rule {broken.pk}"):
                plan.find_path({"state": "GA"}, max_hops=MAX_HOPS)

    def test_unknown_workspace_is_an_error(self) -> None:
        with pytest.raises(UnknownWorkspace):
            read_plan(0)

    def test_higher_priority_first_and_ties_by_id(self) -> None:
        """Against a slow reading of the rows: priorities, ties, inactive rules and conditions mixed."""
        random = Random(7)
        workspace, destinations = WorkspaceFactory(), WorkspaceFactory.create_batch(3)
        states = ("GA", "AL", "TX")
        conditions = [
            {},
            *({"field": "state", "op": "eq", "value": state} for state in states),
            {"field": "revenue", "op": "gte", "value": 10},
            {"not": {"field": "industry", "op": "eq", "value": "retail"}},
        ]
        winners = set()
        for _ in range(25):
            RoutingRule.objects.all().delete()
            for _ in range(random.randint(1, 8)):
                RuleFactory(
                    workspace=workspace,
                    destination=random.choice(destinations),
                    priority=random.randint(-1, 1),
                    active=random.random() < 0.8,
                    conditions=random.choice(conditions),
                )
            rows = sorted(RoutingRule.objects.all(), key=lambda rule: (-rule.priority, rule.pk))
            for _ in range(4):
                fields = {
                    "state": random.choice(states),
                    **({"revenue": random.choice([5, 10])} if random.random() < 0.5 else {}),
                    **({"industry": random.choice(["retail", "steel"])} if random.random() < 0.5 else {}),
                }
                expected = next(
                    (rule.pk for rule in rows if rule.active and truth(rule.conditions, fields)), None
                )
                path = read_plan(workspace.pk).find_path(fields, max_hops=MAX_HOPS)
                assert [hop.rule.id for hop in path] == ([expected] if expected else [])
                winners.add(expected)
        assert len(winners) > 20


class TestRings:
    def refused(self, change: Callable[[], Any], *, constraint: str) -> None:
        before = list(RoutingRule.objects.order_by("pk").values())
        with pytest.raises(IntegrityError) as error, transaction.atomic():
            change()
        assert error.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]
        assert list(RoutingRule.objects.order_by("pk").values()) == before

    @pytest.mark.parametrize("length", [2, 3, 5])
    def test_cycle_is_refused(self, length: int) -> None:
        workspaces = chain(length)
        close = {"workspace": workspaces[-1], "destination": workspaces[0]}
        self.refused(lambda: RuleFactory(**close), constraint="rule_makes_no_cycle")
        RuleFactory(**close, active=False)  # does not count
        self.refused(
            lambda: RoutingRule.objects.filter(active=False).update(active=True),
            constraint="rule_makes_no_cycle",
        )
        cycle = find_cycle(workspace_id=workspaces[-1].pk, destination_id=workspaces[0].pk)
        assert cycle == [each.pk for each in (workspaces[-1], *workspaces)]

    def test_cycle_made_in_one_statement_is_refused(self) -> None:
        one, other = WorkspaceFactory.create_batch(2)
        rules = [
            RuleFactory.build(workspace=one, destination=other),
            RuleFactory.build(workspace=other, destination=one),
        ]
        self.refused(lambda: RoutingRule.objects.bulk_create(rules), constraint="rule_makes_no_cycle")

    def test_rule_to_its_own_workspace_is_refused(self) -> None:
        workspace = WorkspaceFactory()
        self.refused(
            lambda: RuleFactory(workspace=workspace, destination=workspace), constraint="rule_leads_elsewhere"
        )

    def test_changed_rule_does_not_conflict_with_itself(self) -> None:
        rule = RuleFactory()
        ends = {"workspace_id": rule.destination_id, "destination_id": rule.workspace_id}
        assert find_cycle(**ends, rule_id=rule.pk) == []
        assert find_cycle(**ends) == [rule.destination_id, rule.workspace_id, rule.destination_id]

    def test_path_of_too_many_rules_is_refused_at_either_end_and_between(self) -> None:
        workspaces = chain(MAX_HOPS + 1)
        ends = [
            (WorkspaceFactory(), workspaces[0]),
            (workspaces[-1], WorkspaceFactory()),
        ]
        for here, there in ends:
            self.refused(
                lambda here=here, there=there: RuleFactory(workspace=here, destination=there),  # type: ignore[misc]
                constraint="rule_path_is_short",
            )
            assert is_path_too_long(workspace_id=here.pk, destination_id=there.pk)
        first, second = chain(MAX_HOPS // 2 + 1), chain(MAX_HOPS // 2 + 1)
        self.refused(
            lambda: RuleFactory(workspace=first[-1], destination=second[0]), constraint="rule_path_is_short"
        )
        assert is_path_too_long(workspace_id=first[-1].pk, destination_id=second[0].pk)
        assert not is_path_too_long(workspace_id=first[-2].pk, destination_id=second[0].pk)
        RuleFactory(workspace=first[-2], destination=second[0])
        assert len(read_plan(first[0].pk).find_path({}, max_hops=MAX_HOPS)) == MAX_HOPS // 2

    def test_dense_graph_is_checked_quickly(self) -> None:
        """Every path through eight workspaces exists. The check is bounded by workspaces, not by the 128 paths."""
        workspaces = WorkspaceFactory.create_batch(MAX_HOPS + 1)
        for place, here in enumerate(workspaces):
            for there in workspaces[place + 1 :]:
                RuleFactory(workspace=here, destination=there)
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '2s'")
        self.refused(
            lambda: RuleFactory(workspace=workspaces[-1], destination=workspaces[0]),
            constraint="rule_makes_no_cycle",
        )
