"""One page of a list, newest first: the rows of a request, and the cursor of the next page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, TypeVar

from rest_framework.request import Request

from distribution.api.parameters import read_cursor, read_limit
from routing.access.cursor import seal

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Paging:
    """`purpose` names the list and its owner; a cursor is valid only for it. `before`: where the page begins."""

    purpose: str
    limit: int
    before: int | None

    @property
    def most_read(self) -> int:
        """One row more than is shown, to find out whether there is a next page."""
        return self.limit + 1

    def describe(
        self,
        rows: Sequence[Row],
        describe: Callable[[Row], dict[str, Any]],
        *,
        position: Callable[[Row], int] = attrgetter("pk"),
        stop: int | None = None,
    ) -> dict[str, Any]:
        """`stop`: where the search ended before it reached the end of the list."""
        shown = rows[: self.limit]
        further = position(shown[-1]) if len(rows) > self.limit else stop
        next_cursor = None if further is None else seal(further, purpose=self.purpose)
        return {"results": [describe(row) for row in shown], "next_cursor": next_cursor}


def read_paging(request: Request, *, purpose: str) -> Paging:
    return Paging(purpose, read_limit(request), read_cursor(request, purpose=purpose))
