"""Two people change rules at once: together they make no cycle, and no process keeps an old plan."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from threading import Event

import pytest
from django.db import IntegrityError, connection, transaction

from routing.models import RoutingRule, Workspace
from tests.support.factories import RuleFactory, WorkspaceFactory
from tests.support.racing import in_background
from tests.support.waiting import fetch_value, wait_until_blocked

pytestmark = pytest.mark.usefixtures("committed_db")

SECONDS = 20
SERIALIZER = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger_one_at_a_time%%'"
serialized_or_not = pytest.mark.parametrize("is_serialized", [True, False], ids=["serialized", "control"])


@contextmanager
def without_the_lock() -> Iterator[None]:
    name = fetch_value(SERIALIZER)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE routing_rule DISABLE TRIGGER {name}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE routing_rule ENABLE TRIGGER {name}")


def overlap(first: Callable[[], object], second: Callable[[], object], *, is_serialized: bool) -> None:
    """Make the second change while the first is uncommitted, or have it wait for the commit."""
    is_made, may_commit = Event(), Event()

    def change_first() -> None:
        with transaction.atomic():
            first()
            is_made.set()
            assert may_commit.wait(SECONDS)

    with nullcontext() if is_serialized else without_the_lock(), in_background(change_first):
        try:
            assert is_made.wait(SECONDS)
            with in_background(second) as change_second:
                if is_serialized:
                    wait_until_blocked()
                    may_commit.set()
                change_second.result(SECONDS)
        finally:
            may_commit.set()


@serialized_or_not
def test_two_rules_that_only_together_make_a_cycle(is_serialized: bool) -> None:  # noqa: FBT001
    one, other = WorkspaceFactory.create_batch(2)
    there = partial(RuleFactory, workspace=one, destination=other)
    back = partial(RuleFactory, workspace=other, destination=one)
    expected = pytest.raises(IntegrityError, match="makes a cycle") if is_serialized else nullcontext()

    with expected:
        overlap(there, back, is_serialized=is_serialized)

    assert RoutingRule.objects.count() == (1 if is_serialized else 2)


@serialized_or_not
def test_version_grows_with_a_change_behind_an_uncommitted_rule(is_serialized: bool) -> None:  # noqa: FBT001
    """A workspace with an uncommitted rule must also notice changes further along the path."""
    first, second = WorkspaceFactory.create_batch(2)
    onward = RuleFactory(workspace=second)
    lead_there = partial(RuleFactory, workspace=first, destination=second)
    change_onward = partial(RoutingRule.objects.filter(pk=onward.pk).update, priority=9)

    overlap(lead_there, change_onward, is_serialized=is_serialized)

    version = Workspace.objects.get(pk=first.pk).rules_version
    assert version == (2 if is_serialized else 1)  # for the new rule, and for the change behind it
