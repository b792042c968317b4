"""Pause keys in Redis that differ from PostgreSQL: of workspaces, and of the product."""

from typing import Final

from routing.control import read_control
from routing.models import Workspace
from routing.pauses import find_unmirrored, write_mirror
from tracing.reconciling import Counts, in_batches, name_rows

WORKSPACES_A_PAGE: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    def step(after: int | None, count: int) -> tuple[Counts, int | None]:
        page = (
            Workspace.objects.filter(pk__gt=after or 0).order_by("pk").values_list("pk", "paused_at")[:count]
        )
        truth: dict[int | None, bool] = {pk: paused_at is not None for pk, paused_at in page}
        last = max((pk for pk in truth if pk is not None), default=None)
        if after is None:
            truth[None] = read_control().paused_at is not None
        counts = _mend(truth, fix=fix)
        return counts, last if len(page) == count else None

    return in_batches(step, limit=limit, size=WORKSPACES_A_PAGE)


def _mend(truth: dict[int | None, bool], *, fix: bool) -> Counts:
    wrong = find_unmirrored(truth)
    if fix and wrong:
        write_mirror(wrong)
    repaired = len(wrong) if fix else 0
    named = (
        *(["product"] if None in wrong else []),
        *name_rows("workspace", sorted(pk for pk in wrong if pk is not None)),
    )
    return Counts(checked=len(truth), repaired=repaired, skipped=len(wrong) - repaired, named=named)
