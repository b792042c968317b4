"""For any slices and any processes that read them, the findings equal those of an oracle over all rows."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, connections

from distribution.attempts.distribute import distribute_lead
from distribution.models import Campaign
from distribution.verify import Findings, Invariant, findings, replay, run, run_verification, slices
from distribution.verify.findings import Note
from tests.functional.verify import oracle
from tests.functional.verify.planted import PLANTED
from tests.functional.verify.world import World, broken, build_world, ids
from tests.support.factories import LeadFactory
from tests.support.planting import plant, without


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of two or three, with every example stored."""
    monkeypatch.setattr(slices, "LEADS_PER_SLICE", 2)
    monkeypatch.setattr(slices, "ATTEMPTS_PER_SLICE", 2)
    monkeypatch.setattr(slices, "DELIVERIES_PER_SLICE", 2)
    monkeypatch.setattr(slices, "TOUCHED_PER_SLICE", 3)
    monkeypatch.setattr(findings, "MAX_EXAMPLES", 1_000)
    monkeypatch.setattr("distribution.verify.reading.MAX_EXAMPLES", 1_000)


@pytest.mark.usefixtures("committed_db", "small")
@pytest.mark.parametrize("seed", range(6))
def test_sliced_checks_find_what_the_oracle_finds(seed: int) -> None:
    """Several worlds with several kinds of damage each, also from one world to another."""
    random_ = random.Random(seed)
    names = [ids(build_world()) for _ in range(3)]
    with ExitStack() as stack:
        for planted in random_.sample(PLANTED, 5):
            if planted.constraint:
                stack.enter_context(without(planted.constraint[0], table=planted.constraint[1]))
            with suppress(IntegrityError):  # one damage may prevent another
                plant(planted.sql.format(**random_.choice(names)))
        expected = oracle.judge()

        found = oracle.select_judged(broken(run_verification()))
        again = oracle.select_judged(broken(run_verification(incremental=True)))

    assert found == expected
    assert again == expected


@pytest.mark.usefixtures("small")
def test_slices_leave_no_gap_and_do_not_overlap(world: World) -> None:
    for kind in (slices.SliceKind.LEADS, slices.SliceKind.ATTEMPTS, slices.SliceKind.DELIVERIES):
        cut = slices.slice_all(at=world.sold.received_at)[kind]

        assert len(cut) >= 3
        steps = [(each.low, each.high) for each in cut]
        assert (steps[0][0], steps[-1][1]) in (
            (slices.MIN_ID, slices.MAX_ID),
            (slices.LOWEST, slices.HIGHEST),
        )
        for (_, before), (after, _) in pairwise(steps):
            assert int(getattr(after, "int", after)) == int(getattr(before, "int", before)) + 1


@pytest.mark.usefixtures("small")
def test_processes_find_the_same_in_one_snapshot(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process sees a commit after the snapshot was taken."""
    monkeypatch.setattr(run, "MIN_PARTS_FOR_PROCESSES", 1)
    plant("UPDATE routing_lead SET status = 'failed' WHERE id = %s", [world.sold.pk])
    plant("UPDATE tracing_attempt SET facts = '{}' WHERE id = %s", [world.attempt.pk])
    alone = run_verification()

    class Spy:
        begun = 0

        def begin(self, _: Invariant, *, parts: int) -> None:  # noqa: ARG002 - the signature of Progress
            if not self.begun:
                with connections["verdict"].cursor() as cursor:
                    cursor.execute("UPDATE distribution_wallet SET balance_cents = balance_cents + 1")
            self.begun += 1

        def advance(self, *_: object, **__: object) -> None:
            pass

    together = run_verification(jobs=2, progress=Spy())

    assert broken(together) == broken(alone)
    assert sorted(broken(together)) == [4, 7]
    assert [found.checked for _, found in together.results] == [found.checked for _, found in alone.results]
    assert sorted(broken(run_verification())) == [1, 4, 7, 14]


@pytest.mark.usefixtures("committed_db")
def test_each_version_is_compiled_once_for_alternating_attempts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worlds = [build_world(), build_world()]
    for price in (3_000, 3_100, 3_200):
        for world in worlds:
            lead = LeadFactory(source=world.sold.source)
            distribute_lead(lead.pk)
            Campaign.objects.filter(pk=world.campaign.pk).update(price_cents=price)
    compiled = []
    real = replay.compile_campaign

    def spy(definition: dict[str, dict[str, int]]) -> object:
        compiled.append((definition["campaign"]["id"], definition["campaign"]["config_version"]))
        return real(definition)

    monkeypatch.setattr(replay, "compile_campaign", spy)
    monkeypatch.setattr(replay, "MAX_COMPILED", 1)

    report = run_verification()

    assert broken(report) == {}
    assert len(compiled) == len(set(compiled)) >= 6


@pytest.fixture
def queries() -> Iterator[list[str]]:
    """The statements that run during a check."""
    seen: list[str] = []

    def note(execute, sql, params, many, context):  # type: ignore[no-untyped-def] # Django's signature
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


def test_more_sales_of_one_enrollment_need_no_more_statements(world: World, queries: list[str]) -> None:
    """Running totals: no statement for each sale."""
    world.campaign.enrollments.update(cap_day=None, budget_month_cents=None)
    distribute_lead(LeadFactory(source=world.sold.source).pk)
    queries.clear()
    run_verification()
    before = len(queries)
    for _ in range(10):
        distribute_lead(LeadFactory(source=world.sold.source).pk)
    queries.clear()

    report = run_verification()

    assert report.holds
    assert len(queries) == before


def test_findings_of_slices_add_up() -> None:
    total, one, other = Findings(), Findings(checked=2), Findings(checked=3)
    for number in range(findings.MAX_EXAMPLES):
        one.add(f"lead {number}", "x")
        other.add(f"lead {number}", "y")
    rows, more = Note("row", "rows"), Note("row more", "rows more")
    one.noted[rows] += 1_000
    other.noted[rows] += 1
    other.noted[more] += 0

    total.merge(one)
    total.merge(other)

    assert (total.checked, total.breaches, len(total.examples)) == (5, 40, findings.MAX_EXAMPLES)
    assert total.notes == ["1,001 rows"]
