"""Refusals of carriers that repeat, and that a person must do something about: what `manage.py calls` says of them."""

from collections.abc import Iterator
from typing import Final

from leadswitch.levels.rows import fetch_rows
from tracing.call_problems import CALL_PROBLEMS, describe_problem

# One refusal may be chance.
LEAST: Final = 2
MINUTES: Final = 30
# The latest calls of all channels.
SEARCHED: Final = 5_000
# What stops an account or flags a channel is reported as that.
REPORTED: Final = ("geo", "refused", "concurrency")
REFUSED: Final = """
SELECT dial_problem, dial_code, count(*) FROM distribution_call
WHERE id > (SELECT coalesce(max(id), 0) FROM distribution_call) - %(searched)s
    AND ended_at > now() - make_interval(mins => %(minutes)s) AND dial_problem = ANY(%(reported)s)
GROUP BY 1, 2 HAVING count(*) >= %(least)s ORDER BY 3 DESC, 1, 2
"""


def find_refusals() -> Iterator[str]:
    values = {"searched": SEARCHED, "minutes": MINUTES, "reported": list(REPORTED), "least": LEAST}
    for problem, code, number in fetch_rows(REFUSED, values):
        what, change = describe_problem(problem, code=code), CALL_PROBLEMS[problem].change
        yield f"Calls not placed in {MINUTES} minutes: {number:,}. {what} What would have to change: {change}."
