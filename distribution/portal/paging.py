"""Lists in pages, newest first. The address of the next page has a cursor that shows no row id."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Generic, TypeVar

from django.http import Http404, HttpRequest

from distribution.models import Buyer
from routing.access.cursor import BadCursor, seal, unseal

Row = TypeVar("Row")
SIZE: Final = 25


@dataclass(frozen=True, slots=True)
class Shown(Generic[Row]):
    """`next_cursor`: blank on the last page. `is_first`: nothing is newer."""

    rows: Sequence[Row]
    next_cursor: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Paging:
    purpose: str
    before: int | None

    def show(
        self,
        rows: Sequence[Row],
        *,
        position: Callable[[Row], int] = attrgetter("pk"),
        stop: int | None = None,
    ) -> Shown[Row]:
        """`rows` has one row more than is shown. `stop`: where a search ended before the end of the list."""
        shown = rows[:SIZE]
        further = position(shown[-1]) if len(rows) > SIZE else stop
        cursor = "" if further is None else seal(further, purpose=self.purpose)
        return Shown(shown, cursor, self.before is None)


def read_paging(request: HttpRequest, *, name: str, buyer: Buyer) -> Paging:
    """A cursor of another list or buyer is not found."""
    purpose, text = f"portal {name}:{buyer.pk}", request.GET.get("from", "")
    if not text:
        return Paging(purpose, None)
    try:
        return Paging(purpose, unseal(text, purpose=purpose))
    except BadCursor:
        raise Http404 from None
