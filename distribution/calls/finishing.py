"""What is left to do at carriers besides the calls that are out: ends calls that must not be, and asks for costs.

Nothing here holds a line, so it runs apart from checking.py: a carrier that is slow to answer delays no line.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from distribution.calls.carriers import GetCarrier
from distribution.calls.costs import read_costs
from distribution.calls.reach import Reach
from distribution.calls.second_calls import end_second_calls
from distribution.calls.turns import Turns
from routing.queries import read_clock

# A person may be on the phone with a second call, so costs are read a few at a time.
COSTS_AT_ONCE: Final = 5


def finish_due(
    *,
    limit: int,
    get_carrier: GetCarrier,
    clock: Callable[[], datetime] = read_clock,
    reach: Reach | None = None,
    turns: Turns | None = None,
) -> int:
    """Must run outside a transaction. Returns for how many calls something was due. `turns`: as of check_due."""
    reach, turns = reach or Reach(), turns or Turns()
    ended = end_second_calls(limit=limit, get_carrier=get_carrier, clock=clock, reach=reach, turns=turns)
    costs = read_costs(limit=COSTS_AT_ONCE, get_carrier=get_carrier, clock=clock, reach=reach, turns=turns)
    return ended + costs
