"""Corrects pauses in Redis that differ from PostgreSQL: of workspaces, and of the product."""

from typing import Final

from routing.dispatch import installation
from routing.dispatch.mirror import read_switches, read_versions, write_pauses
from routing.dispatch.pauses import find_unmirrored
from routing.models import Workspace
from tracing.reconciling import Counts, in_batches, name_rows

# No setting: it only bounds one script. A run reads all pages.
WORKSPACES_A_PAGE: Final = 1_000


def run(*, fix: bool, limit: int) -> Counts:
    """Raises OtherInstallation: this Redis belongs to another database."""
    installation.check()

    def step(after: int | None, count: int) -> tuple[Counts, int | None]:
        page = Workspace.objects.filter(pk__gt=after or 0).order_by("pk").values_list("pk", flat=True)[:count]
        names: list[int | None] = [*page]
        counts = _correct([None, *names] if after is None else names, fix=fix)
        return counts, names[-1] if len(names) == count else None

    return in_batches(step, limit=limit, size=WORKSPACES_A_PAGE)


def _correct(names: list[int | None], *, fix: bool) -> Counts:
    """Redis is read first: PostgreSQL, read after it, is never older, unless it was restored from a backup."""
    before = read_versions("pause")
    truth = read_switches(names)
    wrong = find_unmirrored({name: switch.is_paused for name, switch in truth.items()})
    if fix and wrong:
        write_pauses({name: truth[name] for name in wrong}, before=before)
    repaired = len(wrong) if fix else 0
    named = (
        *(["product"] if None in wrong else []),
        *name_rows("workspace", sorted(pk for pk in wrong if pk is not None)),
    )
    return Counts(checked=len(truth), repaired=repaired, skipped=len(wrong) - repaired, named=named)
