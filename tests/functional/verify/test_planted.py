"""Every check finds the breach that is planted for it, and no other check reports one."""

from contextlib import ExitStack

import pytest

from distribution.verify import run_verification
from tests.functional.verify import oracle
from tests.functional.verify.damage import Planted
from tests.functional.verify.planted import PLANTED
from tests.functional.verify.world import ALL_NUMBERS, World, broken, ids
from tests.support.planting import plant, without


@pytest.mark.parametrize("planted", PLANTED, ids=[planted.name for planted in PLANTED])
def test_planted_breach_is_found(world: World, planted: Planted) -> None:
    """Every check has a test in which it must find a breach, and only that one. The oracle finds the same."""
    names = ids(world)
    with ExitStack() as stack:
        if planted.constraint:
            stack.enter_context(without(planted.constraint[0], table=planted.constraint[1]))
        plant(planted.sql.format(**names))

        found = broken(run_verification())
        judged = oracle.judge()

    assert sorted(found) == sorted(planted.breaches)
    assert judged == oracle.select_judged(found)
    for number, fragment in planted.breaches.items():
        expected = fragment.format(**names)
        assert any(expected in message for message in found[number]), (expected, found[number])


def test_every_invariant_has_a_planted_breach() -> None:
    assert sorted({number for planted in PLANTED for number in planted.breaches}) == ALL_NUMBERS
