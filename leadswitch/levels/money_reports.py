"""Reports about money for the runbooks."""

from typing import Final

from distribution.statements.overdue import OVERDUE_STATEMENTS
from leadswitch.levels.reports import Report, read_report

OVERDUE: Final = f"""
SELECT w.slug AS workspace, b.name AS buyer, o.number AS statement, o.due_on,
    (o.outstanding_cents / 100.0)::numeric(14, 2) AS dollars
FROM ({OVERDUE_STATEMENTS}) o
JOIN distribution_buyer b ON b.id = o.buyer_id
JOIN routing_workspace w ON w.id = b.workspace_id
ORDER BY o.due_on, w.slug, b.name
LIMIT %(limit)s
"""  # noqa: S608 - a constant


def report_overdue(*, limit: int) -> Report:
    """The oldest first."""
    return read_report("Overdue statements", OVERDUE, {"limit": limit}, empty="No statement is overdue.")
