"""Lists of large tables: pages go by key, newest first unless said otherwise, and nothing is ever counted."""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest

from tracing.parsing import LONGEST_ID

OLDER_THAN: Final = "older_than"
NEWER_THAN: Final = "newer_than"
LONGEST_KEY: Final = 36


class KeysetChangeList(ChangeList):
    """`older_than` and `newer_than` in the address are rows: a page costs the same wherever it lies.

    The columns in the page's `keyset` give the order; together they are unique and have an index. A list in another
    order says what its keys are, and what lies before and after one.
    """

    model_admin: Any  # a ReadOnlyAdmin or its like: a page that names its `keyset`
    first_label, back_label, on_label = "Newest", "Newer", "Older"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        model = args[0]
        self.older_than = self.read_key(model, request.GET.get(OLDER_THAN, ""))
        self.newer_than = self.read_key(model, request.GET.get(NEWER_THAN, ""))
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in {OLDER_THAN, NEWER_THAN}}

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:  # noqa: ARG002
        return [f"-{name}" for name in self.model_admin.keyset]

    def read_key(self, model: Any, text: str) -> Any:
        """None when it is no key."""
        return _read_key(model, text)

    def key_of(self, row: Any) -> object:
        return row.pk

    def before(self, rows: Any, key: Any) -> Any:
        """The rows that come before the key's, the nearest first."""
        names = self.model_admin.keyset
        return rows.filter(_beyond(names, self._place(key), side="gt")).order_by(*names)

    def after(self, rows: Any, key: Any) -> Any:
        return rows.filter(_beyond(self.model_admin.keyset, self._place(key), side="lt"))

    def get_results(self, request: HttpRequest) -> None:  # noqa: ARG002 - the signature is Django's
        rows, has_newer, has_older = self._read()
        self.newer_url = self._page(NEWER_THAN, self.key_of(rows[0])) if has_newer and rows else ""
        self.older_url = self._page(OLDER_THAN, self.key_of(rows[-1])) if has_older and rows else ""
        self.newest_url = self.get_query_string(remove=[OLDER_THAN, NEWER_THAN])
        self.is_first_page = self.older_than is None and self.newer_than is None
        self.result_list = rows
        self.result_count = len(rows)
        self.full_result_count = self.result_count  # a page is no count: nothing is said about it
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, self.list_per_page)

    def _read(self) -> tuple[Sequence[Any], bool, bool]:
        """One row more than shown tells whether there is a further page."""
        rows, more = self.queryset, self.list_per_page + 1
        if self.newer_than is not None:
            found = list(self.before(rows, self.newer_than)[:more])
            return found[: self.list_per_page][::-1], len(found) == more, True
        if self.older_than is not None:
            rows = self.after(rows, self.older_than)
        found = list(rows[:more])
        return found[: self.list_per_page], self.older_than is not None, len(found) == more

    def _place(self, key: object) -> Sequence[object] | None:
        """Where the row stands in the order; None: there is no such row."""
        names = self.model_admin.keyset
        if tuple(names) == ("pk",):
            return [key]
        place: Sequence[object] | None = self.root_queryset.filter(pk=key).values_list(*names).first()
        return place

    def _page(self, parameter: str, key: object) -> str:
        return self.get_query_string({parameter: key}, [OLDER_THAN, NEWER_THAN])


def _beyond(names: Sequence[str], place: Sequence[object] | None, *, side: str) -> Q:
    """`side` is gt or lt. The first column is bounded for itself, so that its index is entered at that place."""
    if place is None:
        return Q(pk__in=[])
    further = Q(**{f"{names[0]}__{side}": place[0]})
    if len(names) == 1:
        return further
    within = Q(**{names[0]: place[0]}) & _beyond(names[1:], place[1:], side=side)
    return Q(**{f"{names[0]}__{side}e": place[0]}) & (further | within)


def _read_key(model: Any, text: str) -> Any:
    if not text.isascii() or len(text) > LONGEST_KEY:
        return None
    if text.isdecimal() and len(text) > LONGEST_ID:
        return None
    try:
        return model._meta.pk.to_python(text) if text else None
    except ValidationError:
        return None
