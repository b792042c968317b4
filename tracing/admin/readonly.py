"""Base classes for admin pages of large and append-only tables. They are read-only and never count rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from tracing.admin.history import HistoryAdmin
from tracing.admin.keyset import KeysetChangeList, Place, place_far

# A longer document is collapsed.
MAX_LINES: Final = 40


class ExactSearch(HistoryAdmin):
    """Finds rows by exact values, each through an index. Text that cannot be such a value is not searched.

    `exact_searches`: lookups and their parsers. A parser returns None if the text is not such a value.
    """

    search_fields = ("pk",)  # shows the search box
    exact_searches: ClassVar[Mapping[str, Callable[[str], object | None]]] = {}

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        text = search_term.strip()
        return (queryset.filter(self.find_named(text, request=request)) if text else queryset), False

    def find_named(self, text: str, *, request: HttpRequest) -> Q:  # noqa: ARG002 - for pages that look ids up first
        named = Q(pk__in=[])
        for lookup, read in self.exact_searches.items():
            value = read(text)
            if value is not None:
                named |= Q(**{lookup: value})
        return named

    def find_first(self, rows: QuerySet[Any], *, most: int, what: str, request: HttpRequest) -> list[Any]:
        """Return the keys of the first `most` rows. Warns the user if there are more."""
        found = list(rows.values_list("pk", flat=True)[: most + 1])
        if len(found) > most:
            line = (
                f"This fits more than {most:,} {what}. Only the first {most:,} were searched: be more exact."
            )
            self.message_user(request, line, messages.WARNING)
        return found[:most]


class ReadOnlyAdmin(ExactSearch):
    """A page on which no permission allows adding, changing or deleting."""

    show_full_result_count = False
    empty_list_text = ""
    change_list_template = "admin/leadswitch/keyset_list.html"
    list_per_page = 50
    sortable_by = ()
    ordering = ("-pk",)
    keyset: ClassVar[Sequence[str]] = ("pk",)  # the columns of the order, descending
    actions: Any = None
    has_history: ClassVar[bool] = False  # whether anything can happen to a row that its history would show
    scan_time = ""  # the time column that shows how far a list with an unindexed filter has read

    def scan_limit(
        self,
        asked: Mapping[str, str],  # noqa: ARG002 - for lists that have such filters
        *,
        ids: Sequence[int] | None,  # noqa: ARG002 - as above
    ) -> int | None:
        """Return how many rows a page reads with a filter that has no index. None means no such filter is used.

        `ids`: the workspaces whose rows are listed. None means all.
        """
        return None

    def passed_rows(self) -> QuerySet[Any]:
        """The rows that a scan passes. They may be more than the list can show."""
        rows: QuerySet[Any] = self.model._default_manager.all()
        return rows

    def place_far(
        self, start: Place | None, *, side: str, rows: int, workspace_id: int | None
    ) -> Place | None:
        """Return the keyset of the row `rows` rows from `start` on `side` ("lt" or "gt"). None if there are fewer."""
        passed = self.passed_rows()
        return place_far(
            passed if workspace_id is None else self.of_workspaces(passed, [workspace_id]),
            self.keyset,
            start,
            side=side,
            rows_far=rows,
        )

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **named: Any
    ) -> HttpResponse:
        context["hides_history"] = not self.has_history
        return super().render_change_form(request, context, *arguments, **named)

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:  # noqa: ARG002
        return KeysetChangeList

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Show the fields in two columns if there is room."""
        return [
            (name, {**options, "classes": [*options.get("classes", ()), "admin-facts"]})
            for name, options in super().get_fieldsets(request, obj)
        ]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def delete_view(
        self,
        request: HttpRequest,  # noqa: ARG002 - the signature is Django's
        object_id: str,  # noqa: ARG002
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> HttpResponse:
        raise PermissionDenied(
            f"{capfirst(self.opts.verbose_name_plural)} cannot be deleted, because the record stays complete."
        )


def pretty_json(name: str) -> Callable[..., SafeString]:
    """Return a read-only field that shows a JSON column indented."""

    @admin.display(description=name.replace("_", " "))
    def show(self: object, row: Model) -> SafeString:  # noqa: ARG001 - a method of the admin class
        text = json.dumps(getattr(row, name), ensure_ascii=False, indent=2)
        lines = text.count("\n") + 1
        if lines <= MAX_LINES:
            return preformatted(text)
        return format_html(
            "<details><summary>{} lines</summary>{}</details>", f"{lines:,}", preformatted(text)
        )

    return show


def readable_json(name: str) -> Callable[..., SafeString | str]:
    """Return a read-only field that shows a JSON object as a list of names and values."""

    @admin.display(description=name.replace("_", " "))
    def show(self: object, row: Model) -> SafeString | str:  # noqa: ARG001 - a method of the admin class
        value = getattr(row, name)
        shown = describe_json(value)
        lines = json.dumps(value, indent=2).count("\n") + 1
        if lines <= MAX_LINES:
            return shown
        return format_html("<details><summary>{} lines</summary>{}</details>", f"{lines:,}", shown)

    return show


def describe_json(value: object) -> SafeString | str:
    """Return an object as a definition list, a list as an ordered list or one line, anything else as text."""
    if isinstance(value, Mapping) and value:
        pairs = ((str(key).replace("_", " "), describe_json(each)) for key, each in value.items())
        terms = format_html_join("", "<dt>{}</dt><dd>{}</dd>", pairs)
        return format_html('<dl class="admin-json">{}</dl>', terms)
    if isinstance(value, list) and value:
        if not any(isinstance(each, Mapping | list) for each in value):
            return ", ".join(str(describe_json(each)) for each in value)
        items = format_html_join("", "<li>{}</li>", ((describe_json(each),) for each in value))
        return format_html('<ol class="admin-json">{}</ol>', items)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "", [], {}) else str(value)


def preformatted(text: str) -> SafeString:
    return format_html('<pre class="admin-text">{}</pre>', text)


class VocabularyFilter(admin.SimpleListFilter):
    """A filter whose choices come from code. Django's filter would read every row to find them.

    `words`: what it shows for a value, if that is not the value itself.
    """

    values: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[Mapping[Any, str]] = {}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(value, self.words.get(value) or value.replace("_", " ")) for value in self.values]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        value = self.value()
        return queryset if value is None else queryset.filter(**{str(self.parameter_name): value})
