"""Lists of large tables. They are paged by key, newest first by default, and never count rows."""

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest

from tracing.admin.scope import visible_ids
from tracing.parsing import LONGEST_ID, parse_id

OLDER_THAN: Final = "older_than"
NEWER_THAN: Final = "newer_than"
LONGEST_KEY: Final = 36
# How many rows a filter without an index may read. They take a few milliseconds in a table of any size.
MAX_SCANNED: Final = 8_000
MIN_SCANNED: Final = 100
WORKSPACES: Final = ("workspace", "workspace__id__exact")

Place: TypeAlias = Sequence[Any]


class KeysetChangeList(ChangeList):
    """`older_than` and `newer_than` in the URL are keys of rows, so every page costs the same.

    The columns in the page's `keyset` give the order; together they are unique and have an index. A list in another
    order defines its keys, and what comes before and after one.
    """

    model_admin: Any  # a ReadOnlyAdmin, or another page with a `keyset`
    first_label, back_label, on_label = "Newest", "Newer", "Older"

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        model = args[0]
        self.older_than = self.read_key(model, request.GET.get(OLDER_THAN, ""))
        self.newer_than = self.read_key(model, request.GET.get(NEWER_THAN, ""))
        self.asked = request.GET.dict()
        self.scan_workspace_ids = _chosen_ids(request)
        self.scanned: int | None = None  # how many rows were read, if they did not fill the page
        self.scanned_to: Any = None  # the time of the last row read
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in {OLDER_THAN, NEWER_THAN}}

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:  # noqa: ARG002
        return [f"-{name}" for name in self.model_admin.keyset]

    def read_key(self, model: Any, text: str) -> Any:
        """Return None if the text is not a key."""
        return _read_key(model, text)

    def key_of(self, row: Any) -> object:
        return row.pk

    def before(self, rows: Any, key: Any) -> Any:
        """Return the rows before the row with this key, nearest first."""
        names = self.model_admin.keyset
        return rows.filter(_beyond(names, self._place(key), side="gt")).order_by(*names)

    def after(self, rows: Any, key: Any) -> Any:
        return rows.filter(_beyond(self.model_admin.keyset, self._place(key), side="lt"))

    def get_results(self, request: HttpRequest) -> None:  # noqa: ARG002 - the signature is Django's
        rows, has_newer, has_older = self._read()
        first, last = (rows[0], rows[-1]) if rows else (None, None)
        if self.scanned is not None and self.newer_than is not None:
            first = self.last_scanned
        elif self.scanned is not None:
            last = self.last_scanned
        self.newer_url = self._page(NEWER_THAN, self.key_of(first)) if has_newer and first else ""
        self.older_url = self._page(OLDER_THAN, self.key_of(last)) if has_older and last else ""
        self.newest_url = self.get_query_string(remove=[OLDER_THAN, NEWER_THAN])
        self.is_first_page = self.older_than is None and self.newer_than is None
        self.result_list = rows
        self.result_count = len(rows)
        self.full_result_count = (
            self.result_count
        )  # the size of this page, because the table is never counted
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(rows, self.list_per_page)

    def _read(self) -> tuple[Sequence[Any], bool, bool]:
        """Read one row more than the page shows, to know whether another page follows."""
        rows, more = self.queryset, self.list_per_page + 1
        if self.newer_than is not None:
            stop, rows = self._bounded(self.before(rows, self.newer_than), self.newer_than, side="gt")
            found = list(rows[:more])
            return found[: self.list_per_page][::-1], len(found) == more or self._stopped(found, stop), True
        if self.older_than is not None:
            rows = self.after(rows, self.older_than)
        stop, rows = self._bounded(rows, self.older_than, side="lt")
        found = list(rows[:more])
        is_further = len(found) == more or self._stopped(found, stop)
        return found[: self.list_per_page], self.older_than is not None, is_further

    def _bounded(self, rows: Any, start: Any, *, side: str) -> tuple[Place | None, Any]:
        """For a filter without an index, return the place at which this page stops, and the rows up to it.

        A search finds its rows by an index, however old they are.
        """
        if self.query:
            return None, rows
        scan_limit = getattr(self.model_admin, "scan_limit", None)
        most = scan_limit(self.asked, ids=self.scan_workspace_ids) if scan_limit else None
        if most is None:
            return None, rows
        self.max_scanned = most
        from_place = None if start is None else self._place(start)
        stop = self._far(from_place, side=side, most=most)
        return stop, rows if stop is None else rows.filter(
            _reaching(self.model_admin.keyset, stop, side=side)
        )

    def _far(self, start: Place | None, *, side: str, most: int) -> Place | None:
        """Return the place to stop at. With several workspaces, the nearest one limits the rows read."""
        if self.scan_workspace_ids is None:
            found: Place | None = self.model_admin.place_far(start, side=side, rows=most, workspace_id=None)
            return found
        share = max(MIN_SCANNED, most // max(1, len(self.scan_workspace_ids)))
        places = [
            self.model_admin.place_far(start, side=side, rows=share, workspace_id=each)
            for each in self.scan_workspace_ids
        ]
        far = [place for place in places if place is not None]
        return None if not far else max(far) if side == "lt" else min(far)

    def _stopped(self, found: Sequence[Any], stop: Place | None) -> bool:
        """Return whether the limit ended this page. The page then says so, and the next page starts there."""
        if stop is None or len(found) > self.list_per_page:
            return False
        names = self.model_admin.keyset
        row = self.model_admin.passed_rows().filter(**dict(zip(names, stop, strict=True))).first()
        if row is None:
            return False
        self.scanned, self.last_scanned = self.max_scanned, row
        self.scanned_display = f"{self.scanned:,} {self.opts.verbose_name_plural}"
        self.scanned_to = (
            getattr(row, self.model_admin.scan_time, None) if self.model_admin.scan_time else None
        )
        return True

    def _place(self, key: object) -> Sequence[object] | None:
        """Return the row's place in the order, or None if there is no such row."""
        names = self.model_admin.keyset
        if tuple(names) == ("pk",):
            return [key]
        place: Sequence[object] | None = self.root_queryset.filter(pk=key).values_list(*names).first()
        return place

    def _page(self, parameter: str, key: object) -> str:
        return self.get_query_string({parameter: key}, [OLDER_THAN, NEWER_THAN])


def _chosen_ids(request: HttpRequest) -> Sequence[int] | None:
    """Return the workspace of the filter, or all that the user sees. None means every workspace."""
    chosen = next((request.GET[name] for name in WORKSPACES if request.GET.get(name)), "")
    seen, found = visible_ids(request), parse_id(chosen)
    if found is None:
        return seen
    return [found] if seen is None or found in seen else []


def place_far(
    rows: Any, names: Sequence[str], start: Place | None, *, side: str, rows_far: int
) -> Place | None:
    """Read only the index of the keyset."""
    if start is not None:
        rows = rows.filter(_beyond(names, start, side=side))
    order = [f"-{name}" if side == "lt" else name for name in names]
    found: Place | None = rows.order_by(*order).values_list(*names)[rows_far - 1 : rows_far].first()
    return found


def _reaching(names: Sequence[str], place: Place, *, side: str) -> Q:
    """Match the place and the rows up to it, coming from older (`side` gt) or newer rows (lt)."""
    toward = "gte" if side == "lt" else "lte"
    nearest = Q(**{f"{names[0]}__{toward}": place[0]})
    if len(names) == 1:
        return nearest
    nearer = Q(**{f"{names[0]}__{toward[:-1]}": place[0]})
    return nearest & (nearer | Q(**{names[0]: place[0]}) & _reaching(names[1:], place[1:], side=side))


def _beyond(names: Sequence[str], place: Sequence[object] | None, *, side: str) -> Q:
    """`side` is gt or lt. The first column has its own bound, so the index scan starts at that place."""
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
