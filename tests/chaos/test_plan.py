"""The plan of a chaos run, without a run."""

from random import Random

import pytest

from tests.chaos.__main__ import refuse_unfit
from tests.chaos.periods import PRODUCTION, SHORT
from tests.chaos.plan import Step, fitting, make_plan


def test_no_fault_in_which_a_worker_dies_fits_the_production_periods() -> None:
    assert fitting(("beat-stop", "worker-kill"), PRODUCTION) == []
    assert fitting(("beat-stop", "web-stop"), PRODUCTION) == ["web-stop"]
    assert fitting(("beat-stop",), SHORT) == ["beat-stop"]


def test_fault_that_does_not_fit_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        refuse_unfit(("beat-stop", "web-stop"), PRODUCTION)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("beat-stop: not with the production periods")


def test_plan_without_a_step_is_empty() -> None:
    assert make_plan(leads=10, kills=1, random=Random(1), faults=("beat-stop",), periods=PRODUCTION) == []
    assert make_plan(leads=10, kills=0, random=Random(1), faults=("worker-kill",)) == []


def test_named_fault_occurs_once_for_four_kills() -> None:
    plan = make_plan(leads=60, kills=4, random=Random(1), faults=("beat-stop",))
    assert plan == [Step("beat-stop", 1, 36)]
